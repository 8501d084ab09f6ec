"""The lives of a watch and of a proof's job: what a look shows, what follows from what, and what is refused."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from functions.barter.core import job, watch
from functions.barter.core.care import Care, care_of
from functions.barter.core.job import ATTEMPTS_MAX, Choice, Mode, mode_of, next_attempt_at
from functions.barter.core.watch import (
    ENDED,
    LIVE_MAX,
    STRANGERS_MAX,
    Phase,
    Sight,
    State,
    Trade,
    has_room,
    is_changed_by,
    may_be_ended,
    next_event,
)

pytestmark = pytest.mark.unit

TRADE = Trade(1_000, b"\1" * 32)
NOW = datetime(2026, 11, 21, tzinfo=UTC)


def sight(phase: Phase = Phase.TRADE, *, block: int = 1_001, trade: Trade = TRADE, is_left: bool = False) -> Sight:
    """An exchange as it may be seen; Deposit and Rank last from 500 to 560."""
    return Sight(
        phase=phase,
        phase_started_s=500,
        phase_s=60 if phase <= Phase.RANK else 0,
        trade=trade if phase >= Phase.TRADE else None,
        agents=6,
        block=block,
        block_hash=b"\2" * 32,
        time_s=559,
        is_left=is_left,
    )


def followed(state: State, known: Trade | None, seen: Sight) -> list[watch.Event]:
    """Every step that one look shows."""
    steps = []
    while (event := next_event(state, known, seen)) is not None:
        steps.append(event)
        state, known = watch.after(state, event), seen.trade
    return steps


def test_a_watch_waits_for_trade() -> None:
    """Deposits and lists are none of its business."""
    assert [] == followed(State.WATCHING, None, sight(Phase.DEPOSIT))
    assert [] == followed(State.WATCHING, None, sight(Phase.RANK))
    assert [watch.Event.ENTER] == followed(State.WATCHING, None, sight())


def test_a_proof_has_two_hundred_and_fifty_blocks_and_not_one_more() -> None:
    """Strictly more than 250 after Trade began it has timed out."""
    assert [] == followed(State.READY, TRADE, sight(block=1_250))
    assert [watch.Event.TIME_OUT] == followed(State.READY, TRADE, sight(block=1_251))
    assert [] == followed(State.TIMED_OUT, TRADE, sight(block=1_300))


def test_a_late_watch_catches_up_at_once() -> None:
    """An exchange whose time for a proof is over when somebody asks for it."""
    assert [watch.Event.ENTER, watch.Event.TIME_OUT] == followed(State.WATCHING, None, sight(block=1_300))


def test_another_trade_block_begins_anew() -> None:
    """At another height, or of another hash at the same."""
    for trade in (Trade(1_001, TRADE.hash), Trade(TRADE.block, b"\3" * 32)):
        assert [watch.Event.RESTART] == followed(State.READY, TRADE, sight(trade=trade))
    assert [watch.Event.RESTART, watch.Event.TIME_OUT] == followed(
        State.TIMED_OUT, TRADE, sight(trade=Trade(1_001, TRADE.hash), block=1_300)
    )


def test_a_trade_that_was_taken_back_is_waited_for_again() -> None:
    """Its block is on the chain no more."""
    assert [watch.Event.RETURN] == followed(State.READY, TRADE, sight(Phase.RANK))
    assert [watch.Event.RETURN] == followed(State.TIMED_OUT, TRADE, sight(Phase.DEPOSIT))


def test_a_watch_is_over_once_trade_is_left_finally() -> None:
    """Until then the block in which it was left may be taken back."""
    for phase, state in product((Phase.WITHDRAW, Phase.CLEANUP), State):
        left = [] if state in ENDED else [watch.Event.LEAVE]
        assert [] == followed(state, TRADE, sight(phase))
        assert left == followed(state, TRADE, sight(phase, is_left=True))


def test_what_has_lapsed_is_not_followed_until_somebody_asks() -> None:
    """Whatever its exchange does; then from where a watch begins. What has left Trade stays over."""
    for seen in (sight(), sight(Phase.RANK), sight(trade=Trade(1_001, TRADE.hash)), sight(Phase.CLEANUP, is_left=True)):
        assert [] == followed(State.LAPSED, TRADE, seen)
    assert [State.WATCHING] == list(watch.TRANSITIONS[State.LAPSED].values())
    assert ENDED == {state for state in State if watch.Event.LAPSE not in watch.TRANSITIONS[state]}


def test_who_asks_again_changes_what_has_lapsed_or_is_not_ours_yet() -> None:
    """And nothing else: an operator's word is not taken back by a stranger's."""
    cases = product(State, (False, True), (False, True))
    changed = {(s, ours, asks) for s, ours, asks in cases if is_changed_by(s, is_ours=ours, by_operator=asks)}

    raised = {(state, False, True) for state in set(State) - {State.OVER}}
    assert changed == raised | {(State.LAPSED, ours, asks) for ours, asks in product((False, True), repeat=2)}


def test_strangers_have_a_share_and_operators_the_rest() -> None:
    """Two hundred of a thousand; a full house is full for everybody."""
    rooms = [(0, 0), (STRANGERS_MAX, STRANGERS_MAX - 1), (STRANGERS_MAX, STRANGERS_MAX), (LIVE_MAX, 0)]

    assert (200, 1_000) == (STRANGERS_MAX, LIVE_MAX)
    assert [True, True, False, False] == [has_room(*room, by_operator=False) for room in rooms]
    assert [True, True, True, False] == [has_room(*room, by_operator=True) for room in rooms]


def test_a_phase_may_be_ended_once_its_time_is_over() -> None:
    """Deposit and Rank by the chain's time, Trade by its blocks, and nothing else."""
    early, due = sight(Phase.RANK), replace(sight(Phase.RANK), time_s=560)

    assert (False, True) == (may_be_ended(early), may_be_ended(due))
    assert (False, True) == (may_be_ended(sight(block=1_250)), may_be_ended(sight(block=1_251)))
    assert not may_be_ended(replace(sight(Phase.WITHDRAW, block=9_999), time_s=9_999))


