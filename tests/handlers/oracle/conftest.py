"""The oracle's stage: a local Flare whose clock the tests move."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from functions.oracle.core.feeds import Feed
from functions.oracle.core.quotes import VenuePrice
from functions.oracle.wiring import ROLE, Deps, Settings
from infra.local.anvil import AnvilNode
from infra.local.demo.sightings import Bystander
from infra.local.flare.accounts import ETHER
from infra.local.flare.feeds import feeds_named
from infra.local.flare.network import deploy_network
from kernel.testing import FakeClock
from kernel.testing.kernel import FakedKernel
from tests.databases import Databases
from tests.handlers.oracle.crowd import Crowd
from tests.handlers.oracle.provider import Provider, Stage

if TYPE_CHECKING:
    from tests.chain.oracle.reward_scene import RewardScene

FEEDS = ("BTC/USD", "ETH/USD", "XRP/USD")
SOURCES = ("binance", "bitstamp", "kraken", "okx")


@contextmanager
def staged(anvil: AnvilNode, databases: Databases, **options: Any) -> Iterator[Stage]:
    """Three feeds and voters as the network's options have them; `stage.provider(index)` deploys one of them.

    The chain's time stands still where the test puts it, however slow the machine is.
    """
    anvil.rpc("anvil_setBlockTimestampInterval", 0)
    network = deploy_network(anvil.url, inflation_feeds=feeds_named(*FEEDS), block_time_s=None, **options)
    clock = FakeClock(datetime.fromtimestamp(network.round_start_s(network.timing.first_round), UTC))
    opened: list[Provider] = []

    def provider(index: int = 0, **settings: Any) -> Provider:
        database = databases.take()
        opened.append(Provider.of(network, anvil, network.voters[index], database, clock, **settings))
        return opened[-1]

    yield Stage(node=anvil, network=network, clock=clock, provider=provider)
    for one in opened:
        one.close()
        databases.give_back(one.database_url)


@pytest.fixture
def stage(anvil: AnvilNode, databases: Databases) -> Iterator[Stage]:
    """Four voters of equal weight."""
    with staged(anvil, databases) as stage:
        yield stage


@pytest.fixture
def crowded(anvil: AnvilNode, databases: Databases) -> Iterator[Callable[..., Crowd]]:
    """`crowded(voters)`: so many voters of equal weight on one chain, of whom the first is ours."""
    with ExitStack() as opened:

        def crowd(voters: int, **settings: Any) -> Crowd:
            powers = (1_000_000 * ETHER,) * voters
            stage = opened.enter_context(staged(anvil, databases, vote_power_wei=powers))
            return opened.enter_context(Crowd(stage, stage.provider(0, **settings)))

        yield crowd


@pytest.fixture
def bystander(stage: Stage) -> Iterator[Bystander]:
    """Somebody who sees what is on the chain from now on."""
    with Bystander(stage.network) as bystander:
        yield bystander


@pytest.fixture
def stocked() -> Callable[[Provider], None]:
    """`stocked(provider)`: fresh points of four sources for every feed."""

    def stock(provider: Provider) -> None:
        now = provider.deps.clock.now()
        base = {"BTC": Decimal("93480.10"), "ETH": Decimal("3125.40"), "XRP": Decimal("2.1530")}
        points = [
            VenuePrice(
                base=code,
                quote="USD",
                price=price + index * price / 10_000,
                volume=Decimal(10),
                time=now,
                source=source,
            )
            for code, price in base.items()
            for index, source in enumerate(SOURCES)
        ]
        provider.deps.repository.store_points(points, "test")

    return stock


@pytest.fixture
def offline(database_url: str) -> Iterator[Deps]:
    """The oracle without a chain or a venue: what serves HTTP."""
    kernel = FakedKernel(database_url, role=ROLE, clock=FakeClock(datetime(2026, 11, 21, 12, tzinfo=UTC)))
    unused = "plain:unused"
    deps = Deps(
        kernel,
        Settings(
            network="local",
            chain_id=31_337,
            rpc_urls=unused,
            registry_address="0x" + "11" * 20,
            submit_key=unused,
            submit_signatures_key=unused,
            signing_policy_key=unused,
        ),
    )
    deps.repository.remember_feeds(1, [Feed(feed.id, feed.decimals) for feed in feeds_named(*FEEDS)])
    yield deps
    kernel.postgres.close()


@pytest.fixture
def scene(anvil: AnvilNode, databases: Databases) -> "Iterator[Callable[..., RewardScene]]":
    """`scene()`: four equal voters, three feeds, reward epochs of four rounds; the first one begins now."""
    from tests.chain.oracle.reward_scene import scenes

    with scenes(anvil, databases) as start:
        yield start
