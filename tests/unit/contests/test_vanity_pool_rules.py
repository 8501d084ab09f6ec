"""How many searches for vanity addresses are to be under way, and how one lives."""

from itertools import product

import pytest

from functions.contests.adapters.slice_settings import Settings
from functions.contests.adapters.vanity_pool import wanted_of
from functions.contests.core.vanity import Pattern, Place
from functions.contests.core.vanity_pool import (
    AT_ONCE,
    TRANSITIONS,
    TRIES_MAX,
    Event,
    Standing,
    State,
    TopUp,
    VanityTransitionRefused,
    Wanted,
    after,
    expected_tries,
    to_be_asked,
    top_ups,
)
from kernel.errors import SettingsInvalid

pytestmark = pytest.mark.unit
DUEL, OTHER = Pattern("DUEL", Place.PREFIX, is_case_sensitive=False), Pattern("zz", Place.SUFFIX)


def test_a_search_goes_its_way_and_no_other() -> None:
    """What waits is asked for or cancelled; what is under way ends well or not; what has ended stays."""
    ways = {
        (State.PENDING, Event.ASK): State.PROCESSING,
        (State.PENDING, Event.CANCEL): State.CANCELLED,
        (State.PROCESSING, Event.COMPLETE): State.COMPLETED,
        (State.PROCESSING, Event.FAIL): State.FAILED,
    }
    for state, event in product(State, Event):
        if (state, event) in ways:
            assert after(state, event) == ways[state, event]
        else:
            with pytest.raises(VanityTransitionRefused):
                after(state, event)
    assert set(TRANSITIONS) == set(State)


@pytest.mark.parametrize(
    ("there", "more", "fewer"),
    [
        (Standing(), 15, 0),
        (Standing(free=4, pending=5, processing=6), 0, 0),
        (Standing(free=4, pending=5, processing=5), 1, 0),
        (Standing(free=15, pending=3, processing=2), 0, 3),
        (Standing(free=10, pending=5, processing=2), 0, 2),
        (Standing(free=20), 0, 0),
    ],
)
def test_what_is_missing_is_searched_for_and_what_is_too_much_cancelled(there: Standing, more: int, fewer: int) -> None:
    """Whatever is free, waits or is under way counts; only what waits can be taken back."""
    assert top_ups([Wanted(DUEL, 15)], {DUEL: there}) == [TopUp(DUEL, more, fewer)]


def test_a_pattern_that_nobody_wants_any_more_is_wanted_none_times() -> None:
    """Its waiting searches go; a wanted one that nothing is known of begins."""
    found = top_ups([Wanted(DUEL, 2)], {OTHER: Standing(free=1, pending=4, processing=1)})

    assert sorted(found, key=lambda one: one.more) == [TopUp(OTHER, 0, 4), TopUp(DUEL, 2, 0)]


def test_so_many_are_under_way_at_once() -> None:
    """Never fewer than none."""
    assert [to_be_asked(0), to_be_asked(AT_ONCE - 1), to_be_asked(AT_ONCE), to_be_asked(AT_ONCE + 3)] == [4, 1, 0, 0]


def test_a_search_costs_what_it_tries_in_the_mean() -> None:
    """Up to what one search tries at most."""
    assert expected_tries(OTHER) == 58 * 58
    assert expected_tries(Pattern("DEGEN", Place.PREFIX)) == TRIES_MAX == 2_000_000


def test_the_usual_pool_is_the_agreed_one() -> None:
    """Fifteen DUEL and nine DEGEN."""
    [duel, degen] = wanted_of(Settings.model_fields["vanity_patterns"].default)

    assert [(one.pattern.letters, one.target) for one in (duel, degen)] == [("DUEL", 15), ("DEGEN", 9)]
    for unfit in ("", "{}", "[{}]", '[{"letters": "D", "place": "middle", "is_case_sensitive": true, "target": 1}]'):
        with pytest.raises(SettingsInvalid):
            wanted_of(unfit)
