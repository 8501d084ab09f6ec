"""A reading that several orders share for a moment."""

import pytest

from functions.bridge.adapters.recent import Recent

pytestmark = pytest.mark.unit


class Gauge:
    """Counts how often it is read, and may be out of order."""

    def __init__(self) -> None:
        self.now_s, self.readings, self.broken = 0.0, 0, False

    def read(self) -> int:
        if self.broken:
            raise OSError
        self.readings += 1
        return self.readings


def test_a_reading_is_shared_until_it_is_too_old() -> None:
    """So many seconds after it was made, not after it was last used."""
    gauge = Gauge()
    recent = Recent(gauge.read, ttl_s=3.0, elapsed_s=lambda: gauge.now_s)
    told = []
    for gauge.now_s in (0.0, 2.0, 3.0, 3.1, 6.1, 6.2):
        told.append(recent())

    assert [1, 1, 1, 2, 2, 3] == told


def test_a_reading_that_failed_is_not_kept_and_no_old_one_is_told_instead() -> None:
    """Whoever asks hears the failure; the next one asks again."""
    gauge = Gauge()
    recent = Recent(gauge.read, ttl_s=3.0, elapsed_s=lambda: gauge.now_s)
    assert recent() == 1
    gauge.now_s, gauge.broken = 10.0, True

    with pytest.raises(OSError):
        recent()
    gauge.broken = False
    assert recent() == 2


def test_a_reading_that_is_made_anew_is_what_others_share() -> None:
    """Whoever insists reads; whoever comes just after does not."""
    gauge = Gauge()
    recent = Recent(gauge.read, ttl_s=3.0, elapsed_s=lambda: gauge.now_s)

    assert [recent(), recent.anew(), recent()] == [1, 2, 2]
