"""Owns the conversation with Pinata (docs.pinata.cloud, API reference, "Upload a File" of the v3 Files API).

    POST https://uploads.pinata.cloud/v3/files        Authorization: Bearer <JWT>, multipart/form-data
        network=public   car=true   name=<cid>   file=<the archive>
    200 {"data": {"id": "…", "cid": "bafy…", "size": …, "is_duplicate": false, …}}

`car` takes the archive as it is and is for the public network only. Content that is there already is answered with
`is_duplicate`. The JWT needs the permission to write files, nothing else.
"""

from collections.abc import Callable
from typing import Any, Final

from kernel import strict_json
from kernel.errors import SecretAbsent
from kernel.pinning.services import UPLOAD_TIMEOUT_S, PinRefused, require_same, require_taken
from kernel.pinning.site import Answer, Site, SiteUnavailable

UPLOADS: Final = "https://uploads.pinata.cloud"
ANSWER_MAX_BYTES: Final = 64 * 1024


class Pinata:
    """A PinningService."""

    name: Final = "pinata"

    def __init__(
        self,
        token: Callable[[], str],
        url: str = UPLOADS,
        *,
        plain_allowed: bool = False,
        timeout_s: float = UPLOAD_TIMEOUT_S,
    ) -> None:
        """token: the account's JWT, asked for at each upload. Raises SettingsInvalid."""
        self._token, self._timeout_s = token, timeout_s
        self._site = Site(url, plain_allowed=plain_allowed)

    def pin(self, cid: str, archive: bytes) -> None:
        """Have the content held."""
        from urllib3.filepost import encode_multipart_formdata

        try:
            authorization = f"Bearer {self._token()}"
        except SecretAbsent:
            raise PinRefused(site=self._site.name, reason=SecretAbsent.code) from None
        file = (f"{cid}.car", archive, "application/vnd.ipld.car")
        body, form = encode_multipart_formdata({"network": "public", "car": "true", "name": cid, "file": file})
        headers = {"Authorization": authorization, "Content-Type": form}
        answer = self._site.ask(
            "POST", "/v3/files", timeout_s=self._timeout_s, body_max=ANSWER_MAX_BYTES, headers=headers, body=body
        )
        require_same(self._site.name, self._answered(answer), cid)

    def close(self) -> None:
        """Let go of the connections."""
        self._site.close()

    def _answered(self, answer: Answer) -> Any:
        require_taken(self._site.name, answer)
        try:
            return strict_json.read(answer.body)["data"]["cid"]
        except (strict_json.NotStrictJson, LookupError, TypeError):
            raise SiteUnavailable(site=self._site.name, reason="an answer of another shape") from None
