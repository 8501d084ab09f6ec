"""The world as one process of a run sees it: its database, clock, queue and chains, and the work that waits there."""

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Protocol, runtime_checkable
from urllib.parse import urlsplit
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from infra.local.ipfs import DOORS
from infra.local.solana import SolanaNode
from kernel.errors import CounterpartError, LeaseLost
from kernel.postgres import Postgres
from kernel.tasks import Done, NotClaimed, Outcome, Tasks, queue_of
from kernel.tasks.model import Task
from tests.crash.harness.chains import EvmChain, solana_at
from tests.crash.harness.points import Points, Witness
from tests.crash.harness.site import Happened, Message, SharedClock, Site, SurvivingQueue

LEASE_S = 60.0
ROUNDS_MAX = 2_000
OPEN_TASKS = "select count(*) as open, min(sweep_at) as next from kernel.tasks where state in ('ready', 'leased')"

Work = Callable[[Task[dict[str, Any]]], Outcome | None]


@runtime_checkable
class Handler(Protocol):
    """A real handler of one queue's messages; `serving.Served` is one."""

    def deliver(self, body: Mapping[str, Any]) -> bool:
        """Hand over one message; False when it is to come again."""
        ...


class NeverSettled(AssertionError):
    """Work is left that no message and no sweep brings to an end."""


