"""queue_refund_entries: everybody's fee, fifty at a time, and not once more."""

from collections.abc import Iterator

import pytest

from functions.contests.adapters.pay_steps import REFUND
from functions.contests.core.obligation import Kind
from kernel.outbox.solana import State
from tests.handlers.contests.paydesk import Paydesk
from tests.handlers.contests.strongroom import SOL

pytestmark = pytest.mark.handlers

CROWD = 60


@pytest.fixture
def desk(database_url: str) -> Iterator[Paydesk]:
    """A cancelled contest of sixty."""
    with Paydesk.open(database_url, "refunding", CROWD * SOL) as desk:
        yield desk


def test_fifty_refunds_a_commit_until_all_are_on_their_way(desk: Paydesk) -> None:
    """The second turn comes at once; the contest is refunded when the last one is final."""
    desk.owe(Kind.REFUND, [SOL] * CROWD, 0)
    sent = []
    for _ in range(2):
        desk.run(REFUND)
        sent.append(len(desk.rows("select from kernel.solana_outbox")))

    assert [50, 60] == sent
    desk.end(State.CONFIRMED)
    assert "refunded" == desk.state
    assert {("refund", "paid", 1)} == {(kind, state, attempts) for kind, _, state, attempts in desk.lines()}


def test_without_entries_a_contest_is_refunded_at_once(database_url: str) -> None:
    """Nobody is owed anything."""
    with Paydesk.open(database_url, "refunding", 1) as desk:
        desk.owe(Kind.REFUND, [], 1)

        assert ["done"] == desk.run(REFUND)
        assert "refunded" == desk.state
