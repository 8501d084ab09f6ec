"""What can go wrong at a venue, and for how many requests."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class FaultKind(StrEnum):
    """The ways in which a venue fails its clients."""

    REFUSED = "refused"  # nobody listens on its port
    DOWN = "down"  # 503 with a page of HTML, as a gateway in front of a dead service sends
    SLOW = "slow"  # the right answer, `delay_s` late
    LYING = "lying"  # every price off by `lie_bps`
    FROZEN = "frozen"  # the market of the moment the fault began, for ever
    MALFORMED = "malformed"  # the first half of the right answer
    RATE_LIMITED = "rate_limited"  # 429, with Retry-After when `retry_after_s` is given


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault of one venue; `requests_left` None keeps it until it is cleared."""

    kind: FaultKind
    delay_s: float = 10.0
    lie_bps: int = 500
    retry_after_s: int | None = None
    requests_left: int | None = None

    def to_json(self) -> dict[str, Any]:
        """As the control endpoint takes it."""
        return {**asdict(self), "kind": self.kind.value}

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> "Fault":
        """The fault that `to_json` described."""
        return cls(**{**fields, "kind": FaultKind(fields["kind"])})
