"""Ethereum and an L2 as two anvil nodes, with both generations of the registry and an escrow of each.

world = start_world(children, l1_block_time_s=2, l2_block_time_s=1)
[deposit] = world.lock([Wish(user=world.users[0], version=Version.V2, recipient="0x…", amount_wei=…, fee_wei=…)])

All keys follow from names, so every world has the same addresses. The market makers, one a generation, hold ether on L1
only: what they have on L2 are repayments.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from eth_account import Account

from functions.bridge.core.escrow import decode_deposit
from functions.bridge.core.order import Deposit
from functions.bridge.core.registry import Version
from infra.local.anvil import AnvilNode
from infra.local.evm_reading import ask, logs
from infra.local.flare.accounts import DevAccount
from infra.local.flare.contracts import Contract
from infra.local.flare.node import Node
from kernel.chain_events import EvmEvent
from kernel.evm.blocks import Log

#: What deposits of the local escrows call the chain that they are on.
ORIGIN: Final = "zksync"
LOCK_GAS: Final = 300_000
LOCK_GAS_PRICE_WEI: Final = 100 * 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """A registry on L1, the escrow on L2 that obeys it, and the one who may claim and is repaid."""

    version: Version
    registry: Contract
    escrow: Contract
    market_maker: DevAccount


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """An order as its user wants it."""

    user: DevAccount
    version: Version
    recipient: str
    amount_wei: int
    fee_wei: int


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class World:
    """Both chains, seen past every fault, and all that lives on them.

    registry_block, escrow_block: the first blocks of the contracts, on L1 and on L2.
    """

    l1: AnvilNode
    l2: AnvilNode
    mailbox: Contract
    starknet: Contract
    generations: Mapping[Version, Generation]
    users: tuple[DevAccount, ...]
    registry_block: int
    escrow_block: int

    def signed(self, wishes: Sequence[Wish]) -> list[str]:
        """The signed transactions that lock these orders, in the order in which their users will have sent them."""
        with Node(self.l2.url) as node:
            users = list(dict.fromkeys(wish.user.address for wish in wishes))
            counts = node.batch([("eth_getTransactionCount", [user, "pending"]) for user in users])
        nonces = {user: int(count, 16) for user, count in zip(users, counts, strict=True)}
        signed = []
        for wish in wishes:
            signed.append(self._signed(wish, nonces[wish.user.address]))
            nonces[wish.user.address] += 1
        return signed

    def broadcast(self, signed: Sequence[str]) -> list[str]:
        """Send signed transactions to the L2, and wait for nothing; their hashes."""
        with Node(self.l2.url) as node:
            return [str(sent) for sent in node.batch([("eth_sendRawTransaction", [one]) for one in signed])]

    def lock(self, wishes: Sequence[Wish]) -> list[Deposit]:
        """Lock these orders and wait until the chain has them; their deposits in the order of the wishes."""
        hashes = self.broadcast(self.signed(wishes))
        self.l2.child.wait_until(lambda: all(self.locked(sent) for sent in hashes))
        return [deposit for sent in hashes if (deposit := self.locked(sent))]

    def locked(self, transaction_hash: str) -> Deposit | None:
        """What a transaction has locked; None while it is in no block."""
        receipt = self.l2.rpc("eth_getTransactionReceipt", transaction_hash)
        return None if receipt is None else self._deposit(receipt["logs"][0])

    def deposits(self, version: Version) -> list[Deposit]:
        """All orders that were set in an escrow, as its chain tells it now."""
        return [self._deposit(log) for log in logs(self.l2, self.generations[version].escrow, "SetOrder")]

    def is_pending(self, version: Version, order_id: int) -> bool:
        """Whether an escrow waits for the claim of an order."""
        return bool(ask(self.l2, self.generations[version].escrow, "is_order_pending", order_id)[0])

    def payments(self, version: Version) -> list[dict[str, Any]]:
        """What a registry has paid: the values of its Transfer events, in the order of the chain."""
        registry = self.generations[version].registry
        return [registry.event("Transfer", log) for log in logs(self.l1, registry, "Transfer")]

    def _signed(self, wish: Wish, nonce: int) -> str:
        escrow = self.generations[wish.version].escrow
        fields = {
            "chainId": self.l2.chain_id,
            "nonce": nonce,
            "gas": LOCK_GAS,
            "gasPrice": LOCK_GAS_PRICE_WEI,
            "to": escrow.address,
            "value": wish.amount_wei + wish.fee_wei,
            "data": escrow.data("set_order", wish.recipient, wish.fee_wei),
        }
        return "0x" + bytes(Account.sign_transaction(fields, wish.user.private_key).raw_transaction).hex()

    def _deposit(self, told: Mapping[str, Any]) -> Deposit:
        log = Log.from_rpc(told)
        event = EvmEvent(chain_id=self.l2.chain_id, **{name: getattr(log, name) for name in Log.__slots__})
        return decode_deposit(ORIGIN, event)
