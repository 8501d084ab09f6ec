"""The oracle over a run's local Flare: our provider as wiring.py builds it, another one, and blocks that follow time.

The network has the epochs of the live one: 90 s each, 45 s to reveal. The round that is played begins ten seconds after
the world does, so that no minute begins in the windows of its commit and its reveal: no sweep helps whoever is late.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any, Final

from functions.oracle.adapters.round_tasks import task_specs
from functions.oracle.core.commitment import commit_hash
from functions.oracle.core.decision import reveal_calldata
from functions.oracle.core.feed_values import encode
from functions.oracle.core.feeds import Feed
from functions.oracle.core.payload import FTSO_PROTOCOL_ID, SUBMIT1, Message, encode_calldata, parse_calldata
from functions.oracle.core.phases import plan_phases
from functions.oracle.core.quotes import VenuePrice
from functions.oracle.core.submissions import Reveal
from functions.oracle.wiring import ROLE, Settings, SubmitterDeps
from infra.local.flare.accounts import ETHER, Voter, dev_account, dev_voters
from infra.local.flare.deployment import NAMES, created_address
from infra.local.flare.feeds import feeds_named
from infra.local.flare.network import deploy_network
from infra.local.flare.node import Node
from infra.local.flare.timing import Timing
from infra.local.flare.transactions import Sender, Transaction
from kernel.keys.evm import LocalSigner, Signer
from tests.crash.harness.deployed import Deployed
from tests.crash.harness.serving import AllServed, kernel_of
from tests.crash.harness.site import START
from tests.crash.harness.world import World

CHAIN_ID, SEED, WRAPPING_KEY = 31_337, "counterpart", "alias/crash"
FEEDS, SOURCES = ("BTC/USD", "ETH/USD", "XRP/USD"), ("binance", "bitstamp", "kraken", "okx")
PRICES: Final = {"BTC": Decimal("93480.10"), "ETH": Decimal("3125.40"), "XRP": Decimal("2.1530")}
TIMING: Final = Timing(voting_epoch_s=90, reveal_deadline_s=45)
#: Ours is the first; its weight alone finalises.
POWERS_WEI: Final = (600_000 * ETHER, 400_000 * ETHER)
ROUND: Final = TIMING.first_round + 1
#: In Unix seconds: the beginnings of the round and of the epoch in which it is revealed.
BEGINS_S: Final = int(START.timestamp()) + 10
REVEALED_S: Final = BEGINS_S + TIMING.voting_epoch_s
DEPLOYED_S: Final = BEGINS_S - TIMING.voting_epoch_s
#: What a scenario's chain is started with: older than anything that happens on it.
CHAIN: Final = {"chain_id": CHAIN_ID, "extra": ("--timestamp", str(DEPLOYED_S - 60))}
PHASES: Final = ("commit", "reveal", "sign", "finalise")
OTHERS: Final = Reveal(random=7, feed_values=encode([PRICES["BTC"], PRICES["ETH"], PRICES["XRP"]], [2, 3, 5]))


@dataclass(frozen=True, slots=True)
class Mined:
    """A successful transaction of one of our accounts; `function` is its selector."""

    function: bytes
    time_s: int
    payload: bytes


class Deps(SubmitterDeps):
    """The oracle's dependencies; our keys are at hand, since sealing one has a scenario of its own."""

    def _signer(self, reference: str) -> Signer:
        accounts = {"submit": us().submit, "sign": us().submit_signatures, "policy": us().signing_policy}
        return LocalSigner(bytes(accounts[reference.removeprefix("plain:")].private_key))


def us() -> Voter:
    """Our provider."""
    return dev_voters(SEED, POWERS_WEI)[0]


def other() -> Voter:
    """The other one, which does as it should."""
    return dev_voters(SEED, POWERS_WEI)[1]


def address(contract: str) -> str:
    """Where a contract of the network is."""
    return created_address(dev_account(SEED, "governance").address, NAMES.index(contract))


