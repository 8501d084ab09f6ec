"""Owns the clock of tests: it stands still until told, and sleeping only advances it."""

from datetime import UTC, datetime, timedelta

DEFAULT_START = datetime(2026, 1, 1, tzinfo=UTC)


class FakeClock:
    """A kernel.clock.Clock that tests move; `slept_s` keeps every wait that was asked for."""

    def __init__(self, start: datetime = DEFAULT_START) -> None:
        self.set(start)
        self.slept_s: list[float] = []

    def now(self) -> datetime:
        return self._now

    def time_s(self) -> float:
        return self._now.timestamp()

    def sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)
        self.advance(max(0.0, seconds))

    def advance(self, seconds: float) -> None:
        """Move forward; time never runs back here."""
        if seconds < 0:
            raise ValueError(f"time runs forward, not by {seconds} s")
        self._now += timedelta(seconds=seconds)

    def set(self, moment: datetime) -> None:
        """Move to an aware moment, also to an earlier one, as a machine's clock may."""
        if moment.tzinfo is None:
            raise ValueError("the clock needs an aware moment")
        self._now = moment.astimezone(UTC)
