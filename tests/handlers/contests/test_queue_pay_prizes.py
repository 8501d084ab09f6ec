"""queue_pay_prizes: what is sent, what is held, and when a contest's winners are paid."""

from collections.abc import Iterator

import pytest

from functions.contests.adapters.pay_steps import PAY
from functions.contests.core.obligation import Kind, PoolNotConserved
from kernel.outbox.solana import State
from kernel.treasury.switch import KillSwitch
from tests.handlers.contests.custody import FEE_PAYER
from tests.handlers.contests.paydesk import Paydesk
from tests.handlers.contests.strongroom import RECIPIENTS, SOL

pytestmark = pytest.mark.handlers


@pytest.fixture
def desk(database_url: str) -> Iterator[Paydesk]:
    """A contest that pays, with a SOL."""
    with Paydesk.open(database_url, "paying") as desk:
        yield desk


def test_every_payout_is_owed_to_the_cluster_once_at_the_treasurys_expense(desk: Paydesk) -> None:
    """By the contest's wallet, which signs beside the fee payer; too little for an account that is not there waits."""
    del desk.room.balances.lamports[RECIPIENTS[2]]
    desk.owe(Kind.PAYOUT, [SOL // 2, SOL // 4, 890_879], SOL // 4 - 890_879)
    states = [desk.run(PAY), desk.run(PAY)]

    assert [["ready"], []] == states
    assert [("payout", 0, "sent", 1), ("payout", 1, "sent", 1), ("payout", 2, "held", 0)] == desk.lines()
    assert [(f"contests:{desk.contest}:payout:{line}:1", FEE_PAYER, [desk.wallet]) for line in (0, 1)] == [
        (row["business_key"], row["payer"], row["signers"])
        for row in desk.rows("select business_key, payer, signers from kernel.solana_outbox order by business_key")
    ]


def test_a_contest_is_paid_by_the_commit_that_ends_its_last_payment(desk: Paydesk) -> None:
    """And its task is done at the next look."""
    desk.owe(Kind.PAYOUT, [SOL // 2, SOL // 4], SOL // 4)
    desk.run(PAY)

    assert "paying" == desk.state

    desk.end(State.CONFIRMED)

    assert "paid" == desk.state
    desk.custody.clock.advance(5)
    assert ["done"] == desk.run(PAY)


def test_three_retries_five_seconds_apart_then_an_operator(desk: Paydesk) -> None:
    """Each failure is proven before the next attempt is recorded, under another key."""
    desk.owe(Kind.PAYOUT, [SOL // 2], SOL // 2)
    tried = []
    for _ in range(5):
        desk.run(PAY)
        desk.end(State.FAILED, {"InstructionError": [0, {"Custom": 1}]})
        desk.custody.clock.advance(4.9)
        tried.append((desk.lines()[0][2:], desk.run(PAY)))
        desk.custody.clock.advance(0.1)

    assert [("owed", 1), ("owed", 2), ("owed", 3), ("parked", 4), ("parked", 4)] == [line for line, _ in tried]
    assert [[], [], []] == [ran for _, ran in tried[:3]]
    assert "paying" == desk.state
    assert 4 == len(desk.rows("select from kernel.solana_outbox"))


def test_nothing_is_owed_that_the_pool_does_not_hold(desk: Paydesk) -> None:
    """Neither more nor less than the books say."""
    for rest in (-1, 1):
        with pytest.raises(PoolNotConserved):
            desk.owe(Kind.PAYOUT, [SOL // 2], SOL // 2 + rest)

    assert [] == desk.lines()


def test_a_halted_service_sends_nothing(desk: Paydesk) -> None:
    """What is owed stays owed until somebody resumes it."""
    desk.owe(Kind.PAYOUT, [SOL // 2], SOL // 2)
    KillSwitch(desk.custody.office, desk.custody.clock).halt("contests", "ada", "something is odd")
    desk.run(PAY)

    assert [("payout", 0, "owed", 0)] == desk.lines()
    assert [] == desk.rows("select from kernel.solana_outbox")
