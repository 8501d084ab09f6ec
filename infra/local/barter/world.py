"""An exchange of NFTs on an anvil node, with collections and their owners.

world = deploy_world(anvil.start(children, name="barter"), agents=6, terms=Terms())
world.deposit(); world.rank(lists); world.advance(Phase.TRADE); world.reallocate(journal, seal)

Each agent's token is minted to an owner of its own, in turn from each collection; agent i has index i. A block is
mined for what is sent here, and time moves when the world moves it.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final, Self

from functions.barter.core.cycles import Preferences
from infra.local.anvil import AnvilNode
from infra.local.evm_reading import ask
from infra.local.flare.accounts import ETHER, DevAccount, dev_account
from infra.local.flare.contracts import Contract, artifact
from infra.local.flare.deployment import created_address
from infra.local.flare.node import Node
from infra.local.flare.transactions import Sender, Transaction

SEED: Final = "barter"
COLLECTIONS: Final = ("Apples", "Books", "Clocks")
PHASE_S: Final = 60
NO_VERIFIER: Final = "0x" + "00" * 20


class Phase(IntEnum):
    """The exchange's phases."""

    DEPOSIT = 0
    RANK = 1
    TRADE = 2
    WITHDRAW = 3
    CLEANUP = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """An agent's token, and who brings it."""

    collection: Contract
    token_id: int
    owner: DevAccount

    @property
    def named(self) -> tuple[str, int]:
        """As the exchange takes it."""
        return self.collection.address, self.token_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How an exchange is deployed."""

    agents_max: int = 256
    list_max: int = 16
    deposit_s: int = PHASE_S
    rank_s: int = PHASE_S
    deposit_fee_wei: int = 0
    verifier: str = NO_VERIFIER


class BarterWorld:
    """The exchange, seen past every fault; use as a context manager."""

    def __init__(self, node: AnvilNode, exchange: Contract, tokens: Sequence[Token], operator: DevAccount) -> None:
        self.node, self.exchange, self.tokens, self.operator = node, exchange, tuple(tokens), operator
        self._open = ExitStack()
        self._client = self._open.enter_context(Node(node.url))
        self.sender = Sender(self._client, [artifact("Exchange", "barter"), artifact("Collection", "barter")])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @property
    def phase(self) -> Phase:
        """Where the exchange stands."""
        return Phase(self.ask("currentPhase")[0])

    @property
    def hashes(self) -> list[bytes]:
        """What the exchange calls each token, by index."""
        return [self.ask("getTokenHash", token.named)[0] for token in self.tokens]

    @property
    def owners(self) -> list[str]:
        """Whose each token is by now, by index; the zero address once it is withdrawn."""
        return [self.ask("getCurrentOwner", token)[0] for token in self.hashes]

    def ask(self, function: str, *arguments: Any) -> tuple[Any, ...]:
        """What a view of the exchange answers now."""
        return ask(self.node, self.exchange, function, *arguments)

    def send(self, sender: DevAccount, function: str, *arguments: Any, value_wei: int = 0) -> dict[str, Any]:
        """The receipt of one call of the exchange. Raises TransactionReverted with its reason."""
        return self.mine([self.call(sender, function, *arguments, value_wei=value_wei)])[0]

    def mine(self, calls: Sequence[Transaction]) -> list[dict[str, Any]]:
        """The receipts of calls, all in one block."""
        return self.sender.mine(calls)

    def call(self, sender: DevAccount, function: str, *arguments: Any, value_wei: int = 0) -> Transaction:
        """One call of the exchange, not sent yet."""
        data = self.exchange.data(function, *arguments)
        return Transaction(sender=sender, to=self.exchange.address, data=data, value_wei=value_wei, note=function)

    def deposit(self) -> list[dict[str, Any]]:
        """Every owner brings its token, in the order of the indices; the receipts of the deposits."""
        fee_wei = self.ask("depositFee")[0]
        approvals = [
            Transaction(
                sender=token.owner,
                to=token.collection.address,
                data=token.collection.data("approve", self.exchange.address, token.token_id),
                note="approve",
            )
            for token in self.tokens
        ]
        self.mine(approvals)
        return self.mine(
            [self.call(token.owner, "depositNFT", token.named, value_wei=fee_wei) for token in self.tokens]
        )

    def rank(self, lists: Preferences) -> list[dict[str, Any]]:
        """Every owner says its list, by indices; the receipts."""
        hashes = self.hashes
        return self.mine(
            [
                self.call(token.owner, "setPreferences", own, [hashes[item] for item in wishes])
                for token, own, wishes in zip(self.tokens, hashes, lists, strict=True)
            ]
        )

    def advance(self, to: Phase) -> None:
        """Let the time of each phase pass, up to this one."""
        while self.phase < to:
            self.pass_time()
            self.send(self.operator, "advancePhase")

    def pass_time(self) -> None:
        """As much time as the present phase lasts, or as many blocks as a proof may take."""
        if self.phase == Phase.TRADE:
            self.node.rpc("anvil_mine", hex(self.ask("PROOF_BLOCKS")[0]))
        else:
            self.node.rpc("evm_increaseTime", hex(self.ask("phaseDuration")[0] + 1))

    def reallocate(self, journal: bytes, seal: bytes, sender: DevAccount | None = None) -> dict[str, Any]:
        """Post the trades. Raises TransactionReverted with the exchange's reason."""
        return self.send(sender or self.operator, "reallocateTokens", journal, seal)

    def ready(self, lists: Preferences) -> None:
        """Deposits, lists, and on to Trade."""
        self.deposit()
        self.advance(Phase.RANK)
        self.rank(lists)
        self.advance(Phase.TRADE)


