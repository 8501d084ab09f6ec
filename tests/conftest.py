"""Servers as fixtures, started when first asked for, and the rules that every test keeps."""

import gc
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import hypothesis
import pytest

from infra.local import anvil as anvil_part
from infra.local import aws as aws_part
from infra.local import fault_proxy as fault_proxy_part
from infra.local import ipfs as ipfs_part
from infra.local import pgbouncer as pgbouncer_part
from infra.local import ports, programs, settings
from infra.local import postgres as postgres_part
from infra.local import redis as redis_part
from infra.local import solana as solana_part
from infra.local.anvil import AnvilNode
from infra.local.aws import Aws
from infra.local.children import Children
from infra.local.exchanges import server as exchange_part
from infra.local.exchanges.server import ExchangeServer
from infra.local.fault_proxy import FaultProxy
from infra.local.ipfs import Ipfs
from infra.local.pgbouncer import Pgbouncer
from infra.local.postgres import PostgresServer
from infra.local.redis import RedisRest
from infra.local.solana import SolanaNode
from infra.local.tokens import server as token_part
from infra.local.tokens.server import TokenServer
from kernel.upstash import Upstash
from tests.databases import Databases

if TYPE_CHECKING:
    from infra.local.bridge.world import World
    from infra.local.netting.world import World as NettingWorld

pytest_plugins = ["tests.totals", "tests.crash.harness.table"]

