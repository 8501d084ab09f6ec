"""What the slices watch: declared with their business, found by address, and the same as their cursors' watches."""

from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest

from kernel.evm.log_cursor import Watch, WatchChanged
from kernel.postgres import Postgres
from kernel.solana.program_cursor import ProgramWatch, Wanted
from kernel.testing import FakeClock
from kernel.watches import Watches

pytestmark = pytest.mark.integration

ONE, TWO = "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2", "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
PROGRAM = "MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr"
TOPIC, OTHER = bytes([1]) * 32, bytes([2]) * 32
LOGS = Watch(
    name="bridge.orders",
    chain_id=10,
    addresses=(ONE, TWO),
    kind="bridge.chain_events",
    start_block=7,
    topics=((TOPIC, OTHER), None, (TOPIC,)),
    confirmations=3,
)
SAID = ProgramWatch(
    name="netting.settlements",
    cluster="devnet",
    address=PROGRAM,
    kind="netting.chain_events",
    wanted=Wanted.TRANSACTIONS,
    start_after="5" * 88,
    start_slot=9,
    with_failed=True,
)


@pytest.fixture
def postgres(database_url: str) -> Iterator[Postgres]:
    postgres = Postgres(database_url, FakeClock(), role="counterpart_bridge")
    yield postgres
    postgres.close()


@pytest.fixture
def watches() -> Watches:
    return Watches(FakeClock())


def test_a_watch_comes_back_as_it_was_declared(postgres: Postgres, watches: Watches) -> None:
    """To the last term, so that a webhook is taken where the cursor would deliver."""
    with postgres.transaction() as tx:
        watches.declare(tx, LOGS)
        watches.declare(tx, SAID)

    with postgres.transaction() as tx:
        assert watches.of(tx, "evm:10", {TWO}) == [LOGS]
        assert watches.of(tx, "solana:devnet", {PROGRAM, "another"}) == [SAID]


def test_a_watch_is_found_on_its_own_chain_only(postgres: Postgres, watches: Watches) -> None:
    """And by its own addresses."""
    with postgres.transaction() as tx:
        watches.declare(tx, LOGS)

        assert watches.of(tx, "evm:1", {ONE}) == []
        assert watches.of(tx, "evm:10", {ONE.lower(), PROGRAM}) == []
        assert watches.of(tx, "evm:10", set()) == []


def test_a_watch_changes_under_its_name_but_keeps_chain_and_kind(postgres: Postgres, watches: Watches) -> None:
    """As its cursor does, whose place belongs to them."""
    changed = replace(LOGS, addresses=(TWO,), start_block=100, topics=())
    with postgres.transaction() as tx:
        watches.declare(tx, LOGS)
        watches.declare(tx, changed)

        assert (watches.of(tx, "evm:10", {ONE}), watches.of(tx, "evm:10", {TWO})) == ([], [changed])
    for other in (replace(LOGS, chain_id=1), replace(LOGS, kind="bridge.other"), replace(SAID, name=LOGS.name)):
        with pytest.raises(WatchChanged), postgres.transaction() as tx:
            watches.declare(tx, other)


def test_a_declaration_that_rolls_back_never_was(postgres: Postgres, watches: Watches) -> None:
    """It begins with the business that it is for, or not at all."""
    with pytest.raises(RuntimeError), postgres.transaction() as tx:
        watches.declare(tx, LOGS)
        raise RuntimeError("the business failed")

    with postgres.transaction() as tx:
        assert watches.of(tx, "evm:10", {ONE}) == []


def test_a_watch_is_withdrawn(postgres: Postgres, watches: Watches) -> None:
    """Once; its tasks are not touched."""
    with postgres.transaction() as tx:
        watches.declare(tx, LOGS)

        assert [watches.withdraw(tx, LOGS.name) for _ in range(2)] == [True, False]
        assert watches.of(tx, "evm:10", {ONE}) == []


def test_the_database_refuses_a_chain_that_is_none(database_url: str) -> None:
    """Whatever the code says."""
    row = "insert into kernel.watched_contracts values ('w', 'evm:0x1', '{a}', 'a.b', '{}', now())"

    with psycopg.connect(database_url) as owner, pytest.raises(psycopg.errors.CheckViolation):
        owner.execute(row)
