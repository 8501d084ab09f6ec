"""Where contests pay: the slice's own dependencies and handlers, a real node and database, a clock that tests move.

Contests are planted as their life has left them, so that a test says what is owed and nothing else.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from functions.contests import (
    cron_rake,
    queue_pay_prizes,
    queue_refund_entries,
    queue_submit_contests_transaction,
)
from functions.contests.adapters.effects import SUBMIT
from functions.contests.adapters.obligations import Line
from functions.contests.adapters.pay_steps import PAY, REFUND
from functions.contests.core.contest import Event
from functions.contests.core.obligation import Kind
from functions.contests.wiring import ADMIN_ROLE, ROLE, KeyDeps, Settings
from infra.local.solana import SolanaNode
from kernel.handler import Entry
from kernel.ids import new_id
from kernel.keys.solana import LocalSolanaSigner
from kernel.keys.vault import Vault
from kernel.postgres import Postgres
from kernel.testing import FakeClock
from kernel.testing.kernel import FakedKernel
from tests.chain.outbox_solana.desk import DyingPool
from tests.chain.workbench import Died

SOL: Final = 10**9
FEE: Final = SOL // 10
CHAIN: Final = "solana:localnet"
ASSET: Final = f"{CHAIN}:native"
HANDLERS: Final[Mapping[str, Entry[Any]]] = {
    PAY: queue_pay_prizes.handler,
    REFUND: queue_refund_entries.handler,
    SUBMIT: queue_submit_contests_transaction.handler,
}
ROUNDS_MAX: Final = 400
#: Blocks that come whenever all wait; finality is 31 of them away.
BLOCKS: Final = 16
EVENT: Final = json.loads(Path("events/netting/queue_submit_settlement.json").read_text(encoding="utf-8"))
DUE: Final = """
    select id, kind, business_key from kernel.tasks
    where kind = any (%(kinds)s)
      and ((state = 'ready' and run_at <= %(now)s) or (state = 'leased' and lease_until <= %(now)s))
    order by run_at, id
"""
NEXT: Final = """
    select min(coalesce(lease_until, run_at)) as at from kernel.tasks
    where kind = any (%(kinds)s) and state in ('ready', 'leased')
"""
CONTEST: Final = """
    insert into contests.contests (id, name, state, wallet, fee_lamports, entrants_min, entrants_max, starts_at,
                                   ends_at, stake_micros, shares_bps, rake_bps, entrants, pool_lamports, created_at,
                                   moved_at)
    values (%(id)s, 'duel', %(state)s, %(wallet)s, %(fee)s, 2, 100000, %(now)s, %(now)s + interval '1 hour', 1000000,
            '{6900,2000,1100}', 1000, %(entrants)s, %(fee)s * %(entrants)s, %(now)s, %(now)s)
"""
ENTRY: Final = """
    insert into contests.entries (contest_id, wallet, number, signature, lamports, slot, entered_at)
    values (%(id)s, %(wallet)s, %(number)s, %(signature)s, %(fee)s, 0, %(now)s)
"""


class Context:
    """What Lambda tells a handler, as far as the kernel reads it."""

    function_name = "under-test"
    aws_request_id = "00000000-0000-4000-8000-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        """Always the whole time-out."""
        return 30_000


class Dying(KeyDeps):
    """A container whose process dies right after the bytes of its next payment have left."""

    @property
    def pool(self) -> Any:
        return DyingPool(self.settings.rpc_urls.removeprefix("plain:").split(), self.clock, after_sending=True)


def signer(name: str) -> LocalSolanaSigner:
    """Somebody's key, by name: worthless anywhere else."""
    return LocalSolanaSigner(seed(name))


def seed(name: str) -> bytes:
    """What that key is made of."""
    return sha256(f"counterpart development key\ncontests\n{name}".encode()).digest()


