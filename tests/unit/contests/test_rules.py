"""Sweeps, referrals, achievements, refresh tiers: the tables of the rules, at their borders."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.contests.core.achievements import (
    THRESHOLDS,
    Field,
    Tier,
    experience_of,
    experience_of_contest,
    level,
    longest_streak,
    reached,
)
from functions.contests.core.contest import State
from functions.contests.core.freshness import refresh_s
from functions.contests.core.referral import (
    ClickTooOld,
    ReferralOwn,
    Reward,
    TimeNaive,
    earned,
    require_referred,
    week_of,
)
from functions.contests.core.sweep import (
    KEPT_LAMPORTS,
    RENT_EXEMPT_LAMPORTS,
    SWEPT_MIN_LAMPORTS,
    can_receive,
    is_found,
    reclaimed,
    swept,
    waits_for_owner,
)

pytestmark = pytest.mark.unit


@given(st.sampled_from(State), st.integers(0, 10**12), st.integers(0, 10**12))
def test_a_sweep_leaves_what_is_held_for_winners(state: State, balance: int, held: int) -> None:
    """And the rent; and nothing is swept of a contest that still pays."""
    taken = swept(state, balance, held)

    assert taken == 0 or balance - taken == held + KEPT_LAMPORTS
    assert taken == 0 or taken >= SWEPT_MIN_LAMPORTS
    assert taken == 0 or state in (State.PAID, State.REFUNDED)


def test_a_sweep_is_worth_a_thousandth() -> None:
    """Not a lamport less."""
    least = KEPT_LAMPORTS + SWEPT_MIN_LAMPORTS

    assert swept(State.PAID, least, 0) == SWEPT_MIN_LAMPORTS
    assert swept(State.PAID, least, 1) == 0


def test_what_was_found_waits_three_days_if_it_is_worth_a_transaction() -> None:
    """For an administrator, who may give it back."""
    over, least = datetime(2026, 11, 21, tzinfo=UTC), SWEPT_MIN_LAMPORTS

    assert is_found(least)
    assert not is_found(least - 1)
    assert waits_for_owner(least, over, over + timedelta(days=3, microseconds=-1))
    assert not waits_for_owner(least, over, over + timedelta(days=3))
    assert not waits_for_owner(least - 1, over, over)


def test_what_is_left_of_a_reclaimed_wallet_can_exist() -> None:
    """Nothing, or the rent of an account."""
    assert reclaimed(5 * 10**6) == 5 * 10**6
    assert reclaimed(5 * 10**6, leaving_lamports=1) == 5 * 10**6 - RENT_EXEMPT_LAMPORTS
    assert reclaimed(SWEPT_MIN_LAMPORTS - 1) == 0
    assert reclaimed(10**6, leaving_lamports=2 * 10**6) == 0


def test_a_payout_below_rent_waits_for_an_account() -> None:
    """Of an account that exists it is taken at once."""
    assert not can_receive(RENT_EXEMPT_LAMPORTS - 1, 0)
    assert can_receive(RENT_EXEMPT_LAMPORTS, 0)
    assert can_receive(1, RENT_EXEMPT_LAMPORTS)


def test_weeks_begin_on_sunday_in_utc() -> None:
    """Wherever the clock hangs."""
    saturday = datetime(2026, 11, 21, 23, 59, 59, tzinfo=UTC)
    east = datetime(2026, 11, 22, 1, tzinfo=timezone(timedelta(hours=2)))

    assert week_of(saturday) == week_of(east) == date(2026, 11, 15)
    assert week_of(saturday + timedelta(seconds=1)) == date(2026, 11, 22)
    with pytest.raises(TimeNaive):
        week_of(saturday.replace(tzinfo=None))


def test_each_tier_is_rewarded_under_a_key_of_its_own() -> None:
    """5, 15 and 30 conversions; asked again, the keys are the same."""
    week = date(2026, 11, 15)

    assert [len(earned(week, conversions)) for conversions in (4, 5, 14, 15, 29, 30, 300)] == [0, 1, 1, 2, 2, 3, 3]
    assert [one.reward for one in earned(week, 30)] == [10, 30, 60]
    assert Reward(week, 5, 10).business_key("ab") == "contests:referral:ab:2026-11-15:5"


@pytest.mark.parametrize("field", Field)
def test_a_tier_is_reached_at_its_threshold(field: Field) -> None:
    """And those below with it; nothing else is."""
    for place, least in enumerate(THRESHOLDS[field]):
        assert reached({field: least}) == [(field, tier) for tier in list(Tier)[: place + 1]]
        assert len(reached({field: least - 1})) == place


def test_experience_and_levels() -> None:
    """At the borders of the table."""
    assert experience_of(Tier) == 100 + 250 + 500 + 1_000 + 2_500
    assert experience_of([]) == 0
    assert [experience_of_contest(place) for place in (1, 2, 3, 4, 0)] == [1_100, 600, 350, 100, 100]
    borders = (0, 999, 1_000, 5_000, 15_000, 50_000, 150_000, 499_999, 500_000)
    assert [level(experience) for experience in borders] == [
        "novice",
        "novice",
        "apprentice",
        "journeyman",
        "expert",
        "master",
        "grandmaster",
        "grandmaster",
        "legend",
    ]


def test_the_better_the_rank_the_fresher_the_price() -> None:
    """At the borders of the tiers."""
    ranks = (1, 50, 51, 200, 500, 501, 1_000, 3_000, 3_001, 10**6)

    assert [refresh_s(rank) for rank in ranks] == [15, 15, 30, 30, 60, 180, 180, 300, 600, 600]


def test_what_is_played_is_looked_at_like_the_best() -> None:
    """Whatever its rank."""

    assert [15, 15] == [refresh_s(rank, is_played=True) for rank in (1, 1_000_000)]


def test_the_longest_run_of_victories_counts() -> None:
    """Wherever it stands; whoever never won has none."""
    assert [0, 0, 3, 2] == [
        longest_streak(wins)
        for wins in (
            [],
            [False, False],
            [True, False, True, True, True, False, True],
            [True, True],
        )
    ]


def test_a_click_refers_for_thirty_days_and_never_its_owner() -> None:
    """To the microsecond."""
    clicked_at = datetime(2026, 11, 1, tzinfo=UTC)
    require_referred("referrer", "guest", clicked_at, clicked_at + timedelta(days=30))

    with pytest.raises(ClickTooOld):
        require_referred("referrer", "guest", clicked_at, clicked_at + timedelta(days=30, microseconds=1))
    with pytest.raises(ReferralOwn):
        require_referred("referrer", "referrer", clicked_at, clicked_at)
