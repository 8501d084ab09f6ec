"""When templates open contests, and on what terms one may be."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from functions.contests.core.prizes import PrizeTableUnfit
from functions.contests.core.template import Rhythm, starts
from functions.contests.core.terms import Frame, TermsUnfit, require_fit

pytestmark = pytest.mark.unit
#: A Saturday.
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
WEEKENDS = Rhythm(days=[6, 7], hours=[0, 12], announced_s=86_400)
FRAME = Frame(
    starts_at=NOON + timedelta(hours=1),
    ends_at=NOON + timedelta(hours=2),
    entrants_min=2,
    entrants_max=10_000,
    shares_bps=(6_900, 2_000, 1_100),
    rake_bps=1_000,
)


def test_starts_are_announced_on_days_and_hours() -> None:
    """As far ahead as the template says, that moment included; what has begun is not announced."""
    assert [NOON + timedelta(hours=12), NOON + timedelta(hours=24)] == starts(WEEKENDS, NOON)
    assert [NOON + timedelta(hours=12)] == starts(WEEKENDS, NOON - timedelta(microseconds=1))[1:]
    assert [NOON + timedelta(hours=12)] == starts(WEEKENDS, NOON + timedelta(minutes=30))[:1]


def test_no_other_day_has_a_start() -> None:
    """From Sunday noon on there is none till Saturday."""
    sunday = NOON + timedelta(days=1)

    assert [] == starts(WEEKENDS, sunday)
    assert [sunday + timedelta(days=5.5)] == starts(replace(WEEKENDS, announced_s=132 * 3_600), sunday)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        pytest.param({"starts_at": NOON}, "starts_at", id="now"),
        pytest.param({"starts_at": NOON + timedelta(days=367)}, "starts_at", id="in over a year"),
        pytest.param({"ends_at": NOON + timedelta(hours=1, seconds=59)}, "ends_at", id="under a minute"),
        pytest.param({"ends_at": NOON + timedelta(days=31, hours=1, seconds=1)}, "ends_at", id="over 31 days"),
        pytest.param({"entrants_min": 1}, "entrants_min", id="for one"),
        pytest.param({"entrants_max": 10_001}, "entrants_min", id="for too many"),
        pytest.param({"entrants_min": 9, "entrants_max": 8}, "entrants_min", id="for fewer than it needs"),
    ],
)
def test_terms_that_cannot_be_played_are_refused(changes: dict[str, Any], field: str) -> None:
    """With the field that is wrong."""
    with pytest.raises(TermsUnfit) as refused:
        require_fit(replace(FRAME, **changes), NOON)

    assert {"field": field} == refused.value.details


def test_terms_at_their_bounds_are_taken() -> None:
    """A minute, 31 days, two entrants, ten thousand, a year."""
    require_fit(FRAME, NOON)
    require_fit(replace(FRAME, ends_at=FRAME.starts_at + timedelta(seconds=60), entrants_max=2), NOON)
    require_fit(replace(FRAME, ends_at=FRAME.starts_at + timedelta(days=31)), NOON)


def test_a_prize_table_above_all_is_refused() -> None:
    """A contest is never announced whose pool cannot be split."""
    with pytest.raises(PrizeTableUnfit):
        require_fit(replace(FRAME, shares_bps=(6_900, 3_200)), NOON)
