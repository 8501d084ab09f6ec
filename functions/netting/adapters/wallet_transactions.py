"""Transactions that wallets sign and we pass on: offered, handed back, brought onto the cluster by the outbox.

1. `drawn`, outside of any transaction: the instructions are simulated, and compiled over a fresh blockhash.
2. `offer`, in the caller's transaction: the message is stored before anybody sees it.
3. `handed_back`: what came back is the stored message byte for byte, signed by its wallet and by nobody else.
4. `send`, in the caller's transaction, with whatever the business makes of it (a reservation, a session's state): the
   wallet's signature is stored, and the outbox owes the bytes. Once, whoever hands it back how often.
5. `end`, in the transaction that ends the outbox entry.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from functions.netting.adapters.obligations import SERVICE, SUBMIT
from functions.netting.adapters.wallet_refusals import (
    NotTheOffer,
    OfferExpired,
    RequestChanged,
    TransactionWouldFail,
    WalletTransactionUnknown,
)
from functions.netting.core.offered import HandedBackUnfit, taken_apart
from functions.netting.core.program_errors import UNKNOWN, name_of
from functions.netting.core.wallet_transaction import FORGOTTEN_AFTER_S, OFFER_LIFE_S, Event, Kind, State, after
from kernel import base58
from kernel.auth.wallets import WalletSignatureRefused
from kernel.clock import Clock
from kernel.correlation import current
from kernel.ids import new_id
from kernel.keys.solana import SolanaSignatureMismatch, verify_message
from kernel.outbox.solana import GivenMessage, SolanaEntry, SolanaIntent, SolanaOutbox
from kernel.outbox.solana import State as EntryState
from kernel.outbox.solana.signing import ANY_HASH, distinct_limit
from kernel.postgres import Postgres, Queries, Transaction
from kernel.solana.fees import SolanaFeePolicy, price, unit_limit
from kernel.solana.pool import SolanaPool
from kernel.solana.transactions import (
    UNIT_CAP,
    Instruction,
    compile_message,
    required_signers,
    unsigned,
)

Q: Final = Queries.load(Path(__file__).with_name("wallet_transactions.sql"))
KEY: Final = "netting:wallet:"
_EVENTS: Final = {
    EntryState.CONFIRMED: Event.SETTLE,
    EntryState.FAILED: Event.FAIL,
    EntryState.CANCELLED: Event.EXPIRE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a wallet wants to do. asked_key: names the request, where one may come twice."""

    kind: Kind
    wallet: str
    subject: str
    instructions: tuple[Instruction, ...]
    amount_lamports: int | None = None
    asked_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A wish as a message that the wallet may sign."""

    id: UUID
    wish: Wish
    message: bytes
    last_height: int
    slot: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletTransaction:
    """A row of netting.wallet_transactions."""

    id: UUID
    kind: Kind
    wallet: str
    subject: str
    amount_lamports: int | None
    message: bytes
    last_height: int
    slot: int
    state: State
    reason: str | None
    signature: str | None
    offered_at: datetime
    moved_at: datetime

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "WalletTransaction":
        """From the row."""
        fields = {name: row[name] for name in cls.__slots__}
        return cls(
            **fields | {"kind": Kind(row["kind"]), "state": State(row["state"]), "message": bytes(row["message"])}
        )

    @property
    def business_key(self) -> str:
        """Under which the outbox owes it."""
        return f"{KEY}{self.id}"

    def state_at(self, now: datetime) -> State:
        """Its state; an offer that nobody signed in time has expired, whether or not anybody wrote that down."""
        late = now - self.offered_at > timedelta(seconds=OFFER_LIFE_S)
        return State.EXPIRED if late and self.state is State.OFFERED else self.state


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """An offer that came back, with its wallet's signature."""

    transaction: WalletTransaction
    signature: bytes


