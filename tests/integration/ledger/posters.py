"""One of several workers that post to the same accounts at the same time, as a process of its own."""

import random
from collections import Counter
from dataclasses import dataclass
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier

from kernel.ledger import Ledger, Overdrawn, Posting
from kernel.postgres import DatabaseContention, Postgres

WEI = "evm:31337:native"
ACCOUNTS = tuple(f"bridge:pot-{number}" for number in range(4))
MEETING_S = 60


@dataclass(frozen=True)
class Table:
    """Where the workers meet."""

    url: str
    seed: int
    posts: int
    start: Barrier
    results: "Queue[Counter[str]]"


def run(table: Table, name: str) -> None:
    """Post between random accounts, in random order; every tenth key is everybody's."""
    dice, ledger, seen = random.Random(f"{table.seed}-{name}"), Ledger(), Counter[str]()
    postgres = Postgres(table.url, role="counterpart_bridge")
    table.start.wait(MEETING_S)
    for number in range(table.posts):
        shared = number % 10 == 0
        cards = random.Random(f"{table.seed}-{number}") if shared else dice
        key = f"shared-{number}" if shared else f"{name}-{number}"
        seen[_post(postgres, ledger, key, _postings(cards, dice))] += 1
    table.results.put(seen)


def _postings(cards: random.Random, order: random.Random) -> list[Posting]:
    source, target, third = cards.sample(ACCOUNTS, 3)
    amount, rest = cards.randint(2, 900), cards.randint(1, 99)
    postings = [
        Posting(source, WEI, -amount - rest),
        Posting(target, WEI, amount),
        Posting(third, WEI, rest),
    ]
    order.shuffle(postings)
    return postings


def _post(postgres: Postgres, ledger: Ledger, key: str, postings: list[Posting]) -> str:
    try:
        with postgres.transaction() as tx:
            ledger.post(tx, business_key=key, service="bridge", postings=postings)
    except Overdrawn:
        return "overdrawn"
    except DatabaseContention as contention:
        return f"contention: {contention.details}"
    return "posted"
