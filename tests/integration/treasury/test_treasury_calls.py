"""Calls through the treasury: once, under their key, with their own gas in reserve, and in no audit of persons."""

from collections.abc import Iterator

import psycopg
import pytest

from functions.bridge.core.registry import Version
from kernel.outbox.evm.entries import IntentChanged
from kernel.postgres import Postgres
from kernel.testing import FakeClock
from kernel.treasury.inlets import Deposit
from kernel.treasury.movements import Call, Kind, Order, Transfer, TransferChanged
from kernel.treasury.wallets import WalletNotOpen
from tests.integration.bridge.house import L1, L2, House
from tests.integration.bridge.stage import ETHER, REGISTRY, Stage

pytestmark = pytest.mark.integration
GWEI = 10**9


@pytest.fixture
def house(database_url: str) -> Iterator[House]:
    """The bridge's wallets, open."""
    clock = FakeClock()
    house = House(database_url, clock, b"\5" * 32, lambda payer: Stage(clock, Version.V2, payer))
    yield house
    house.close()


def request(house: House, *, key: str = "a call", amount: int = 0, data: bytes = b"\1", gas: int = 50_000) -> Transfer:
    """The bridge's role asks for a call."""
    call = Call(data=data, gas_limit=gas, submit_kind="bridge.submit_l1_transaction", service="bridge")
    order = Order(
        key=key,
        chain=L1,
        sender=house.settings.signer,
        recipient=REGISTRY,
        amount=amount,
        actor="bridge",
        reason="a test",
        kind=Kind.CALL,
        call=call,
    )
    with house.kernel.postgres.transaction() as tx:
        return house.deps.treasury.transfer(tx, order)


def test_a_call_reserves_its_own_gas_and_keeps_no_act_of_a_person(house: House) -> None:
    """Its payload, service and task are the caller's."""
    recorded = request(house, amount=7)

    assert ("call", 7, 50_000 * 20 * GWEI) == (recorded.kind, recorded.amount, recorded.reserve)
    [entry] = house.rows("select service, calldata, value_wei, gas_limit, submit_kind from kernel.evm_outbox")
    assert ("bridge", b"\1", 7, 50_000, "bridge.submit_l1_transaction") == tuple(entry.values())
    assert [] == house.rows("select action from kernel.audit_log where action = 'treasury.call'")


def test_the_same_call_under_its_key_is_the_same_and_another_is_refused(house: House) -> None:
    """Whoever estimates anew may name other gas, and nothing else."""
    first = request(house)
    again = request(house, gas=60_000)
    with pytest.raises(IntentChanged):
        request(house, data=b"\2")
    with pytest.raises(TransferChanged):
        request(house, amount=1)

    assert first.entry_id == again.entry_id
    assert 1 == len(house.rows("select id from kernel.evm_outbox"))


@pytest.mark.parametrize(
    "statement",
    [
        "update kernel.treasury_transfers set amount = 2",
        "delete from kernel.treasury_transfers",
        "update kernel.treasury_wallets set opened_block = 0",
        "update kernel.treasury_wallets set floor = 0",
        "update kernel.treasury_deposits set amount = 2",
        "delete from bridge.order_history where false; truncate kernel.treasury_deposits",
    ],
)
def test_the_bridge_rewrites_nothing_of_the_treasury(database_url: str, statement: str) -> None:
    """It adds calls and repayments, and says how its calls ended."""
    with (
        pytest.raises(psycopg.errors.InsufficientPrivilege),
        Postgres(database_url, role="counterpart_bridge").transaction() as tx,
    ):
        tx.execute(statement)


def test_what_came_before_the_books_began_is_not_booked_again(house: House) -> None:
    """It is part of what they began with."""
    [opened] = house.rows("select opened_block from kernel.treasury_wallets where chain = %(chain)s", chain=L2)
    deposit = Deposit(
        key="early",
        event="early",
        chain=L2,
        wallet=house.settings.signer,
        amount=ETHER,
        block=opened["opened_block"],
        transaction_id="0x01",
        forward_to=None,
    )
    with pytest.raises(WalletNotOpen), house.kernel.postgres.transaction() as tx:
        house.deps.treasury.receive(tx, deposit)

    assert [] == house.rows("select key from kernel.treasury_deposits")
