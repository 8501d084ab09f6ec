"""Owns the documents of the administrators' API. Amounts are text: lamports, or units of a mint."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import Base64Bytes, Field, WithJsonSchema

from functions.contests.adapters.admin_transfers import Asked, Wanted
from functions.contests.adapters.contests import StoredContest
from functions.contests.adapters.forms import Address
from functions.contests.adapters.key_exports import KeyExport
from functions.contests.adapters.obligations import Owed, Stop
from functions.contests.adapters.wallet_books import Retired, Standing
from functions.contests.core.transfers import LINES_MAX
from kernel.handler.http import Document
from kernel.moments import from_unix_us, unix_us

#: The 32 octets of a key.
_ONE_KEY: Final = WithJsonSchema({"type": "string", "pattern": "^[A-Za-z0-9+/]{43}=$", "contentEncoding": "base64"})
BATCH: Final = r"^[A-Za-z0-9._-]{1,100}$"
#: A line of a contest, as the page before told it.
LINE: Final = r"^(payout|refund|advance)\.[0-9]{1,9}$"
#: When what has stopped did so, in microseconds; of which contest, and its line.
STOP: Final = r"^[0-9]{1,17}_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}_(payout|refund|advance)\.[0-9]{1,9}$"

#: What the chain's 64 bits and the database's hold.
AmountText = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,17}$")]
LeavingText = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,17})$")]
Reason = Annotated[str, Field(min_length=1, max_length=300, pattern=r"^[ -~]*[!-~][ -~]*$")]
LineNumber = Annotated[int, Field(ge=0, le=2**31 - 1)]


class TransferBody(Document):
    """Lamports, or units of a mint, of a wallet whose key we hold."""

    source: Address
    recipient: Address
    amount_base_units: AmountText
    mint: Address | None = None
    reason: Reason


class MassLine(Document):
    """One recipient; the caller numbers the lines."""

    line: LineNumber
    recipient: Address
    amount_base_units: AmountText


class MassTransferBody(Document):
    """Many recipients of one wallet's money."""

    source: Address
    mint: Address | None = None
    reason: Reason
    lines: Annotated[list[MassLine], Field(min_length=1, max_length=LINES_MAX)]

    def wanted(self) -> list[Wanted]:
        """Its lines."""
        return [Wanted(one.line, one.recipient, int(one.amount_base_units)) for one in self.lines]


class ReclaimBody(Document):
    """What a wallet does not need, for the treasury."""

    source: Address
    leaving_lamports: LeavingText = "0"
    reason: Reason


class TransferLine(Document):
    """One line of a batch, and what became of it. `state` is the outbox's."""

    line: int
    kind: Literal["transfer", "reclaim"]
    source: str
    recipient: str
    mint: str | None
    amount_base_units: str
    state: str
    signature: str | None
    reason: str
    asked_by: str
    asked_at: datetime


class TransferBatch(Document):
    """A page of a batch by line; `next_cursor` continues it."""

    batch: str
    lines: list[TransferLine]
    next_cursor: int | None


class Payment(Document):
    """A payout, refund or advance."""

    contest: UUID
    kind: str
    line: int
    wallet: str
    lamports: str
    state: str
    attempts: int
    signature: str | None
    reason: str | None
    moved_at: datetime


class Payments(Document):
    """A page; `next_cursor` continues it."""

    payments: list[Payment]
    next_cursor: str | None


class ReasonBody(Document):
    """Why something is done."""

    reason: Reason


class Balance(Document):
    """A contest's wallet on the chain and in the books; `difference_lamports` is what the chain holds above them.

    There is none while something is on its way from the wallet.
    """

    contest: UUID
    state: str
    wallet: str
    chain_lamports: str
    booked_lamports: str
    unpaid_lamports: str
    difference_lamports: str | None


class Balances(Document):
    """A page, oldest contests first; `next_cursor` continues it."""

    fee_payer: str
    fee_payer_lamports: str
    balances: list[Balance]
    next_cursor: UUID | None


class Retirement(Document):
    """A wallet that no contest gets any more, and the contest that has it."""

    address: str
    contest: UUID | None
    retired_at: datetime