class OracleDesk:
    """One process's oracle."""

    def __init__(self, world: World) -> None:
        self.world = world

    @cached_property
    def deps(self) -> Deps:
        """As wiring.py builds them, over this world, with the offsets of production."""
        settings = Settings(
            network="local",
            chain_id=CHAIN_ID,
            rpc_urls="plain:" + ",".join(self.world.rpc_urls("evm")),
            registry_address=address("FlareContractRegistry"),
            submit_key="plain:submit",
            submit_signatures_key="plain:sign",
            signing_policy_key="plain:policy",
        )
        return Deps(kernel_of(self.world, ROLE, key_id=WRAPPING_KEY), settings)

    def open(self) -> None:
        """Deploy the network, keep what cron_collect would have kept, and have fresh prices for the commit."""
        kms, chain = self.world.aws_client("kms"), self.world.evm
        if WRAPPING_KEY not in {one["AliasName"] for one in kms.list_aliases()["Aliases"]}:
            kms.create_alias(AliasName=WRAPPING_KEY, TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])
        chain.rpc("anvil_setBlockTimestampInterval", 0)
        chain.rpc("evm_setNextBlockTimestamp", DEPLOYED_S)
        feeds = feeds_named(*FEEDS)
        deploy_network(
            chain.url,
            vote_power_wei=POWERS_WEI,
            timing=TIMING,
            seed=SEED,
            inflation_feeds=feeds,
            block_time_s=None,
        )
        self.deps.repository.remember_feeds(
            1, [Feed(feed.id, feed.decimals) for feed in sorted(feeds, key=lambda feed: feed.id)]
        )
        self.deps.repository.store_points(_points(), "crash")
        self.deps.outbox.open_signers()

    def ask(self) -> None:
        """What cron_plan_rounds asks for, of this one round."""
        phases = plan_phases([self.deps.flare.network.voting_epoch(ROUND)], self.deps.settings.offsets)
        self.deps.tasks.enqueue(task_specs(phases))

    def work(self) -> None:
        """Do the tasks of every kind as they come, while blocks are made and the other provider takes part."""
        self.world.once("blocks come with time", lambda: self.world.evm.rpc("evm_setAutomine", False))
        Deployed(self.world, self.pass_time).work(AllServed("oracle", self.deps))

    def pass_time(self) -> None:
        """The other provider's part, and a block, of this second."""
        chain, now_s = self.world.evm, int(self.world.clock.true_time_s())
        if now_s <= int(chain.rpc("eth_getBlockByNumber", "latest", False)["timestamp"], 16):
            return
        chain.rpc("evm_setNextBlockTimestamp", now_s)
        if BEGINS_S <= now_s < REVEALED_S and not self.world.has_happened("the other commits"):
            kept = commit_hash(other().submit.address, ROUND, *OTHERS)
            call = encode_calldata(SUBMIT1, Message(FTSO_PROTOCOL_ID, ROUND, kept))
            self.world.once("the other commits", lambda: self._sent(call))
        elif REVEALED_S <= now_s and not self.world.has_happened("the other reveals"):
            self.world.once("the other reveals", lambda: self._sent(reveal_calldata(ROUND, OTHERS)))
        else:
            chain.mine()

    def mined(self) -> list[Mined]:
        """What our accounts have done, in chain order."""
        return list(self._mined())

    def _mined(self) -> Iterator[Mined]:
        chain, ours = self.world.evm, {one.address.lower() for one in us().accounts}
        for number in range(int(chain.rpc("eth_blockNumber"), 16) + 1):
            block: dict[str, Any] = chain.rpc("eth_getBlockByNumber", hex(number), True)
            for sent in block["transactions"]:
                call = bytes.fromhex(sent["input"][2:])
                if sent["from"].lower() in ours and int(block["timestamp"], 16) >= BEGINS_S:
                    assert chain.rpc("eth_getTransactionReceipt", sent["hash"])["status"] == "0x1", sent
                    messages = parse_calldata(call)
                    yield Mined(call[:4], int(block["timestamp"], 16), messages[0].payload if messages else b"")

    def _sent(self, call: bytes) -> None:
        with Node(self.world.evm.url) as node:
            submission = address("Submission")
            Sender(node, []).mine([Transaction(sender=other().submit, to=submission, data=call, note="the other")])


def _points() -> list[VenuePrice]:
    return [
        VenuePrice(
            base=base,
            quote="USD",
            price=price + place * price / 10_000,
            volume=Decimal(10),
            time=START + timedelta(seconds=70),
            source=source,
        )
        for base, price in PRICES.items()
        for place, source in enumerate(SOURCES)
    ]