class World:
    """One process's access to everything that outlives it. The rooms of the kernel are built over its parts."""

    def __init__(self, site: Site, witness: Witness, *, survives: bool) -> None:
        """survives: this is not the first process of the run."""
        self.site, self.variation, self.survives = site, site.variation, survives
        self.points = Points(witness, _places(site))
        self.clock = SharedClock(site.path("clock"), site.variation.skew_s if survives else 0.0)
        self.queue = SurvivingQueue(site.path("queue"), self.clock, self.points.at)
        self._happened = Happened(site.path("happened"))

    @cached_property
    def postgres(self) -> Postgres:
        """The database, with the rights of a slice."""
        return self.postgres_as("counterpart_ops")

    def postgres_as(self, role: str) -> Postgres:
        """The database with the rights of this slice."""
        return Postgres(self.site.database_url, self.clock, role=role)

    @cached_property
    def tasks(self) -> Tasks:
        """The task engine over this world's queue; failed tasks come back without chance."""
        return Tasks(self.postgres, self.queue, self.clock, chance=lambda: 0.5)

    @cached_property
    def evm(self) -> EvmChain:
        """The EVM chain, past its identities and past every point."""
        return EvmChain(self.site.urls["evm"][0], self.points)

    @cached_property
    def l2(self) -> EvmChain:
        """The second EVM chain, in the same way."""
        return EvmChain(self.site.urls["l2"][0], self.points)

    def rpc_urls(self, chain: str) -> tuple[str, ...]:
        """The chain's RPC identities, as the product is configured with them."""
        return self.site.urls[chain][1:]

    @cached_property
    def solana(self) -> SolanaNode:
        """The Solana cluster, past its identities and past every point; its clock stands still until `mine`."""
        return solana_at(self.site.urls["solana"][0])

    @property
    def redis(self) -> tuple[str, str]:
        """URL and token of the Upstash gateway; choose keys that carry `site.run`, since it is not restored."""
        url, token = self.site.urls["redis"]
        return url, token

    def aws_client(self, service: str) -> Any:
        """A boto3 client of the local AWS; its calls are points."""
        import boto3

        (endpoint,) = self.site.urls["aws"]
        return boto3.client(
            service,  # type: ignore[call-overload]  # any service
            endpoint_url=endpoint,
            region_name="eu-central-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
        )

    def secret(self, name: str) -> bytes:
        """32 bytes that are the same in every run: the key of somebody whom the preparation knows."""
        return hashlib.sha256(f"{self.site.seed}/{name}".encode()).digest()

    def secret_of_run(self, name: str) -> bytes:
        """32 bytes that are the same for every process of this run only: a chain that is not restored knows no one."""
        return self.secret(f"{self.site.run}/{name}")

    @property
    def caller_returns(self) -> bool:
        """Whether whoever asked for the work asks again after a death, as a client without an answer does."""
        return not self.variation.caller_gone

    def ask(self, act: Callable[[], object]) -> None:
        """The caller's part of the play."""
        if not self.survives or self.caller_returns:
            act()

    def has_happened(self, event: str) -> bool:
        """Whether the world has done it."""
        return event in self._happened

    def once(self, event: str, act: Callable[[], object]) -> None:
        """Something the world does, whoever is alive: a foreign transaction, a reorganisation. No point is in it."""
        if event not in self._happened:
            with self.points.unwatched():
                act()
            self._happened.add(event)

    def work(
        self,
        kinds: Mapping[str, "Work | Handler"],
        *,
        until: Callable[[], bool] = lambda: False,
        meanwhile: Callable[[], object] = lambda: None,
    ) -> None:
        """Receive messages, sweep, and let time pass, until no task is open or `until` holds.

        kinds: who does the tasks of which kind, a function or a real handler (`serving.Served`).
        meanwhile: what the world does while everybody waits; it mines blocks.
        """
        for _ in range(ROUNDS_MAX):
            if self.observed(until):
                return
            message = self.queue.due()
            if message is not None:
                self.deliver(message, kinds)
            elif not self.tasks.sweep():
                if not self._wait():
                    return
                with self.points.unwatched():
                    meanwhile()
        raise NeverSettled(self.rows("select kind, business_key, state, error, fence from kernel.tasks"))

    def observed(self, look: Callable[[], bool]) -> bool:
        """What the harness sees for itself; no point is in it."""
        with self.points.unwatched():
            return look()

    def rows(self, sql: str, **params: Any) -> list[dict[str, Any]]:
        """What the database holds, on a connection of the harness's own, past every point."""
        with self.points.unwatched():
            found = self._observer.execute(sql.encode(), params)
            return found.fetchall() if found.description else []

    @cached_property
    def _observer(self) -> psycopg.Connection[dict[str, Any]]:
        return psycopg.connect(self.site.database_url, autocommit=True, row_factory=dict_row)

    def deliver(self, message: Message, kinds: Mapping[str, "Work | Handler"]) -> None:
        """Hand a message to who does its kind, and acknowledge it."""
        # Only a lone message is doubled: a copy that comes early is sent again, and copies of copies have no end.
        twice = self.variation.twice and not self.queue.others(message)
        (kind,) = (kind for kind in kinds if message.queue == queue_of(kind))
        for _ in range(2 if twice else 1):
            work = kinds[kind]
            if isinstance(work, Handler):
                assert work.deliver(message.body), f"the handler of {kind} wants its message again"
            else:
                self._take(UUID(message.body["task_id"]), kind, work)
        self.queue.acknowledge(message)

    def _take(self, task_id: UUID, kind: str, work: Work) -> None:
        """What kernel.handler does for a message: claim, run, finish; a lost lease is somebody else's task by now."""
        task = self.tasks.claim(task_id, f"worker {'survivor' if self.survives else 'victim'}", LEASE_S, kind=kind)
        if isinstance(task, NotClaimed):
            return
        self.clock.sleep((task.run_at - self.clock.now()).total_seconds())
        try:
            ending: Any = work(task) or Done()
        except LeaseLost:
            return
        except CounterpartError as known:
            ending = known
        try:
            self.tasks.finish(task.fence, ending)
        except LeaseLost:
            return

    def _wait(self) -> bool:
        """Let time pass until something can happen; False when nothing is left that could."""
        (tasks,) = self.rows(OPEN_TASKS)
        if not tasks["open"]:
            return False
        message = self.queue.first()
        moments: list[datetime] = [tasks["next"], *([message.at] if message else [])]
        # Never less than a millisecond, so that a moment between two ticks of the clock is not waited for in vain.
        self.clock.advance(max((min(moments) - self.clock.now()) / timedelta(seconds=1), 0.001))
        return True


def _places(site: Site) -> dict[str, str]:
    """What the addresses of this run are called in the names of points."""
    names = ("primary", "secondary", "tertiary")
    chains = {chain: site.urls[chain] for chain in ("evm", "l2", "solana") if chain in site.urls}
    identities = {
        urlsplit(url).netloc: f"{chain} {name}"
        for chain, (_, *urls) in chains.items()
        for name, url in zip(names, urls, strict=False)
    }
    named = [*zip(["redis"], site.urls.get("redis", ()), strict=False)]
    named += zip(DOORS, site.urls.get("ipfs", ())[1:], strict=False)
    return identities | {urlsplit(url).netloc: name for name, url in named}
