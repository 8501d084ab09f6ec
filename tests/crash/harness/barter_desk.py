"""Barter over a run's chain: its dependencies as wiring.py builds them, and a market whose lists are all there."""

from collections.abc import Sequence
from functools import cached_property
from typing import Final, cast

from functions.barter.wiring import ROLE, Settings, SignerDeps
from infra.local.anvil import AnvilNode
from infra.local.barter.world import SEED, BarterWorld, Phase, Terms, deploy_world
from infra.local.children import Child
from infra.local.flare.accounts import DevAccount, dev_account
from infra.local.flare.contracts import Contract, artifact
from infra.local.flare.deployment import created_address
from kernel.evm.fees import GWEI
from kernel.keys.evm import LocalSigner, Signer
from kernel.treasury.checking import Checks
from kernel.treasury.evm import EvmDesk
from kernel.treasury.switch import KillSwitch
from kernel.treasury.treasury import Treasury
from kernel.treasury.wallets import OperatorWallet
from tests.crash.harness.serving import kernel_of
from tests.crash.harness.world import World

CHAIN_ID: Final = 31337
CHAIN: Final = f"evm:{CHAIN_ID}"
#: Both phases are over at once, so that nothing but work takes time.
TERMS: Final = Terms(agents_max=16, deposit_s=0, rank_s=0)


class Deps(SignerDeps):
    """Barter's dependencies; the settler's key is at hand, since sealing it has a scenario of its own."""

    @cached_property
    def _signer(self) -> Signer:
        return LocalSigner(bytes(settler().private_key))


def settler() -> DevAccount:
    """Who posts trades and ends phases."""
    return dev_account(SEED, "settler")


def owner(number: int) -> str:
    """Who brings the token of this number, in small letters."""
    return dev_account(SEED, f"owner {number}").address.lower()


class BarterDesk:
    """One process's barter."""

    def __init__(self, world: World) -> None:
        self.world = world
        operator = dev_account(SEED, "operator").address
        self.exchange = Contract(created_address(operator, 0), artifact("Exchange", "barter"))

    @cached_property
    def deps(self) -> Deps:
        """As wiring.py builds them, over this world."""
        return Deps(kernel_of(self.world, ROLE), self.settings)

    @property
    def settings(self) -> Settings:
        """One chain and one settler."""
        return Settings(
            chain_id=CHAIN_ID,
            rpc_urls="plain:" + " ".join(self.world.rpc_urls("evm")),
            fee_cap_wei=20 * GWEI,
            poll_s=8.0,
            settler=settler().address,
        )

    def open(self, lists: Sequence[Sequence[int]]) -> None:
        """A market whose owners have brought their tokens and said their lists, and the books of our wallet."""
        node = AnvilNode("evm", self.world.evm.url, CHAIN_ID, cast("Child", None))
        with deploy_world(node, agents=len(lists), terms=TERMS) as market:
            self._fill(market, lists)
        self.world.evm.fund(settler().address)
        self.world.evm.mine(4)
        treasury = Treasury(self.world.postgres_as("counterpart_ops"), self._desk, self.world.clock)
        wallet = OperatorWallet(service="barter", chain=CHAIN, address=settler().address, floor=0, target=0)
        treasury.declare(wallet, actor="crash", reason="a scenario")
        self.checked()

    def watch(self) -> None:
        """Ask for the market to be followed."""
        self.deps.watching.begin(self.exchange.address, by_operator=True)

    def checked(self) -> object:
        """What the treasury says of our wallet."""
        office, clock = self.world.postgres_as("counterpart_ops"), self.world.clock
        treasury = Treasury(office, self._desk, clock)
        return Checks(office, treasury, self._desk, KillSwitch(office, clock), clock).check(CHAIN, settler().address)

    def owners(self, count: int) -> list[str]:
        """Whose each token is by now, in small letters."""
        asked = [dev_account(SEED, f"owner {number}") for number in range(count)]
        operator, tokens = dev_account(SEED, "operator").address, len(asked)
        collections = [created_address(operator, nonce) for nonce in range(1, 4)]
        named = [(collections[n % 3], n // 3) for n in range(tokens)]
        return [self._ask("getCurrentOwner", self._ask("getTokenHash", one)).lower() for one in named]

    def told_phases(self) -> list[int]:
        """The phases that the exchange has entered, in order."""
        topic = "0x" + self.exchange.topic("PhaseChanged").hex()
        wanted = {"address": self.exchange.address, "topics": [topic], "fromBlock": "0x0", "toBlock": "latest"}
        return [int(log["data"], 16) for log in self.world.evm.rpc("eth_getLogs", wanted)]

    def _fill(self, market: BarterWorld, lists: Sequence[Sequence[int]]) -> None:
        market.deposit()
        market.advance(Phase.RANK)
        market.rank(lists)

    def _ask(self, function: str, *arguments: object) -> str:
        from infra.local.evm_reading import ask

        node = AnvilNode("evm", self.world.evm.url, CHAIN_ID, cast("Child", None))
        answer = ask(node, self.exchange, function, *arguments)[0]
        return cast("str", answer)

    def _desk(self, _: str) -> EvmDesk:
        deps = self.deps
        return EvmDesk(lambda _: deps.outbox, deps.pool, deps.settings.outbox_policy, transfer_gas=21_000)
