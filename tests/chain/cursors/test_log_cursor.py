"""A log cursor on a real chain: every event once, in order, taken back when its block is dropped."""

import pytest

from kernel.evm.log_cursor import Budget, Pause, WatchChanged
from tests.chain.cursors.emitter import OTHER_TOPIC
from tests.chain.cursors.stand import Stand

pytestmark = pytest.mark.chain


def test_every_event_becomes_one_task_in_the_order_of_the_chain(stand: Stand) -> None:
    """Two turns deliver each event once; a turn at the head does nothing."""
    for count in (1, 3, 2):
        stand.emitter.emit(count)
    first = stand.advance()
    stand.emitter.emit(4)
    second, third = stand.advance(), stand.advance()

    assert (first.events, second.events, third.events) == (6, 4, 0)
    assert (first.pause, third.pause) == (Pause.AT_HEAD, Pause.AT_HEAD)
    assert stand.standing() == stand.emitter.logged()
    assert [one.sequence for one in stand.heard()] == list(range(1, 11))


def test_only_what_is_asked_for_is_delivered(stand: Stand) -> None:
    """Another topic of the same contract is no event of the watch, although the bloom knows the address."""
    stand.emitter.emit(2)
    stand.emitter.emit(3, topic=OTHER_TOPIC)

    assert stand.advance().events == 2
    assert {event.topics[0] for event in stand.events()} == {stand.watch().topics[0]}


@pytest.mark.parametrize("depth", [1, 10, 64])
def test_a_reorganisation_takes_back_what_was_dropped_and_reads_what_is_new(stand: Stand, depth: int) -> None:
    """Retractions of the dropped blocks come first, newest first, then the events of the new ones."""
    stand.emitter.emit_each(*[1] * 70)
    stand.advance()
    before = stand.emitter.logged()
    stand.emitter.reorganise(depth, [(0, 2), (depth - 1, 1)])
    progress = stand.advance()
    after = stand.events()[70:]

    assert (progress.retractions, progress.events) == (depth, 3)
    assert [event.removed for event in after] == [True] * depth + [False] * 3
    assert ["0x" + event.block_hash.hex() for event in after[:depth]] == [one[0] for one in before[: -depth - 1 : -1]]
    assert stand.standing() == stand.emitter.logged()


def test_reorganisations_of_empty_blocks_retract_nothing(stand: Stand) -> None:
    """Blocks without an event are followed all the same."""
    stand.emitter.emit()
    stand.node.mine(20)
    stand.advance()
    stand.emitter.reorganise(15)
    progress = stand.advance()

    assert (progress.retractions, progress.events, progress.blocks) == (0, 0, 15)
    assert stand.standing() == stand.emitter.logged()


def test_a_reorganisation_to_the_first_block_is_no_alarm(stand: Stand) -> None:
    """Nothing older than the start was delivered, so nothing can be missed below it."""
    stand.emitter.emit()
    stand.emitter.emit()
    stand.advance(start_block=1)
    stand.emitter.reorganise(2, [(0, 1)])
    progress = stand.advance(start_block=1)

    assert (progress.retractions, progress.events, progress.alarm) == (2, 1, None)
    assert stand.standing() == stand.emitter.logged()


def test_a_reorganisation_deeper_than_the_memory_is_an_alarm_and_is_read_again(
    stand: Stand, caplog: pytest.LogCaptureFixture
) -> None:
    """All that is remembered is taken back, the chain is read again from there, and a person is called."""
    stand.emitter.emit_each(*[1] * 5)
    stand.node.mine(270)
    stand.emitter.emit_each(*[1] * 5)
    stand.advance()
    stand.emitter.reorganise(280, [(270, 3)])
    progress = stand.advance()
    alarms = [vars(record)["alarm"] for record in caplog.records if "alarm" in vars(record)]

    assert (progress.retractions, progress.events) == (5, 3)
    assert alarms == ["cursor.reorganisation_too_deep"]
    assert stand.advance().alarm == "reorganisation_too_deep"
    assert stand.cursor().acknowledge() is True
    assert (stand.advance().alarm, stand.cursor().acknowledge()) == (None, False)


