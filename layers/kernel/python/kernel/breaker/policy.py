"""Owns how patient a breaker is: its five numbers, which dependencies have which, and the tunables behind them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Any, Final

from kernel.errors import DatabaseUnavailable
from kernel.postgres import DatabaseContention
from kernel.tunables import Tunable, Tunables


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerPolicy:
    """When a circuit opens, when somebody tries it again, and when it counts as healthy."""

    #: So many failures ...
    threshold: int = 5
    #: ... within so many seconds open the circuit.
    window_s: int = 300
    #: After so many seconds one caller is admitted.
    reset_s: int = 60
    #: A circuit that closed is degraded for so many seconds.
    healthy_s: int = 120
    #: Between two health checks; a probe that told nothing for so many seconds is taken for dead.
    check_s: int = 30

    def __post_init__(self) -> None:
        """Refuse numbers that make no breaker: ValueError."""
        if min(self.threshold, self.window_s, self.reset_s, self.check_s) < 1 or self.healthy_s < 0:
            raise ValueError(f"a breaker counts from 1 and waits for a second at least: {self}")

    @property
    def window(self) -> timedelta:
        return timedelta(seconds=self.window_s)

    @property
    def reset(self) -> timedelta:
        return timedelta(seconds=self.reset_s)

    @property
    def healthy(self) -> timedelta:
        return timedelta(seconds=self.healthy_s)

    @property
    def check(self) -> timedelta:
        return timedelta(seconds=self.check_s)


#: The policies by name, and whose they are by pattern; the first pattern that fits decides.
POLICIES: Final[Mapping[str, BreakerPolicy]] = {
    "default": BreakerPolicy(),
    "market_data": BreakerPolicy(threshold=3, reset_s=30),
    "contest_evaluation": BreakerPolicy(threshold=10, reset_s=120),
    "provider": BreakerPolicy(threshold=3, reset_s=300),
}
PATTERNS: Final[tuple[tuple[str, str], ...]] = (
    ("market_data", "market_data"),
    ("market_data:*", "market_data"),
    ("contest_evaluation", "contest_evaluation"),
    # Whatever has a second one beside it: it is left out sooner and for longer, since somebody else serves meanwhile.
    ("rpc:*", "provider"),
    ("api:*", "provider"),
    ("pinning:*", "provider"),
    ("gateway:*", "provider"),
)

_BOUNDS: Final[Mapping[str, tuple[int, int, str, str]]] = {
    "threshold": (1, 100, "failures", "So many failures within the window open the circuit."),
    "window_s": (1, 86_400, "s", "A failure counts for so long."),
    "reset_s": (1, 3_600, "s", "An open circuit is left alone for so long."),
    "healthy_s": (0, 86_400, "s", "A circuit that closed is degraded for so long."),
    "check_s": (1, 600, "s", "A probe that told nothing for so long is taken for dead."),
}


def _tunable(policy: str, field: str) -> Tunable[int]:
    minimum, maximum, unit, meaning = _BOUNDS[field]
    return Tunable(
        name=f"breaker.{policy}_{field}",
        default=getattr(POLICIES[policy], field),
        minimum=minimum,
        maximum=maximum,
        unit=unit,
        meaning=meaning,
    )


_TUNABLES: Final = {(policy, field): _tunable(policy, field) for policy in POLICIES for field in _BOUNDS}
#: What operators can change, for the ops slice to declare.
TUNABLES: Final[tuple[Tunable[Any], ...]] = tuple(_TUNABLES.values())


def policy_name(dependency: str) -> str:
    """Which policy a dependency has."""
    return next((name for pattern, name in PATTERNS if fnmatchcase(dependency, pattern)), "default")


class Policies:
    """The policy in force for each dependency: the tuned one where there is a database to ask."""

    def __init__(self, tunables: Tunables | None = None, fixed: Mapping[str, BreakerPolicy] | None = None) -> None:
        """fixed: by a dependency's name or pattern, in place of everything else."""
        self._tunables, self._fixed = tunables, fixed or {}

    def of(self, dependency: str) -> BreakerPolicy:
        """The policy of a dependency; the one in code while the database does not answer."""
        for pattern, policy in self._fixed.items():
            if fnmatchcase(dependency, pattern):
                return policy
        name = policy_name(dependency)
        if self._tunables is None:
            return POLICIES[name]
        try:
            return BreakerPolicy(**{field: self._tunables.get(_TUNABLES[name, field]) for field in _BOUNDS})
        except (DatabaseUnavailable, DatabaseContention):
            return POLICIES[name]
