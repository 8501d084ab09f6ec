"""One host that tells prices: JSON of an expected kind, or it is away."""

from collections.abc import Mapping
from typing import Any, Final, TypeVar

from kernel import strict_json
from kernel.pinning.site import Site, SiteUnavailable

#: Two sources and a pause between them fit into the fifteen seconds between two looks.
TIMEOUT_S: Final = 4.0
ANSWER_MAX_BYTES: Final = 4 * 1024 * 1024
T = TypeVar("T")


class MarketSite:
    """Asks, and reads the answer."""

    def __init__(self, url: str, *, plain_allowed: bool = False) -> None:
        """Raises SettingsInvalid for an address that is none."""
        self._site = Site(url, plain_allowed=plain_allowed)

    def read(
        self, path: str, kind: type[T], *, headers: Mapping[str, str] | None = None, body_max: int = ANSWER_MAX_BYTES
    ) -> T:
        """The answer, an object or a list as asked for. Raises SiteUnavailable for every other one."""
        sent = {"Accept": "application/json", **(headers or {})}
        answer = self._site.ask("GET", path, timeout_s=TIMEOUT_S, body_max=body_max, headers=sent)
        if answer.status != 200:
            raise SiteUnavailable(site=self._site.name, reason=f"HTTP {answer.status}")
        try:
            told: Any = strict_json.read(answer.body)
        except strict_json.NotStrictJson:
            raise SiteUnavailable(site=self._site.name, reason="no JSON") from None
        if not isinstance(told, kind):
            raise SiteUnavailable(site=self._site.name, reason="an answer of another shape")
        return told

    def close(self) -> None:
        """Let go of the connections."""
        self._site.close()
