"""Owns what endpoints know of a signature, and what their knowledge comes to when money hangs on it. Pure.

Nothing is believed that costs money if it is wrong:

1. That a signature is unknown is believed when `needed` endpoints say so and none says otherwise: an endpoint forgets
   what is old, and a transaction that landed must never be signed anew.
2. A confirmation is believed as far as `needed` endpoints confirm the same slot and the same outcome. What fewer know
   is PROCESSED: somebody has seen it, so it is not unknown, and nothing follows from it.
3. Where one calls final what another does not know, one of them has forgotten or lies. A block forgets less than an
   index of signatures: whoever knows nothing is asked for the claimed block, and what stands in it is their answer.
   Where the block of as many as a quorum lacks the signature, the claim is a lie.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeVar

from kernel.jsonrpc.pool import canonical

Failure = Mapping[str, Any] | str
K = TypeVar("K")


class Confirmation(StrEnum):
    """How sure the chain is of a transaction."""

    PROCESSED = "processed"  # In a block, which may be dropped.
    CONFIRMED = "confirmed"  # Two thirds of the stake voted for its block.
    FINALIZED = "finalized"  # 31 confirmed blocks lie above it: it stays.


_RANK: Final = {confirmation: rank for rank, confirmation in enumerate(Confirmation)}


@dataclass(frozen=True, slots=True)
class SignatureStatus:
    """Where a transaction landed; `error` is the runtime's own, None for a transaction that went through."""

    slot: int
    confirmation: Confirmation
    error: Failure | None = None

    @property
    def is_final(self) -> bool:
        """Whether it stays, with its outcome."""
        return self.confirmation == Confirmation.FINALIZED

    @classmethod
    def from_rpc(cls, status: Mapping[str, Any] | None) -> "SignatureStatus | None":
        """From getSignatureStatuses; None for an unknown signature. LookupError, ValueError for another shape."""
        if status is None:
            return None
        told = status.get("confirmationStatus")
        if told is None:  # Older nodes say it by the number of confirmations: none left to wait for.
            told = Confirmation.FINALIZED if status["confirmations"] is None else Confirmation.PROCESSED
        return cls(slot=int(status["slot"]), confirmation=Confirmation(told), error=status["err"])


def agreed_status(told: Sequence[SignatureStatus | None], needed: int) -> SignatureStatus | None:
    """What the answers of at least `needed` endpoints come to, by the module's two rules."""
    if len(told) < needed:
        raise ValueError(f"{len(told)} answers are no quorum of {needed}")
    known = [status for status in told if status is not None]
    if not known:
        return None
    for confirmation in reversed(Confirmation):
        for one in known:
            alike = [other for other in known if _same(one, other) and _RANK[other.confirmation] >= _RANK[confirmation]]
            if len(alike) >= needed:
                return SignatureStatus(one.slot, confirmation, one.error)
    claimed = max(known, key=lambda status: _RANK[status.confirmation])
    return SignatureStatus(claimed.slot, Confirmation.PROCESSED, claimed.error)


def disputed(told: Sequence[SignatureStatus | None], needed: int) -> SignatureStatus | None:
    """The claim that rule 3 looks into: final for somebody, unknown to somebody, and not agreed."""
    agreed = agreed_status(told, needed)
    claims = [status for status in told if status is not None and status.is_final]
    if agreed is None or agreed.is_final or not claims or None not in told:
        return None
    return claims[0]


def refuted(
    claim: SignatureStatus,
    told: Mapping[K, SignatureStatus | None],
    heard: Mapping[K, SignatureStatus | None],
    needed: int,
) -> tuple[K, ...]:
    """Who made a claim that the blocks of a quorum deny; nobody while fewer deny it, or one confirms it.

    told: each endpoint's own knowledge. heard: what the claimed block says, at those endpoints that have it.
    """
    if len(heard) < needed or any(status is not None for status in heard.values()):
        return ()
    return tuple(one for one, status in told.items() if status == claim)


def found_in_block(block: Mapping[str, Any] | None, signature: str, slot: int) -> SignatureStatus | None:
    """What a finalized block (getBlock with its "accounts") says of a signature; None when it is not in it.

    LookupError when there is no block to look into.
    """
    if block is None:
        raise LookupError(f"no block in slot {slot}")
    for one in block["transactions"]:
        if signature in one["transaction"]["signatures"]:
            return SignatureStatus(slot, Confirmation.FINALIZED, one["meta"]["err"])
    return None


def _same(one: SignatureStatus, other: SignatureStatus) -> bool:
    return one.slot == other.slot and canonical(one.error) == canonical(other.error)
