"""A log cursor whose process dies, or that runs twice at once, delivers each event exactly once."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from kernel.evm.log_cursor import Budget, LogCursor, Pause
from kernel.evm.rpc import RpcPool
from kernel.jsonrpc.endpoint import Endpoint
from kernel.postgres import Postgres
from kernel.tasks import Tasks
from kernel.testing import FakeClock, InMemoryQueue
from tests.chain.cursors.dying import Died, DyingPostgres
from tests.chain.cursors.stand import ROLE, Stand

pytestmark = pytest.mark.chain

SEED = 20_261_121


class InterruptedPool(RpcPool):
    """Before its first read another process makes a whole turn."""

    other: LogCursor | None = None

    def readers(self) -> list[Endpoint]:
        other, self.other = self.other, None
        if other is not None:
            other.advance()
        return super().readers()


def test_a_process_that_was_overtaken_drops_its_work(stand: Stand) -> None:
    """What it read is delivered by the other one; nothing of its own is committed, and the next turn goes on."""
    stand.emitter.emit_each(1, 2)
    pool = InterruptedPool([stand.node.url], stand.node.chain_id, stand.clock)
    pool.other = stand.cursor()
    overtaken = stand.cursor(pool).advance()
    stand.emitter.emit_each(3)
    after = stand.cursor(pool).advance()

    assert (overtaken.pause, overtaken.events) == (Pause.OVERTAKEN, 0)
    assert (after.pause, after.events) == (Pause.AT_HEAD, 3)
    assert stand.standing() == stand.emitter.logged()


@pytest.mark.parametrize("at", [1, 2])
@pytest.mark.parametrize("moment", ["committing", "committed"])
def test_a_death_around_a_transaction_loses_and_repeats_nothing(stand: Stand, at: int, moment: str) -> None:
    """The first moves the place, the second notes what was sent: the next process goes on from either."""
    stand.emitter.emit(3)
    stand.advance()
    stand.emitter.reorganise(1, [(0, 2)])
    stand.emitter.emit(1)
    dying = DyingPostgres(stand.database_url, stand.clock, at=at, moment=moment)
    tasks = Tasks(dying, InMemoryQueue(stand.clock), stand.clock)
    with pytest.raises(Died):
        LogCursor(dying, tasks, stand.pool(), stand.watch(), stand.clock).advance()
    dying.close()
    stand.advance()

    assert len(stand.heard()) == 3 + 3 + 3
    assert stand.standing() == stand.emitter.logged()


def test_two_processes_at_once_deliver_each_event_once(stand: Stand) -> None:
    """Two cursors in threads over fifty blocks and five reorganisations: nothing comes twice, nothing is left out."""
    dice = random.Random(SEED)

    def work(_: int) -> None:
        clock = FakeClock()
        postgres = Postgres(stand.database_url, clock, role=ROLE)
        cursor = LogCursor(postgres, Tasks(postgres, InMemoryQueue(clock), clock), stand.pool(), stand.watch(), clock)
        for _ in range(8):
            cursor.advance(Budget(blocks=2))
        postgres.close()

    with ThreadPoolExecutor(2) as threads:
        for _ in range(5):
            stand.emitter.emit_each(*(dice.randint(1, 3) for _ in range(10)))
            stand.emitter.reorganise(dice.randint(1, 5), [(0, dice.randint(1, 3))])
            list(threads.map(work, range(2)))
    stand.advance()

    assert stand.standing() == stand.emitter.logged()


def test_many_events_across_random_reorganisations(
    stand: Stand, volume: Callable[[int, int], int], record_property: Callable[[str, object], None]
) -> None:
    """Thousands of events, reorganisations of random depth, turns of random length: what stands is the chain's word.

    Every identity is one task (the table says so), retractions precede what they make room for, and at the end the
    deliveries of a consumer that follows their order are exactly the logs that the chain has.
    """
    record_property("seed", SEED)
    dice, total, emitted = random.Random(SEED), volume(1_000, 10_000), 0
    pool: RpcPool = stand.pool()
    while emitted < total:
        counts = [dice.randint(1, 60) for _ in range(dice.randint(1, 6))]
        stand.emitter.emit_each(*counts)
        emitted += sum(counts)
        if dice.random() < 0.3:
            depth = min(dice.choice((1, 1, 2, 3, 10, 64)), stand.node.block_number() - 1)
            count = dice.randint(1, 60)
            stand.emitter.reorganise(depth, [(dice.randrange(depth), count)])
            emitted += count
        stand.advance(pool, Budget(blocks=dice.choice((3, 20, 10_000))))
    while stand.advance(pool).pause != Pause.AT_HEAD:
        pass

    heard = stand.heard()
    assert stand.standing() == stand.emitter.logged()
    assert [one.sequence for one in heard] == list(range(1, len(heard) + 1))
    assert stand.row()["sequence"] == len(heard)
