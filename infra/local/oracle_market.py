"""The oracle's world on one machine: a Flare network, exchanges, and data providers that are whole deployments.

with LocalCloud() as cloud, Runner(cloud.environment(), children=cloud.children) as runner:
    market = open_market(cloud, runner)
    market.start(*market.providers)
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from functions.oracle.core.epochs import LOCAL
from infra.local.anvil import AnvilNode
from infra.local.cloud import LocalCloud
from infra.local.exchanges import server as exchanges
from infra.local.exchanges.listings import COINS
from infra.local.exchanges.server import ExchangeServer
from infra.local.failures import LocalFailure
from infra.local.flare.accounts import ETHER, Voter
from infra.local.flare.feeds import mainnet_feeds
from infra.local.flare.network import FlareNetwork, deploy_network
from infra.local.flare.timing import Timing
from infra.local.oracle_stack import LOCAL_TIMING, provider_environment
from infra.local.runner.runner import Runner
from infra.local.runner.stack import Stack

CHAIN_ID = LOCAL.chain_id


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Provider:
    """One data provider: a deployment of the bundle with its own database, queues and keys."""

    voter: Voter
    stack: Stack
    database_url: str

    @property
    def name(self) -> str:
        """provider-0 and so on; also the name of its stack."""
        return self.stack.name


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class OracleMarket:
    """A network and those who take part in it. Providers are made stopped."""

    flare: AnvilNode
    network: FlareNetwork
    exchanges: ExchangeServer
    providers: tuple[Provider, ...]

    def start(self, *providers: Provider) -> None:
        """Start these providers and, rather than wait for the minute, fire their schedules once."""
        for provider in providers:
            provider.stack.start()
        with ThreadPoolExecutor(max(1, len(providers))) as pool:
            list(pool.map(_fire_schedules, providers))


def open_market(
    cloud: LocalCloud,
    runner: Runner,
    *,
    vote_power_wei: Sequence[int] = (1_000_000 * ETHER,) * 4,
    timing: Timing | None = None,
    gateway_ports: Sequence[int] = (),
    every_feed: bool = False,
    deployments: int | None = None,
    services: Sequence[str] | None = None,
    settings: Mapping[str, str] | None = None,
) -> OracleMarket:
    """Start a chain and the exchanges, deploy Flare's contracts, and make a stopped provider per vote power.

    Feeds are those of mainnet that the local exchanges usually trade, or every one. gateway_ports: of the first
    providers' addresses, free ones for the rest. deployments: of so many voters, the first ones; of all when None.
    services: of the bundle; all when None. settings: what every deployment is told beside.
    """
    with ThreadPoolExecutor(2) as pool:
        starting = pool.submit(exchanges.start, cloud.children, whole=every_feed)
        flare = cloud.anvil("flare", chain_id=CHAIN_ID)
        feeds = [feed for feed in mainnet_feeds() if every_feed or feed.name.partition("/")[0] in COINS]
        network = deploy_network(flare.url, vote_power_wei=vote_power_wei, timing=timing, inflation_feeds=feeds)
        venues = starting.result()
    ports = [*gateway_ports, *([0] * len(network.voters))]

    def provider(voter: Voter, port: int) -> Provider:
        environment = provider_environment(cloud, flare, network, voter, venues.venue_urls)
        database_url = cloud.aws.secret(environment["COUNTERPART_DATABASE_URL"])
        environment |= stretched(network.timing) | dict(settings or {})
        stack = runner.stack(voter.name, environment, services, port=port)
        return Provider(voter=voter, stack=stack, database_url=database_url)

    deployed = network.voters[:deployments]
    providers = tuple(provider(voter, port) for voter, port in zip(deployed, ports, strict=False))
    return OracleMarket(flare=flare, network=network, exchanges=venues, providers=providers)


def stretched(timing: Timing) -> dict[str, str]:
    """When the phases run in rounds of another length than those that LOCAL_TIMING is made for."""
    stretch = timing.voting_epoch_s / Timing().voting_epoch_s
    phases = {name: float(value) for name, value in LOCAL_TIMING.items() if name.endswith(("_OFFSET_S", "_GRACE_S"))}
    return {f"COUNTERPART_ORACLE_{name}": str(value * stretch) for name, value in phases.items()}


def _fire_schedules(provider: Provider) -> None:
    for function in ("cron_partitions", "cron_collect", "cron_plan_rounds"):
        fired = provider.stack.fire(function)
        if not fired.ok:
            raise ProviderStuck(provider, function, f"{fired.error_type}: {fired.error}")


class ProviderStuck(LocalFailure):
    """A provider's schedule failed at the start."""

    def __init__(self, provider: Provider, function: str, error: str) -> None:
        super().__init__(f"{provider.name}: {function} failed: {error}; its log is {provider.stack.log_path}")
