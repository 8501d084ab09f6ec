"""Owns the bucket: the bytes of everything that is pinned, each under its CID, written before any row names them.

It is all that a deployment without pinning services needs, and what services are given their copies from.
"""

from functools import cached_property
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final, Protocol

from kernel import aws
from kernel.errors import Broken, Transient
from kernel.pinning.blocks import STORED_MAX_BYTES
from kernel.pinning.encodings import Encoding

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

PREFIX: Final = "pins/"
TRIES_MAX: Final = 2
_UNUSABLE: Final = frozenset({"NoSuchBucket", "AccessDenied", "InvalidBucketName", "AllAccessDisabled"})
_ABSENT: Final = frozenset({"NoSuchKey", "404"})


class StoreUnavailable(Transient):
    """The bucket of pinned content does not answer."""

    cause = "S3 refused the request or timed out."


class StoreUnusable(Broken):
    """The bucket of pinned content cannot be used."""

    cause = "It is not named in the settings, is absent, or this role may not use it."
    remedy = "Create the bucket, set COUNTERPART_PINS_BUCKET, and allow s3:GetObject and s3:PutObject under pins/."


class ContentStore(Protocol):
    """Bytes by their CID. Who reads them hashes them."""

    def put(self, cid: str, content: bytes, *, media_type: str, encoding: Encoding) -> None:
        """Keep the content; again is harmless. Raises StoreUnavailable, StoreUnusable."""
        ...

    def get(self, cid: str) -> bytes | None:
        """What lies under the CID, unchecked; None when nothing does. Raises StoreUnavailable, StoreUnusable."""
        ...


class S3Store:
    """A ContentStore in a bucket; the client is made on first use."""

    def __init__(self, bucket: str, client: "S3Client | None" = None) -> None:
        self._bucket, self._given = bucket, client

    def put(self, cid: str, content: bytes, *, media_type: str, encoding: Encoding) -> None:
        """Keep the content with its type and coding, so that the bucket can serve it as it is."""
        coding = {} if encoding is Encoding.IDENTITY else {"ContentEncoding": encoding.value}
        # As a file: bytes as one piece would all have to leave within the time-out of the connection.
        self._call("put_object", cid, Body=BytesIO(content), ContentType=media_type, **coding)

    def get(self, cid: str) -> bytes | None:
        """What lies under the CID, unchecked; None when nothing does."""
        from botocore.exceptions import BotoCoreError

        answer = self._call("get_object", cid)
        if answer is None:
            return None
        try:
            content: bytes = answer["Body"].read(STORED_MAX_BYTES + 1)
        except BotoCoreError as broken_off:
            raise StoreUnavailable from broken_off
        return content

    def close(self) -> None:
        """Give the connections back; the next call opens others."""
        client = vars(self).pop("_client", None)
        if client is not None:
            client.close()

    def _call(self, operation: str, cid: str, **arguments: Any) -> Any:
        """The answer; None for an object that is not there."""
        from botocore.exceptions import BotoCoreError, ClientError

        if not self._bucket:
            raise StoreUnusable()
        try:
            return getattr(self._client, operation)(Bucket=self._bucket, Key=PREFIX + cid, **arguments)
        except ClientError as refused:
            code = refused.response.get("Error", {}).get("Code", "")
            if code in _ABSENT:
                return None
            raise (StoreUnusable if code in _UNUSABLE else StoreUnavailable)(reason=code) from refused
        except BotoCoreError as unreachable:
            raise StoreUnavailable from unreachable

    @cached_property
    def _client(self) -> "S3Client":
        made: S3Client = self._given or aws.client("s3", tries_max=TRIES_MAX)
        return made
