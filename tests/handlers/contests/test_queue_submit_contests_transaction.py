"""queue_submit_contests_transaction: what follows from an end commits with it, and a halted service signs nothing."""

from collections.abc import Iterator

import pytest

from functions.contests.adapters.effects import SUBMIT
from functions.contests.adapters.pay_steps import PAY
from functions.contests.core.obligation import Kind, ObligationTransitionRefused
from kernel.outbox.solana import State
from kernel.treasury.switch import KillSwitch
from tests.handlers.contests.paydesk import Paydesk
from tests.handlers.contests.strongroom import SOL

pytestmark = pytest.mark.handlers


@pytest.fixture
def desk(database_url: str) -> Iterator[Paydesk]:
    """Two payouts of a contest are in the outbox."""
    with Paydesk.open(database_url, "paying") as desk:
        desk.owe(Kind.PAYOUT, [SOL // 2, SOL // 4], SOL // 4)
        desk.run(PAY)
        yield desk


def test_a_halted_service_signs_nothing(desk: Paydesk) -> None:
    """It looks again later; what is recorded stays recorded."""
    KillSwitch(desk.custody.office, desk.custody.clock).halt("contests", "ada", "something is odd")

    assert ["ready", "ready"] == desk.run(SUBMIT)
    assert {"recorded"} == {row["state"] for row in desk.rows("select state from kernel.solana_outbox")}
    assert [] == desk.rows("select from kernel.solana_payloads")


def test_the_end_of_a_payment_is_booked_once(desk: Paydesk) -> None:
    """Out of the contest's pool; told again it changes nothing."""
    desk.end(State.CONFIRMED)
    [first, _] = desk.rows("select id from kernel.solana_outbox order by id")
    pool = "select balance::bigint as balance from kernel.ledger_accounts where name like 'contests:pool:%%'"

    assert [SOL // 4] == [row["balance"] for row in desk.rows(pool)]
    with pytest.raises(ObligationTransitionRefused):
        desk.tell(first["id"], State.CONFIRMED)
    assert [SOL // 4] == [row["balance"] for row in desk.rows(pool)]


def test_what_failed_is_neither_booked_nor_over(desk: Paydesk) -> None:
    """Both are owed again, with why."""
    desk.end(State.FAILED, {"InstructionError": [0, {"Custom": 1}]})

    assert [("payout", 0, "owed", 1), ("payout", 1, "owed", 1)] == desk.lines()
    assert ["refused: {'InstructionError': [0, {'Custom': 1}]}"] * 2 == [
        row["reason"] for row in desk.rows("select reason from contests.obligations")
    ]
    assert "paying" == desk.state
