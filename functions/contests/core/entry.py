"""Owns whether a transaction on Solana is the entry that somebody claims to have paid.

The entrant names a signature. What counts is what a quorum of endpoints says of it, finalized: it succeeded, and among
its System transfers exactly one goes to the contest's wallet, from the entrant's own, of exactly the entry fee. A
signature is used once, ever, by whomever: that is the database's to keep.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from kernel.errors import Conflict, Invalid


class Doubt(StrEnum):
    """Why a transaction is not the entry. The first two may pass; the others never do."""

    UNKNOWN = "unknown"
    NOT_FINAL = "not_final"
    FAILED = "failed"
    NO_TRANSFER = "no_transfer"
    SEVERAL_TRANSFERS = "several_transfers"
    ANOTHER_SENDER = "another_sender"
    ANOTHER_AMOUNT = "another_amount"


class EntryNotFinal(Conflict):
    """The transaction of an entry is not final yet."""

    cause = "No finalized block holds it, as a quorum of RPC endpoints has it."
    remedy = "Send the same request again in some seconds; a transaction takes about thirteen to be final."


class EntryUnfit(Invalid):
    """The transaction is not this entry's payment."""

    cause = "It failed, or it is not one System transfer of exactly the fee, from the entrant to the contest's wallet."
    remedy = "Pay the entry fee from the wallet that enters, in a transaction of its own, and send its signature."


@dataclass(frozen=True, slots=True)
class Transfer:
    """A System transfer, addresses in base58."""

    source: str
    destination: str
    lamports: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the chain says of a signature, inner instructions included."""

    is_final: bool
    has_failed: bool
    transfers: Sequence[Transfer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fee:
    """What an entry costs: from whom, to which wallet."""

    entrant: str
    wallet: str
    lamports: int


def doubt(seen: Seen | None, fee: Fee) -> Doubt | None:
    """Why the transaction is not the entry; None if it is. `seen` is None where nobody knows the signature."""
    if seen is None:
        return Doubt.UNKNOWN
    if not seen.is_final:
        return Doubt.NOT_FINAL
    if seen.has_failed:
        return Doubt.FAILED
    paid = [transfer for transfer in seen.transfers if transfer.destination == fee.wallet]
    if len(paid) != 1:
        return Doubt.SEVERAL_TRANSFERS if paid else Doubt.NO_TRANSFER
    if paid[0].source != fee.entrant:
        return Doubt.ANOTHER_SENDER
    return None if paid[0].lamports == fee.lamports else Doubt.ANOTHER_AMOUNT


def require_paid(seen: Seen | None, fee: Fee) -> None:
    """Raises EntryNotFinal for what may still become the entry, and EntryUnfit for what never will."""
    reason = doubt(seen, fee)
    if reason in (Doubt.UNKNOWN, Doubt.NOT_FINAL):
        raise EntryNotFinal(reason=reason)
    if reason is not None:
        raise EntryUnfit(reason=reason)
