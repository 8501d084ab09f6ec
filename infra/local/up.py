"""`make up`: the local cloud with the bundle in it stays until Ctrl-C; SEED=1 keeps voting rounds going."""

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from queue import Empty, SimpleQueue
from types import FrameType

import httpx
from rich.console import Console

from infra.local import ports
from infra.local.barter.resident import Resident
from infra.local.children import ChildDied
from infra.local.cloud import LocalCloud
from infra.local.contests.resident import WARM, ContestsResident
from infra.local.flare.accounts import ETHER
from infra.local.flare.network import enter_reward_epoch
from infra.local.flare.timing import Timing
from infra.local.notifier import EvmFollower, Notifier
from infra.local.oracle_market import CHAIN_ID, OracleMarket, Provider, open_market
from infra.local.ports import PortTaken
from infra.local.runner.containers import WARM_FIRST, WARM_LATER
from infra.local.runner.runner import Runner
from infra.local.settings import LocalSettings
from infra.local.wallet_books import without_chains
from infra.local.webhooks import LocalWebhooks
from kernel.auth.api_keys import ApiKeys
from kernel.auth.principal import Role, Tier
from kernel.postgres import Postgres
from kernel.treasury.wallets import OperatorWallet

# Slower than the demo's, so that a machine left running stays cool; a reward epoch lasts most of a day.
TIMING = Timing(voting_epoch_s=16, reveal_deadline_s=8, reward_epoch_rounds=3_360)
# Offers and registrations of the next reward epoch are repeated this many rounds before it begins.
RENEW_ROUNDS = 5
#: A wallet of the oracle that holds less than this is alarmed.
FLOOR_WEI = 100 * ETHER