class ExportBody(Document):
    """A wallet's key for whoever holds the other half of an X25519 public key."""

    address: Address
    sealed_to_base64: Annotated[Base64Bytes, Field(min_length=32, max_length=64), _ONE_KEY]
    reason: Reason


class ExportView(Document):
    """What somebody wants, and who has agreed."""

    id: UUID
    address: str
    asked_by: str
    reason: str
    asked_at: datetime
    expires_at: datetime
    given_at: datetime | None
    approved_by: list[str]


class SealedKey(Document):
    """A key in its box: HPKE base mode, X25519, HKDF-SHA256, AES-256-GCM; info `counterpart/contests/key-export/` and
    the address."""

    address: str
    box_base64: str


def asked(batch: str, body: TransferBody | MassTransferBody | ReclaimBody, actor: str) -> Asked:
    """Who wants what, in our words."""
    mint = None if isinstance(body, ReclaimBody) else body.mint
    return Asked(batch=batch, source=body.source, actor=actor, reason=body.reason, mint=mint)


def batch_view(batch: str, rows: Sequence[Mapping[str, Any]], limit: int) -> TransferBatch:
    """A page of a batch."""
    lines = [
        TransferLine(
            **{name: row[name] for name in ("line", "kind", "source", "recipient", "mint", "state", "signature")},
            amount_base_units=str(int(row["amount"])),
            reason=row["why"],
            asked_by=row["actor"],
            asked_at=row["asked_at"],
        )
        for row in rows
    ]
    return TransferBatch(batch=batch, lines=lines, next_cursor=lines[-1].line if len(lines) == limit else None)


def payment_view(owed: Owed) -> Payment:
    """A line."""
    return Payment(
        contest=owed.contest_id,
        kind=owed.kind,
        line=owed.line,
        wallet=owed.wallet,
        lamports=str(owed.lamports),
        state=owed.state,
        attempts=owed.attempts,
        signature=owed.signature,
        reason=owed.reason,
        moved_at=owed.moved_at,
    )


def payments_view(page: Sequence[Owed], limit: int) -> Payments:
    """A page of one contest's, whose cursor names its last line."""
    cursor = f"{page[-1].kind}.{page[-1].line}" if len(page) == limit else None
    return Payments(payments=[payment_view(one) for one in page], next_cursor=cursor)


def stopped_view(page: Sequence[Owed], limit: int) -> Payments:
    """A page of what has stopped, of whatever contests."""
    last = page[-1] if len(page) == limit else None
    cursor = None if last is None else f"{unix_us(last.moved_at)}_{last.contest_id}_{last.kind}.{last.line}"
    return Payments(payments=[payment_view(one) for one in page], next_cursor=cursor)


def behind(cursor: str | None) -> Stop | None:
    """The stop that a cursor names."""
    if cursor is None:
        return None
    moment, contest, line = cursor.split("_")
    kind, _, number = line.partition(".")
    return Stop(from_unix_us(int(moment)), UUID(contest), kind, int(number))


def balance_view(contest: StoredContest, standing: Standing, chain_lamports: int) -> Balance:
    """A contest's wallet."""
    difference = None if standing.is_busy else str(chain_lamports - standing.booked)
    return Balance(
        contest=contest.id,
        state=contest.state,
        wallet=contest.wallet or "",
        chain_lamports=str(chain_lamports),
        booked_lamports=str(standing.booked),
        unpaid_lamports=str(standing.unpaid),
        difference_lamports=difference,
    )


def retirement_view(retired: Retired) -> Retirement:
    """A wallet that is out of use."""
    return Retirement(address=retired.address, contest=retired.contest_id, retired_at=retired.retired_at)


def export_view(export: KeyExport) -> ExportView:
    """An export."""
    kept = {name: getattr(export, name) for name in ("id", "address", "reason", "asked_at", "expires_at", "given_at")}
    return ExportView(**kept, asked_by=export.actor, approved_by=list(export.approvals))


def sealed_view(export_address: str, box: bytes) -> SealedKey:
    """A key in its box."""
    return SealedKey(address=export_address, box_base64=b64encode(box).decode())
