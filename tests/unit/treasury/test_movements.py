"""Movements: the postings of a transfer, from the request to whichever end."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.ledger import Posting
from kernel.ledger.postings import plan, totals
from kernel.treasury.movements import (
    Call,
    Ending,
    Kind,
    Order,
    State,
    Transfer,
    TransferToItself,
    departure,
    settlement,
    spending,
)
from kernel.treasury.wallets import FloorsUnfit, OperatorWallet

pytestmark = pytest.mark.unit
NOW, ENTRY = datetime(2026, 11, 20, 12, tzinfo=UTC), UUID(int=1)
A, B = "0x" + "aa" * 20, "0x" + "bb" * 20
WALLET = OperatorWallet(service="bridge", chain="evm:1", address=A, floor=1, target=2)
WEI = "evm:1:native"
AMOUNTS = st.integers(1, 2**250)


def transfer(amount: int, reserve: int) -> Transfer:
    return Transfer(
        key="one",
        kind=Kind.TRANSFER,
        service="bridge",
        chain="evm:1",
        sender=A,
        recipient=B,
        amount=amount,
        reserve=reserve,
        entry_id=ENTRY,
        actor="ada",
        reason="a test",
        state=State.OPEN,
        block=None,
        transaction_id=None,
        fee=None,
        paid=None,
        recorded_at=NOW,
        settled_at=None,
    )


def ending(state: State, fee: int, value: int = 0) -> Ending:
    return Ending(
        entry_id=ENTRY, chain="evm:1", payer=A, state=state, value=value, fee=fee, block=9, transaction_id="0x01"
    )


def sums(*steps: list[Posting]) -> dict[str, int]:
    """What the accounts hold after these, the wallet's beginning at zero."""
    held: dict[str, int] = {}
    for posting in [one for step in steps for one in plan(step)]:
        held[posting.account] = held.get(posting.account, 0) + posting.amount
    return {account: amount for account, amount in held.items() if amount}


def test_a_confirmed_transfer_costs_its_amount_and_its_fee() -> None:
    """The rest of the reserve is back in the wallet."""
    asked, ended = departure(WALLET, 70, 9), settlement(WALLET, transfer(70, 9), ending(State.CONFIRMED, 4), "x:y")

    assert sums(asked) == {WALLET.account: -79, WALLET.in_transit: 79}
    assert sums(asked, ended) == {WALLET.account: -74, "x:y": 70, WALLET.fees: 4}


@pytest.mark.parametrize("state", [State.FAILED, State.CANCELLED])
def test_a_transfer_that_did_not_happen_costs_its_fee_only(state: State) -> None:
    """The amount is back in the wallet."""
    asked, ended = departure(WALLET, 70, 9), settlement(WALLET, transfer(70, 9), ending(state, 4), "x:y")

    assert sums(asked, ended) == {WALLET.account: -4, WALLET.fees: 4}


def test_a_transfer_that_never_reached_the_chain_costs_nothing() -> None:
    """No fee, no posting of one."""
    asked, ended = departure(WALLET, 70, 9), settlement(WALLET, transfer(70, 9), ending(State.CANCELLED, 0), "x:y")

    assert sums(asked, ended) == {}


@given(AMOUNTS, st.integers(0, 2**250), st.integers(0, 2**250), st.sampled_from(list(State)[1:]))
def test_nothing_is_made_or_lost_and_nothing_stays_in_transit(
    amount: int, reserve: int, fee: int, state: State
) -> None:
    """Whatever the end, and also when the fee exceeds what was set aside for it."""
    held = sums(
        departure(WALLET, amount, reserve), settlement(WALLET, transfer(amount, reserve), ending(state, fee), "x:y")
    )

    assert sum(held.values()) == 0
    assert WALLET.in_transit not in held
    assert held.get("x:y", 0) == (amount if state == State.CONFIRMED else 0)
    assert held.get(WALLET.fees, 0) == fee


@pytest.mark.parametrize(("value", "kept"), [(30, 30), (0, 0), (-5, -5)])
def test_a_call_moves_what_its_end_tells(value: int, kept: int) -> None:
    """Rent that its program took goes to the recipient; what it gave back comes from there."""
    call = replace(transfer(0, 50), kind=Kind.CALL)
    held = sums(departure(WALLET, 0, 50), settlement(WALLET, call, ending(State.CONFIRMED, 4, value), "x:y"))
    failed = sums(departure(WALLET, 0, 50), settlement(WALLET, call, ending(State.FAILED, 4, value), "x:y"))

    assert held == {
        name: amount for name, amount in ((WALLET.account, -4 - kept), ("x:y", kept), (WALLET.fees, 4)) if amount
    }
    assert failed == {WALLET.account: -4, WALLET.fees: 4}


def test_what_a_service_spends_by_itself_goes_outside() -> None:
    """With its fee; a failed one moved nothing but that."""
    assert sums(spending(WALLET, ending(State.CONFIRMED, 4, 70))) == {
        WALLET.account: -74,
        WALLET.outside: 70,
        WALLET.fees: 4,
    }
    assert sums(spending(WALLET, ending(State.FAILED, 4, 70))) == {WALLET.account: -4, WALLET.fees: 4}
    assert spending(WALLET, ending(State.CANCELLED, 0, 70)) == []


def test_an_order_is_recognised_by_what_it_moves() -> None:
    """Who asks, and why, may be told anew."""
    order = Order(key="one", chain="evm:1", sender=A, recipient=B, amount=70, actor="bob", reason="again")

    assert transfer(70, 9).is_for(order)
    assert not transfer(71, 9).is_for(order)


def test_what_makes_no_sense_is_refused_where_it_is_said() -> None:
    """A transfer to itself; a target below the floor; a wallet that funds itself."""
    with pytest.raises(TransferToItself):
        Order(key="one", chain="evm:1", sender=A, recipient=A, amount=1, actor="ada", reason="why")
    with pytest.raises(FloorsUnfit):
        OperatorWallet(service="bridge", chain="evm:1", address=A, floor=2, target=1)
    with pytest.raises(FloorsUnfit):
        OperatorWallet(service="bridge", chain="evm:1", address=A, floor=1, target=2, funded_by=A)


CALL = Call(data=b"\1", gas_limit=50_000, submit_kind="bridge.submit_l1_transaction", service="bridge")


@pytest.mark.parametrize(("kind", "call"), [(Kind.CALL, None), (Kind.TRANSFER, CALL), (Kind.TOP_UP, CALL)])
def test_a_call_and_nothing_else_says_what_is_called(kind: Kind, call: Call | None) -> None:
    """Neither a call of nothing nor a transfer with calldata."""
    with pytest.raises(ValueError, match="what is called"):
        Order(key="one", chain="evm:1", sender=A, recipient=B, amount=1, actor="ada", reason="x", kind=kind, call=call)


def test_a_call_that_moves_nothing_but_its_fee_balances() -> None:
    """Some messages are free; their gas is not."""
    calling = replace(transfer(0, 500), kind=Kind.CALL)

    assert {0} == set(totals(plan(departure(WALLET, 0, 500))).values())
    assert {0} == set(totals(plan(settlement(WALLET, calling, ending(State.CONFIRMED, 120), WALLET.outside))).values())