def test_nothing_follows_what_the_tables_do_not_know() -> None:
    """A step that nobody thought of is refused, not guessed."""
    with pytest.raises(watch.WatchTransitionRefused):
        watch.after(State.OVER, watch.Event.ENTER)
    with pytest.raises(job.ProofTransitionRefused):
        job.after(job.State.CREATED, job.Event.COMPLETE)


def test_nothing_is_completed_that_was_not_begun() -> None:
    """Who made it has written down before that somebody would."""
    completes = [state for state in job.State if job.Event.COMPLETE in job.TRANSITIONS[state]]

    assert [job.State.IN_PROGRESS] == completes
    assert {job.Event.WITHDRAW} == set(job.TRANSITIONS[job.State.COMPLETED])
    assert job.State.CREATED == job.after(job.State.VOID, job.Event.RETURN)


def test_a_failed_proof_is_tried_again_ever_later_and_not_for_ever() -> None:
    """After 5, 10, 20 and 40 seconds; the fifth failure is the last."""
    pauses = [next_attempt_at(NOW, attempts) for attempts in range(1, ATTEMPTS_MAX + 1)]

    assert [NOW + timedelta(seconds=pause) for pause in (5, 10, 20, 40)] == pauses[:-1]
    assert pauses[-1] is None


def test_small_markets_are_shown_directly() -> None:
    """A proof is cheaper for the exchange from 490 agents on, if it has a verifier for so many."""
    assert Mode.DIRECT == mode_of(Choice.AUTO, 489, 512)
    assert Mode.GROTH16 == mode_of(Choice.AUTO, 490, 490)
    assert Mode.DIRECT == mode_of(Choice.AUTO, 491, 490)
    assert Mode.DIRECT == mode_of(Choice.AUTO, 1_000, None)
    assert Mode.GROTH16 == mode_of(Choice.GROTH16, 2, None)
    assert Mode.DIRECT == mode_of(Choice.DIRECT, 1_000, 1_024)


@pytest.mark.parametrize(
    ("watched", "phase", "proof", "hopeless", "care"),
    [
        (State.READY, Phase.TRADE, job.State.CREATED, False, Care.WAKE),
        (State.READY, Phase.TRADE, job.State.IN_PROGRESS, False, Care.WAKE),
        (State.READY, Phase.TRADE, job.State.ERRORED, False, Care.WAKE),
        (State.READY, Phase.TRADE, job.State.ERRORED, True, Care.KEEP),
        (State.READY, Phase.TRADE, job.State.COMPLETED, False, Care.KEEP),
        (State.READY, Phase.WITHDRAW, job.State.IN_PROGRESS, False, Care.KEEP),
        (State.TIMED_OUT, Phase.TRADE, job.State.IN_PROGRESS, False, Care.EXPIRE),
        (State.TIMED_OUT, Phase.TRADE, job.State.COMPLETED, False, Care.KEEP),
        (State.TIMED_OUT, Phase.TRADE, job.State.ERRORED, True, Care.KEEP),
        (State.WATCHING, Phase.RANK, job.State.COMPLETED, False, Care.WITHDRAW),
        (State.WATCHING, Phase.RANK, job.State.ERRORED, True, Care.WITHDRAW),
        (State.LAPSED, Phase.TRADE, job.State.IN_PROGRESS, False, Care.WITHDRAW),
        (State.OVER, Phase.WITHDRAW, job.State.CREATED, False, Care.WITHDRAW),
        (State.OVER, Phase.WITHDRAW, job.State.COMPLETED, False, Care.KEEP),
        (State.OVER, Phase.WITHDRAW, job.State.ERRORED, True, Care.KEEP),
    ],
)
def test_a_look_cares_for_the_proof(watched: State, phase: Phase, proof: job.State, hopeless: bool, care: Care) -> None:
    """Somebody works on what is owed; what is owed no more is void or has timed out; an end stays told."""
    assert care == care_of(watched, phase, proof, is_hopeless=hopeless)


def test_what_a_look_does_about_a_proof_is_always_allowed() -> None:
    """Whatever the two states: no look is ever refused by the table of jobs."""
    events = {Care.WITHDRAW: job.Event.WITHDRAW, Care.EXPIRE: job.Event.EXPIRE}
    met = set()
    for watched, phase, proof in product(State, Phase, set(job.State) - {job.State.VOID}):
        for hopeless in {False, proof == job.State.ERRORED}:
            event = events.get(care_of(watched, phase, proof, is_hopeless=hopeless))
            if event is not None:
                job.after(proof, event)
                met.add(event)

    assert set(events.values()) == met
