"""Workers that post to the same accounts at once: no deadlock, no lost unit, no key posted twice."""

import multiprocessing
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from kernel.ledger import Account, Ledger, Posting
from kernel.postgres import Postgres
from tests.integration.ledger import posters
from tests.integration.ledger.posters import ACCOUNTS, WEI

pytestmark = pytest.mark.integration
SEED, FUNDS, WORKERS = 31_337, 10_000, 3
OUTSIDE = "bridge:outside"


def open_accounts(url: str) -> None:
    """Four pots with the same funds."""
    ledger = Ledger()
    with Postgres(url, role="counterpart_bridge").transaction() as tx:
        ledger.open(tx, [Account(name=OUTSIDE, asset=WEI, may_go_negative=True)])
        ledger.open(tx, [Account(name=name, asset=WEI) for name in ACCOUNTS])
        postings = [Posting(OUTSIDE, WEI, -FUNDS * len(ACCOUNTS)), *(Posting(name, WEI, FUNDS) for name in ACCOUNTS)]
        ledger.post(tx, business_key="funds", service="bridge", postings=postings)


@pytest.mark.timeout(600)
def test_concurrent_opposite_postings_neither_deadlock_nor_lose(
    route_url: str, volume: Callable[[int, int], int]
) -> None:
    """Processes post between the same four accounts in every direction; some by keys that all of them use."""
    posts = volume(150, 3_000)
    open_accounts(route_url)
    context = multiprocessing.get_context("spawn")
    table = posters.Table(route_url, SEED, posts, context.Barrier(WORKERS), context.Queue())
    workers = [context.Process(target=posters.run, args=(table, f"w{n}"), daemon=True) for n in range(WORKERS)]
    for worker in workers:
        worker.start()
    seen: Counter[str] = sum((table.results.get(timeout=500) for _ in workers), Counter())
    for worker in workers:
        worker.join(30)

    with Postgres(route_url, role="counterpart_bridge").transaction() as tx:
        balances = [Ledger().balance(tx, name, WEI) for name in ACCOUNTS]
        stored = tx.one("select count(*) as n, count(distinct business_key) as keys from kernel.ledger_transactions")
        assert Ledger().discrepancies(tx) == []
    assert [worker.exitcode for worker in workers] == [0] * WORKERS
    assert set(seen) <= {"posted", "overdrawn"}
    assert seen["posted"] > posts
    assert sum(balances) == FUNDS * len(ACCOUNTS)
    assert min(balances) >= 0
    assert stored["n"] == stored["keys"] <= seen["posted"] + 1


def test_of_two_who_post_one_key_at_once_one_waits_for_the_other(route_url: str) -> None:
    """Both get the same id, and the amount has moved once."""
    open_accounts(route_url)
    first, second = (Postgres(route_url, role="counterpart_bridge") for _ in range(2))
    ledger, begun = Ledger(), threading.Event()
    postings = [Posting(ACCOUNTS[0], WEI, -5), Posting(ACCOUNTS[1], WEI, 5)]

    def post_again() -> object:
        with second.transaction() as tx:
            begun.set()
            return ledger.post(tx, business_key="once", service="bridge", postings=postings)

    with ThreadPoolExecutor(1) as pool:
        with first.transaction() as tx:
            posted = ledger.post(tx, business_key="once", service="bridge", postings=postings)
            waiting = pool.submit(post_again)
            begun.wait(30)
        again = waiting.result(30)

    assert posted == again
    with first.transaction() as tx:
        assert ledger.balance(tx, ACCOUNTS[1], WEI) == FUNDS + 5
