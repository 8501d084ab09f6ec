"""Owns reading from one IPFS gateway, which is not believed (spec "Trustless Gateway", specs.ipfs.tech).

Every gateway must answer `GET /ipfs/{cid}?format=raw` with the one block of that name. So a content is read block by
block, the root first, and each is hashed before the next is asked for: five seconds are enough for any of them, and a
gateway that lies is found out within a mebibyte. Gateways that redirect to a host for each CID are no use here: name
one that serves paths.
"""

from typing import Final

from kernel.pinning.blocks import BLOCK_MAX_BYTES, DAG_PB, BlockForged, check, chunks_of, codec_of
from kernel.pinning.site import Site, SiteUnavailable

TIMEOUT_S: Final = 5.0
#: What a gateway in good health answers where it has not got it, may not serve it, or found nobody who has it in time.
ABSENT: Final = frozenset({404, 410, 412, 451, 504})
RAW_BLOCK: Final = {"Accept": "application/vnd.ipld.raw"}


class Gateway:
    """One gateway."""

    def __init__(self, url: str, *, plain_allowed: bool = False, timeout_s: float = TIMEOUT_S) -> None:
        """url: as "https://trustless-gateway.link". Raises SettingsInvalid."""
        self._site = Site(url, plain_allowed=plain_allowed)
        self._timeout_s = timeout_s
        self.name: Final = f"gateway:{self._site.name}"

    def read(self, cid: str) -> bytes | None:
        """The content, each block checked; None where the gateway does not have it.

        Raises CidUnfit, BlockForged, SiteUnavailable.
        """
        root = self._block(cid)
        if root is None or codec_of(cid) != DAG_PB:
            return root
        parts: list[bytes] = []
        for chunk in chunks_of(root):
            part = self._block(chunk.cid)
            if part is None:
                return None
            if len(part) != chunk.size:
                raise BlockForged(cid=cid)
            parts.append(part)
        return b"".join(parts)

    def close(self) -> None:
        """Let go of the connections."""
        self._site.close()

    def _block(self, cid: str) -> bytes | None:
        codec_of(cid)  # nothing but a CID becomes part of the path
        path = f"/ipfs/{cid}?format=raw"
        answer = self._site.ask("GET", path, timeout_s=self._timeout_s, body_max=BLOCK_MAX_BYTES, headers=RAW_BLOCK)
        if answer.status in ABSENT:
            return None
        if answer.status != 200:
            raise SiteUnavailable(site=self._site.name, reason=f"HTTP {answer.status}")
        check(cid, answer.body)
        return answer.body