def up(chosen: LocalSettings, *, gateway_port: int = 0) -> int:
    """Start everything and stay; 0 after Ctrl-C, 1 when a port was taken or a child died meanwhile."""
    console = Console()
    try:
        if gateway_port:
            ports.requested_port(gateway_port)
        with ending_on_sigterm():
            return _stay(chosen, gateway_port, console)
    except PortTaken as taken:
        console.print(f"cannot start: {taken}", style="red", markup=False, soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        console.print("stopped while starting")
        return 0


def _stay(chosen: LocalSettings, gateway_port: int, console: Console) -> int:
    deaths: SimpleQueue[ChildDied] = SimpleQueue()
    with LocalCloud(console=console, database_url=chosen.database_url) as cloud:
        unwatch = cloud.children.watch(deaths.put)
        webhooks = LocalWebhooks.new(CHAIN_ID)
        environment = {**cloud.environment(), **webhooks.environment(cloud.aws.put_secret)}
        warm = WARM if chosen.seed else (WARM_FIRST, WARM_LATER)
        deployments = None if chosen.seed else 1  # rounds of one alone go nowhere, so nobody needs the others
        with (
            Runner(environment, folder=cloud.folder, children=cloud.children, warm=warm) as runner,
            ExitStack() as following,
        ):
            try:
                with console.status("deploying Flare's contracts and the bundle"):
                    market = open_market(
                        cloud, runner, timing=TIMING, gateway_ports=(gateway_port,), deployments=deployments
                    )
                    playing = market.providers
                    market.start(*playing)
                following.enter_context(_notifier(market, playing[0], webhooks))
                _declare_wallets(playing[0])
                resident = following.enter_context(Resident(cloud, runner, moves=chosen.seed))
                duels = following.enter_context(ContestsResident(cloud, runner)) if chosen.seed else None
                told = (*banner(cloud, market, playing), *resident.lines(), *(duels.lines() if duels else ()))
                for line in told:
                    console.print(line, highlight=False, soft_wrap=True)
                return _wait(market, deaths, console)
            except KeyboardInterrupt:
                return 0
            finally:
                unwatch()
                # A second Ctrl-C, or one that reached us twice, must not leave half of it running.
                signal.signal(signal.SIGINT, signal.SIG_IGN)
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                console.print("\nstopping everything ...")


def _notifier(market: OracleMarket, provider: Provider, webhooks: LocalWebhooks) -> Notifier:
    """Tells the first provider's intake what happens on Flare, from now on."""
    follower = EvmFollower(market.flare, webhooks.alchemy, start_block=market.flare.block_number() + 1)
    return Notifier(f"{provider.stack.gateway_url}/hooks", [follower])


def _wait(market: OracleMarket, deaths: "SimpleQueue[ChildDied]", console: Console) -> int:
    """Stay until Ctrl-C, naming whoever dies and renewing the reward epoch; 1 when somebody died."""
    died = False
    try:
        while True:
            try:
                death = deaths.get(timeout=1.0)
            except Empty:
                _renew_reward_epoch(market)
                continue
            died = True
            console.print(f"\nDIED: {death}", style="red", markup=False, soft_wrap=True)
            console.print("The rest goes on; Ctrl-C stops it.")
    except KeyboardInterrupt:
        return int(died)


def _renew_reward_epoch(market: OracleMarket) -> None:
    network = market.network
    length = network.timing.reward_epoch_rounds
    voting_round = network.round_at(time.time())
    if voting_round % length == length - RENEW_ROUNDS:
        enter_reward_epoch(network, voting_round // length + 1)


def _declare_wallets(provider: Provider) -> None:
    """Have the treasury keep the books of the wallets that pay for the oracle's transactions, and their floors."""
    postgres = Postgres(provider.database_url, role="counterpart_ops")
    treasury = without_chains(postgres)
    for account in (provider.voter.submit, provider.voter.submit_signatures, provider.voter.signing_policy):
        wallet = OperatorWallet(
            service="oracle",
            chain=f"evm:{CHAIN_ID}",
            address=account.address,
            floor=FLOOR_WEI,
            target=2 * FLOOR_WEI,
        )
        treasury.declare(wallet, actor="shell", reason="make up")
    postgres.close()


def banner(cloud: LocalCloud, market: OracleMarket, playing: tuple[Provider, ...]) -> Iterator[str]:
    """The addresses of everything, a line each."""
    first = playing[0]
    key = ApiKeys(Postgres(first.database_url)).issue(tier=Tier.ADMIN, role=Role.ADMIN, label="make up", actor="shell")
    yield "\n[bold]Counterpart is up.[/bold] Ctrl-C stops it.\n"
    yield f"  gateway      {first.stack.gateway_url}   health {_health(first)}"
    yield f"  WebSocket    {first.stack.ws_url}"
    yield f"  API key      {key.key}   (admin, of {first.name})"
    for provider in playing[1:]:
        yield f"  {provider.name:<12} {provider.stack.gateway_url}"
    yield f"  Postgres     {first.database_url}"
    yield f"  Redis REST   {cloud.redis.rest_url}   token {cloud.redis.token}"
    yield f"  AWS          {cloud.aws.endpoint}   (AWS_ENDPOINT_URL; any keys)"
    yield f"  Flare RPC    {'  '.join(market.flare.proxy_urls)}   (chain {market.network.chain_id}; two identities)"
    yield f"  Flare node   {market.flare.url}   (past every fault)"
    yield f"  webhooks     {first.stack.gateway_url}/hooks/alchemy   (signed; what the Flare node logs)"
    yield f"  exchanges    {market.exchanges.control_url}"
    yield f"  logs         {cloud.folder}"
    if len(playing) == 1:
        yield "\n  One provider alone cannot finalise a round; SEED=1 starts all four and keeps rounds going."


def _health(provider: Provider) -> str:
    try:
        return str(httpx.get(f"{provider.stack.gateway_url}/health", timeout=15.0).status_code)
    except httpx.HTTPError as error:
        return f"not answering: {error}"


@contextmanager
def ending_on_sigterm() -> Iterator[None]:
    """SIGTERM and a closed terminal end everything as Ctrl-C does."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    wanted = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, interrupt) for number in wanted}
    try:
        yield
    finally:
        for number, action in before.items():
            signal.signal(number, action)
