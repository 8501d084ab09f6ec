"""What is owed: its life, when it is given up, what it is lent, and that nothing of a pool is lost."""

from itertools import permutations
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.contests.core.obligation import (
    ENDED,
    OPEN,
    RETRIES_MAX,
    TRANSITIONS,
    Event,
    Kind,
    ObligationTransitionRefused,
    PoolNotConserved,
    State,
    advance_lamports,
    after,
    business_key,
    failed,
    is_over,
    require_conserved,
)
from functions.contests.core.sweep import RENT_EXEMPT_LAMPORTS

pytestmark = pytest.mark.unit

RENT = RENT_EXEMPT_LAMPORTS


def test_a_payment_goes_its_way_and_no_other() -> None:
    """From every state exactly the events of the table lead on; from paid none."""
    led = {state: {event for event in Event if event in TRANSITIONS[state]} for state in State}

    assert {
        State.OWED: {Event.SEND, Event.HOLD},
        State.SENT: {Event.CONFIRM, Event.FAIL, Event.PARK},
        State.PAID: set(),
        State.HELD: {Event.FREE},
        State.PARKED: {Event.REPLAY},
    } == led
    assert State.OWED == after(after(State.OWED, Event.SEND), Event.FAIL)
    with pytest.raises(ObligationTransitionRefused):
        after(State.PAID, Event.SEND)


def test_a_payment_is_tried_four_times() -> None:
    """Three retries; the fourth failure parks it."""
    assert [Event.FAIL, Event.FAIL, Event.FAIL, Event.PARK] == [failed(tries) for tries in range(1, 5)]
    assert 3 == RETRIES_MAX


def test_a_contest_waits_for_whoever_is_owed_sent_or_parked() -> None:
    """And for nobody who is paid or held, nor where nobody is owed anything."""
    assert is_over([])
    assert is_over([State.PAID, State.HELD])
    assert [False] * 3 == [is_over([State.PAID, state]) for state in (State.OWED, State.SENT, State.PARKED)]
    assert set(State) - ENDED - OPEN == {State.PARKED}


def test_each_attempt_has_a_key_of_its_own() -> None:
    """Contest, kind, line and number of the attempt."""
    contest = UUID(int=7)

    assert f"contests:{contest}:refund:3:2" == business_key(contest, Kind.REFUND, 3, 2)


@given(st.lists(st.integers(1, 10**12), max_size=8), st.integers(0, 10**12))
def test_a_pool_is_what_is_owed_and_what_stays(owed: list[int], rest: int) -> None:
    """A lamport more or less on either side is refused."""
    require_conserved(sum(owed) + rest, owed, rest)
    for off in (-1, 1):
        with pytest.raises(PoolNotConserved):
            require_conserved(sum(owed) + rest + off, owed, rest)


@pytest.mark.parametrize(("pool", "owed", "rest"), [(1, [2], -1), (1, [2, -1], 0)])
def test_nobody_owes_a_pool_anything(pool: int, owed: list[int], rest: int) -> None:
    """Sums that come out right by amounts below zero are refused."""
    with pytest.raises(PoolNotConserved):
        require_conserved(pool, owed, rest)


@given(st.lists(st.sampled_from([1, RENT - 1, RENT, RENT + 1, 5 * RENT]), min_size=1, max_size=4), st.data())
def test_no_order_of_payments_leaves_a_wallet_between_nothing_and_its_rent(
    owed: list[int], data: st.DataObject
) -> None:
    """With what it is lent; and with any of the payments held for ever."""
    balance = sum(owed) + data.draw(st.sampled_from([0, 1, RENT - 1, RENT, 3 * RENT]))
    lent = advance_lamports(balance, owed)
    for order in permutations(owed):
        left = balance + lent
        for paid in order:
            left -= paid
            assert left == 0 or left >= RENT


@pytest.mark.parametrize(
    ("rest", "owed", "lent"),
    [
        (RENT, [1], 0),
        (RENT - 1, [5 * RENT], RENT),
        (1, [5 * RENT], RENT),
        (0, [5 * RENT, RENT], 0),
        (0, [5 * RENT, RENT - 1], RENT),
        (-1, [5 * RENT], 0),  # it cannot pay all anyway
        (0, [], 0),
        (7, [], 0),
    ],
)
def test_a_wallet_is_lent_its_rent_where_it_would_lack_it(rest: int, owed: list[int], lent: int) -> None:
    """And only there."""
    assert lent == advance_lamports(sum(owed) + rest, owed)
