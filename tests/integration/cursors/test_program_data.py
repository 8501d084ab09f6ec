"""What a program said in its log becomes events, once and whole, whatever single endpoints leave out."""

import base64
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from kernel.chain_events import Delivery, SolanaEvent
from kernel.jsonrpc.standings import Standing
from kernel.postgres import Postgres
from kernel.solana.pool import SolanaPool
from kernel.solana.program_cursor import Budget, ClusterUnread, Pause, ProgramCursor, ProgramWatch, Progress
from kernel.tasks import Tasks
from kernel.testing import FakeClock, InMemoryQueue
from tests.integration.cursors.cluster import PROGRAM, Cluster, Gaps

pytestmark = pytest.mark.integration

ROLE, KIND = "counterpart_netting", "netting.hear"


class Listening:
    """A cluster, its endpoints, and the cursor that follows the program there."""

    def __init__(self, database_url: str, stack: ExitStack) -> None:
        self.cluster, self._stack, self.clock = Cluster(), stack, FakeClock()
        self.postgres = Postgres(database_url, self.clock, role=ROLE)
        self.tasks = Tasks(self.postgres, InMemoryQueue(self.clock), self.clock)

    def pool(self, *gaps: Gaps) -> SolanaPool:
        urls = [self._stack.enter_context(self.cluster.endpoint(one)) for one in gaps]
        return SolanaPool(urls, "localnet", self.clock, survey_ttl_s=0.0)

    def advance(self, pool: SolanaPool, budget: Budget | None = None, **changes: Any) -> Progress:
        fields: dict[str, Any] = {"name": "market", "cluster": "localnet", "address": PROGRAM, "kind": KIND}
        watch = ProgramWatch(**fields | changes)
        return ProgramCursor(self.postgres, self.tasks, pool, watch, self.clock).advance(budget)

    def heard(self) -> list[tuple[str, str, bytes]]:
        """(signature, path, data) of every event in order."""
        with self.postgres.transaction() as tx:
            rows = tx.all("select payload from kernel.tasks where kind = %(kind)s", kind=KIND)
        told = sorted((Delivery.from_json(row["payload"]) for row in rows), key=lambda one: one.sequence)
        events = [event for one in told if isinstance(event := one.event, SolanaEvent)]
        return [(event.signature, event.instruction_path, event.data) for event in events]


@pytest.fixture
def listening(database_url: str) -> Iterator[Listening]:
    """Nothing written yet."""
    with ExitStack() as stack:
        yield Listening(database_url, stack)


def test_what_the_program_said_is_delivered_with_its_path(listening: Listening) -> None:
    """Two instructions of one transaction, one of another, none of a failed one."""
    one = listening.cluster.write(b"a", b"b")
    listening.cluster.write(b"x", error="AccountInUse")
    two = listening.cluster.write(b"c")
    progress = listening.advance(listening.pool(Gaps(), Gaps()))

    assert (progress.pause, progress.transactions, progress.events) == (Pause.AT_HEAD, 3, 3)
    assert listening.heard() == [(one, "0.0", b"a"), (one, "1.0", b"b"), (two, "0.0", b"c")]


def test_pages_that_a_provider_cuts_short_are_walked_to_the_end(listening: Listening) -> None:
    """Three lines a page, two pages a turn: later turns walk on, and nothing is delivered before the walk arrives."""
    written = [listening.cluster.write(bytes([number])) for number in range(10)]
    turns = [listening.advance(listening.pool(Gaps(lines_max=3)), Budget(pages=2)) for _ in range(3)]

    assert [(turn.events, turn.waiting) for turn in turns] == [(0, 6), (0, 10), (10, 0)]
    assert [signature for signature, _, _ in listening.heard()] == written


def test_an_endpoint_that_does_not_know_where_to_go_on_does_not_end_the_walk(listening: Listening) -> None:
    """Its empty page looks like the end; the walk waits for somebody who knows."""
    written = [listening.cluster.write(bytes([number])) for number in range(6)]
    listening.advance(listening.pool(Gaps(lines_max=2)), Budget(pages=1))
    with pytest.raises(ClusterUnread):
        listening.advance(listening.pool(Gaps(unknown={written[4]})))
    listening.advance(listening.pool(Gaps()))

    assert [signature for signature, _, _ in listening.heard()] == written


