"""Owns what any pinning service is to us: it is given an archive, and says which CID it holds."""

from typing import Final, Protocol

from kernel.errors import Rejected
from kernel.pinning.blocks import is_same
from kernel.pinning.site import Answer, SiteUnavailable

#: An archive of 32 MiB, over a slow line.
UPLOAD_TIMEOUT_S: Final = 20.0

#: What a service says of this one content, whoever asks.
UNFIT: Final = frozenset({400, 413, 415, 422, 451})
#: What it says of the account.
REFUSED: Final = frozenset({401, 402, 403})


class PinUnfit(Rejected):
    """A pinning service does not take this content."""

    cause = "It is well, and refuses this archive: its form, its size, or what it is; details say what it answered."
    remedy = "Nothing if others hold it; else look at the content, or lower the number of services that are wanted."
    example = '{"site": "uploads.pinata.cloud", "reason": "HTTP 413"}'


class PinRefused(SiteUnavailable):
    """A pinning service refuses to hold anything."""

    cause = "Its credentials are absent or wrong, or the plan is used up; details say what it answered."
    remedy = "Correct the credentials or the plan; the pin is tried again, and other services hold it meanwhile."
    example = '{"site": "uploads.pinata.cloud", "reason": "HTTP 401"}'


class PinMismatched(SiteUnavailable):
    """A pinning service holds other content than it was given."""

    cause = "The CID that it answered is not the one computed here: it changed the content, or lies."
    remedy = "The pin does not count, and is tried again; take the service out of the settings if this lasts."
    example = '{"site": "uploads.pinata.cloud", "reason": "another CID"}'


class PinningService(Protocol):
    """Somebody who holds content for money. `name` is what the row of a pin says."""

    @property
    def name(self) -> str:
        """One word in small letters; its breaker is "pinning:<name>"."""
        ...

    def pin(self, cid: str, archive: bytes) -> None:
        """Have the content held; again is harmless. Returns once the service names this very CID.

        Raises PinUnfit, which says nothing against the service; SiteUnavailable, PinRefused, PinMismatched, and
        SecretsUnavailable.
        """
        ...


def require_taken(site: str, answer: Answer) -> None:
    """Go on only with an answer of 200. Raises PinUnfit, PinRefused, SiteUnavailable."""
    if answer.status in UNFIT:
        raise PinUnfit(site=site, reason=f"HTTP {answer.status}")
    if answer.status != 200:
        raise (PinRefused if answer.status in REFUSED else SiteUnavailable)(site=site, reason=f"HTTP {answer.status}")


def require_same(site: str, answered: object, cid: str) -> None:
    """Believe a service only that it holds what was computed here. Raises PinMismatched."""
    if not isinstance(answered, str) or not is_same(answered, cid):
        raise PinMismatched(site=site, reason="another CID")
