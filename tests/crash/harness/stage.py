"""Where the runs of one scenario take place: its servers, and their return to the state before anything happened."""

import json
import shutil
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from infra.local import anvil, ports, solana
from infra.local.anvil import AnvilNode
from infra.local.children import Children
from infra.local.postgres import PostgresServer
from infra.local.solana import SolanaNode
from tests.crash.harness.chains import EvmChain
from tests.crash.harness.nursery import Order, to_line
from tests.crash.harness.scenario import Scenario
from tests.crash.harness.site import Site, Variation
from tests.databases import Databases

NURSERY = "tests.crash.harness.nursery"


class Nursery:
    """The other end of the warmed parent's socket."""

    def __init__(self, children: Children) -> None:
        ours, theirs = socket.socketpair()
        self._child = children.start_python("nursery", NURSERY, str(theirs.fileno()), pass_fds=[theirs.fileno()])
        theirs.close()
        self._children, self._socket = children, ours
        self._stream = ours.makefile("rw", encoding="utf-8")

    def fork(self, order: Order) -> dict[str, Any]:
        """Do what the order says in a fork, and wait; {"pid": ..., "end": ...}."""
        return self._told(to_line(order))

    def wake(self, pid: int) -> dict[str, Any]:
        """Let a frozen process go on, and wait for its end."""
        return self._told(f'{{"wake": {pid}}}\n')

    def close(self) -> None:
        """End it."""
        self._stream.close()
        self._socket.close()
        self._children.forget(self._child)

    def _told(self, line: str) -> dict[str, Any]:
        answer = ""
        with suppress(BrokenPipeError):
            self._stream.write(line)
            self._stream.flush()
            answer = self._stream.readline()
        if not answer:
            self._children.check()
            raise AssertionError(f"the nursery is gone:\n{self._child.last_lines()}")
        return dict(json.loads(answer))


class Stage:
    """One scenario's servers. `site()` lends a place that is as new."""

    def __init__(
        self,
        scenario: Scenario,
        nursery: Nursery,
        children: Children,
        postgres: PostgresServer,
        servers: Callable[[str], tuple[str, ...]],
        folder: Path,
        seed: int,
    ) -> None:
        """servers: starts what a scenario needs by its name, if it is not there, and tells where it is."""
        self.scenario, self.nursery, self.seed = scenario, nursery, seed
        self._children, self._postgres, self._folder = children, postgres, folder
        self._servers = servers
        self._count = 0
        self._evm: dict[str, AnvilNode] = {}
        self._chains: dict[str, EvmChain] = {}
        self._solana: SolanaNode | None = None
        self._snapshots: dict[str, str] = {}
        self._template = ""
        self._databases: Databases | None = None
        self._ahead = ThreadPoolExecutor(max_workers=1, thread_name_prefix="databases")
        self._next: Future[str] | None = None

    def __enter__(self) -> "Stage":
        """Start the chains and prepare what every run begins with."""
        for name, options in {"evm": self.scenario.evm, "l2": self.scenario.l2}.items():
            if options is not None:
                self._evm[name] = anvil.start(self._children, **{"name": name, **options})
                self._chains[name] = EvmChain(self._evm[name].url)
        if self.scenario.solana is not None:
            self._solana = solana.start(self._children, **{"paused": True, **self.scenario.solana})
        url = self._postgres.create_migrated()
        self._template = urlsplit(url).path.lstrip("/")
        order = Order(scenario=self.scenario.name, site=self._site(url, Variation()).to_json(), prepare=True)
        answer = self.nursery.fork(order)
        assert answer["end"] == "ended", self.failure("victim")
        self._snapshots = {name: str(chain.rpc("evm_snapshot")) for name, chain in self._chains.items()}
        self._databases = Databases(self._postgres, self._template)
        self._next = self._ahead.submit(self._databases.take)
        return self

    def __exit__(self, *_: object) -> None:
        if self._next is not None:
            self._postgres.drop_database(self._next.result())
        self._ahead.shutdown()
        if self._databases is not None:
            self._databases.close()
        if self._template:
            self._postgres.drop_database(self._template)
        for chain in self._chains.values():
            chain.close()
        for node in self._nodes().values():
            self._children.forget(node.child)

    @contextmanager
    def site(self, variation: Variation) -> Iterator[Site]:
        """A place where nothing has happened; the database is as the template, the chain goes back to its snapshot."""
        assert self._next is not None and self._databases is not None
        url, self._next = self._next.result(), self._ahead.submit(self._databases.take)
        self._restore_chains()
        site = self._site(url, variation)
        try:
            yield site
        finally:
            self._ahead.submit(self._databases.give_back, url)

    def failure(self, *roles: str) -> str:
        """What the last run's processes said when they failed."""
        folder = self._folder / str(self._count)
        paths = [folder / f"{role}.{kind}" for role in roles for kind in ("error", "stack")]
        return "\n".join(path.read_text() for path in paths if path.exists() and path.stat().st_size)

    def _site(self, url: str, variation: Variation) -> Site:
        shutil.rmtree(self._folder / str(self._count), ignore_errors=True)
        self._count += 1
        folder = self._folder / str(self._count)
        folder.mkdir(parents=True)
        urls = {name: _identities(node.url, variation) for name, node in self._nodes().items()}
        urls |= {name: self._servers(name) for name in self.scenario.needs}
        return Site(
            folder=str(folder), database_url=url, seed=self.seed, run=self._count, urls=urls, variation=variation
        )

    def _nodes(self) -> dict[str, AnvilNode | SolanaNode]:
        return self._evm | ({} if self._solana is None else {"solana": self._solana})

    def _restore_chains(self) -> None:
        for name, chain in self._chains.items():
            assert chain.rpc("evm_revert", self._snapshots[name]) is True
            self._snapshots[name] = str(chain.rpc("evm_snapshot"))
            # Neither belongs to a snapshot.
            chain.rpc("anvil_dropAllTransactions")
            chain.rpc("evm_setAutomine", True)


def _identities(url: str, variation: Variation) -> tuple[str, ...]:
    """The node itself, then its two RPC identities: names of the loopback.

    When one is down, nobody listens at the first one's address, and a third is there, so that two can still agree.
    """
    port = urlsplit(url).port
    if variation.rpc_down:
        return url, f"http://{ports.LOOPBACK}:{ports.free_port()}", f"http://localhost:{port}", f"http://127.1:{port}"
    return url, f"http://{ports.LOOPBACK}:{port}", f"http://localhost:{port}"
