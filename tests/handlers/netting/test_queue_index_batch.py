"""queue_index_batch: a settled batch is read again and indexed once; what is not ours settles nothing of ours."""

from collections.abc import Iterator
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from kernel.ids import new_id
from kernel.webhooks.endpoints import Endpoints
from tests.handlers.netting.stage import (
    BUYER,
    HASH,
    INDEX,
    PLACES,
    SELLER,
    Stage,
    funds,
    item,
    ledger,
    sale,
)

pytestmark = pytest.mark.handlers
PRICE = 30
PLAN = {"items": [["item-1", BUYER]], "deltas": [[SELLER, PRICE], [BUYER, -PRICE]]}


@pytest.fixture
def stage(database_url: str) -> Iterator[Stage]:
    """The buyer has locked 100; the item is the seller's."""
    with Stage.open(database_url) as stage:
        stage.program.holds(PLACES.ledger(BUYER), ledger(BUYER, 100))
        stage.tell(stage.program.did(funds("deposit", BUYER, 100)))
        yield stage


def settled(stage: Stage, *, price: int = PRICE) -> str:
    """The program settles the sale, and the accounts say so; the hint is taken."""
    stage.program.holds(PLACES.ledger(BUYER), ledger(BUYER, 100 - PRICE))
    stage.program.holds(PLACES.ledger(SELLER), ledger(SELLER, PRICE))
    stage.program.holds(PLACES.item(1), item(1, BUYER))
    signature = stage.program.did(sale(5, price))
    stage.tell(signature)
    return signature


def planned(stage: Stage, state: str = "sent", *, result_hash: bytes = HASH, plan: Any = PLAN) -> None:
    """A batch with one settlement, under the number 5, and the item's reservation."""
    row = {"batch": new_id(), "now": stage.clock.now(), "hash": result_hash, "empty": bytes(32)}
    with stage.office.transaction() as tx:
        tx.execute(
            "insert into netting.batches (id, state, intents, accepted, items, wallets, transactions, packing_bound,"
            " traded_lamports, moved_lamports, result_hash, da_hash, items_root, state_root, netted_at, moved_at)"
            " values (%(batch)s, 'settling', 1, 1, 1, 2, 1, 1, 30, 30, %(hash)s, %(empty)s, %(empty)s, %(empty)s,"
            " %(now)s, %(now)s)",
            **row,
        )
        tx.execute(
            "insert into netting.settlements (batch, ordinal, content, entries, state, attempt, chain_batch, moved_at)"
            " values (%(batch)s, 0, %(plan)s, 3, %(state)s, 1, 5, %(now)s)",
            **row,
            plan=Jsonb(plan),
            state=state,
        )
        tx.execute(
            "insert into netting.reservations (kind, subject, batch, ordinal, reserved_at)"
            " values ('item', 'item-1', %(batch)s, 0, %(now)s)",
            **row,
        )


def left(stage: Stage) -> tuple[str, int, list[str]]:
    """The settlement's state, how much is reserved, why a batch is foreign."""
    [settlement] = stage.rows("select state from netting.settlements")
    reserved = stage.rows("select from netting.reservations")
    foreign = stage.rows("select reason from netting.foreign_batches")
    return settlement["state"], len(reserved), [row["reason"] for row in foreign]


def test_a_settled_batch_follows_the_chain(stage: Stage) -> None:
    """Owner, balances, books; its reservation is given back, and webhooks are told."""
    endpoints = Endpoints(stage.office, stage.kernel.envelope, stage.clock)
    endpoints.create(owner="service:a", url="https://hooks.example.org/", topics=("netting.*",), actor="ada")
    planned(stage)
    settled(stage)

    assert ("indexed", 0, []) == left(stage)
    assert {SELLER: PRICE, BUYER: 100 - PRICE} == stage.balances() == stage.booked()
    assert [BUYER] == [row["owner"] for row in stage.rows("select owner from netting.item_ownership")]
    assert ["netting.settlement_indexed", "netting.batch_indexed"] == [
        row["topic"] for row in stage.rows("select topic from kernel.webhook_messages order by published_at, id")
    ]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"result_hash": b"\1" * 32}, "another hash was settled under our number", id="another hash"),
        pytest.param(
            {"plan": {**PLAN, "items": []}},
            "other counts of items and wallets were settled under our number",
            id="counts",
        ),
        pytest.param(
            {"plan": {**PLAN, "items": [["item-1", SELLER]]}},
            "other owners or amounts were settled under our number",
            id="another owner",
        ),
        pytest.param({"state": "waiting"}, "its last attempt was given up", id="an attempt that was given up"),
        pytest.param({"state": "abandoned"}, "its last attempt was given up", id="a settlement that was given up"),
    ],
)
def test_what_is_settled_under_our_number_and_is_not_ours(
    stage: Stage, caplog: pytest.LogCaptureFixture, changes: dict[str, Any], reason: str
) -> None:
    """Funds and items are where the program says; our settlement stays as it is."""
    planned(stage, **changes)
    settled(stage)

    assert (changes.get("state", "sent"), 1, [reason]) == left(stage)
    assert {SELLER: PRICE, BUYER: 100 - PRICE} == stage.balances() == stage.booked()
    assert "netting.foreign_batch" in {record.__dict__.get("alarm") for record in caplog.records}


def test_a_batch_that_is_indexed_already_is_skipped(stage: Stage) -> None:
    """A second task of the same number, by whatever way it came."""
    planned(stage)
    settled(stage)
    [task] = stage.rows("select payload from kernel.tasks where kind = %(kind)s", kind=INDEX)
    stage.enqueue(INDEX, "again", task["payload"])
    stage.work()

    assert [("done", None), ("skipped", "skipped")] == stage.tasks(INDEX)
    assert ("indexed", 0, []) == left(stage)


def test_a_batch_waits_for_its_cover(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    """Its buyer's deposit was never told: nothing is indexed, and after a while somebody is called."""
    plan = {"items": PLAN["items"], "deltas": [[SELLER, 130], [BUYER, -130]]}
    planned(stage, plan=plan)
    settled(stage, price=130)
    early = left(stage)
    for _ in range(25):
        stage.clock.advance(60)
        stage.work()

    assert ("sent", 1, []) == early == left(stage)
    assert "netting.books_behind" in {record.__dict__.get("alarm") for record in caplog.records}


def test_an_endpoint_away_keeps_everything_as_it_is(stage: Stage) -> None:
    """No quorum: looked at again, and indexed once both tell."""
    planned(stage)
    stage.program.is_silent = True
    settled(stage)
    early = left(stage)
    stage.program.is_silent = False
    stage.clock.advance(60)
    stage.work()

    assert ("sent", 1, []) == early
    assert ("indexed", 0, []) == left(stage)
