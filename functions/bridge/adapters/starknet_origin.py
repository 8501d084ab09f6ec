"""Starknet as an origin: its escrow is a contract in Cairo, told by a message that its core contract on L1 takes.

What decides about money is read by a quorum that nobody's absence reduces:

1. A deposit is what a quorum finds in the block at its height, if that still has its hash.
2. An order is closed if at a block that is accepted on L1 the escrow does not wait for it, and has logged its
   repayment. One alone says little: it does not wait for an order that was never set, either. That block is the one to
   which `accepted` has come: the protocol's version 0.8 has no name for the newest of its kind.
3. What a message costs is simulated by each endpoint at its own newest block. Estimates of different clients differ, so
   they must be close, not the same. None counts as less than what the core contract takes at least, and one message is
   never given more than `message_fee_max_wei`, for what is too much does not come back.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from functions.bridge.adapters.origin import KIND, ClaimCall, ClaimRefused, Closing, Refund
from functions.bridge.adapters.registry import Registry
from functions.bridge.adapters.starknet_cursor import StarknetCursor, StarknetWatch
from functions.bridge.adapters.starknet_rpc import CONTRACT_ERROR, Said, StarknetPool, StarknetView, of_hash
from functions.bridge.core.estimates import claim_gas_limit, close_estimate, with_headroom
from functions.bridge.core.finality import Depth, Rule
from functions.bridge.core.order import Deposit
from functions.bridge.core.registry import Family, Payment, chain_of, claim_call
from functions.bridge.core.starknet import (
    CLAIM_PAYMENT,
    CLAIM_PAYMENT_HANDLER,
    GET_ORDER_PENDING,
    SET_ORDER,
    FeltsMalformed,
    claim_payload,
    decode_closed,
    decode_deposit,
    felt,
    is_pending,
    pending_calldata,
)
from kernel.chain_events import StarknetEvent
from kernel.clock import Clock
from kernel.evm.log_cursor import Budget, Watch
from kernel.evm.quorum import QuestionRefused
from kernel.jsonrpc.endpoint import Endpoint, RpcRefused
from kernel.jsonrpc.quorum import NoQuorum
from kernel.postgres import Postgres
from kernel.tasks import Tasks

#: What the core contract takes for a message at least; older nodes estimate less (Juno 0.16.8 and Pathfinder 0.24.2 of
#: October 2026 know of it).
MESSAGE_FEE_MIN_WEI: Final = 5 * 10**13
#: Over an estimate: gas may cost more when the message arrives, and one that brings too little is not taken.
MESSAGE_FEE_HEADROOM_BPS: Final = 5_000
_GAS_HEADROOM_BPS: Final = 2_500
#: Deeper than an origin is reorganised: a deposit may have moved down by so much since it was indexed.
_REORGANISED_BLOCKS_MAX: Final = 256
#: So many blocks are searched for a repayment at once.
_SEARCHED_BLOCKS: Final = 2_000

T = TypeVar("T")


class MessageRefused(ClaimRefused):
    """The escrow would not take the message that claims an order."""

    cause = "It does not wait for the order (any more), is paused, or obeys another registry; details carry its words."
    remedy = "It is tried again; compare the escrow's registry with ours in the settings if this lasts."


class MessageTooDear(ClaimRefused):
    """A message to Starknet costs more than we allow one to cost."""

    cause = "Gas is dear at present, or the endpoints' estimates cannot be believed."
    remedy = "It is tried again; raise message_fee_max_wei of the origin if this is what a message costs now."


@dataclass(frozen=True, slots=True, kw_only=True)
class StarknetTerms:
    """Starknet as it is configured. escrow, account (whom it repays): in hexadecimal. start_block: of the escrow."""

    name: str
    escrow: str
    start_block: int
    account: str
    table: tuple[Rule, ...]
    block_s: float
    finality_s: float
    message_fee_max_wei: int = 10**16


@dataclass(frozen=True, slots=True)
class _Stand:
    """What one node knows of a deposit: whether it is there, None where it has not come so far; its head; finality."""

    is_there: bool | None
    head: int
    is_final: bool


class StarknetOrigin:
    """Starknet (functions.bridge.adapters.origin.Origin)."""

    family = Family.STARKNET
    #: What is too much for a message does not come back.
    refund_account = None

    def __init__(
        self,
        postgres: Postgres,
        tasks: Tasks,
        pool: StarknetPool,
        registry: Registry,
        terms: StarknetTerms,
        *,
        payer: str,
        clock: Clock | None = None,
    ) -> None:
        """pool: of Starknet; registry: on L1; payer: our signer there, who claims. Raises FeltsMalformed."""
        self.name, self.table = terms.name, terms.table
        self.block_s, self.finality_s = terms.block_s, terms.finality_s
        self.chain, self.asset = pool.chain, f"{pool.chain}:native"
        self.account = f"0x{felt(terms.account):064x}"
        self.registry_chain = chain_of(registry.version, self.family)
        self.escrow = felt(terms.escrow)
        self._terms, self._pool, self._registry, self._payer = terms, pool, registry, payer
        self._cursor: Callable[[StarknetWatch], StarknetCursor] = lambda watch: StarknetCursor(
            postgres, tasks, pool, watch, clock
        )

    @property
    def watches(self) -> tuple[StarknetWatch, StarknetWatch]:
        """Of the newest blocks and of the final ones; what both tell becomes one task."""
        return self._watch("newest", only_final=False), self._watch("accepted", only_final=True)

    @property
    def webhook_watches(self) -> tuple[Watch, ...]:
        """No provider's webhook tells of Starknet."""
        return ()

    def newest(self, seconds: float) -> None:
        """A turn over the newest blocks. Raises ChainUnread, RpcUnavailable, WrongChain, WatchChanged."""
        self._cursor(self.watches[0]).advance(Budget(seconds=seconds))

    def accepted(self, seconds: float) -> None:
        """The same over blocks that are accepted on L1."""
        self._cursor(self.watches[1]).advance(Budget(seconds=seconds))

    def reread(self, told: Any) -> Any:
        """The event as it was told: only our own cursor tells of this chain, and it has asked a quorum."""
        return told

    def deposit(self, told: Any) -> Deposit:
        """The order that an event sets, as it was told. Raises FeltsMalformed for anything else of this escrow."""
        place = (self._pool.network, self.escrow)
        if not isinstance(told, StarknetEvent) or (told.network, told.address) != place:
            raise FeltsMalformed("no event of this escrow")
        return decode_deposit(
            self.name,
            told.keys,
            told.data,
            block_number=told.block_number,
            block_hash=told.block_hash,
            transaction_hash=told.transaction_hash,
        )

    def depth(self, deposit: Deposit) -> Depth | None:
        """How deep this very deposit lies; None where another block is at its height, or its block has no such event.

        No depth where the chain has not come to it (again). Raises as `closed` does.
        """
        seen: list[_Stand] = []

        def read(node: Endpoint) -> _Stand:
            seen.append(self._stand(StarknetView(node), deposit))
            return seen[-1]

        found = self._agreed(read, about="starknet_getEvents", by=lambda stand: stand.is_there)
        if found.is_there is None:
            return Depth(confirmations=0, finalized=False)
        if not found.is_there:
            return None
        # As many as agree have come so far; who saw another block there has no say in how deep this one lies.
        having, quorum = [stand for stand in seen if stand.is_there], self._pool.unreduced()
        head = sorted((stand.head for stand in having), reverse=True)[quorum - 1]
        is_final = sum(stand.is_final for stand in having) >= quorum
        return Depth(confirmations=max(0, head - deposit.block_number + 1), finalized=is_final)

    def closed(self, deposit: Deposit) -> Closing | None:
        """How the escrow closed the order, as of a block that is accepted on L1.

        Raises QuestionRefused, NoQuorum, RpcUnavailable, WrongChain.
        """
        final = self._cursor(self.watches[1]).newest_read()
        if final is None or self._waits(deposit.key.order_id, final.hash):
            return None
        start = max(self._terms.start_block, deposit.block_number - _REORGANISED_BLOCKS_MAX)
        span = _SEARCHED_BLOCKS
        while start <= final.number:
            last = min(start + span - 1, final.number)
            try:
                closing = self._repaid(deposit.key.order_id, start, last)
            except (QuestionRefused, NoQuorum):
                # Where too few are there to agree, no narrower range will make them.
                if start == last or len(self._pool.readers()) < self._pool.unreduced():
                    raise
                span = max(1, (last - start + 1) // 2)
                continue
            if closing is not None:
                return closing
            start = last + 1
        return None

    def refunds(self, deposit: Deposit, closing: Closing, *, widely: bool) -> tuple[Refund, ...]:  # noqa: ARG002 (there are none)
        """Nothing."""
        return ()

    def message_fee_wei(self, payments: Sequence[Payment]) -> int:
        """What one message for each of these costs in all, with headroom; the registry shares it evenly among them.

        Raises MessageRefused, MessageTooDear, NoQuorum, RpcUnavailable, WrongChain.
        """
        dearest = with_headroom(max(map(self._fee_wei, payments)), MESSAGE_FEE_HEADROOM_BPS)
        if dearest > self._terms.message_fee_max_wei:
            raise MessageTooDear(origin=self.name, fee_wei=str(dearest))
        return len(payments) * dearest

    def claim(self, version: int, payments: Sequence[Payment]) -> ClaimCall:
        """The claim of these payments, which goes through as things stand. Raises ClaimRefused, and as the fee does."""
        call = claim_call(version, self.family, payments)
        value_wei = self.message_fee_wei(payments)
        estimate = self._registry.gas_of(call, value_wei, self._payer)
        if estimate is None:
            raise ClaimRefused(origin=self.name, orders=" ".join(str(one.order_id) for one in payments))
        limit = max(claim_gas_limit(version, self.family, len(payments)), with_headroom(estimate, _GAS_HEADROOM_BPS))
        return ClaimCall(data=call, value_wei=value_wei, gas_limit=limit)

    def _watch(self, which: str, *, only_final: bool) -> StarknetWatch:
        return StarknetWatch(
            name=f"bridge.{self.name}.{which}",
            network=self._pool.network,
            address=self.escrow,
            key=SET_ORDER,
            kind=KIND,
            start_block=self._terms.start_block,
            only_final=only_final,
        )

    def _stand(self, view: StarknetView, deposit: Deposit) -> _Stand:
        head, number = view.head(), deposit.block_number
        block = view.block(number)
        if block is None:
            return _Stand(None, head, False)
        if block.hash != deposit.block_hash:
            return _Stand(False, head, False)
        is_there = any(self._sets(one, deposit) for one in view.events(self.escrow, SET_ORDER, number, number))
        if not is_there:
            # An index that lags behind its blocks must not have us forget an order: the receipts are of the block.
            is_there = any(self._sets(one, deposit) for one in view.events_of(block.hash, self.escrow, SET_ORDER))
        return _Stand(is_there, head, block.is_final)

    def _sets(self, said: Said, deposit: Deposit) -> bool:
        try:
            found = decode_deposit(
                self.name,
                said.keys,
                said.data,
                block_number=said.block_number,
                block_hash=said.block_hash,
                transaction_hash=said.transaction_hash,
            )
        except FeltsMalformed:
            return False
        return found == deposit

    def _waits(self, order_id: int, block_hash: bytes) -> bool:
        asked = {
            "contract_address": hex(self.escrow),
            "entry_point_selector": hex(GET_ORDER_PENDING),
            "calldata": [hex(half) for half in pending_calldata(order_id)],
        }

        def read(node: Endpoint) -> bool:
            return is_pending([felt(one) for one in node.call("starknet_call", [asked, of_hash(block_hash)])])

        return self._agreed(read, about="starknet_call", by=lambda waits: waits)

    def _repaid(self, order_id: int, first: int, last: int) -> Closing | None:
        """The order's repayment in this range of final blocks."""

        def read(node: Endpoint) -> Closing | None:
            said = StarknetView(node).events(self.escrow, CLAIM_PAYMENT, first, last)
            return next((closing for one in said if (closing := _closing(one, order_id)) is not None), None)

        return self._agreed(read, about="starknet_getEvents", by=lambda found: found)

    def _agreed(self, read: Callable[[Endpoint], T], *, about: str, by: Callable[[T], Hashable]) -> T:
        """What a quorum reads alike. What all refuse passes, and must park no order: QuestionRefused."""
        try:
            return self._pool.agreed_reading(read, about=about, by=by, quorum=self._pool.unreduced())
        except RpcRefused as refused:
            raise QuestionRefused(
                chain=self.chain, method=about, rpc_code=refused.rpc_code, words=refused.words
            ) from refused

    def _fee_wei(self, payment: Payment) -> int:
        """What the message about one payment costs, as close estimates of a quorum have it."""
        recipient = int(payment.recipient, 16)
        message = {
            "from_address": self._registry.address,
            "to_address": hex(self.escrow),
            "entry_point_selector": hex(CLAIM_PAYMENT_HANDLER),
            "payload": [hex(one) for one in claim_payload(payment.order_id, recipient, payment.amount_wei)],
        }
        estimates: list[int] = []
        refusals: list[str] = []

        def read(node: Endpoint) -> bool | None:
            try:
                told = node.call("starknet_estimateMessageFee", [message, "latest"])
            except RpcRefused as refused:
                if refused.rpc_code != CONTRACT_ERROR:
                    raise
                refusals.append(str(refused.data))
                return None
            estimates.append(_estimated_wei(told))
            return True

        if self._agreed(read, about="starknet_estimateMessageFee", by=lambda is_taken: is_taken) is None:
            raise MessageRefused(origin=self.name, words=refusals[0][:512])
        answered, needed = list(estimates), self._pool.unreduced()
        fee_wei = close_estimate(answered, needed)
        if fee_wei is None:
            told = ", ".join(map(str, answered))
            raise NoQuorum(chain=self.chain, method="starknet_estimateMessageFee", needed=needed, answered=told)
        return fee_wei


def _estimated_wei(told: Mapping[str, Any]) -> int:
    """The fee in a FEE_ESTIMATE. It may be more than its gas at its prices: the core contract asks for a minimum."""
    if told["unit"] != "WEI":
        raise ValueError("a message from L1 is not paid for in this unit")
    return max(felt(told["overall_fee"]), MESSAGE_FEE_MIN_WEI)


def _closing(said: Said, order_id: int) -> Closing | None:
    try:
        repaid = decode_closed(said.keys, said.data)
    except FeltsMalformed:
        return None
    if repaid.order_id != order_id:
        return None
    return Closing(block=said.block_number, transaction_hash=said.transaction_hash, amount_wei=repaid.amount_wei)
