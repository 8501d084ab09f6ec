"""Owns one host that is asked over HTTPS: how long, how much, and where to.

Where to: an address comes from the settings and from nobody's request; a CID is checked before it becomes part of a
path; redirects are not followed, so that no host can send a function on to an address inside the network. Plain HTTP
is for the stages local and test.
How long: one deadline for the whole answer. A time-out of each read alone would let a host drip for ever.
How much: reading stops one byte after the limit, and nothing is unpacked.
"""

import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from kernel.errors import SettingsInvalid, Transient

if TYPE_CHECKING:
    import urllib3

CONNECT_TIMEOUT_S: Final = 1.5
PIECE_BYTES: Final = 64 * 1024


class SiteUnavailable(Transient):
    """Somebody whom we ask over HTTPS does not answer."""

    cause = "It refused the connection, took too long, sent too much, or answered with an error; details say which."
    remedy = "Others are asked, and the work is tried again; look at its state in /health/deep if this lasts."
    example = '{"site": "gateway.example.org", "reason": "HTTP 502"}'


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; the names of the headers in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Site:
    """One host. Threads may share it; its connections do not come through a fork."""

    def __init__(self, url: str, *, plain_allowed: bool = False) -> None:
        """url: as "https://gateway.example.org". Raises SettingsInvalid for any other form of address."""
        parts = urlsplit(url)
        is_secure = parts.scheme == "https" or (plain_allowed and parts.scheme == "http")
        if not is_secure or not parts.hostname or parts.username or parts.query or parts.fragment:
            raise SettingsInvalid("The address of whoever is asked over HTTPS is https://<host>, without credentials.")
        self.name: Final = parts.netloc
        self.url: Final = url.rstrip("/")
        self._http: urllib3.PoolManager | None = None
        self._process_id = 0

    def ask(
        self,
        method: str,
        path: str,
        *,
        timeout_s: float,
        body_max: int,
        headers: Mapping[str, str],
        body: bytes | None = None,
    ) -> Answer:
        """One request; body_max: of the answer. Raises SiteUnavailable, never with a credential in it.

        Every status is an answer, redirects too: the caller judges.
        """
        import urllib3

        until_s = time.monotonic() + timeout_s
        patience = urllib3.Timeout(connect=min(CONNECT_TIMEOUT_S, timeout_s), read=timeout_s)
        sent = {"Accept-Encoding": "identity", **headers}
        options: Any = {"timeout": patience, "redirect": False, "preload_content": False, "decode_content": False}
        if body is not None:
            sent["Content-Length"] = str(len(body))
            options["body"] = self._pieces(body, until_s)
        try:
            response = self._connected().request(method, self.url + path, headers=sent, **options)
            try:
                received = self._received(response, until_s, body_max)
            except BaseException:
                response.close()  # what is left of it would be the next one's answer
                raise
            response.release_conn()
        except urllib3.exceptions.HTTPError as away:
            # Not chained: urllib3's message repeats the request.
            raise SiteUnavailable(site=self.name, reason=type(away).__name__) from None
        return Answer(response.status, {name.lower(): value for name, value in response.headers.items()}, received)

    def close(self) -> None:
        """Let go of the connections; the next question opens new ones."""
        if self._http is not None and self._process_id == os.getpid():
            self._http.clear()
        self._http = None

    def _pieces(self, body: bytes, until_s: float) -> Iterator[bytes]:
        # Each piece has the connection's own time-out; as one, all of the body would have to leave within it.
        for start in range(0, len(body), PIECE_BYTES):
            self._require_time(until_s)
            yield body[start : start + PIECE_BYTES]

    def _received(self, response: "urllib3.BaseHTTPResponse", until_s: float, body_max: int) -> bytes:
        body = bytearray()
        while piece := response.read1(PIECE_BYTES):
            body += piece
            if len(body) > body_max:
                raise SiteUnavailable(site=self.name, reason=f"more than {body_max} bytes")
            self._require_time(until_s)
        return bytes(body)

    def _require_time(self, until_s: float) -> None:
        if time.monotonic() > until_s:
            raise SiteUnavailable(site=self.name, reason="too slow")

    def _connected(self) -> "urllib3.PoolManager":
        if self._http is None or self._process_id != os.getpid():
            import urllib3

            self._http, self._process_id = urllib3.PoolManager(maxsize=4, retries=False), os.getpid()
        return self._http