def test_256_blocks_are_kept(stand: Stand) -> None:
    """What is older is forgotten, its events too."""
    stand.emitter.emit(2)
    stand.node.mine(300)
    stand.emitter.emit(3)
    stand.advance()

    assert (stand.count("evm_cursor_blocks"), stand.count("evm_cursor_events")) == (256, 3)


def test_events_wait_for_their_confirmations(stand: Stand) -> None:
    """A block is read when three others lie on it; a reorganisation above it is never noticed."""
    stand.emitter.emit(1)
    stand.emitter.emit(2)
    first = stand.advance(confirmations=3)
    stand.node.mine(2)
    second = stand.advance(confirmations=3)
    stand.emitter.reorganise(2)
    stand.node.mine(1)
    third = stand.advance(confirmations=3)

    assert (first.events, second.events, third.events, third.retractions) == (0, 1, 2, 0)


def test_events_wait_until_their_chain_calls_them_final(stand: Stand) -> None:
    """By the tag, two blocks behind the newest here; of a chain that calls nothing final nothing is read."""
    stand.emitter.emit(1)
    first = stand.advance(confirmations=None)
    stand.node.mine(1)
    second = stand.advance(confirmations=None)
    stand.node.mine(1)
    third = stand.advance(confirmations=None)

    assert (first.events, second.events, third.events, third.pause) == (0, 0, 1, Pause.AT_HEAD)


def test_a_turn_ends_with_its_budget_of_blocks(stand: Stand) -> None:
    """Ten blocks at a time, whatever the span; the next turn goes on from there."""
    stand.emitter.emit_each(*[1] * 25)
    turns = [stand.advance(budget=Budget(blocks=10)) for _ in range(4)]

    assert [turn.blocks for turn in turns] == [10, 10, 6, 0]
    assert [turn.pause for turn in turns] == [Pause.BUDGET, Pause.BUDGET, Pause.AT_HEAD, Pause.AT_HEAD]
    assert stand.standing() == stand.emitter.logged()


def test_a_turn_ends_with_its_budget_of_seconds(stand: Stand) -> None:
    """A turn without time makes one step, so that it always gets on."""
    stand.node.mine(600)
    turns = [stand.advance(budget=Budget(seconds=0)) for _ in range(3)]

    assert [turn.pause for turn in turns] == [Pause.BUDGET] * 3
    assert [turn.blocks for turn in turns] == [256, 288, 57]


def test_a_commit_takes_no_more_events_than_it_may_and_tears_no_block(stand: Stand) -> None:
    """Commits of at most five events; a block of seven is one commit all the same."""
    for count in (2, 2, 2, 7, 1):
        stand.emitter.emit(count)
    progress = stand.advance(events_max=5)

    assert (progress.pause, progress.events) == (Pause.AT_HEAD, 14)
    assert stand.row()["version"] == 4
    assert stand.standing() == stand.emitter.logged()


def test_a_watch_keeps_its_chain_and_its_kind(stand: Stand) -> None:
    """A name whose chain or kind changed is refused: its place belongs to the old ones."""
    stand.advance()

    with pytest.raises(WatchChanged):
        stand.advance(kind="oracle.other")


def test_two_watches_share_nothing_but_the_tasks_of_a_kind(stand: Stand) -> None:
    """Watches of two kinds deliver twice; two of one kind share the tasks of what both see."""
    stand.emitter.emit(2)
    counts = [
        stand.advance(name=name, kind=kind).events
        for name, kind in (("one", "oracle.hear"), ("two", "oracle.see"), ("three", "oracle.hear"))
    ]

    assert counts == [2, 2, 2]
    assert (len(stand.heard()), len(stand.heard("oracle.see"))) == (2, 2)
