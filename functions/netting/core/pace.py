"""Owns how many intents a session has signed of late: the count of its newest second, and of the one before.

What counts of the second before is the share that a window of one second, ending now, still sees of it.
"""

from dataclasses import dataclass
from typing import Final, Self

#: So many intents of one session are taken in a second.
INTENTS_PER_SECOND: Final = 1_000
SECOND_MS: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """`second`: the Unix second of `count`; `before`: the count of the second before it."""

    second: int = 0
    count: int = 0
    before: int = 0

    def at(self, now: int) -> "Pace":
        """The same as it is seen at Unix milliseconds `now`; a clock that went back sees what was."""
        passed = max(0, now // SECOND_MS - self.second)
        if passed == 0:
            return self
        return Pace(second=self.second + passed, before=self.count if passed == 1 else 0)

    def room(self, now: int) -> int:
        """How many more fit at `now`, rounded down. Only for a pace at `now`."""
        seen_ms = SECOND_MS - now % SECOND_MS
        return INTENTS_PER_SECOND - self.count - -(-self.before * seen_ms // SECOND_MS)

    def plus(self, count: int) -> Self:
        """The same with so many more in its second."""
        return type(self)(second=self.second, count=self.count + count, before=self.before)
