"""Owns what any pinning service is to us: it is given an archive, and says which CID it holds."""

from typing import Final, Protocol

from kernel.pinning.blocks import is_same
from kernel.pinning.site import Answer, SiteUnavailable

#: An archive of 32 MiB, over a slow line.
UPLOAD_TIMEOUT_S: Final = 20.0

#: Time-outs, and "try again": no refusals.
PASSING: Final = frozenset({404, 408, 409, 425, 429})


class PinRefused(SiteUnavailable):
    """A pinning service refuses to hold the content."""

    cause = "Its credentials are absent or wrong, or the plan's space is used up; details say what it answered."
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

        Raises SiteUnavailable, PinRefused, PinMismatched, SecretsUnavailable.
        """
        ...


def require_taken(site: str, answer: Answer) -> None:
    """Go on only with an answer of 200. Raises PinRefused, SiteUnavailable."""
    if answer.status == 200:
        return
    is_refusal = 400 <= answer.status < 500 and answer.status not in PASSING
    raise (PinRefused if is_refusal else SiteUnavailable)(site=site, reason=f"HTTP {answer.status}")


def require_same(site: str, answered: object, cid: str) -> None:
    """Believe a service only that it holds what was computed here. Raises PinMismatched."""
    if not isinstance(answered, str) or not is_same(answered, cid):
        raise PinMismatched(site=site, reason="another CID")
