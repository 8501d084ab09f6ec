"""Owns a movement of a wallet's coin as values: what was asked for, how it ended, and the postings of both. Pure.

asked for    wallet -> in transit     the amount, and a reserve for the fee (and for the rent of a call's new accounts)
confirmed    in transit -> recipient  the amount; -> fees  the fee; -> wallet  what is left of the reserve
failed,      in transit -> fees       the fee, for a failed transaction and a cancellation cost one, too;
cancelled               -> wallet     all the rest

A call on Solana moves what its program takes, which only its end tells: that goes to the recipient in the amount's
place, or comes from there where the program gave rent back.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from uuid import UUID

from kernel.errors import Conflict, NotFound, Rejected
from kernel.ledger.postings import Posting
from kernel.treasury.wallets import OperatorWallet

if TYPE_CHECKING:
    from kernel.solana.instructions import Instruction


class TransferChanged(Conflict):
    """This key belongs to another transfer."""

    cause = "The same Idempotency-Key came with another chain, sender, recipient or amount."
    remedy = "Give a different transfer a different key."


class TransferUnknown(NotFound):
    """There is no such transfer."""

    cause = "The key is misspelt, or the transfer was refused when it was asked for."
    remedy = "Use the Idempotency-Key with which the transfer was asked for."


class TransferToItself(Rejected):
    """A wallet does not send to itself."""

    status = 422
    cause = "Sender and recipient are the same address."
    remedy = "Name another recipient."


class State(StrEnum):
    """Where a transfer is."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Kind(StrEnum):
    """Who asked for it: a person, a wallet's floor, an inlet that forwards its deposits, or a service that calls."""

    TRANSFER = "transfer"
    TOP_UP = "top_up"
    FORWARD = "forward"
    CALL = "call"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What a service calls with the amount: a contract of an EVM chain.

    gas_limit: what the call may use, all of which is reserved at the highest fee. gas_price_max_wei: a gas, above which
    the call is not worth it, and is cancelled; None is the chain's own cap. submit_kind: of the task that submits
    it. service: who owes it, and whose halt stops it.
    """

    data: bytes
    gas_limit: int
    submit_kind: str
    service: str
    gas_price_max_wei: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SolanaCall:
    """What a service calls on a Solana cluster, as the wallet that pays and signs.

    compute_unit_limit: all of which is reserved at the highest price. rent_lamports: the most that it takes from the
    wallet beside the fee. After `valid_until` nothing is signed any more. The rest is as in `Call`.
    """

    instructions: "tuple[Instruction, ...]"
    compute_unit_limit: int
    submit_kind: str
    service: str
    lookup_tables: tuple[str, ...] = ()
    rent_lamports: int = 0
    valid_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One transfer that must happen once. `key` is unique among all transfers; a call is one of the kind CALL."""

    key: str
    chain: str
    sender: str
    recipient: str
    amount: int
    actor: str
    reason: str
    kind: Kind = Kind.TRANSFER
    call: Call | SolanaCall | None = None

    def __post_init__(self) -> None:
        if self.sender == self.recipient:
            raise TransferToItself(address=self.sender)
        if (self.kind == Kind.CALL) != (self.call is not None):
            raise ValueError("a call, and nothing else, says what is called")

    @property
    def business_key(self) -> str:
        """Under which the outbox and the books know it."""
        return f"treasury/{self.key}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """A transfer as stored; amounts in the chain's smallest unit.

    fee: what it cost, None while it is open. paid: what it moved beside that, below 0 what its sender got.
    """

    key: str
    kind: Kind
    service: str
    chain: str
    sender: str
    recipient: str
    amount: int
    reserve: int
    entry_id: UUID
    actor: str
    reason: str
    state: State
    block: int | None
    transaction_id: str | None
    fee: int | None
    paid: int | None
    recorded_at: datetime
    settled_at: datetime | None

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "Transfer":
        """From a row of kernel.treasury_transfers."""
        kept = {field.name: row[field.name] for field in fields(cls)}
        whole = {name: None if row[name] is None else int(row[name]) for name in ("amount", "reserve", "fee", "paid")}
        return cls(**{**kept, **whole, "kind": Kind(row["kind"]), "state": State(row["state"])})

    def is_for(self, order: Order) -> bool:
        """True when it is what the order asks for; actor and reason may be told anew."""
        names = ("kind", "chain", "sender", "recipient", "amount")
        return all(getattr(self, name) == getattr(order, name) for name in names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How an outbox entry of a wallet ended, in the words of either chain family.

    `value` is what it was to move, or what it moved on a chain that tells only that; `block` is None when nothing of it
    is on the chain.
    """

    entry_id: UUID
    chain: str
    payer: str
    state: State
    value: int
    fee: int
    block: int | None
    transaction_id: str | None


def departure(wallet: OperatorWallet, amount: int, reserve: int) -> list[Posting]:
    """The postings of a transfer that is asked for."""
    total = amount + reserve
    return [Posting(wallet.account, wallet.asset, -total), Posting(wallet.in_transit, wallet.asset, total)]


def moved(transfer: Transfer, ending: Ending) -> int:
    """What a transfer moved in the end, beside its fee."""
    if ending.state != State.CONFIRMED:
        return 0
    return ending.value if transfer.kind == Kind.CALL else transfer.amount


def settlement(wallet: OperatorWallet, transfer: Transfer, ending: Ending, recipient_account: str) -> list[Posting]:
    """The postings of a transfer's end."""
    paid = moved(transfer, ending)
    total = transfer.amount + transfer.reserve
    amounts = [
        (wallet.in_transit, -total),
        (recipient_account, paid),
        (wallet.fees, ending.fee),
        (wallet.account, total - paid - ending.fee),
    ]
    return [Posting(account, wallet.asset, amount) for account, amount in amounts if amount != 0]


def spending(wallet: OperatorWallet, ending: Ending) -> list[Posting]:
    """The postings of a transaction that a service sent from the wallet by itself; none when it moved nothing."""
    paid = ending.value if ending.state == State.CONFIRMED else 0
    amounts = [(wallet.account, -paid - ending.fee), (wallet.outside, paid), (wallet.fees, ending.fee)]
    return [Posting(account, wallet.asset, amount) for account, amount in amounts if amount != 0]
