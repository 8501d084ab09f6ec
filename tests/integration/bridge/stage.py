"""Both simulated chains with the bridge's contracts, users, a relayer and other market makers: the world of a model."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from functions.bridge.core.escrow import SET_ORDER
from functions.bridge.core.registry import Family, Payment, Version, chain_of, transfer_call
from kernel.abi import uint_words
from kernel.clock import Clock
from kernel.evm.addresses import checksum
from tests.integration.bridge.simulated_chain import SimulatedChain, Transaction, balance_of
from tests.integration.bridge.simulated_contracts import (
    Escrow,
    Mailbox,
    Mood,
    Recipient,
    Registry,
    claim_payments,
    set_order,
)
from tests.integration.bridge.simulated_node import SimulatedNode

ETHER: Final = 10**18
L1_CHAIN_ID, L2_CHAIN_ID = 31337, 31338
L1_FINAL_AFTER, L2_FINAL_AFTER = 2, 40
NODES: Final = 3


def person(number: int) -> str:
    """An address."""
    return checksum(f"0x{number:040x}")


MAILBOX, REGISTRY, ESCROW = person(0xA1), person(0xA2), person(0xA3)
USER, RIVAL, DEPLOYER = person(0xB1), person(0xB2), person(0xB3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Locked:
    """A deposit as the chain has it."""

    order_id: int
    recipient: int
    amount_wei: int
    fee_wei: int
    block: int
    transaction: bytes

    @property
    def terms(self) -> tuple[int, int, int, int]:
        """What is paid and claimed of it."""
        return self.order_id, self.recipient, self.amount_wei, self.fee_wei


@dataclass(frozen=True, slots=True)
class Made:
    """A payment that the registry holds."""

    payer: str
    recipient: str
    amount_wei: int


class Stage:
    """The truth about both chains, and everybody on them but us. `payer` is our signer, and is repaid."""

    def __init__(self, clock: Clock, version: Version, payer: str, *, wealth_wei: int = 10_000 * ETHER) -> None:
        self.version, self.payer, self.wealth_wei = version, payer, wealth_wei
        self.l1 = SimulatedChain(L1_CHAIN_ID, clock, final_after=L1_FINAL_AFTER)
        self.l2 = SimulatedChain(L2_CHAIN_ID, clock, final_after=L2_FINAL_AFTER)
        self.nodes = {chain: [SimulatedNode(chain) for _ in range(NODES)] for chain in (self.l1, self.l2)}
        mailbox = Mailbox(MAILBOX)
        self.l1.code |= {MAILBOX: mailbox, REGISTRY: Registry(REGISTRY, version, mailbox, ESCROW, payer)}
        self.escrow = Escrow(ESCROW, REGISTRY, payer)
        self.l2.code[ESCROW] = self.escrow
        self.l1.grant(payer, wealth_wei)
        self.l1.grant(RIVAL, wealth_wei)
        self.l2.grant(USER, 10**9 * ETHER)
        self.lost_messages: set[int] = set()
        self._carried: dict[int, bytes] = {}
        for chain in (self.l1, self.l2):
            chain.mine(chain.final_after + 1)

    def lock(self, recipient: int, amount_wei: int, fee_wei: int) -> None:
        """A user's order, for the next block of L2."""
        self.l2.act(USER, ESCROW, amount_wei + fee_wei, set_order(recipient, fee_wei))

    def deposits(self) -> list[Locked]:
        """All that the chain has, in its order."""
        found = []
        for block in self.l2.blocks:
            for mined in block.mined:
                for log in mined.logs:
                    if log.topics == (SET_ORDER,):
                        order_id, recipient, amount_wei, fee_wei = uint_words(log.data, 4)
                        found.append(
                            Locked(
                                order_id=order_id,
                                recipient=recipient,
                                amount_wei=amount_wei,
                                fee_wei=fee_wei,
                                block=block.number,
                                transaction=mined.transaction.hash,
                            )
                        )
        return found

    def payments(self, order_id: int) -> list[Made]:
        """What the registry holds for an order."""
        return [Made(*one) for one in self.l1.read(("payments", order_id)) or ()]

    def is_closed(self, order_id: int) -> bool:
        """Whether the escrow has repaid it."""
        return bool(self.l2.read(("order", order_id))) and not self.l2.read(("pending", order_id))

    def have_mood(self, recipient: int, mood: Mood, appetite: int = 0) -> None:
        """From now on this recipient does so when it is paid."""
        address = person(recipient)
        self.l1.code[address] = Recipient(address, appetite)
        self.l1.put(("mood", address), mood.value)

    def rival_pays(self, order: Locked) -> None:
        """Another market maker fills it, in the next block of L1."""
        self._pay(RIVAL, order)

    def we_pay(self, order: Locked) -> None:
        """Somebody with our signer's key fills it by hand, in the next block of L1."""
        self._pay(self.payer, order)

    def _pay(self, sender: str, order: Locked) -> None:
        chain = chain_of(self.version, Family.ZKSYNC)
        payment = Payment(
            order_id=order.order_id, recipient=person(order.recipient), amount_wei=order.amount_wei, chain=chain
        )
        self.l1.act(sender, REGISTRY, order.amount_wei, transfer_call(self.version, payment))

    def carry(self, *, count: int | None = None) -> int:
        """Make the calls on L2 that final blocks of L1 ask for, the oldest first; how many were made."""
        final = self.l1.head - self.l1.final_after
        wanted = [n for n in range(self.l1.read("messages", final)) if n not in self.lost_messages]
        missing = [n for n in wanted if not self._is_carried(n)][:count]
        for number in missing:
            _, orders = self.l1.read(("message", number), final)
            self._carried[number] = self.l2.act(self.escrow.alias, ESCROW, 0, claim_payments(orders))
        return len(missing)

    def repay(self, order: Locked) -> None:
        """The registry's message about an order is carried that nobody of ours asked for, in the next block of L2."""
        claim = claim_payments([(order.order_id, order.recipient, order.amount_wei)])
        self.l2.act(self.escrow.alias, ESCROW, 0, claim)

    def lose_message(self) -> None:
        """The oldest message that is not carried yet is lost for good."""
        final = self.l1.head - self.l1.final_after
        waiting = [n for n in range(self.l1.read("messages", final)) if not self._is_carried(n)]
        self.lost_messages |= set(waiting[:1])

    def _is_carried(self, number: int) -> bool:
        sent = self._carried.get(number)
        return sent is not None and (sent in self.l2.where or sent in self.l2.waiting)

    def our_wei(self) -> int:
        """What we have on both chains together, less what we began with."""
        balances = [chain.read(balance_of(self.payer)) for chain in (self.l1, self.l2)]
        return int(sum(balances)) - self.wealth_wei

    def reorganise_l2(self, depth: int, again: Callable[[Sequence[Transaction]], Sequence[Transaction]]) -> None:
        """Take blocks of L2 back; `again` says which of their transactions are mined again, and in which order.

        A new chain wins by being longer. The transactions come in its first blocks, one each.
        """
        dropped = self.l2.reorganise(depth)
        left = list(again(dropped))
        for nth in range(depth + 1):
            if nth < len(left):
                self.l2.resubmit(left[nth : nth + 1] if nth < depth else left[nth:])
            self.l2.mine()