def test_an_endpoint_that_forgot_what_was_delivered_repeats_nothing(listening: Listening) -> None:
    """It does not know the transaction to stop at; that one's slot stops the walk."""
    written = [listening.cluster.write(bytes([number])) for number in range(3)]
    pool = listening.pool(Gaps(unknown={written[2]}), Gaps())
    listening.advance(listening.pool(Gaps()))
    listening.cluster.write(b"new")
    progress = listening.advance(pool)

    assert (progress.transactions, progress.events) == (1, 1)
    assert len(listening.heard()) == 4


def test_an_endpoint_that_leaves_transactions_out_is_found_out(listening: Listening) -> None:
    """The other one lists them and a quorum calls them final: they come in order, and the first is distrusted."""
    written = [listening.cluster.write(bytes([number])) for number in range(6)]
    pool = listening.pool(Gaps(unlisted={written[1], written[4]}), Gaps())
    listening.advance(pool)

    assert [signature for signature, _, _ in listening.heard()] == written
    assert [standing for _, standing in pool.standings()] == [Standing.DISTRUSTED, Standing.ACTIVE]


def test_a_transaction_that_only_one_endpoint_knows_waits_for_a_quorum(listening: Listening) -> None:
    """Nothing is delivered out of order, and nothing after it."""
    written = [listening.cluster.write(bytes([number])) for number in range(3)]
    progress = listening.advance(listening.pool(Gaps(), Gaps(unknown={written[1]})))
    listening.advance(listening.pool(Gaps(), Gaps()))

    assert (progress.pause, progress.events, progress.waiting) == (Pause.UNSETTLED, 1, 2)
    assert [signature for signature, _, _ in listening.heard()] == written


def test_a_log_that_one_endpoint_cut_off_is_read_at_another(listening: Listening) -> None:
    """The whole one counts."""
    signature = listening.cluster.write(b"a", b"b")
    progress = listening.advance(listening.pool(Gaps(logs_max=3), Gaps()))

    assert (progress.events, progress.alarm) == (2, None)
    assert listening.heard() == [(signature, "0.0", b"a"), (signature, "1.0", b"b")]


def test_a_log_that_everybody_cut_off_is_an_alarm_and_points_to_the_transaction(
    listening: Listening, caplog: pytest.LogCaptureFixture
) -> None:
    """What came before the cut is delivered, and an event without a path: look at all of it."""
    signature = listening.cluster.write(b"a", b"b")
    progress = listening.advance(listening.pool(Gaps(logs_max=3), Gaps(logs_max=2)))
    alarms = [vars(record)["alarm"] for record in caplog.records if "alarm" in vars(record)]

    assert progress.alarm == "logs_truncated"
    assert alarms == ["cursor.logs_truncated"]
    assert listening.heard() == [(signature, "0.0", b"a"), (signature, "", b"")]


def test_logs_that_differ_deliver_nothing(listening: Listening, caplog: pytest.LogCaptureFixture) -> None:
    """Two whole logs, two stories: a person is called, and the cursor waits."""
    listening.cluster.write(b"a")
    told, forged = (f"Program data: {base64.b64encode(data).decode()}" for data in (b"a", b"b"))
    progress = listening.advance(listening.pool(Gaps(), Gaps(replaced={told: forged})))
    alarms = [vars(record)["alarm"] for record in caplog.records if "alarm" in vars(record)]

    assert (progress.pause, progress.events) == (Pause.UNSETTLED, 0)
    assert alarms == ["cursor.logs_disputed"]


def test_many_transactions_in_turns_of_any_length(listening: Listening, volume: Callable[[int, int], int]) -> None:
    """Written and read in turn; each is delivered once, in order."""
    total = volume(150, 2_000)
    pool = listening.pool(Gaps(lines_max=40), Gaps())
    written: list[str] = []
    while len(written) < total:
        written += [listening.cluster.write(b"x", slot=len(written) // 3 + 1) for _ in range(len(written) % 60 + 1)]
        listening.advance(pool, Budget(transactions=len(written) % 50 + 1))
    while listening.advance(pool).pause != Pause.AT_HEAD:
        pass

    assert [signature for signature, _, _ in listening.heard()] == written
