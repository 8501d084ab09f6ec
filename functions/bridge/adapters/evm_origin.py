"""An EVM chain as an origin, of the zkSync kind: its escrow is a contract, told through a mailbox on L1.

What decides about money is read by a quorum that nobody's absence reduces, of one block:

1. A deposit is what the receipt says, if the block at its height still has its hash: an event that a webhook or one
   node tells is a hint. Blocks and finality are those that a quorum has come to.
2. An order is closed if at a final block the escrow does not wait for it, and has logged its repayment. One alone says
   little: it does not wait for an order that was never set, either.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from functions.bridge.adapters.mailbox import Mailbox
from functions.bridge.adapters.origin import KIND, ClaimCall, ClaimRefused, Closing, Refund
from functions.bridge.adapters.past_logs import newest_first
from functions.bridge.adapters.refunds import Refunds
from functions.bridge.adapters.registry import Registry
from functions.bridge.core.escrow import (
    CLAIM_PAYMENT,
    SET_ORDER,
    decode_closed,
    decode_deposit,
    is_pending,
    pending_call,
)
from functions.bridge.core.estimates import claim_gas_limit, with_headroom
from functions.bridge.core.finality import Depth, Rule
from functions.bridge.core.order import Deposit
from functions.bridge.core.registry import Family, L2Gas, Payment, chain_of, claim_call
from kernel.abi import WordMalformed
from kernel.chain_events import EvmEvent
from kernel.clock import Clock
from kernel.evm.addresses import checksum
from kernel.evm.blocks import Head, Log, hexadecimal, octets, quantity
from kernel.evm.evidence import last_final, receipt_of
from kernel.evm.log_cursor import Budget, LogCursor, Watch
from kernel.evm.quorum import Quorum
from kernel.evm.rpc import RpcPool
from kernel.jsonrpc.endpoint import Call
from kernel.postgres import Postgres
from kernel.tasks import Tasks

#: Blocks that must lie on the newest one that is told of: the very newest goes too often.
_NEWEST_CONFIRMATIONS: Final = 1
#: Deeper than an origin is reorganised: a deposit may have moved down by so much since it was indexed.
_REORGANISED_BLOCKS_MAX: Final = 256
#: Over an estimate, which is of the moment.
_GAS_HEADROOM_BPS: Final = 2_500
#: So often the value of a claim is doubled where nobody tells what its message costs.
_DOUBLINGS_MAX: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageGas:
    """What a message of one order may use on L2, and each further one beside it; what is too much comes back."""

    limit: int = 1_000_000
    further: int = 150_000
    per_pubdata_byte: int = 800

    def of(self, count: int) -> L2Gas:
        """For a message of so many orders."""
        return L2Gas(limit=self.limit + (count - 1) * self.further, per_pubdata_byte=self.per_pubdata_byte)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """One EVM origin as it is configured.

    account: whom the escrow repays. start_block: of the escrow. confirmations: how many blocks make one final, its own
    included; None asks for the node's `finalized` tag. mailbox: on L1; None asks the registry. refund_account: to whom
    messages' refunds go; None is who claims.
    """

    name: str
    chain_id: int
    escrow: str
    start_block: int
    account: str
    table: tuple[Rule, ...]
    block_s: float
    finality_s: float
    confirmations: int | None = None
    mailbox: str | None = None
    refund_account: str | None = None
    message_gas: MessageGas = MessageGas()


class EvmOrigin:
    """One EVM origin (functions.bridge.adapters.origin.Origin)."""

    family = Family.ZKSYNC

    def __init__(
        self,
        postgres: Postgres,
        tasks: Tasks,
        pool: RpcPool,
        registry: Registry,
        terms: Terms,
        *,
        payer: str,
        clock: Clock | None = None,
    ) -> None:
        """pool: of the origin; registry: on L1; payer: our signer there, who claims."""
        self.name, self.account, self.table = terms.name, terms.account, terms.table
        self.block_s, self.finality_s = terms.block_s, terms.finality_s
        self.chain, self.asset = f"evm:{terms.chain_id}", f"evm:{terms.chain_id}:native"
        self.registry_chain = chain_of(registry.version, self.family)
        self.escrow = checksum(terms.escrow)
        self._terms, self._quorum, self._registry, self._payer = terms, Quorum(pool), registry, payer
        self._mailbox = Mailbox(registry, self._quorum, terms.mailbox)
        self.refund_account = checksum(terms.refund_account or payer)
        self._refunds = Refunds(self._quorum, registry=registry.address, account=self.refund_account)
        self._cursor: Callable[[Watch], LogCursor] = lambda watch: LogCursor(postgres, tasks, pool, watch, clock)

    @property
    def watches(self) -> tuple[Watch, Watch]:
        """Of the newest blocks and of the final ones; what both tell becomes one task."""
        final = None if self._terms.confirmations is None else self._terms.confirmations - 1
        return self._watch("newest", _NEWEST_CONFIRMATIONS), self._watch("accepted", final)

    @property
    def webhook_watches(self) -> tuple[Watch, ...]:
        """The newest blocks'."""
        return self.watches[:1]

    def newest(self, seconds: float) -> None:
        """A turn over the newest blocks. Raises ChainUnread, RpcUnavailable, WrongChain, WatchChanged."""
        self._cursor(self.watches[0]).advance(Budget(seconds=seconds))

    def accepted(self, seconds: float) -> None:
        """The same over final blocks."""
        self._cursor(self.watches[1]).advance(Budget(seconds=seconds))

    def reread(self, told: Any) -> Any:
        """The event as its receipt has it, by a quorum: of what was told only the place counts.

        As it was told where no receipt has anything there, as after a reorganisation. Raises NoQuorum, RpcUnavailable,
        WrongChain.
        """
        if not isinstance(told, EvmEvent) or told.chain_id != self._terms.chain_id:
            return told

        def logs_of(found: Mapping[str, Any] | None) -> tuple[Log, ...]:
            if found is None:
                return ()
            receipt = receipt_of(told.transaction_hash, found)
            return receipt.logs if receipt.block_hash == told.block_hash else ()

        asked = [hexadecimal(told.transaction_hash)]
        logs = logs_of(self._quorum.agreed("eth_getTransactionReceipt", asked, by=logs_of))
        found = next((log for log in logs if log.log_index == told.log_index), None)
        return told if found is None else replace(_event(self._terms.chain_id, found), removed=told.removed)

    def deposit(self, told: Any) -> Deposit:
        """The order that an event sets, as it was told. Raises WordMalformed for anything else of this escrow."""
        if not isinstance(told, EvmEvent) or (told.chain_id, told.address) != (self._terms.chain_id, self.escrow):
            raise WordMalformed("no event of this escrow")
        return decode_deposit(self.name, told)

    def depth(self, deposit: Deposit) -> Depth | None:
        """How deep this very deposit lies; None where another block is at its height, or its block has no such event.

        No depth where the chain has not come to it (again). Raises NoQuorum, RpcUnavailable, WrongChain.
        """
        calls: list[Call] = [
            ("eth_getBlockByNumber", ["latest", False]),
            ("eth_getBlockByNumber", ["finalized" if self._terms.confirmations is None else "latest", False]),
            ("eth_getBlockByNumber", [hex(deposit.block_number), False]),
            ("eth_getTransactionReceipt", [hexadecimal(deposit.transaction_hash)]),
        ]
        seen: list[tuple[bool | None, int, int]] = []

        def stands(answers: Sequence[Any]) -> bool | None:
            newest, final, block, receipt = answers
            found = self._stands(deposit, block, receipt)
            final_number = -1 if final is None else quantity(final["number"])
            seen.append((found, quantity(newest["number"]), last_final(final_number, self._terms.confirmations)))
            return found

        answers = self._quorum.agreed_batch(calls, by=stands)
        found = self._stands(deposit, *answers[2:])
        if found is None:
            return Depth(confirmations=0, finalized=False)
        if not found:
            return None
        # As many as agree have come so far; who saw another block there has no say in how deep this one lies.
        newest = sorted((top for stood, top, _ in seen if stood), reverse=True)[self._quorum.needed - 1]
        final = sorted((top for stood, _, top in seen if stood), reverse=True)[self._quorum.needed - 1]
        return Depth(confirmations=max(0, newest - deposit.block_number + 1), finalized=deposit.block_number <= final)

    def closed(self, deposit: Deposit) -> Closing | None:
        """How the escrow closed the order, as of a final block. Raises NoQuorum, RpcUnavailable, WrongChain."""
        final = self._quorum.final_block(self._terms.confirmations)
        if final < self._terms.start_block or self._waits(deposit.key.order_id, final):
            return None
        first = self._searched_from(deposit)
        for log in newest_first(self._quorum, self.escrow, (CLAIM_PAYMENT,), first=first, last=final):
            closing = self._closing(log, deposit.key.order_id)
            if closing is not None:
                return closing
        return None

    def refunds(self, deposit: Deposit, closing: Closing, *, widely: bool) -> tuple[Refund, ...]:
        """What came back with an order's closing, or ever since its deposit. Raises NoQuorum, RpcUnavailable."""
        if not widely:
            return self._refunds.of(closing)
        return self._refunds.since(self._searched_from(deposit), closing)

    def message_fee_wei(self, payments: Sequence[Payment]) -> int:
        """What the mailbox asks for one message about all of these, with headroom. Raises as `Mailbox.quote` does."""
        return self._mailbox.quote(self._terms.message_gas.of(len(payments))).fee_wei

    def claim(self, version: int, payments: Sequence[Payment]) -> ClaimCall:
        """The claim of these payments, which goes through as things stand. Raises ClaimRefused, and as the fee does."""
        gas = self._terms.message_gas.of(len(payments))
        call = claim_call(version, self.family, payments, gas)
        quote = self._mailbox.quote(gas)
        value_wei = quote.fee_wei
        # Where nobody tells what the message costs, more is tried until it suffices.
        for _ in range(1 if quote.is_told else _DOUBLINGS_MAX):
            estimate = self._registry.gas_of(call, value_wei, self._payer)
            if estimate is not None:
                limit = max(
                    claim_gas_limit(version, self.family, len(payments)), with_headroom(estimate, _GAS_HEADROOM_BPS)
                )
                return ClaimCall(data=call, value_wei=value_wei, gas_limit=limit)
            value_wei *= 2
        raise ClaimRefused(origin=self.name, orders=" ".join(str(one.order_id) for one in payments))

    def _watch(self, which: str, confirmations: int | None) -> Watch:
        return Watch(
            name=f"bridge.{self.name}.{which}",
            chain_id=self._terms.chain_id,
            addresses=(self.escrow,),
            topics=(SET_ORDER,),
            kind=KIND,
            start_block=self._terms.start_block,
            confirmations=confirmations,
        )

    def _stands(self, deposit: Deposit, block: Mapping[str, Any] | None, told: Mapping[str, Any] | None) -> bool | None:
        """Whether one node's chain has the deposit; None where it has not come so far, or has pruned the receipt."""
        if block is None:
            return None
        head = Head.from_rpc(block)
        if head.number != deposit.block_number:
            raise ValueError("a node answers with another block")
        if head.hash != deposit.block_hash:
            return False
        if told is None:
            return None if hexadecimal(deposit.transaction_hash) in block["transactions"] else False
        receipt = receipt_of(deposit.transaction_hash, told)
        return receipt.block_hash == head.hash and any(self._sets(log, deposit) for log in receipt.logs)

    def _sets(self, log: Log, deposit: Deposit) -> bool:
        try:
            return self.deposit(_event(self._terms.chain_id, log)) == deposit
        except WordMalformed:
            return False

    def _searched_from(self, deposit: Deposit) -> int:
        return max(self._terms.start_block, deposit.block_number - _REORGANISED_BLOCKS_MAX)

    def _waits(self, order_id: int, block: int) -> bool:
        asked = {"to": self.escrow, "data": hexadecimal(pending_call(order_id))}
        calls: list[Call] = [("eth_call", [asked, hex(block)]), ("eth_getBlockByNumber", [hex(block), False])]

        def told(answers: Sequence[Any]) -> tuple[bool, str]:
            return is_pending(octets(answers[0])), answers[1]["hash"]

        waits, _ = told(self._quorum.agreed_batch(calls, by=told))
        return waits

    def _closing(self, log: Log, order_id: int) -> Closing | None:
        """What this log says of the order, if it is of it."""
        try:
            closed_id, amount_wei = decode_closed(log.topics, log.data)
        except WordMalformed:
            return None
        if closed_id != order_id or log.address != self.escrow:
            return None
        return Closing(block=log.block_number, transaction_hash=log.transaction_hash, amount_wei=amount_wei)


def _event(chain_id: int, log: Log) -> EvmEvent:
    return EvmEvent(
        chain_id=chain_id,
        block_number=log.block_number,
        block_hash=log.block_hash,
        transaction_hash=log.transaction_hash,
        log_index=log.log_index,
        address=log.address,
        topics=log.topics,
        data=log.data,
    )
