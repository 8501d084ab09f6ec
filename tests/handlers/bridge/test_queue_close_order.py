"""queue_close_order: an order ends when its escrow says so, and the books agree with both chains to the wei."""

from collections.abc import Iterator
from copy import deepcopy
from threading import Thread
from time import sleep

import pytest

from functions.bridge.core.books import EARNED, EXCHANGED, FEES, MESSAGES
from functions.bridge.core.order import OrderKey
from functions.bridge.core.retry import ATTEMPTS_MAX, CAP_S
from functions.bridge.queue_close_order import handler
from kernel.treasury.store import TreasuryStore
from tests.handlers.bridge.office import FEE_WEI, Office
from tests.handlers.bridge.paces import (
    CLAIM,
    CLOSE,
    DECIDE,
    FILL,
    SUBMIT,
    balance,
    errors,
    history,
    known,
    order,
    outcomes,
    states,
    take,
    until,
    vanish,
)
from tests.integration.bridge.house import HANDLERS, L1, L2
from tests.integration.bridge.simulated_node import Fault
from tests.integration.bridge.stage import ETHER

pytestmark = pytest.mark.handlers
AMOUNT = ETHER // 100
#: The time-out, and twice the origin's finality: an escrow that has repaid says so only once that is final.
LOST_AFTER_S = 600 + 2 * 60 + 1


@pytest.fixture
def office(database_url: str) -> Iterator[Office]:
    """A deployment with one order, whose claim is final on L1."""
    with Office.open(database_url) as office:
        office.lock()
        known(office)
        until(office, DECIDE, FILL, SUBMIT, CLAIM, state="proved")
        yield office


def close(office: Office) -> None:
    """The escrow is asked once more."""
    office.clock.advance(60)
    take(office, CLOSE)


def verdicts(office: Office) -> set[str | None]:
    """What the treasury says of both wallets."""
    found = {office.check(chain) for chain in (L1, L2)}
    return {None if one is None else one.verdict for one in found}


def test_an_order_is_completed_when_the_escrow_says_so(office: Office) -> None:
    """Not because the registry does, and not before the escrow's block is final."""
    close(office)
    waiting = states(office)
    office.stage.carry()
    office.stage.l2.mine()
    close(office)
    mined = states(office)
    office.stage.l2.mine(50)
    close(office)

    assert HANDLERS[CLOSE] is handler
    assert (["proved"], ["proved"], ["completed"]) == (waiting, mined, states(office))
    row = order(office)
    assert office.stage.is_closed(0) is True
    assert (True, None) == (row["close_block"] is not None, row["gone_at"])


def test_the_books_agree_with_both_chains_to_the_wei(office: Office) -> None:
    """What is earned, less gas and messages, is what we have more than before."""
    office.live()
    profit = -balance(office, EARNED, L2) - balance(office, FEES, L1) - balance(office, MESSAGES, L1)

    assert (office.stage.our_wei(), FEE_WEI) == (profit, -balance(office, EARNED, L2))
    assert (AMOUNT, -AMOUNT) == (balance(office, EXCHANGED, L1), balance(office, EXCHANGED, L2))
    assert 0 == balance(office, "bridge:owed:zksync", L1)
    assert AMOUNT + FEE_WEI == balance(office, f"bridge:wallet:{office.stage.payer}", L2)
    assert {"balanced"} == verdicts(office)


def test_a_repayment_that_is_not_booked_yet_is_expected(office: Office) -> None:
    """The chain holds more than the books, by no more than what escrows owe: that pends, until it is booked."""
    office.stage.carry()
    office.stage.l2.mine(50)
    early = office.check(L2)
    with office.office.transaction() as tx:
        found = office.deps.orders.order(tx, OrderKey("zksync", 0), 1, lock=True)
        office.deps.posts.lose(tx, found)
    given_up = office.check(L2)
    with office.office.transaction() as tx:
        office.deps.posts.recover(tx, office.deps.orders.order(tx, OrderKey("zksync", 0), 1, lock=True))
    found_again = office.check(L2)
    close(office)

    told = [early, given_up, found_again]
    assert [("pending", AMOUNT + FEE_WEI), ("difference", AMOUNT + FEE_WEI), ("pending", AMOUNT + FEE_WEI)] == [
        (one.verdict, one.amount) for one in told if one is not None
    ]
    assert {"balanced"} == verdicts(office)
    assert [] == office.rows("select 1 from kernel.treasury_arrivals where arrived_at is null")


def test_a_message_that_is_lost_is_sent_again(office: Office) -> None:
    """After the time-out the order is claimed once more; the escrow repays it once."""
    office.stage.lose_message()
    office.clock.advance(LOST_AFTER_S)
    take(office, CLOSE)
    lost = (states(office), errors(office))
    office.clock.advance(300)
    office.live()

    assert (["fulfilled"], [("fulfilled", "message_lost")]) == lost
    assert 2 == history(office).count("claim")
    assert {"balanced"} == verdicts(office)


def test_a_message_is_not_given_up_before_its_origin_could_be_final(office: Office) -> None:
    """The escrow may have repaid the order long ago; a second message would be paid for nothing."""
    office.stage.lose_message()
    office.clock.advance(LOST_AFTER_S - 2)
    take(office, CLOSE)

    assert (["proved"], []) == (states(office), errors(office))


