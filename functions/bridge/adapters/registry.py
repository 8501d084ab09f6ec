"""Owns the payment registry on L1 as a quorum has it: whether an order was paid and by whom, and what paying it takes.

Every answer is of one block, the newest that a quorum has come to, and nobody's absence reduces the quorum: what one
endpoint alone says would have us pay what was paid, or drop what can be.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from functions.bridge.adapters.past_logs import newest_first
from functions.bridge.adapters.recent import Recent
from functions.bridge.core.estimates import close_estimate, gas_price_wei
from functions.bridge.core.registry import (
    TRANSFER_EVENT,
    Payment,
    Version,
    decode_transfer,
    is_paid,
    transfer_call,
    transfer_key,
    transfers_call,
)
from kernel.abi import WordMalformed, uint_word
from kernel.errors import Transient
from kernel.evm.addresses import checksum
from kernel.evm.blocks import Log, hexadecimal, octets, quantity
from kernel.evm.quorum import QuestionRefused, Quorum, Reverted
from kernel.evm.rpc import RpcPool
from kernel.jsonrpc.endpoint import Call

#: Of so many blocks the tips are looked at.
_TIPS_BLOCKS: Final = 5
_RECENT_S: Final = 3.0
#: What is simulated, and what it costs, may be of a block so long ago. Whether an order is paid is asked of the newest.
_NEWEST_S: Final = 0.5
#: More than anybody has: whether we can afford a payment is not what a simulation is asked. Only where it refuses to
#: say, since a recipient could behave while it sees a payer of such wealth.
_PLENTY_WEI: Final = 2**255


class PaymentUntold(Transient):
    """The registry holds a payment of which no event is found."""

    cause = (
        "The endpoints have pruned the logs of its block, or it is older than the registry's first block as it is set."
    )
    remedy = "Add an endpoint that keeps its logs, or correct the registry's first block in the settings."
    retry_after_s = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    """That an order was paid. Only what is final is a reason to claim, or to leave the order to somebody else."""

    payer: str
    transaction_hash: bytes
    block_number: int
    is_final: bool


@dataclass(frozen=True, slots=True)
class Simulated:
    """The gas of a call as of a block; None where it reverts there."""

    gas: int | None
    block: int


class Registry:
    """One deployed registry."""

    def __init__(
        self, pool: RpcPool, address: str, version: int, *, first_block: int = 0, confirmations: int | None = None
    ) -> None:
        """confirmations: how many blocks make one of L1 final, its own included; None asks for its `finalized` tag."""
        self.address, self.version, self._quorum = checksum(address), Version(version), Quorum(pool)
        self._first_block, self._confirmations = first_block, confirmations
        self._recent_gas_price_wei = Recent(self._gas_price_wei, ttl_s=_RECENT_S)
        self._newest_block = Recent(self._quorum.newest_block, ttl_s=_NEWEST_S)

    def paid(self, payment: Payment) -> Paid | None:
        """The payment that the registry holds for this order, amount and recipient.

        Raises PaymentUntold, NoQuorum, RpcUnavailable, WrongChain.
        """
        newest = self._newest_block.anew()
        key = transfer_key(self.version, payment.order_id, payment.recipient, payment.amount_wei, payment.chain)
        asked = {"to": self.address, "data": hexadecimal(transfers_call(key))}
        calls: list[Call] = [("eth_call", [asked, hex(newest)]), ("eth_getBlockByNumber", [hex(newest), False])]

        def told(answers: list[Any]) -> tuple[bool, str]:
            return is_paid(self.version, octets(answers[0])), answers[1]["hash"]

        was_paid, _ = told(self._quorum.agreed_batch(calls, by=told))
        return self._found(payment, newest) if was_paid else None

    def transfer_gas(self, payment: Payment, payer: str) -> Simulated:
        """The gas of this payment by this payer. Raises as `gas_of` does."""
        call = transfer_call(self.version, payment)
        return self._simulated(call, payment.amount_wei, payer, block=self._newest_block())

    def gas_of(self, call: bytes, value_wei: int, sender: str) -> int | None:
        """The gas of a call of the registry, as if the sender could afford it; None where it reverts or burns it all.

        As of the newest block: a claim rests on a payment that may be in it.

        Raises NoQuorum, also where endpoints' estimates are too far apart, QuestionRefused, RpcUnavailable, WrongChain.
        """
        return self._simulated(call, value_wei, sender, block=self._newest_block.anew()).gas

    def gas_price_wei(self) -> int:
        """What a unit of gas costs on L1 in the next block, as read lately. Raises NoQuorum, RpcUnavailable."""
        return self._recent_gas_price_wei()

    def read(self, address: str, call: bytes) -> bytes:
        """What a contract on L1 answers. Raises Reverted, NoQuorum, QuestionRefused, RpcUnavailable, WrongChain."""
        asked = [{"to": address, "data": hexadecimal(call)}, hex(self._newest_block())]
        return octets(self._quorum.agreed("eth_call", asked, by=octets))

    def _gas_price_wei(self) -> int:
        asked = [hex(_TIPS_BLOCKS), hex(self._newest_block()), [50]]

        def price(told: Mapping[str, Any]) -> int:
            tips = [quantity(reward[0]) for reward in told["reward"]]
            return gas_price_wei(quantity(told["baseFeePerGas"][-1]), tips)

        return price(self._quorum.agreed("eth_feeHistory", asked, by=price))

    def _simulated(self, call: bytes, value_wei: int, sender: str, *, block: int) -> Simulated:
        asked = {"from": sender, "to": self.address, "value": hex(value_wei), "data": hexadecimal(call)}
        try:
            return Simulated(self._gas(asked, hex(block)), block)
        except Reverted:
            return Simulated(None, block)
        except QuestionRefused:
            pass  # for one, because the sender holds too little now
        try:
            return Simulated(self._gas(asked, hex(block), {sender: {"balance": hex(_PLENTY_WEI)}}), block)
        except Reverted:
            return Simulated(None, block)

    def _gas(self, asked: Mapping[str, str], block: str, *overrides: Mapping[str, Any]) -> int:
        estimates: list[int] = []

        def succeeds(told: str) -> bool:
            estimates.append(quantity(told))
            return True

        # Blaming nobody: the recipient is a stranger's, and may behave by what each kind of node makes up for a call.
        self._quorum.agreed("eth_estimateGas", [asked, block, *overrides], by=succeeds, blames=False)
        gas = close_estimate(estimates, self._quorum.needed)
        if gas is None:
            raise self._quorum.contradicted("eth_estimateGas", estimates)
        return gas

    def _found(self, payment: Payment, newest: int) -> Paid:
        topics = (TRANSFER_EVENT[self.version], uint_word(payment.order_id))
        for log in newest_first(self._quorum, self.address, topics, first=self._first_block, last=newest):
            payer = self._payer(log, payment)
            if payer is not None:
                final = self._quorum.final_block(self._confirmations)
                return Paid(
                    payer=payer,
                    transaction_hash=log.transaction_hash,
                    block_number=log.block_number,
                    is_final=log.block_number <= final,
                )
        raise PaymentUntold(registry=self.address, order_id=str(payment.order_id))

    def _payer(self, log: Log, payment: Payment) -> str | None:
        """Who made the payment, if this is its event."""
        try:
            paid, payer = decode_transfer(self.version, log.topics, log.data)
        except WordMalformed:
            return None
        is_it = paid == replace(payment, recipient=checksum(payment.recipient)) and log.address == self.address
        return payer if is_it else None
