"""A program cursor on a real cluster: every final transaction of an address once, in order, whatever dies."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from kernel.postgres import Postgres
from kernel.solana.program_cursor import Budget, Pause, ProgramCursor, ProgramWatchChanged, Wanted
from kernel.tasks import Tasks
from kernel.testing import FakeClock, InMemoryQueue
from tests.chain.cursors.bench import MEMO, Bench
from tests.chain.cursors.dying import Died, DyingPostgres
from tests.chain.cursors.stand import ROLE

pytestmark = pytest.mark.chain


def test_every_final_transaction_is_delivered_once_in_order(bench: Bench) -> None:
    """Two turns deliver each once, oldest first; a turn at the head does nothing."""
    bench.transfer(5)
    bench.node.finalize()
    first = bench.advance()
    bench.transfer(3)
    bench.node.finalize()
    second, third = bench.advance(), bench.advance()

    assert (first.events, second.events, third.events) == (5, 3, 0)
    assert (first.pause, third.pause) == (Pause.AT_HEAD, Pause.AT_HEAD)
    assert bench.signatures() == bench.sent


def test_what_is_not_final_waits(bench: Bench) -> None:
    """Surfpool tells transactions as final that are not; the cursor looks at their slots."""
    bench.transfer(2)
    early = bench.advance()
    bench.node.finalize()
    bench.transfer(1)
    late = bench.advance()

    assert (early.events, late.events) == (0, 2)
    assert bench.signatures() == bench.sent[:2]


def test_a_turn_ends_with_its_budget_and_the_next_goes_on(bench: Bench) -> None:
    """Two transactions a turn, found by the first turn's walk."""
    bench.transfer(5)
    bench.node.finalize()
    turns = [bench.advance(budget=Budget(transactions=2)) for _ in range(4)]

    assert [turn.transactions for turn in turns] == [2, 2, 1, 0]
    assert [turn.waiting for turn in turns] == [3, 1, 0, 0]
    assert [turn.pause for turn in turns] == [Pause.BUDGET, Pause.BUDGET, Pause.AT_HEAD, Pause.AT_HEAD]
    assert bench.signatures() == bench.sent


def test_failed_transactions_are_passed_by_or_delivered_as_failed(bench: Bench) -> None:
    """A transfer of more than there is: nobody hears of it, unless asked to."""
    bench.transfer(1)
    bench.transfer(1, lamports=10**18)
    bench.node.finalize()
    plain = bench.advance()
    bench.postgres.close()
    curious = bench.advance(name="curious", kind="oracle.see", with_failed=True)

    assert (plain.transactions, plain.events, curious.events) == (2, 1, 2)
    assert bench.signatures() == bench.sent[:1]


def test_a_watch_starts_where_it_is_told_to(bench: Bench) -> None:
    """After a transaction, or from a slot on."""
    bench.transfer(4)
    bench.node.finalize()
    slot = bench.sender.statuses([bench.sent[2]])[0]
    assert slot is not None
    after = bench.advance(name="after", start_after=bench.sent[1])
    from_slot = bench.advance(name="slot", kind="oracle.see", start_slot=slot.slot)

    assert (after.events, from_slot.events) == (2, 2)
    assert bench.signatures() == bench.sent[2:]


def test_a_memo_that_looks_like_an_event_is_none(bench: Bench) -> None:
    """Any program may log the words; only what the runtime says of the watched program counts."""
    bench.memo("Program data: AAAA")
    bench.memo(f"Program {MEMO} invoke [1]")
    bench.node.finalize()
    progress = bench.advance(address=MEMO, wanted=Wanted.PROGRAM_DATA)

    assert (progress.transactions, progress.events, progress.alarm) == (2, 0, None)


def test_a_watch_keeps_its_address_and_its_kind(bench: Bench) -> None:
    """A name whose address or kind changed is refused."""
    bench.advance()

    with pytest.raises(ProgramWatchChanged):
        bench.advance(address=MEMO)
    with pytest.raises(ProgramWatchChanged):
        bench.advance(kind="oracle.other")


def test_a_stale_identity_delays_and_loses_nothing(faulty_bench: Bench) -> None:
    """One endpoint stands still: the other goes on telling, and nothing goes back."""
    proxy = faulty_bench.node.proxy
    assert proxy is not None
    faulty_bench.transfer(2)
    faulty_bench.node.finalize()
    proxy["primary"].inject(stale_slot=faulty_bench.node.slot() - 40)
    faulty_bench.advance(faulty_bench.pool(proxy.urls))
    proxy.heal()
    faulty_bench.transfer(2)
    faulty_bench.node.finalize()
    faulty_bench.advance(faulty_bench.pool(proxy.urls))

    assert faulty_bench.signatures() == faulty_bench.sent


def test_an_endpoint_that_is_away_is_passed_by(faulty_bench: Bench) -> None:
    """The first endpoint is dead: the second walks and delivers."""
    proxy = faulty_bench.node.proxy
    assert proxy is not None
    faulty_bench.transfer(3)
    faulty_bench.node.finalize()
    pool = faulty_bench.pool(proxy.urls)
    proxy["primary"].inject(failure="http_500", methods=("getSignaturesForAddress", "getTransaction"))

    assert faulty_bench.advance(pool).events == 3


@pytest.mark.parametrize("at", [2, 6])
@pytest.mark.parametrize("moment", ["committing", "committed"])
def test_a_death_around_a_transaction_of_the_database_loses_and_repeats_nothing(
    bench: Bench, at: int, moment: str
) -> None:
    """The second keeps a page, the sixth delivers: the next process goes on from either."""
    bench.transfer(3)
    bench.node.finalize()
    dying = DyingPostgres(bench.database_url, bench.clock, at=at, moment=moment)
    tasks = Tasks(dying, InMemoryQueue(bench.clock), bench.clock)
    with pytest.raises(Died):
        ProgramCursor(dying, tasks, bench.pool(), bench.watch(), bench.clock).advance()
    dying.close()
    bench.advance()

    assert bench.signatures() == bench.sent


def test_two_processes_at_once_deliver_each_transaction_once(bench: Bench) -> None:
    """Two cursors in threads, two transactions a turn: one is overtaken, nothing comes twice."""
    bench.transfer(20)
    bench.node.finalize()

    def work(_: int) -> None:
        clock = FakeClock()
        postgres = Postgres(bench.database_url, clock, role=ROLE)
        tasks = Tasks(postgres, InMemoryQueue(clock), clock)
        cursor = ProgramCursor(postgres, tasks, bench.pool(), bench.watch(), clock)
        for _ in range(8):
            cursor.advance(Budget(transactions=2))
        postgres.close()

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(work, range(2)))
    bench.advance()

    assert bench.signatures() == bench.sent
