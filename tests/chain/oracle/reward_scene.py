"""Reward epochs of a local Flare from registration to claims, step by step, on the tests' clock."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from functions.oracle.cron_plan_rewards import handler as plan
from functions.oracle.queue_claim_rewards import handler as claim
from functions.oracle.queue_record_round import handler as record
from functions.oracle.queue_register import handler as register
from functions.oracle.queue_sign_rewards import handler as sign
from functions.oracle.queue_submit_transaction import handler as submit
from infra.local.anvil import AnvilNode
from infra.local.flare import reward_epoch as steps
from infra.local.flare.feeds import feeds_named
from infra.local.flare.network import FlareNetwork, deploy_network
from infra.local.flare.timing import Timing
from kernel.handler import Entry
from kernel.tasks import TaskRecord
from kernel.testing import FakeClock
from tests.chain.oracle.voting import Ballot, mine
from tests.databases import Databases
from tests.handlers.oracle.provider import Context, Provider, scheduled_event

FEEDS = ("BTC/USD", "ETH/USD", "XRP/USD")
CENTRES = (9_348_010, 312_540, 215_300)
HANDLERS: dict[str, Entry[Any]] = {
    "oracle.register": register,
    "oracle.record_round": record,
    "oracle.sign_rewards": sign,
    "oracle.claim_rewards": claim,
}
OPEN = """
select business_key, kind from kernel.tasks
where state = 'ready' and kind = any(%(kinds)s) and run_at <= %(now)s
order by run_at, business_key
"""


@dataclass
class RewardScene:
    """The chain, its voters, and our providers."""

    network: FlareNetwork
    node: AnvilNode
    clock: FakeClock
    provider_of: Callable[..., Provider]
    providers: list[Provider] = field(default_factory=list)

    @property
    def first_round(self) -> int:
        """Of the first reward epoch."""
        return self.network.timing.first_round

    def ballot(self, **conducts: Any) -> Ballot:
        """The voters of the network."""
        weights = [voter.vote_power_wei for voter in self.network.voters]
        return Ballot(network=self.network, centres=CENTRES, weights=weights, set_time=self.set_time, **conducts)

    def provider(self, index: int = 0, **settings: Any) -> Provider:
        """One voter's deployment of ours."""
        self.providers.append(self.provider_of(self.network, index, self.clock, **settings))
        return self.providers[-1]

    def set_time(self, time_s: float) -> None:
        """Let clock and next block have that time."""
        self.clock.set(datetime.fromtimestamp(time_s, UTC))
        self.node.rpc("evm_setNextBlockTimestamp", int(time_s))

    def at(self, number: int, offset_s: float = 0) -> None:
        """Mine a block at that moment of a voting epoch."""
        self.set_time(self.network.round_start_s(number) + offset_s)
        self.node.rpc("evm_mine")

    def offer(self, reward_epoch: int) -> None:
        """Offers for a reward epoch, and its registration opened."""
        contracts, governance = self.network.contracts, self.network.governance
        offers = steps.offer_rewards(
            contracts,
            governance,
            rules=self.network.rules,
            reward_epoch=reward_epoch,
            inflation=self.network.inflation_feeds,
            community=self.network.community_offers,
        )
        mine(self.network, [*offers, *steps.open_registration(contracts, governance, reward_epoch)])

    def close(self, reward_epoch: int, *others: int) -> None:
        """Register the other voters, and install the policy of the reward epoch."""
        contracts, governance = self.network.contracts, self.network.governance
        voters = [self.network.voters[index] for index in others]
        registered = steps.register_voters(contracts, voters, reward_epoch)
        mine(self.network, [*registered, *steps.initialise_policy(contracts, governance, reward_epoch)])

    def enter(self, reward_epoch: int) -> None:
        """All of it for every voter."""
        self.offer(reward_epoch)
        self.close(reward_epoch, *range(len(self.network.voters)))


@contextmanager
def scenes(node: AnvilNode, databases: Databases) -> Iterator[Callable[..., RewardScene]]:
    """`start(**options)`: four equal voters, three feeds, reward epochs of four rounds; the first one begins now."""
    opened: list[Provider] = []

    def provider_of(network: FlareNetwork, index: int, clock: FakeClock, **settings: Any) -> Provider:
        database = databases.take()
        opened.append(Provider.of(network, node, network.voters[index], database, clock, **settings))
        return opened[-1]

    def start(**options: Any) -> RewardScene:
        node.rpc("anvil_setBlockTimestampInterval", 0)
        given = {"inflation_feeds": feeds_named(*FEEDS), "timing": Timing(reward_epoch_rounds=4), **options}
        network = deploy_network(node.url, block_time_s=None, **given)
        clock = FakeClock(datetime.fromtimestamp(network.round_start_s(network.timing.first_round), UTC))
        return RewardScene(network=network, node=node, clock=clock, provider_of=provider_of)

    yield start
    for one in opened:
        one.close()
        databases.give_back(one.database_url)


def tick(provider: Provider) -> None:
    """A minute begins."""
    plan.bind(provider.deps)(scheduled_event(provider.deps.clock.now()), Context())


def work(provider: Provider, *kinds: str, turns: int = 1, pause_s: float = 0.6) -> None:
    """Deliver every task of these kinds that is due, and bring what they record onto the chain; so many times."""
    for _ in range(turns):
        with provider.kernel.postgres.transaction() as tx:
            rows = tx.all(OPEN, kinds=list(kinds or HANDLERS), now=provider.deps.clock.now())
        for row in rows:
            provider.run(HANDLERS[row["kind"]], row["kind"], row["business_key"])
        provider.submit_all(submit)
        provider.submit_all(submit)
        clock = provider.kernel.clock
        assert isinstance(clock, FakeClock)
        clock.advance(pause_s)


def outcome(provider: Provider, kind: str, key: str | int) -> TaskRecord:
    """A task of ours as it stands."""
    return provider.task(kind, f"local:{key}")
