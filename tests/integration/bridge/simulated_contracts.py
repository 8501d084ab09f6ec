"""The contracts of the bridge on simulated chains, as far as anybody calls them: registry, mailbox, escrow, recipients.

Written from the published interfaces; `test_simulated_chain.py` has them and the compiled contracts do the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from functions.bridge.core.escrow import CLAIM_PAYMENT, SET_ORDER
from functions.bridge.core.registry import TRANSFER_EVENT, ZKSYNC_CHAIN_ID, Version, transfer_key
from kernel.abi import address_of_word, address_word, uint_word
from kernel.hashes import keccak256
from tests.integration.bridge.simulated_chain import Frame, Reverted

ALIAS: Final = 0x1111000000000000000000000000000000001111
PAY_GAS, CLAIM_GAS, LOG_GAS, CLOSE_GAS = 45_000, 40_000, 15_000, 30_000


def selector(signature: str) -> bytes:
    """The four bytes that name a function."""
    return keccak256(signature.encode())[:4]


def words_of(data: bytes) -> list[int]:
    """The words after a selector."""
    return [int.from_bytes(data[start : start + 32], "big") for start in range(4, len(data), 32)]


class Mood(Enum):
    """What a recipient does when it is paid."""

    TAKES = 0
    REFUSES = 1
    BURNS = 2


@dataclass(slots=True)
class Recipient:
    """An account with a mood, which anybody may change; see MoodyRecipient.sol."""

    address: str
    appetite: int = 0

    def run(self, frame: Frame, sender: str, value_wei: int, data: bytes) -> bytes:
        """Take the money, or not."""
        mood = Mood(frame.get(("mood", self.address)))
        if mood == Mood.REFUSES:
            raise Reverted("refused")
        if mood == Mood.BURNS:
            frame.burn(self.appetite)
        return b""


@dataclass(slots=True)
class Mailbox:
    """Takes calls for L2 at a fixed price of L2 gas, and remembers them in their order."""

    address: str
    l2_gas_price_wei: int = 250_000_000

    def run(self, frame: Frame, sender: str, value_wei: int, data: bytes) -> bytes:
        """Only its price is asked from outside."""
        if data[:4] == selector("l2TransactionBaseCost(uint256,uint256,uint256)"):
            return uint_word(self.l2_gas_price_wei * words_of(data)[1])
        raise Reverted("no such function")

    def request(self, frame: Frame, sender: str, value_wei: int, orders: list[tuple[int, int, int]], gas: int) -> None:
        """Remember a claim of these orders (id, recipient, amount). Raises Reverted."""
        if value_wei < self.l2_gas_price_wei * gas:
            raise Reverted("FeeTooLow")
        count = frame.get("messages")
        frame.put(("message", count), (sender, tuple(orders)))
        frame.put("messages", count + 1)
        frame.burn(LOG_GAS)


@dataclass(slots=True)
class Registry:
    """Both generations of the payment registry, for an origin of the zkSync kind."""

    address: str
    version: Version
    mailbox: Mailbox
    escrow: str
    market_maker: str

    def run(self, frame: Frame, sender: str, value_wei: int, data: bytes) -> bytes:
        """Pay, be asked, or claim. Raises Reverted."""
        name, words = data[:4], words_of(data)
        if name in {selector("transfer(uint256,uint256,uint8)"), selector("transfer(uint256,address,uint128)")}:
            return self._transfer(frame, sender, value_wei, words)
        if name == selector("transfers(bytes32)"):
            return self._transfers(frame, data[4:])
        if name == selector("zkSync()"):
            return address_word(self.mailbox.address)
        if name == selector("zkSyncEscrow()"):
            return address_word(self.escrow)
        if name == selector("marketMaker()"):
            return address_word(self.market_maker)
        return self._claim(frame, sender, value_wei, name, words)

    @property
    def chain(self) -> int:
        """What it calls the origin."""
        return 1 if self.version == Version.V1 else ZKSYNC_CHAIN_ID

    def _transfer(self, frame: Frame, sender: str, value_wei: int, words: list[int]) -> bytes:
        order_id, recipient_word, chain = words
        if recipient_word == 0 or recipient_word >= 1 << 160:
            raise Reverted("Invalid destination address.")
        recipient = address_of_word(recipient_word)
        key = ("paid", transfer_key(self.version, order_id, recipient, value_wei, chain))
        if frame.get(key):
            raise Reverted("Transfer already processed.")
        frame.put(key, sender)
        frame.burn(PAY_GAS)
        try:
            frame.call(self.address, recipient, value_wei, b"")
        except Reverted:
            raise Reverted("Transfer failed.") from None
        frame.put(("payments", order_id), (*(frame.get(("payments", order_id)) or ()), (sender, recipient, value_wei)))
        last = (
            uint_word(recipient_word) + uint_word(value_wei) + uint_word(1) + uint_word(chain)
            if self.version == Version.V1
            else uint_word(recipient_word) + uint_word(value_wei) + uint_word(chain)
        )
        frame.emit(self.address, (TRANSFER_EVENT[self.version], uint_word(order_id)), address_word(sender) + last)
        return b""

    def _transfers(self, frame: Frame, key: bytes) -> bytes:
        used = uint_word(1 if frame.get(("paid", key)) else 0)
        return used if self.version == Version.V2 else bytes(64) + used + bytes(32)

    def _claim(self, frame: Frame, sender: str, value_wei: int, name: bytes, words: list[int]) -> bytes:
        if sender != self.market_maker:
            raise Reverted("Only Owner or MM can call this function")
        recipient = "uint256" if self.version == Version.V1 else "address"
        if name == selector(f"claimPaymentZKSync(uint256,{recipient},uint256,uint256,uint256)"):
            order_id, word, amount_wei, gas, _ = words
            orders = [(order_id, word, amount_wei)]
        elif self.version == Version.V2 and name == selector(
            "claimPaymentBatchZKSync(uint256[],address[],uint256[],uint256,uint256)"
        ):
            lists = [_listed(words, offset) for offset in words[:3]]
            orders, gas = list(zip(*lists, strict=True)), words[3]
        else:
            raise Reverted("no such function")
        for order_id, word, amount_wei in orders:
            key = transfer_key(self.version, order_id, address_of_word(word), amount_wei, self.chain)
            if not frame.get(("paid", key)):
                raise Reverted("Transfer not found.")
            frame.burn(CLAIM_GAS)
        frame.move(self.address, self.mailbox.address, value_wei)
        self.mailbox.request(frame, self.address, value_wei, orders, gas)
        return b""


@dataclass(slots=True)
class Escrow:
    """Keeps orders, and repays the market maker when the registry's alias says so."""

    address: str
    registry: str
    market_maker: str

    @property
    def alias(self) -> str:
        """Who the registry is on this chain."""
        return address_of_word((int(self.registry, 16) + ALIAS) % 2**160)

    def run(self, frame: Frame, sender: str, value_wei: int, data: bytes) -> bytes:
        """Be given an order, be asked about one, or repay. Raises Reverted."""
        name, words = data[:4], words_of(data)
        if name == selector("set_order(address,uint256)"):
            return self._set_order(frame, value_wei, *words)
        if name == selector("is_order_pending(uint256)"):
            return uint_word(frame.get(("pending", words[0])))
        if name == selector("get_order(uint256)"):
            return b"".join(map(uint_word, frame.get(("order", words[0])) or (0, 0, 0)))
        if name == selector("claim_payment(uint256,address,uint256)") and sender == self.alias:
            self._repay(frame, *words)
            return b""
        if name == selector("claim_payment_batch(uint256[],address[],uint256[])") and sender == self.alias:
            for one in zip(*(_listed(words, offset) for offset in words[:3]), strict=True):
                self._repay(frame, *one)
            return b""
        raise Reverted("no such function")

    def _set_order(self, frame: Frame, value_wei: int, recipient: int, fee_wei: int) -> bytes:
        if value_wei <= fee_wei:
            raise Reverted("NothingToMove")
        order_id, amount_wei = frame.get("next order"), value_wei - fee_wei
        frame.put("next order", order_id + 1)
        frame.put(("order", order_id), (recipient, amount_wei, fee_wei))
        frame.put(("pending", order_id), 1)
        frame.emit(self.address, (SET_ORDER,), b"".join(map(uint_word, (order_id, recipient, amount_wei, fee_wei))))
        return uint_word(order_id)

    def _repay(self, frame: Frame, order_id: int, recipient: int, amount_wei: int) -> None:
        if not frame.get(("pending", order_id)):
            raise Reverted("NotPending")
        kept_recipient, kept_amount_wei, fee_wei = frame.get(("order", order_id))
        if (recipient, amount_wei) != (kept_recipient, kept_amount_wei):
            raise Reverted("AnotherOrder")
        frame.put(("pending", order_id), 0)
        frame.move(self.address, self.market_maker, amount_wei + fee_wei)
        frame.burn(CLOSE_GAS)
        data = uint_word(order_id) + address_word(self.market_maker) + uint_word(amount_wei)
        frame.emit(self.address, (CLAIM_PAYMENT,), data)


def claim_payments(orders: Sequence[Sequence[int]]) -> bytes:
    """The relayer's call of an escrow for orders (id, recipient, amount)."""
    if len(orders) == 1:
        return selector("claim_payment(uint256,address,uint256)") + b"".join(map(uint_word, orders[0]))
    lists = [b"".join(map(uint_word, (len(orders), *one))) for one in zip(*orders, strict=True)]
    offsets = [uint_word(3 * 32 + sum(map(len, lists[:nth]))) for nth in range(3)]
    return selector("claim_payment_batch(uint256[],address[],uint256[])") + b"".join([*offsets, *lists])


def set_order(recipient: int, fee_wei: int) -> bytes:
    """A user's call of an escrow."""
    return selector("set_order(address,uint256)") + uint_word(recipient) + uint_word(fee_wei)


def _listed(words: list[int], offset_bytes: int) -> list[int]:
    at = offset_bytes // 32
    return words[at + 1 : at + 1 + words[at]]
