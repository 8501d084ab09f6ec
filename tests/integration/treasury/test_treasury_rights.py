"""What each role may do to the treasury's tables, and what the tables themselves refuse."""

import psycopg
import pytest

from kernel.postgres import Postgres
from kernel.testing import FakeClock
from kernel.treasury.store import TreasuryStore
from kernel.treasury.wallets import OperatorWallet

pytestmark = pytest.mark.integration
A, B = "0x" + "aa" * 20, "0x" + "bb" * 20
TOP_UP = (
    "insert into kernel.treasury_transfers (key, kind, service, chain, sender, recipient, amount, reserve, entry_id,"
    " actor, reason, recorded_at) values (%(key)s, 'top_up', 'bridge', 'evm:1', %(a)s, %(b)s, 1, 0,"
    " gen_random_uuid(), 'treasury', 'low', now())"
)
DONE = "update kernel.treasury_transfers set state = 'confirmed', fee = 1, settled_at = now() where key = %(key)s"


@pytest.fixture
def ops(database_url: str) -> Postgres:
    """The ops slice's rights, over two declared wallets."""
    ops, store, clock = Postgres(database_url, role="counterpart_ops"), TreasuryStore(), FakeClock()
    with ops.transaction() as tx:
        for address in (A, B):
            wallet = OperatorWallet(service="bridge", chain="evm:1", address=address, floor=0, target=1)
            store.declare(tx, wallet, clock.now())
    return ops


@pytest.mark.parametrize(
    "statement",
    [
        "update kernel.treasury_wallets set floor = 0",
        "insert into kernel.treasury_readings (chain, address, block, chain_balance, expected, verdict, difference,"
        " reason, read_at) values ('evm:1', '0x', 1, 1, 1, 'balanced', 0, '', now())",
        "delete from kernel.treasury_wallets",
    ],
)
def test_other_slices_look_and_do_not_write(database_url: str, ops: Postgres, statement: str) -> None:
    """Only the ops slice's role writes about money."""
    with Postgres(database_url, role="counterpart_bridge").transaction() as tx:
        assert len(tx.all("select * from kernel.treasury_wallets")) == 2
    with (
        pytest.raises(psycopg.errors.InsufficientPrivilege),
        Postgres(database_url, role="counterpart_bridge").transaction() as tx,
    ):
        tx.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "update kernel.treasury_transfers set amount = 2",
        "update kernel.treasury_transfers set recipient = sender",
        "delete from kernel.treasury_transfers",
        "update kernel.treasury_readings set difference = 0",
        "delete from kernel.treasury_readings",
    ],
)
def test_what_was_asked_for_and_found_is_never_rewritten(ops: Postgres, statement: str) -> None:
    """Not by the ops slice either."""
    with pytest.raises(psycopg.errors.InsufficientPrivilege), ops.transaction() as tx:
        tx.execute(statement)


def test_a_wallet_has_one_top_up_at_a_time(ops: Postgres) -> None:
    """The database refuses a second one until the first has its end."""
    with ops.transaction() as tx:
        tx.execute(TOP_UP, key="one", a=A, b=B)
    with pytest.raises(psycopg.errors.UniqueViolation), ops.transaction() as tx:
        tx.execute(TOP_UP, key="two", a=A, b=B)
    with ops.transaction() as tx:
        tx.execute(DONE, key="one")
        tx.execute(TOP_UP, key="two", a=A, b=B)

        assert tx.one("select count(*) as n from kernel.treasury_transfers")["n"] == 2