class WalletTransactions:
    """The table netting.wallet_transactions, and its way into the outbox."""

    def __init__(
        self, postgres: Postgres, pool: SolanaPool, outbox: SolanaOutbox, clock: Clock, *, fees: SolanaFeePolicy
    ) -> None:
        self._postgres, self._pool, self._outbox = postgres, pool, outbox
        self._clock, self._fees = clock, fees

    def drawn(self, wish: Wish) -> Offer:
        """The message of a wish; the wallet pays. Raises TransactionWouldFail, TransactionTooLarge, NoQuorum."""
        entry = new_id()
        tried = unsigned(_compiled(wish, ANY_HASH, UNIT_CAP, self._fees.price_floor))
        prospect = self._pool.prospect(_written(wish), tried)
        if prospect.simulation.error is not None:
            raise TransactionWouldFail(reason=_reason(prospect.simulation.error))
        limit = distinct_limit(unit_limit(prospect.simulation.units, self._fees), entry)
        offer = price(prospect.recent_fees, self._fees)
        return Offer(
            id=entry,
            wish=wish,
            message=_compiled(wish, prospect.blockhash.value, limit, offer),
            last_height=prospect.blockhash.last_valid_block_height,
            slot=prospect.blockhash.slot,
        )

    def asked(self, wish: Wish) -> WalletTransaction | None:
        """The answer that a request of this key had before. Raises RequestChanged where it was another request."""
        if wish.asked_key is None:
            return None
        with self._postgres.transaction() as tx:
            row = tx.maybe(Q["asked"], wallet=wish.wallet, asked_key=wish.asked_key)
        if row is None:
            return None
        found = WalletTransaction.from_row(row)
        if (found.kind, found.subject, found.amount_lamports) != (wish.kind, wish.subject, wish.amount_lamports):
            raise RequestChanged
        return found

    def offer(self, tx: Transaction, offer: Offer) -> WalletTransaction | None:
        """Store it; None where the same request was answered, or the same message drawn, at the same moment."""
        wish, now = offer.wish, self._clock.now()
        tx.execute(Q["forget_offers"], before=now - timedelta(seconds=FORGOTTEN_AFTER_S))
        row = tx.maybe(
            Q["keep_offer"],
            id=offer.id,
            kind=str(wish.kind),
            wallet=wish.wallet,
            subject=wish.subject,
            amount_lamports=wish.amount_lamports,
            message=offer.message,
            last_height=offer.last_height,
            slot=offer.slot,
            asked_key=wish.asked_key,
            now=now,
        )
        return None if row is None else WalletTransaction.from_row(row)

    def supersede(self, tx: Transaction, kind: Kind, subject: str) -> None:
        """Let no earlier offer of this kind be handed back."""
        tx.execute(Q["supersede"], kind=str(kind), subject=subject, now=self._clock.now())

    def transaction(self, transaction_id: UUID) -> WalletTransaction:
        """One as it stands. Raises WalletTransactionUnknown."""
        with self._postgres.transaction() as tx:
            row = tx.maybe(Q["transaction"], id=transaction_id)
        if row is None:
            raise WalletTransactionUnknown
        return WalletTransaction.from_row(row)

    def page(self, wallet: str, *, limit: int, below: tuple[datetime, UUID] | None) -> list[WalletTransaction]:
        """A wallet's, newest first."""
        below_at, below_id = below or (None, None)
        with self._postgres.transaction() as tx:
            rows = tx.all(Q["page"], wallet=wallet, limit=limit, below_at=below_at, below_id=below_id)
        return [WalletTransaction.from_row(row) for row in rows]

    def handed_back(self, raw: bytes) -> Signed:
        """The offer whose message came back, signed by its wallet. Raises NotTheOffer, WalletSignatureRefused."""
        try:
            parts = taken_apart(raw)
            with self._postgres.transaction() as tx:
                row = tx.maybe(Q["with_message"], message=parts.message)
            if row is None:
                raise NotTheOffer(problem="this message was never offered")
            found = WalletTransaction.from_row(row)
            signature = parts.signature_of(found.wallet, required_signers(found.message))
            verify_message(found.message, signature, found.wallet)
        except HandedBackUnfit as unfit:
            raise NotTheOffer(problem=str(unfit)) from unfit
        except SolanaSignatureMismatch:
            raise WalletSignatureRefused from None
        return Signed(transaction=found, signature=signature)

    def lock(self, tx: Transaction, signed: Signed) -> WalletTransaction:
        """The transaction until the commit, for whoever sends it. Raises OfferExpired."""
        row = tx.maybe(Q["lock_transaction"], id=signed.transaction.id)
        if row is None:
            raise OfferExpired
        locked = WalletTransaction.from_row(row)
        if locked.state_at(self._clock.now()) is State.EXPIRED and locked.signature is None:
            raise OfferExpired
        return locked

    def send(self, tx: Transaction, signed: Signed) -> WalletTransaction:
        """Owe the bytes, co-signed by the authority where its signature is missing. Raises ServiceHalted."""
        one = signed.transaction
        given = GivenMessage(one.message, {one.wallet: signed.signature}, one.last_height, one.slot)
        intent = SolanaIntent.passing_on(
            given,
            business_key=one.business_key,
            service=SERVICE,
            cluster=self._pool.cluster,
            submit_kind=SUBMIT,
            correlation_id=current(),
        )
        self._outbox.record(tx, intent)
        # The wallet pays, and so names the transaction.
        named = {"state": after(one.state, Event.SEND), "signature": base58.encode(signed.signature)}
        return WalletTransaction.from_row(tx.one(Q["send"], id=one.id, now=self._clock.now(), **named))

    def end(self, tx: Transaction, entry: SolanaEntry) -> WalletTransaction:
        """Write down what became of an outbox entry of ours."""
        row = tx.one(Q["lock_transaction"], id=UUID(entry.business_key.removeprefix(KEY)))
        event = _EVENTS[entry.state]
        state = after(State(row["state"]), event)
        reason = {Event.SETTLE: None, Event.FAIL: _reason(entry.error), Event.EXPIRE: "expired"}[event]
        ended = tx.one(Q["end"], id=row["id"], state=state, reason=reason, now=self._clock.now())
        return WalletTransaction.from_row(ended)


def _compiled(wish: Wish, blockhash: str, limit: int, offer: int) -> bytes:
    return compile_message(
        wish.wallet, wish.instructions, blockhash=blockhash, compute_unit_limit=limit, compute_unit_price=offer
    )


def _written(wish: Wish) -> list[str]:
    """The accounts that it locks for writing: their fees are the ones to outbid."""
    written = {use.address for one in wish.instructions for use in one.accounts if use.writable}
    return sorted(written | {wish.wallet})


def _reason(error: Any) -> str:
    """The program's own name of an error, or the cluster's words."""
    name = name_of(error)
    return str(error)[:200] if name == UNKNOWN else name
