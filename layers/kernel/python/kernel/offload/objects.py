"""Owns large inputs and outputs: they lie in an object store, and a row holds where and what they are.

Whoever computes elsewhere is given two signed URLs for one attempt, and no other right.
"""

from functools import cached_property
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final, Protocol

from kernel import aws
from kernel.errors import Broken, Transient
from kernel.hashes import sha256
from kernel.offload.jobs import Stored

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

TIMEOUT_S: Final = 20
_ABSENT: Final = frozenset({"NoSuchKey", "404"})
_UNUSABLE: Final = frozenset({"NoSuchBucket", "AccessDenied", "InvalidBucketName", "AllAccessDisabled"})


class ObjectsUnavailable(Transient):
    """The object store does not answer."""

    cause = "S3 refused the request or timed out."


class ObjectsUnusable(Broken):
    """The bucket of inputs and outputs cannot be used."""

    cause = "It is not named in the settings, is absent, or this role may not use it."
    remedy = "Create the bucket, set COUNTERPART_OFFLOAD_BUCKET, and allow s3:GetObject and s3:PutObject in it."


class ObjectAbsent(Broken):
    """An input or output is not where it was put."""

    cause = "It was removed (the bucket keeps objects for thirty days), or the bucket's name was changed."
    remedy = "Put the input there again, or ask for the job under a new business key."


class ObjectChanged(ObjectAbsent):
    """An input or output is not what it was when it was put there."""

    cause = "Somebody else wrote under its key, or it was cut off or garbled on its way."


class Objects(Protocol):
    """A store of octets by key."""

    def put(self, key: str, content: bytes) -> None:
        """Store, or replace. Raises ObjectsUnavailable."""
        ...

    def get(self, key: str, bytes_max: int) -> bytes:
        """What is stored, cut off one byte behind bytes_max. Raises ObjectAbsent, ObjectsUnavailable."""
        ...

    def readable(self, key: str, valid_s: int) -> str:
        """A URL that lets anybody read this object for so long."""
        ...

    def writable(self, key: str, valid_s: int) -> str:
        """A URL that lets anybody replace this object for so long."""
        ...


class S3Objects:
    """Objects over boto3; the endpoint and the credentials are boto3's own business."""

    def __init__(self, bucket: str, client: "S3Client | None" = None) -> None:
        self._bucket, self._given = bucket, client

    def put(self, key: str, content: bytes) -> None:
        """Store, or replace. Raises ObjectsUnavailable."""
        # As a file: bytes as one piece would all have to leave within the time-out of the connection.
        self._asked(lambda: self._client.put_object(Bucket=self._bucket, Key=key, Body=BytesIO(content)))

    def get(self, key: str, bytes_max: int) -> bytes:
        """What is stored, cut off one byte behind bytes_max. Raises ObjectAbsent, ObjectsUnavailable."""

        def read() -> bytes:
            return self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read(bytes_max + 1)

        found: bytes = self._asked(read)
        return found

    def readable(self, key: str, valid_s: int) -> str:
        """A URL that lets anybody read this object for so long."""
        return self._signed("get_object", key, valid_s)

    def writable(self, key: str, valid_s: int) -> str:
        """A URL that lets anybody replace this object for so long."""
        return self._signed("put_object", key, valid_s)

    def close(self) -> None:
        """Give the connections back; the next request opens others."""
        client = vars(self).pop("_client", None)
        if client is not None:
            client.close()

    def _signed(self, act: str, key: str, valid_s: int) -> str:
        params = {"Bucket": self._bucket, "Key": key}
        return self._client.generate_presigned_url(act, Params=params, ExpiresIn=valid_s)

    def _asked(self, request: Any) -> Any:
        from botocore.exceptions import BotoCoreError, ClientError
        from urllib3.exceptions import HTTPError

        if not self._bucket:
            raise ObjectsUnusable()
        try:
            return request()
        except ClientError as refused:
            code = refused.response.get("Error", {}).get("Code", "")
            if code in _ABSENT:
                raise ObjectAbsent from refused
            raise (ObjectsUnusable if code in _UNUSABLE else ObjectsUnavailable)(reason=code) from refused
        except (BotoCoreError, HTTPError) as silence:
            raise ObjectsUnavailable from silence

    @cached_property
    def _client(self) -> "S3Client":
        # Signed URLs of the older form are refused by newer regions.
        made: S3Client = self._given or aws.client("s3", read_timeout_s=TIMEOUT_S, signature_version="s3v4")
        return made


def read(objects: Objects, stored: Stored) -> bytes:
    """What is stored, as long as it is still what it was. Raises ObjectChanged, ObjectAbsent, ObjectsUnavailable."""
    content = objects.get(stored.key, stored.size_bytes)
    if len(content) != stored.size_bytes or sha256(content) != stored.sha256:
        raise ObjectChanged(key=stored.key)
    return content


def put(objects: Objects, key: str, content: bytes) -> Stored:
    """Store octets under a key; what is to be kept of them."""
    objects.put(key, content)
    return Stored(key=key, sha256=sha256(content), size_bytes=len(content))