MARKERS = frozenset(("unit", "handlers", "integration", "chain", "browser", "crash", "bench", "repo"))
SETTINGS = settings.load()
# That a machine is busy is no mistake of what is tested.
hypothesis.settings.register_profile("patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("patient")
#: What has single tests of half a minute.
LONGEST = (
    "tests/chain/bridge/test_bridge_worker.py",
    "tests/crash/test_enumerated_points.py",
    "tests/integration/local/test_up.py",
    "tests/package/",
)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Any:
    """What collection makes stays to the end of the run: whoever looks for garbage, then or later, passes it over."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse a test that has not exactly one marker of the house."""
    wrong = [item.nodeid for item in items if len(MARKERS & {mark.name for mark in item.iter_markers()}) != 1]
    if wrong:
        raise pytest.UsageError(f"exactly one marker of {sorted(MARKERS)} per test; not so: {', '.join(wrong)}")
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    """Long files go first and quick tests last, so that no worker is left alone with a long one at the end."""
    if item.nodeid.startswith(LONGEST):
        return 0
    return 2 if item.get_closest_marker("unit") else 1


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Under REQUIRE_ALL a skip is a failure: the build machine has every tool."""
    report = yield
    if SETTINGS.require_all and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"REQUIRE_ALL=1 lets no test be skipped: {call.excinfo.value if call.excinfo else ''}"
    return report


class UnitTests:
    """Whether a unit test runs now, for the audit hook below, which Python lets nobody remove."""

    running = False


def _refuse_internet_sockets(event: str, arguments: tuple[Any, ...]) -> None:
    if UnitTests.running and event in ("socket.connect", "socket.bind"):
        connection, address = arguments
        if connection.family in (socket.AF_INET, socket.AF_INET6):
            # Not an Exception: code under test that swallows its network errors must not hide it.
            pytest.fail(f"a unit test opened a socket to {address}")


sys.addaudithook(_refuse_internet_sockets)


@pytest.fixture(autouse=True)
def no_socket_in_unit_tests(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A unit test that connects or binds an internet socket, or connects to Postgres, fails."""
    if request.node.get_closest_marker("unit") is None:
        yield
        return

    def refuse(*_: object, **__: object) -> NoReturn:
        pytest.fail("a unit test opened a socket to Postgres")

    # libpq opens its sockets in C, where no audit hook sees them.
    monkeypatch.setattr("psycopg.connect", refuse)
    monkeypatch.setattr("psycopg.Connection.connect", refuse)
    UnitTests.running = True
    yield
    UnitTests.running = False


@pytest.fixture(scope="session")
def children(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Children]:
    """The programs of this pytest process; their logs lie in its temporary folder."""
    with Children(tmp_path_factory.mktemp("children")) as children:
        yield children


@pytest.fixture(scope="session")
def postgres_server(children: Children) -> PostgresServer:
    """A Postgres of this pytest process, or the one at DATABASE_URL."""
    return postgres_part.start(children, existing_url=SETTINGS.database_url)


@pytest.fixture(scope="session")
def databases(postgres_server: PostgresServer) -> Iterator[Databases]:
    """Migrated databases, each one test's at a time."""
    databases = Databases(postgres_server)
    yield databases
    databases.close()


@pytest.fixture
def database_url(databases: Databases) -> Iterator[str]:
    """A migrated database of this test's own, in which nothing is but what migrations wrote."""
    url = databases.take()
    yield url
    databases.give_back(url)


@pytest.fixture(scope="session")
def redis_server(children: Children) -> RedisRest:
    """The Redis of this pytest process; its keys outlive a test, so tests choose names of their own."""
    return redis_part.start(children)


@pytest.fixture
def redis_rest(redis_server: RedisRest) -> RedisRest:
    """An empty Redis behind the Upstash gateway."""
    redis_server.flush()
    return redis_server


@pytest.fixture
def upstash(redis_rest: RedisRest) -> Iterator[Upstash]:
    """The client of an empty Redis."""
    upstash = Upstash(redis_rest.rest_url, redis_rest.token)
    yield upstash
    upstash.close()


@pytest.fixture
def upstash_away() -> Iterator[Upstash]:
    """The client of a Redis that is down."""
    upstash = Upstash(f"http://127.0.0.1:{ports.requested_port(0)}", "none")
    yield upstash
    upstash.close()


@pytest.fixture(scope="session")
def aws_server(children: Children) -> Aws:
    """The moto server of this pytest process."""
    return aws_part.start(children)


@pytest.fixture
def aws(aws_server: Aws, monkeypatch: pytest.MonkeyPatch) -> Aws:
    """An empty AWS: SQS, KMS, Secrets Manager, SSM, S3; boto3 finds it through this process's environment."""
    aws_server.reset()
    for name, value in aws_server.env.items():
        monkeypatch.setenv(name, value)
    return aws_server


@pytest.fixture
def anvil(children: Children) -> Iterator[AnvilNode]:
    """A fresh chain that mines each transaction at once."""
    node = anvil_part.start(children)
    yield node
    children.forget(node.child)


@pytest.fixture
def fault_proxy(anvil: AnvilNode, children: Children) -> Iterator[FaultProxy]:
    """Two RPC identities in front of the chain of `anvil`, each with faults of its own."""
    proxy = fault_proxy_part.start(children, anvil.url)
    yield proxy
    children.forget(proxy.child)


@pytest.fixture
def start_anvil(children: Children) -> Iterator[Callable[..., AnvilNode]]:
    """Start chains with options of one's own (those of `infra.local.anvil.start`)."""
    nodes: list[AnvilNode] = []

    def start(**options: Any) -> AnvilNode:
        nodes.append(anvil_part.start(children, **options))
        return nodes[-1]

    yield start
    for node in nodes:
        children.forget(node.child)
        if node.proxy is not None:
            children.forget(node.proxy.child)


@pytest.fixture
def start_bridge_world(children: Children) -> "Iterator[Callable[..., World]]":
    """Start worlds of the bridge with options of one's own (those of `infra.local.bridge.deployment.start_world`)."""
    from infra.local.bridge.deployment import start_world

    worlds: list[World] = []

    def start(**options: Any) -> "World":
        worlds.append(start_world(children, name=f"bridge-{len(worlds)}", **options))
        return worlds[-1]

    yield start
    for world in worlds:
        for node in (world.l1, world.l2):
            children.forget(node.child)
            if node.proxy is not None:
                children.forget(node.proxy.child)


@pytest.fixture
def start_netting_world(children: Children) -> "Iterator[Callable[..., NettingWorld]]":
    """Start worlds of netting with options of one's own (those of `infra.local.netting.deployment.start_world`)."""
    from infra.local.netting.deployment import start_world

    worlds: list[NettingWorld] = []

    def start(**options: Any) -> "NettingWorld":
        worlds.append(start_world(children, name=f"netting-{len(worlds)}", **options))
        return worlds[-1]

    yield start
    for world in worlds:
        children.forget(world.node.child)
        if world.node.proxy is not None:
            children.forget(world.node.proxy.child)


@pytest.fixture
def solana(start_solana: Callable[..., SolanaNode]) -> SolanaNode:
    """A fresh Solana chain with a block every 50 ms."""
    return start_solana()


@pytest.fixture
def start_solana(children: Children) -> Iterator[Callable[..., SolanaNode]]:
    """Start Solana chains with options of one's own (those of `infra.local.solana.start`)."""
    nodes: list[SolanaNode] = []

    def start(**options: Any) -> SolanaNode:
        nodes.append(solana_part.start(children, **options))
        return nodes[-1]

    yield start
    for node in nodes:
        children.forget(node.child)
        if node.proxy is not None:
            children.forget(node.proxy.child)


@pytest.fixture
def pooled_database_url(database_url: str, pooler: Pgbouncer) -> str:
    """The database of `database_url` through pgbouncer in transaction mode."""
    return pooler.url_of(database_url)


@pytest.fixture(scope="session")
def pooler(children: Children, postgres_server: PostgresServer, optional_tool: Callable[[str], Path]) -> Pgbouncer:
    """pgbouncer before this pytest process's Postgres."""
    optional_tool("pgbouncer")
    return pgbouncer_part.start(children, postgres_server)


@pytest.fixture(scope="session")
def exchange_server(children: Children) -> ExchangeServer:
    """The local venues of this pytest process."""
    return exchange_part.start(children)


@pytest.fixture
def exchanges(exchange_server: ExchangeServer) -> Iterator[ExchangeServer]:
    """The local venues, healthy and with their clocks running whenever a test begins."""
    yield exchange_server
    exchange_server.clear()
    exchange_server.hold(None)


@pytest.fixture(scope="session")
def token_server(children: Children) -> TokenServer:
    """The local Jupiter and DexScreener of this pytest process."""
    return token_part.start(children)


@pytest.fixture
def tokens(token_server: TokenServer) -> Iterator[TokenServer]:
    """Both, healthy and with their clock running whenever a test begins."""
    yield token_server
    token_server.heal()


@pytest.fixture(scope="session")
def ipfs_server(children: Children) -> Ipfs:
    """The local pinning services and gateways of this pytest process."""
    return ipfs_part.start(children)


@pytest.fixture
def ipfs(ipfs_server: Ipfs) -> Iterator[Ipfs]:
    """The local pinning services and gateways, well and empty whenever a test begins."""
    ipfs_server.forget()
    yield ipfs_server
    ipfs_server.heal()


@pytest.fixture(scope="session")
def optional_tool() -> Callable[[str], Path]:
    """`optional_tool(name)`: its path; the test is skipped, saying how to get it, where it is absent."""

    def find(name: str) -> Path:
        found = programs.find(name)
        if found is None:
            pytest.skip(f"{name} is absent; get it with: apt-get install -y {programs.OPTIONAL[name]}")
        return found

    return find