def test_an_order_whose_messages_never_arrive_is_parked(office: Office) -> None:
    """Each costs a fee: after ten a person has to look why."""
    office.stage.lost_messages |= set(range(ATTEMPTS_MAX + 1))
    for _ in range(ATTEMPTS_MAX - 1):
        office.clock.advance(LOST_AFTER_S)
        take(office, CLOSE)
        office.clock.advance(CAP_S)
        office.minute()
        until(office, CLAIM, SUBMIT, state="proved")
    office.clock.advance(LOST_AFTER_S)
    take(office, CLOSE)
    office.clock.advance(CAP_S)
    office.minute()
    take(office, CLAIM)

    row = order(office)
    assert ("fulfilled", True, None) == (row["state"], row["is_parked"], row["next_attempt_at"])
    assert [("fulfilled", "message_lost")] * ATTEMPTS_MAX == errors(office)
    assert ATTEMPTS_MAX == history(office).count("claim")


def test_a_message_that_comes_after_all_is_repaid_once(office: Office) -> None:
    """Both messages arrive; the escrow refuses the second."""
    office.clock.advance(LOST_AFTER_S)
    take(office, CLOSE)
    office.clock.advance(300)
    office.live()

    assert 1 == history(office).count("close")
    assert {"balanced"} == verdicts(office)
    assert AMOUNT + FEE_WEI == balance(office, f"bridge:wallet:{office.stage.payer}", L2)


def test_a_closing_of_another_deposit_of_the_id_closes_nothing(office: Office) -> None:
    """The escrow has closed this id, for whoever has it now; ours is lost."""
    deposit = office.stage.deposits()[0]
    office.stage.reorganise_l2(office.stage.l2.head - deposit.block + 1, lambda dropped: [])
    office.stage.lock(0xC9, AMOUNT, FEE_WEI)
    office.stage.l2.mine()
    office.stage.repay(office.stage.deposits()[0])
    office.stage.l2.mine(50)
    close(office)

    assert ["proved"] == states(office)
    assert AMOUNT == balance(office, "bridge:lost:zksync", L1)


def test_a_deposit_that_is_gone_and_back_is_noticed_without_any_event(office: Office) -> None:
    """While the escrow is asked, the deposit is looked for, too."""
    kept = vanish(office)
    close(office)
    lost = balance(office, "bridge:lost:zksync", L1)
    office.stage.l2.resubmit(kept)
    office.stage.l2.mine()
    office.live()

    assert (AMOUNT, 0) == (lost, balance(office, "bridge:lost:zksync", L1))
    assert {"balanced"} == verdicts(office)


def test_a_lost_order_that_waits_for_a_claim_is_looked_for_without_any_event(office: Office) -> None:
    """The origin changed its mind twice between two turns of the cursors: only we saw that it was gone."""
    chain = office.stage.l2
    before = {name: deepcopy(getattr(chain, name)) for name in ("blocks", "where", "_memory")}
    vanish(office)
    office.clock.advance(LOST_AFTER_S)
    take(office, CLOSE)
    lost = (states(office), order(office)["is_lost"])
    for name, kept in before.items():
        setattr(chain, name, kept)
    office.clock.advance(3_600)
    office.live()

    assert (["fulfilled"], True) == lost
    assert 0 == balance(office, "bridge:lost:zksync", L1)
    assert {"balanced"} == verdicts(office)


def test_a_wallet_whose_books_are_not_open_holds_its_repayment_up(office: Office) -> None:
    """Or the opening balance would hold the repayment once, and the order a second time."""
    with office.office.transaction() as tx:
        tx.execute(
            "update kernel.treasury_wallets set opened_at = null, opened_block = null, opened_balance = null,"
            " verdict = null where chain = %(chain)s",
            chain=L2,
        )
    office.stage.carry()
    office.stage.l2.mine(50)
    close(office)
    waiting = (states(office), outcomes(office, CLOSE)[-1])
    office.check(L2)
    close(office)

    assert (["proved"], ("ready", "the books of the wallet that is repaid are not open")) == waiting
    assert (["completed"], {"balanced"}) == (states(office), verdicts(office))


def test_the_wallet_is_taken_before_the_accounts_of_a_loss(office: Office) -> None:
    """As an order that was never lost takes them: each of two closings at once would wait for the other."""
    with office.office.transaction() as tx:
        found = office.deps.orders.order(tx, OrderKey("zksync", 0), 1, lock=True)
        office.deps.posts.lose(tx, found)
    office.stage.carry()
    office.stage.l2.mine(50)
    office.clock.advance(60)
    [task] = [one for one in office.due() if one["kind"] == CLOSE]
    closing = Thread(target=office.deliver, args=(task,))
    with office.office.transaction() as tx:
        TreasuryStore().wallet(tx, L2, office.stage.payer, lock=True)
        closing.start()
        while not tx.one("select count(*) as blocked from pg_locks where not granted")["blocked"]:
            sleep(0.01)
        tx.execute("select from kernel.ledger_accounts where name = 'bridge:owed:zksync' for update nowait")
    closing.join()

    assert (["completed"], 0) == (states(office), balance(office, "bridge:lost:zksync", L1))
    assert {"balanced"} == verdicts(office)


def test_unreadable_chains_put_the_end_off(office: Office) -> None:
    """It costs no attempt."""
    for node in office.stage.nodes[office.stage.l2]:
        node.fault = Fault.AWAY
    close(office)

    assert (["proved"], []) == (states(office), errors(office))


@pytest.mark.parametrize("point", range(0, 10, 4))
def test_a_worker_that_dies_at_any_point_books_one_repayment(office: Office, point: int) -> None:
    """Its successor finds it booked, or books it."""
    office.stage.carry()
    office.stage.l2.mine(50)
    office.doom.left = point
    close(office)
    office.doom.left = None
    office.live()

    assert 1 == history(office).count("close")
    assert {"balanced"} == verdicts(office)
