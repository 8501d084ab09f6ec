"""cron_poll_program: every final transaction becomes one task, webhooks tell the same ones, books are compared."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from functions.netting.adapters.transfers_seen import KIND
from kernel.solana.program_cursor import ProgramWatch
from kernel.watches import Watches, spoken
from tests.handlers.netting.stage import BUYER, EVENTS, PLACES, PROGRAM, SELLER, Stage, funds, item, ledger

pytestmark = pytest.mark.handlers


@pytest.fixture
def stage(database_url: str) -> Iterator[Stage]:
    """A deployment that has heard of nothing."""
    with Stage.open(database_url) as stage:
        yield stage


def test_what_happened_becomes_tasks_once(stage: Stage) -> None:
    """In order, and not again with the next tick."""
    deeds = [stage.program.did(funds("deposit", wallet, 70)) for wallet in (SELLER, BUYER)]
    stage.tick()
    stage.tick()

    told = stage.rows("select business_key from kernel.tasks where kind = %(kind)s order by id", kind=EVENTS)
    assert [f"solana:localnet:{one}::0" for one in deeds] == [row["business_key"] for row in told]


def test_a_webhook_tells_the_same_task(stage: Stage) -> None:
    """The intake finds our watch by the program's address, and makes of a transaction what the cursor makes."""
    signature = stage.program.did(funds("deposit", SELLER, 70))
    stage.tick()
    with stage.office.transaction() as tx:
        [watch] = Watches(stage.clock).of(tx, "solana:localnet", [PROGRAM, SELLER])
    assert isinstance(watch, ProgramWatch)
    [event] = spoken(watch, signature=signature, slot=1, succeeded=True, accounts=[PROGRAM], programs=[], logs=[])

    told = stage.rows("select kind, business_key from kernel.tasks where kind = %(kind)s", kind=EVENTS)
    assert [(KIND, event.identity)] == [(row["kind"], row["business_key"]) for row in told]
    assert watch.kind == KIND


def test_a_gap_while_the_database_was_away(stage: Stage, database_url: str) -> None:
    """Every connection is cut and none is let in while deposits happen: the next turn after it reads them."""
    stage.tick()
    address, _, name = database_url.rpartition("/")
    stage.program.holds(PLACES.ledger(SELLER), ledger(SELLER, 70))
    with psycopg.connect(f"{address}/postgres", autocommit=True) as server:
        admitted = sql.SQL("alter database {} allow_connections {}")
        server.execute(admitted.format(sql.Identifier(name), sql.Literal(False)))
        server.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [name])
        stage.program.did(funds("deposit", SELLER, 70))
        stage.tick()
        server.execute(admitted.format(sql.Identifier(name), sql.Literal(True)))
    stage.office.close()
    stage.tick()
    stage.work()

    assert {SELLER: 70} == stage.balances() == stage.booked()


def test_the_oldest_readings_are_renewed(stage: Stage) -> None:
    """Whatever nobody told: a balance and an owner follow their accounts, and one that is gone owns nothing."""
    stage.item("item-2", "2" * 32)
    with stage.office.transaction() as tx:
        tx.execute("update netting.item_ownership set owner = %(owner)s", owner=SELLER)
        tx.execute(
            "insert into netting.wallet_balances (wallet, locked_lamports, requested_lamports, slot, read_at)"
            " values (%(wallet)s, 1, 0, 1, %(now)s)",
            wallet=SELLER,
            now=stage.clock.now(),
        )
    stage.program.holds(PLACES.ledger(SELLER), ledger(SELLER, 70))
    stage.program.holds(PLACES.item(1), item(1, BUYER))
    stage.tick()

    assert {SELLER: 70} == stage.balances()
    assert [BUYER, None] == [
        row["owner"] for row in stage.rows("select owner from netting.item_ownership order by item_id")
    ]


def test_books_that_differ_twice_alike_are_told_once(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    """The account holds more than was ever told; what moves meanwhile is on its way, and forgotten."""
    stage.program.holds(PLACES.ledger(SELLER), ledger(SELLER, 70))
    stage.tell(stage.program.did(funds("deposit", SELLER, 70)))
    found = []
    for locked in (71, 72, 72, 72, 70, 70):
        stage.program.holds(PLACES.ledger(SELLER), ledger(SELLER, locked))
        stage.tick()
        kept = stage.rows("select * from netting.differences where subject = %(wallet)s order by id", wallet=SELLER)
        found.append([(int(row["chain_lamports"]), row["confirmed_at"] is not None) for row in kept])
    told = [record for record in caplog.records if record.__dict__.get("subject") == SELLER]
    [over] = stage.rows("select ended_at from netting.differences where subject = %(wallet)s", wallet=SELLER)

    assert [[], [(71, False)], [(72, False)], [(72, True)], [(72, True)], [(72, True)]] == found
    assert 1 == len(told)
    assert over["ended_at"] is not None


def test_an_older_reading_changes_nothing(stage: Stage) -> None:
    """A balance that was read at a later slot stays."""
    stage.program.holds(PLACES.ledger(SELLER), ledger(SELLER, 70))
    stage.tell(stage.program.did(funds("deposit", SELLER, 70)))
    with stage.office.transaction() as tx:
        tx.execute("update netting.wallet_balances set slot = 1000000, locked_lamports = 69")
    stage.tell(stage.program.did(funds("request_withdrawal", SELLER, 0)))

    assert {SELLER: 69} == stage.balances()
