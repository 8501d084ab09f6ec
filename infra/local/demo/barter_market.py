"""A market of the scene: agents with random partial lists, from its deployment until nobody has anything left in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from functions.barter.core.cycles import top_trading_cycles
from infra.local.barter.world import BarterWorld, Phase
from infra.local.demo.barter_picture import MarketGraph
from infra.local.evm_reading import ask, balance

WISHES_MAX: Final = 8
INITIALS: Final = "ABC"


def random_lists(agents: int, seed: int) -> list[list[int]]:
    """Each agent wishes for up to eight tokens of others, in an order of its own; some wish for none."""
    chance = Random(seed)
    return [
        [item for item in chance.sample(range(agents), min(agents, chance.randint(0, WISHES_MAX))) if item != agent]
        for agent in range(agents)
    ]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Market:
    """One exchange and everybody who takes part. gas: what each kind of call took, in the order of the calls."""

    title: str
    world: BarterWorld
    lists: Sequence[Sequence[int]]
    gas: dict[str, list[int]] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """The exchange's."""
        return self.world.exchange.address

    @property
    def expected(self) -> list[int]:
        """What each agent is to receive, by the rule."""
        return top_trading_cycles(self.lists)

    def deposit(self) -> None:
        """Every owner brings its token."""
        self._keep("depositNFT", self.world.deposit())

    def rank(self) -> None:
        """Every owner says what it wishes."""
        self._keep("setPreferences", self.world.rank(self.lists))

    def withdraw(self, received: Sequence[int]) -> None:
        """Each agent's owner takes out the token that the agent received."""
        hashes, tokens = self.world.hashes, self.world.tokens
        calls = [
            self.world.call(tokens[agent].owner, "withdrawNFT", hashes[item]) for agent, item in enumerate(received)
        ]
        self._keep("withdrawNFT", self.world.mine(calls))

    def collect(self) -> int:
        """The operator takes the fees; how much is left in the exchange, in wei."""
        self._keep("collectFees", [self.world.send(self.world.operator, "collectFees")])
        return balance(self.world.node, self.address)

    def keep_ours(self, story: Mapping[str, Any]) -> None:
        """What our own transactions to the exchange took."""
        names = {"advance": "advancePhase", "time_out": "advancePhase", "trades": "reallocateTokens"}
        for call in story["calls"]:
            if call["transaction_hash"] is not None:
                receipt = self.world.node.rpc("eth_getTransactionReceipt", call["transaction_hash"])
                self._keep(names[call["purpose"]], [receipt])

    def owners(self) -> list[str]:
        """Whose each token is in its collection, as the chain says now."""
        return [
            str(ask(self.world.node, token.collection, "ownerOf", token.token_id)[0]).lower()
            for token in self.world.tokens
        ]

    def misplaced(self, received: Sequence[int]) -> list[str]:
        """The tokens that are not with whom they should be by now."""
        wanted = {item: self.world.tokens[agent].owner.address.lower() for agent, item in enumerate(received)}
        return [self.names[token] for token, owner in enumerate(self.owners()) if owner != wanted[token]]

    @property
    def names(self) -> list[str]:
        """What each token is called: its collection's initial, and its number there."""
        return [f"{INITIALS[number % len(INITIALS)]}{token.token_id}" for number, token in enumerate(self.world.tokens)]

    def graph(self, shown_by: str) -> MarketGraph:
        """As it is drawn, from the lists and what the chain says now."""
        numbers = {token.owner.address.lower(): f"no. {agent + 1}" for agent, token in enumerate(self.world.tokens)}
        return MarketGraph(
            lists=self.lists,
            received=self.expected,
            names=self.names,
            before=[f"no. {agent + 1}" for agent in range(len(self.lists))],
            after=[numbers.get(owner, "?") for owner in self.owners()],
            shown_by=shown_by,
        )

    def is_ranking(self) -> bool:
        """Whether lists are taken now."""
        return self.world.phase == Phase.RANK

    def is_over(self) -> bool:
        """Whether nothing is left in the exchange."""
        return self.world.phase == Phase.CLEANUP

    def _keep(self, name: str, receipts: Sequence[Mapping[str, Any]]) -> None:
        self.gas.setdefault(name, []).extend(int(receipt["gasUsed"], 16) for receipt in receipts)