def deploy_world(node: AnvilNode, *, agents: int, terms: Terms, name: str = SEED) -> BarterWorld:
    """Deploy an exchange and three collections, and mint each agent's token. name: whose keys; one world a name."""
    node.rpc("evm_setAutomine", False)
    operator = dev_account(name, "operator")
    owners = [dev_account(name, f"owner {number}") for number in range(agents)]
    for account in (operator, *owners):
        node.rpc("anvil_setBalance", account.address, hex(100 * ETHER))
    exchange, *collections = (
        Contract(created_address(operator.address, nonce), artifact(kind, "barter"))
        for nonce, kind in enumerate(["Exchange", *["Collection"] * len(COLLECTIONS)])
    )
    tokens = [
        Token(collection=collections[n % len(collections)], token_id=n // len(collections), owner=owner)
        for n, owner in enumerate(owners)
    ]
    world = BarterWorld(node, exchange, tokens, operator)
    try:
        world.mine(
            [
                Transaction(sender=operator, to=None, data=data, note="deploying")
                for data in [_exchange(terms, operator), *(_collection(one) for one in COLLECTIONS)]
            ]
        )
        world.mine([_minting(operator, token) for token in tokens])
    except BaseException:
        world.__exit__()
        raise
    return world


def deploy(node: AnvilNode, kind: str, *arguments: Any) -> Contract:
    """Deploy one contract, from an account of its own."""
    account, made = dev_account(SEED, kind), artifact(kind, "barter")
    node.rpc("anvil_setBalance", account.address, hex(100 * ETHER))
    nonce = int(node.rpc("eth_getTransactionCount", account.address, "latest"), 16)
    with Node(node.url) as client:
        Sender(client, [made]).mine(
            [Transaction(sender=account, to=None, data=made.constructor(*arguments), note=kind)]
        )
    return Contract(created_address(account.address, nonce), made)


def _minting(operator: DevAccount, token: Token) -> Transaction:
    data = token.collection.data("mint", token.owner.address, token.token_id, 1)
    return Transaction(sender=operator, to=token.collection.address, data=data, note="mint")


def _exchange(terms: Terms, operator: DevAccount) -> bytes:
    return artifact("Exchange", "barter").constructor(
        operator.address,
        terms.verifier,
        (terms.agents_max, terms.list_max),
        (terms.deposit_s, terms.rank_s),
        terms.deposit_fee_wei,
    )


def _collection(name: str) -> bytes:
    return artifact("Collection", "barter").constructor(name, name[0])
