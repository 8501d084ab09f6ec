"""One batch of 100 000 intents on a real Postgres, from the queue to what is published; and its clearing alone."""

import sys
import time
from collections.abc import Callable, Iterator
from random import Random

import psycopg
import pytest

from functions.netting.adapters.clearing import market_of, queue_of
from functions.netting.core.batching import BatchSizes
from functions.netting.core.plan import Fee, clear_market
from functions.netting.core.times import unix_ms
from kernel.ids import new_id
from tests.integration.netting.floor import Floor, key

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]
SEED = 1
SESSION = """
    (key, id, owner, allowed_actions, max_volume_lamports, used_volume_lamports, expires_at, state, text, signature,
     requested_at, moved_at)
"""
INTENT = """
    (id, session, owner, item_id, seller, buyer, amount_lamports, nonce, created_at_ms, kind, signature, state,
     received_at, moved_at)
"""


@pytest.fixture
def floor(database_url: str) -> Iterator[Floor]:
    """An empty floor."""
    with Floor.open(database_url) as floor:
        yield floor


def trade(floor: Floor, intents: int, wallets: int) -> None:
    """As many items as intents, everybody with funds, each sale by whoever would own the item then."""
    rng, now = Random(SEED), floor.clock.now()
    keys = [key(f"wallet {number}") for number in range(wallets)]
    owners = [rng.randrange(wallets) for _ in range(intents)]
    with psycopg.connect(floor.database_url) as connection:

        def copy(table: str, rows: Iterator[tuple[object, ...]]) -> None:
            with connection.cursor().copy(f"copy netting.{table} from stdin") as writer:
                for row in rows:
                    writer.write_row(row)

        items = ((f"item-{number}", f"mint-{number}", keys[owner], now) for number, owner in enumerate(owners))
        copy("item_ownership (item_id, mint, owner, read_at)", items)
        copy("wallet_balances", ((one, 10**9, 0, 1, now) for one in keys))
        signed = (key(f"session {number}") for number in range(wallets))
        terms = (["BUY_NOW"], 10**18, 10**15, now, "active", "", b"", now, now)
        copy(f"session_keys {SESSION}", ((one, new_id(), own, *terms) for one, own in zip(signed, keys, strict=True)))
        copy(f"intents {INTENT}", (_intent(number, rng, keys, owners, floor) for number in range(intents)))
        connection.execute("analyze")


def _intent(number: int, rng: Random, keys: list[str], owners: list[int], floor: Floor) -> tuple[object, ...]:
    item, buyer = rng.randrange(len(owners)), rng.randrange(len(keys))
    seller, owners[item] = owners[item], buyer if buyer != owners[item] else (buyer + 1) % len(keys)
    buyer, now = owners[item], floor.clock.now()
    parties = key(f"session {buyer}"), keys[buyer], f"item-{item}", keys[seller], keys[buyer]
    told = rng.randrange(1, 10**8), number, unix_ms(now) - 1_000, "BUY_NOW", b"", "pending", now, now
    return (f"{number:026d}", *parties, *told)


def test_the_largest_batch(floor: Floor, volume: Callable[[int, int], int], capsys: pytest.CaptureFixture[str]) -> None:
    """Everything of it is stored in one commit, and published; the task has five minutes."""
    intents = volume(10_000, 100_000)
    trade(floor, intents, wallets=intents // 5)
    with floor.deps.kernel.postgres.transaction() as tx:
        market = market_of(tx, queue_of(tx, floor.clock.now(), BatchSizes()).ids)
    begun_s = time.perf_counter()
    cleared = clear_market(market, Fee())
    clearing_s, begun_s = time.perf_counter() - begun_s, time.perf_counter()

    record = floor.net()

    netted_s, batch = time.perf_counter() - begun_s, floor.batch()
    figures = f"{batch['accepted']:,} accepted, {batch['items']:,} items, {batch['transactions']:,} transactions"
    with capsys.disabled():
        sys.stdout.write(
            f"\n{intents:,} intents netted in {netted_s:.1f} s, cleared in {clearing_s:.2f} s: {figures}\n"
        )
    assert ("done", intents) == (record.state, batch["intents"])
    assert len(cleared.accepted) == batch["accepted"]
    assert len(floor.reserved()) >= batch["items"]
