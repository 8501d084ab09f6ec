"""Snapshots: which stored points a decision saw."""

import pytest

from functions.oracle.core.snapshots import Snapshot, SnapshotUnreadable

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("stored_in", "seen"),
    [(99, True), (100, False), (101, True), (103, False), (104, True), (105, False), (2**40, False), (None, True)],
)
def test_what_was_committed_before_is_seen_and_what_was_open_or_later_is_not(stored_in: int | None, seen: bool) -> None:
    """100 and 103 were open, 105 had not begun; a point from before transactions were noted is old."""
    assert Snapshot.of("100:105:100,103").sees(stored_in) is seen


def test_with_nothing_open_the_border_is_sharp() -> None:
    """Postgres writes an empty list."""
    snapshot = Snapshot.of("7:7:")

    assert [snapshot.sees(number) for number in (6, 7)] == [True, False]


@pytest.mark.parametrize("text", ["", "1:2", "1:2:3:4", "one:2:", "1:2:x"])
def test_anything_else_is_refused(text: str) -> None:
    """A lost snapshot is told, not guessed."""
    with pytest.raises(SnapshotUnreadable):
        Snapshot.of(text)
