"""A long run of deliveries in disorder: exactly the right tasks, and how many deliveries a second that was."""

import random
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from infra.local.notices import Letter
from infra.local.notifier import Disorder
from tests.handlers.ops.postbox import ALCHEMY, HELIUS, PROGRAM_WATCH, QUICKNODE, WATCH, Postbox, identity
from tests.unit.hooks.payloads import altered, log, transaction

pytestmark = [pytest.mark.handlers, pytest.mark.timeout(3_600)]

SEED = 20_261_121
STRANGER = "0x" + "99" * 20
DISORDER = Disorder(duplicates=0.3, reorders=0.1)


class Chain:
    """What happens on two chains, and which letters tell it: with forks, and with contracts that nobody watches."""

    def __init__(self, chance: random.Random, now_s: float) -> None:
        self._chance, self._now_s = chance, now_s
        self.expected: set[str] = set()

    def letters(self, count: int) -> Iterator[Letter]:
        """So many different deliveries; one in twenty takes another back."""
        for number in range(count):
            if number % 4 == 3:
                yield self._landed(number)
            elif number % 20 == 1:
                yield self._block(number - 1, removed=True)
            else:
                yield self._block(number)

    def _block(self, number: int, *, removed: bool = False) -> Letter:
        # Drawn from the block's number, so that a retraction tells the logs of what it takes back.
        address = STRANGER if number % 10 == 9 else WATCH.addresses[0].lower()
        told = [log(block=number, index=index, address=address) for index in range(1 + number % 3)]
        if address != STRANGER:
            self.expected |= {identity(one, ":removed" if removed else "") for one in told}
        if self._chance.random() < 0.5:
            return ALCHEMY.block(number, told[0]["blockHash"], told, removed=removed)
        return QUICKNODE.stream([[one | {"removed": removed} for one in told]], self._now_s)

    def _landed(self, number: int) -> Letter:
        signature = "".join("ABCDEFGHJK"[int(digit)] for digit in f"{number:08}").ljust(88, "z")
        self.expected.add(f"solana:mainnet:{signature}:0:0")
        return HELIUS.raw([altered(transaction(), "transaction.signatures", [signature])])


@pytest.fixture
def postbox(database_url: str) -> Iterator[Postbox]:
    postbox = Postbox(database_url)
    postbox.watch(WATCH, PROGRAM_WATCH)
    yield postbox
    postbox.close()


def test_deliveries_in_disorder_become_exactly_the_right_tasks(
    postbox: Postbox, volume: Callable[[int, int], int], record_property: Callable[[str, object], None]
) -> None:
    """30 % come twice, 10 % in another order, one in twenty is a retraction; forged ones lie in between."""
    total = volume(1_000, 100_000)
    record_property("seed", SEED)
    chance = random.Random(SEED)
    chain = Chain(chance, postbox.clock.time_s())
    genuine = DISORDER.applied(list(chain.letters(round(total / 1.3))), chance)

    started_s = time.perf_counter()
    statuses = postbox.post_all(genuine)
    took_s = time.perf_counter() - started_s
    forged = postbox.post_all(letter.forged() for letter in genuine[:50])
    stored = postbox.tasks()
    told = f"{len(genuine):,} deliveries, {len(stored):,} tasks, {len(genuine) / took_s:,.0f} deliveries/s"
    sys.stdout.write(f"\n{told}\n")

    assert (statuses, forged) == ({200}, {401})
    assert abs(len(genuine) - total) < total / 20
    assert sum(key.endswith(":removed") for key in stored) > 0
    assert set(stored) == chain.expected
