"""The lives of a batch and of its settlements."""

import itertools

import pytest

from functions.netting.core.batch import (
    BATCH_TRANSITIONS,
    OPEN,
    SETTLEMENT_TRANSITIONS,
    BatchEvent,
    BatchState,
    BatchTransitionRefused,
    SettlementEvent,
    SettlementState,
    batch_after,
    batch_event,
    settlement_after,
)

pytestmark = pytest.mark.unit
S, E = SettlementState, SettlementEvent


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ((E.SEND, E.LAND, E.SETTLE, E.INDEX), S.INDEXED),
        ((E.SEND, E.STEP, E.STEP, E.LAND, E.SETTLE, E.INDEX), S.INDEXED),
        ((E.SEND, E.INDEX, E.SETTLE), S.INDEXED),  # the cursor was faster than the outbox
        ((E.SEND, E.LAND, E.DROP, E.LAND), S.LANDED),  # a fork was dropped, and the same bytes landed in another
        ((E.SEND, E.LAND, E.DROP, E.FAIL, E.SEND), S.SENT),
        ((E.SEND, E.FAIL, E.ABANDON), S.ABANDONED),
        ((E.SEND, E.ABANDON), S.ABANDONED),
        ((E.ABANDON,), S.ABANDONED),
    ],
)
def test_the_ways_of_a_settlement(events: tuple[SettlementEvent, ...], state: SettlementState) -> None:
    """Each of these lives ends where it should."""
    reached = S.WAITING
    for event in events:
        reached = settlement_after(reached, event)

    assert state == reached


@pytest.mark.parametrize("state", [S.SETTLED, S.INDEXED, S.ABANDONED])
def test_what_is_final_never_goes_back(state: SettlementState) -> None:
    """What is final on the chain, or given up, is never sent, failed or given up again."""
    refused = (E.SEND, E.STEP, E.LAND, E.DROP, E.FAIL, E.ABANDON)
    for event in refused:
        with pytest.raises(BatchTransitionRefused):
            settlement_after(state, event)

    assert not set(refused) & set(SETTLEMENT_TRANSITIONS[state])


def test_what_landed_is_not_given_up() -> None:
    """A block that holds it may be final: nothing is returned to its owners before it is known to be gone."""
    with pytest.raises(BatchTransitionRefused):
        settlement_after(S.LANDED, E.ABANDON)
    with pytest.raises(BatchTransitionRefused):
        settlement_after(S.WAITING, E.INDEX)


def test_a_settlement_holds_its_reservations_until_it_is_indexed_or_given_up() -> None:
    """Whatever may still move money is open."""
    assert set(S) - {S.INDEXED, S.ABANDONED} == OPEN


@pytest.mark.parametrize(
    ("state", "settlements", "event"),
    [
        (BatchState.NETTED, [S.WAITING, S.WAITING], None),
        (BatchState.NETTED, [S.SENT, S.WAITING], BatchEvent.SEND),
        (BatchState.NETTED, [S.ABANDONED, S.WAITING], None),
        (BatchState.NETTED, [S.ABANDONED, S.ABANDONED], BatchEvent.ABANDON),
        (BatchState.SETTLING, [S.SENT, S.WAITING], None),
        (BatchState.SETTLING, [S.WAITING], None),  # its only attempt failed
        (BatchState.SETTLING, [S.INDEXED, S.LANDED], None),
        (BatchState.SETTLING, [S.INDEXED, S.SETTLED, S.ABANDONED], BatchEvent.SETTLE),
        (BatchState.SETTLING, [S.INDEXED, S.ABANDONED], BatchEvent.INDEX),
        (BatchState.SETTLED, [S.INDEXED, S.SETTLED], None),
        (BatchState.SETTLED, [S.INDEXED], BatchEvent.INDEX),
        (BatchState.INDEXED, [S.INDEXED], None),
        (BatchState.ABANDONED, [S.ABANDONED], None),
    ],
)
def test_a_batch_follows_from_its_settlements(
    state: BatchState, settlements: list[SettlementState], event: BatchEvent | None
) -> None:
    """The states of all settlements say where a batch goes next."""
    assert event == batch_event(state, settlements)


def test_every_life_of_two_settlements_takes_their_batch_along_legal_steps() -> None:
    """Whatever two settlements do, in whatever order, the batch never meets a step that its table lacks."""
    seen, todo = set(), {(BatchState.NETTED, S.WAITING, S.WAITING)}
    while todo:
        batch, one, other = todo.pop()
        seen.add((batch, one, other))
        for first, second in itertools.chain(
            ((after, other) for after in SETTLEMENT_TRANSITIONS[one].values()),
            ((one, after) for after in SETTLEMENT_TRANSITIONS[other].values()),
        ):
            event = batch_event(batch, [first, second])
            following = batch if event is None else batch_after(batch, event)
            if (following, first, second) not in seen:
                todo.add((following, first, second))

    ends = {batch for batch, one, other in seen if {one, other} <= {S.INDEXED, S.ABANDONED}}
    assert {BatchState.INDEXED, BatchState.ABANDONED} == ends


@pytest.mark.parametrize("state", [BatchState.INDEXED, BatchState.EMPTY, BatchState.ABANDONED])
def test_a_batch_that_is_over_goes_nowhere(state: BatchState) -> None:
    """Nothing follows an end."""
    assert {} == BATCH_TRANSITIONS[state]
    with pytest.raises(BatchTransitionRefused):
        batch_after(state, BatchEvent.SEND)