class Cashier:
    """One deployment: `deps` are a container's, and a death takes them."""

    def __init__(self, node: SolanaNode, database_url: str, urls: Sequence[str], *, run: str = "") -> None:
        """run: tells apart those who share a node, which knows everybody's balances."""
        self.node, self.run = node, run
        self.clock = FakeClock()
        self.kernel = FakedKernel(database_url, role=ROLE, clock=self.clock)
        self._admin_kernel = FakedKernel(database_url, role=ADMIN_ROLE, clock=self.clock)
        self.office = Postgres(database_url, self.clock)
        self.fee_payer = signer(f"{run} fee payer").address
        self.settings = Settings(
            cluster="localnet", rpc_urls=f"plain:{' '.join(urls)}", fee_payer=self.fee_payer, poll_s=1
        )
        self.deps = self.container()
        self._vault = Vault(self.office, self.kernel.envelope, self.clock)
        self._keep(f"{run} fee payer", "treasury")
        node.fund(self.fee_payer, 100 * SOL)

    def container(self) -> KeyDeps:
        """A new process."""
        return KeyDeps(self.kernel, self.settings)

    def admin(self) -> KeyDeps:
        """A container that does what administrators ask for, as their role."""
        return KeyDeps(self._admin_kernel, self.settings)

    def close(self) -> None:
        """Leave."""
        self.office.close()
        self.deps.close()
        self._admin_kernel.close()

    def contest(self, name: str, entrants: int, *, fee: int = FEE, state: str = "evaluating") -> UUID:
        """A contest whose entries are in its wallet and in the books. Entrants are new to the chain."""
        contest_id, now = new_id(), self.clock.now()
        wallet = self._keep(f"{self.run} wallet of {name}", "contests")
        with self.office.transaction() as tx:
            row = {"id": contest_id, "fee": fee, "now": now}
            tx.execute(CONTEST, **row, state=state, wallet=wallet, entrants=entrants)
            for number in range(entrants):
                signature = f"{contest_id}/{number}"
                tx.execute(ENTRY, **row, wallet=self.entrant(name, number), number=number, signature=signature)
                self.deps.pools.enter(tx, contest_id, signature.replace("/", "-"), fee)
        self.node.fund(wallet, fee * entrants)
        return contest_id

    def entrant(self, name: str, number: int) -> str:
        """The wallet of a contest's entrant."""
        return signer(f"{self.run} {name} {number}").address

    def rank(self, contest_id: UUID, payouts: Sequence[tuple[str, int]]) -> None:
        """Owe payouts, best place first; the rest of the pool is rake and dust."""
        with self.kernel.postgres.transaction() as tx:
            contest = self.deps.contests.lock(tx, contest_id)
            lines = [Line(place, wallet, lamports) for place, (wallet, lamports) in enumerate(payouts, 1)]
            rest = self.deps.pools.balance(tx, contest_id) - sum(lamports for _, lamports in payouts)
            self.deps.obligations.owe(tx, contest_id, Kind.PAYOUT, lines, rest_lamports=rest)
            self.deps.contests.step(tx, contest, Event.RANK)

    def cancel(self, contest_id: UUID) -> None:
        """Owe every entrant the fee."""
        with self.kernel.postgres.transaction() as tx:
            contest = self.deps.contests.lock(tx, contest_id)
            entrants = self.deps.contests.entrants(tx, contest_id)
            lines = [Line(one.number, one.wallet, one.lamports) for one in entrants]
            self.deps.obligations.owe(tx, contest_id, Kind.REFUND, lines)
            self.deps.contests.step(tx, contest, Event.CANCEL)

    def adopt(self, contest_id: UUID) -> None:
        """Let the contest's wallet be one of ours, as whoever assigns wallets does."""
        sql = "insert into contests.contest_wallets (address, origin, created_at) values (%(w)s, 'generated', %(now)s)"
        row = {"w": self.wallet(contest_id), "now": self.clock.now()}
        with self.office.transaction() as tx:
            tx.execute(sql, **row)

    def replay_all(self, contest_id: UUID) -> None:
        """What an operator does about what is parked."""
        with self.kernel.postgres.transaction() as tx:
            for kind, line, state, _ in self.lines(contest_id):
                if state == "parked":
                    self.deps.obligations.replay(tx, self.deps.obligations.lock(tx, contest_id, Kind(kind), line))

    def rake(self) -> None:
        """The turn of the ten minutes."""
        cron_rake.handler.bind(self.deps)(RAKE_EVENT, Context())

    def work(self, *kinds: str, rounds: int | None = None) -> None:
        """Deliver until nothing is left to do, or so often; some blocks come whenever all wait."""
        for _ in range(rounds or ROUNDS_MAX):
            due = self.due(*kinds)
            for task in due:
                self.deliver(task)
            if not due and not self.wait(*kinds):
                return
        if rounds is None:
            raise AssertionError(self.rows("select kind, business_key, state from kernel.tasks where state = 'ready'"))

    def due(self, *kinds: str) -> list[dict[str, Any]]:
        """Tasks whose message would be delivered now."""
        return self.rows(DUE, kinds=list(kinds or HANDLERS), now=self.clock.now())

    def wait(self, *kinds: str) -> bool:
        """Let time and blocks pass until a task is due; False when none is open."""
        [row] = self.rows(NEXT, kinds=list(kinds or HANDLERS))
        if row["at"] is None:
            return False
        self.node.mine(BLOCKS)
        self.clock.advance(max(0.0, (row["at"] - self.clock.now()) / timedelta(seconds=1)))
        return True

    def deliver(self, task: Mapping[str, Any], deps: KeyDeps | None = None) -> None:
        """Deliver one task's message to its handler. Raises what kills the process, and leaves the task leased."""
        [record] = EVENT["Records"]
        event = {"Records": [{**record, "body": json.dumps({"task_id": str(task["id"])})}]}
        answer = HANDLERS[task["kind"]].bind(deps or self.deps)(event, Context())
        assert {"batchItemFailures": []} == answer

    def die(self, kind: str, deps: KeyDeps) -> None:
        """A process that takes a task and dies over it; the next one finds the task when its lease has ended."""
        while not (due := self.due(kind)):
            assert self.wait(kind), f"no {kind} is open"
        try:
            self.deliver(due[0], deps)
        except Died:
            deps.close()
            self.deps = self.container()
            return
        raise AssertionError("it lives")

    def rows(self, sql: str, **params: Any) -> list[dict[str, Any]]:
        """What the database holds."""
        with self.office.transaction() as tx:
            return list(tx.all(sql, **params))

    def state(self, contest_id: UUID) -> str:
        """Where a contest is."""
        [row] = self.rows("select state from contests.contests where id = %(id)s", id=contest_id)
        return str(row["state"])

    def lines(self, contest_id: UUID) -> list[tuple[str, int, str, int]]:
        """Kind, line, state and attempts of what a contest owes."""
        rows = self.rows(
            "select kind, line, state, attempts from contests.obligations where contest_id = %(id)s"
            " order by kind, line",
            id=contest_id,
        )
        return [(row["kind"], row["line"], row["state"], row["attempts"]) for row in rows]

    def wallet(self, contest_id: UUID) -> str:
        """A contest's wallet."""
        [row] = self.rows("select wallet from contests.contests where id = %(id)s", id=contest_id)
        return str(row["wallet"])

    def booked(self, contest_id: UUID) -> int:
        """What the books hold in a contest's pool."""
        with self.office.transaction() as tx:
            return self.deps.pools.balance(tx, contest_id)

    def balance(self, address: str) -> int:
        """What an account holds, final."""
        return self.node.balance(address, "finalized")

    def _keep(self, name: str, purpose: str) -> str:
        return self._vault.keep(seed(name), purpose=purpose, chain=CHAIN, actor="a test")


RAKE_EVENT: Final = json.loads(Path("events/netting/cron_plan_batches.json").read_text(encoding="utf-8"))
