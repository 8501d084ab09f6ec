"""What a service of this kind gets wrong about money: each mistake by its name, and what happens here instead."""

import pytest

from functions.contests.adapters.admin_transfers import AdminTransferChanged, Asked, Wanted
from functions.contests.adapters.effects import SUBMIT
from functions.contests.adapters.pay_steps import PAY
from functions.contests.core.contest import State, status
from tests.chain.contests.cashier import FEE, SOL, Cashier, Dying

pytestmark = pytest.mark.chain

WON = 2 * FEE


def test_a_payout_that_throws_does_not_complete_its_contest(cashier: Cashier) -> None:
    """While its winner has nothing the contest counts as active, and its line stands parked with a reason."""
    contest = cashier.contest("duel", 3)
    cashier.rank(contest, [(cashier.entrant("duel", 0), WON)])
    cashier.node.fund(cashier.wallet(contest), 0)
    cashier.work()

    [line] = cashier.rows("select state, reason, attempts from contests.obligations where kind = 'payout'")
    assert ("paying", "active") == (cashier.state(contest), status(State(cashier.state(contest))))
    assert ("parked", 4) == (line["state"], line["attempts"])
    assert "refused" in line["reason"]
    assert 0 == cashier.balance(cashier.entrant("duel", 0))


def test_a_refund_that_is_retried_after_its_transfer_pays_once(cashier: Cashier) -> None:
    """Whoever sent it died before he could say so; the next finds it on the chain."""
    contest = cashier.contest("duel", 1, state="pending")
    cashier.cancel(contest)
    cashier.work("contests.refund_entries", rounds=1)
    cashier.die(SUBMIT, Dying(cashier.kernel, cashier.settings))
    cashier.node.mine()
    cashier.work()

    assert FEE == cashier.balance(cashier.entrant("duel", 0))
    assert [("refund", 0, "paid", 1)] == cashier.lines(contest)
    assert 1 == len(cashier.rows("select * from kernel.solana_payloads"))


def test_a_refund_is_not_retried_while_its_transfer_may_still_land(cashier: Cashier) -> None:
    """The attempt waits for its bytes' death by the word of two nodes; no second one is recorded beside it."""
    contest = cashier.contest("duel", 1, state="pending")
    cashier.cancel(contest)
    cashier.work("contests.refund_entries", rounds=1)
    cashier.die(SUBMIT, Dying(cashier.kernel, cashier.settings))
    for _ in range(5):
        cashier.clock.advance(60)
        cashier.work("contests.refund_entries", rounds=2)

    assert [("refund", 0, "sent", 1)] == cashier.lines(contest)
    assert 1 == len(cashier.rows("select * from kernel.solana_outbox"))


def test_no_rake_before_the_prizes(cashier: Cashier) -> None:
    """A wallet is not swept while anybody is still to be paid of it, and nothing while a payment is parked."""
    contest = cashier.contest("duel", 3)
    cashier.rank(contest, [(cashier.entrant("duel", 0), WON)])
    cashier.rake()
    cashier.work(PAY, rounds=1)
    cashier.rake()

    assert [] == cashier.rows("select * from contests.sweeps")

    cashier.work()
    cashier.rake()

    assert [(cashier.wallet(contest), FEE - SOL // 100)] == [
        (row["wallet"], row["lamports"]) for row in cashier.rows("select wallet, lamports from contests.sweeps")
    ]


def test_a_batch_is_named_by_its_caller_so_that_asking_twice_is_asking_once(cashier: Cashier) -> None:
    """The same lines under the same name move once; another amount under it is refused; new lines go on."""
    deps = cashier.admin()
    recipients = [cashier.entrant("staff", number) for number in range(3)]
    asked = Asked(batch="march", source=cashier.fee_payer, actor="ada", reason="expenses")
    lines = [Wanted(line, recipient, SOL) for line, recipient in enumerate(recipients)]
    for some in (lines[:2], lines[:2], lines):
        deps.admin_transfers.transfer(asked, some)
    with pytest.raises(AdminTransferChanged):
        deps.admin_transfers.transfer(asked, [Wanted(0, recipients[0], SOL + 1)])
    cashier.work()

    assert [SOL] * 3 == [cashier.balance(recipient) for recipient in recipients]
    assert ["2", "1"] == [
        str(row["lines"])
        for row in cashier.rows(
            "select details::jsonb -> 'lines' as lines from kernel.audit_log where action = 'contests.transfer'"
            " order by seq"
        )
    ]
