"""Owns the conversation with Filebase (docs.filebase.com, "S3-Compatible API").

    HEAD https://s3.filebase.com/<bucket>/<cid>.car   200, x-amz-meta-cid: bafy…, or 404
    PUT  the same                                     x-amz-meta-import: car, by AWS Signature Version 4
    HEAD the same

The bucket is one of the IPFS network: what is put there is pinned, and its metadata name the CID. Archives are sent as
its own SDK sends them (filebase-sdk, `ObjectManager.upload`). botocore signs; its client would follow redirects.
"""

from collections.abc import Callable, Mapping
from typing import Final

from kernel.errors import SecretAbsent
from kernel.pinning.blocks import is_same
from kernel.pinning.services import UPLOAD_TIMEOUT_S, PinRefused, require_same, require_taken
from kernel.pinning.site import Answer, Site

ENDPOINT: Final = "https://s3.filebase.com"
REGION: Final = "us-east-1"
ANSWER_MAX_BYTES: Final = 64 * 1024
ARCHIVE: Final = {"x-amz-meta-import": "car", "Content-Type": "application/vnd.ipld.car"}


class Filebase:
    """A PinningService."""

    name: Final = "filebase"

    def __init__(
        self,
        credentials: Callable[[], str],
        bucket: str,
        url: str = ENDPOINT,
        *,
        plain_allowed: bool = False,
        timeout_s: float = UPLOAD_TIMEOUT_S,
    ) -> None:
        """credentials: "<access key>:<secret key>", asked for at each upload. Raises SettingsInvalid."""
        self._credentials, self._bucket, self._timeout_s = credentials, bucket, timeout_s
        self._site = Site(url, plain_allowed=plain_allowed)

    def pin(self, cid: str, archive: bytes) -> None:
        """Have the content held; what is held already is not sent again."""
        path = f"/{self._bucket}/{cid}.car"
        known = self._ask("HEAD", path, {}, None)
        if known.status == 200 and is_same(known.headers.get("x-amz-meta-cid", ""), cid):
            return
        require_taken(self._site.name, self._ask("PUT", path, ARCHIVE, archive))
        there = self._ask("HEAD", path, {}, None)
        require_taken(self._site.name, there)
        require_same(self._site.name, there.headers.get("x-amz-meta-cid"), cid)

    def close(self) -> None:
        """Let go of the connections."""
        self._site.close()

    def _ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        signed = self._signed(method, path, headers, body)
        return self._site.ask(
            method, path, timeout_s=self._timeout_s, body_max=ANSWER_MAX_BYTES, headers=signed, body=body
        )

    def _signed(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> dict[str, str]:
        from botocore.auth import S3SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials

        try:
            access_key, _, secret_key = self._credentials().strip().partition(":")
        except SecretAbsent:
            raise PinRefused(site=self._site.name, reason=SecretAbsent.code) from None
        request = AWSRequest(method, self._site.url + path, headers=dict(headers), data=body)
        S3SigV4Auth(Credentials(access_key, secret_key), "s3", REGION).add_auth(request)
        return dict(request.headers.items())
