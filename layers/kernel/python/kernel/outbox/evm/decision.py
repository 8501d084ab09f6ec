"""Owns the next step of an outbox entry: the facts of the chain go in, one step comes out. Pure.

In this order, because each case presumes that the earlier ones do not hold:

1. A receipt of one of our payloads exists: settle if its block is final, else wait for finality.
2. The nonce is used, and by none of ours: trace who used it.
3. Nothing is signed at this nonce: sign the effect, or its cancellation if it is past its time or given up.
   Where a block would only take the effect for more than it is worth to its owner, its cancellation, too.
4. The effect is unwanted (past its time, or given up, or no node will ever take it): sign a cancellation at a raised
   fee.
5. The fee is too low: a node said so, or the entry is next in line and was accepted `stuck_after_s` ago without being
   mined: sign the same again at a raised fee.
   Would that be more than the effect is worth to its owner, sign a cancellation instead: others wait for the nonce.
6. The raise would exceed the cap: raise the alarm instead, and go on as below; fees fall again.
7. No node has accepted the newest payload, or the node asked has forgotten it: send the same bytes again.
8. Otherwise wait.

Beside the step, whatever it is: when the chain has waited for `stuck_after_s` for a nonce below ours that belongs to
nobody, that nonce is to be filled.

A sighting comes from one node, which may lie. So nothing here is the last word where money moves: a final receipt, and
a foreign transaction, are proved by a quorum before the entry ends or leases anew (`evidence`, `tracing`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from kernel.evm.blocks import Head, Receipt
from kernel.evm.fees import FeePolicy, Fees, first_offer, raised_offer
from kernel.evm.refusals import Refusal
from kernel.evm.rpc import Delivery
from kernel.outbox.evm.entries import OutboxEntry, Purpose, SignedPayload
from kernel.outbox.evm.lifecycle import Event, State
from kernel.outbox.verdict import Verdict, verdict_of

# Longer than any chain in use takes to finality: by then it is known who used a nonce, or a person has to look.
TRACED_WITHIN: Final = timedelta(hours=1)
NONCE_GAP: Final = "nonce_gap"
# The most telling refusal counts when endpoints disagree; UNACCEPTABLE is last, for it must be unanimous.
TELLING: Final = (
    Refusal.NONCE_USED,
    Refusal.UNDERPRICED,
    Refusal.UNFUNDED,
    Refusal.NONCE_AHEAD,
    Refusal.BUSY,
    Refusal.UNKNOWN,
    Refusal.UNACCEPTABLE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxPolicy:
    """How one chain's entries are driven.

    `confirmations`: a block is final with so many blocks, itself included; None asks for the node's `finalized` tag.
    """

    fees: FeePolicy
    confirmations: int | None = None
    stuck_after_s: float = 30.0
    poll_s: float = 1.0
    poll_max_s: float = 60.0

    def __post_init__(self) -> None:
        if self.confirmations is not None and self.confirmations < 1:
            raise ValueError(f"a final block has at least itself as confirmation, not {self.confirmations}")
        if not 0 < self.poll_s <= self.poll_max_s:
            raise ValueError(f"0 < poll_s <= poll_max_s does not hold: {self.poll_s}, {self.poll_max_s}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What the chain looked like from one node at one moment."""

    now: datetime
    head: Head
    suggested_tip_wei: int
    final_block: int = -1  # the newest final block's number; -1 when there is none yet
    nonces_used: int = 0  # the signer's transaction count in the head block
    receipts: Mapping[bytes, Receipt] = field(default_factory=dict)
    known: bool = False  # the node has the newest payload, pending or mined
    gap: bool = False  # the nonce that the chain waits for belongs to no open obligation
    fillable: bool = False  # and nobody has begun to fill it


@dataclass(frozen=True, slots=True)
class Sign:
    """Sign this purpose at these fees, commit the bytes, and send them."""

    purpose: Purpose
    fees: Fees


@dataclass(frozen=True, slots=True)
class Send:
    """Send the newest committed bytes again."""


@dataclass(frozen=True, slots=True)
class Trace:
    """Find out who used the nonce."""


@dataclass(frozen=True, slots=True)
class Settle:
    """By this node's word the end is final: prove it, and record it."""

    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Wait:
    """Look again later."""


Step = Sign | Send | Trace | Settle | Wait


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A step, the events that the sighting proved, and what a person must know."""

    step: Step
    events: tuple[Event, ...] = ()
    alarm: str | None = None
    fill: int | None = None  # the nonce to fill, that others may be mined


def decide(entry: OutboxEntry, sighting: Sighting, policy: OutboxPolicy) -> Plan:
    """The next step of an entry that is not settled. The module's docstring is the algorithm."""
    receipt = next((sighting.receipts[p.hash] for p in entry.payloads if p.hash in sighting.receipts), None)
    if receipt is not None:
        return _mined(entry, sighting, receipt)
    lost = (Event.REORGANISE,) if entry.state == State.MINED else ()
    latest = entry.latest
    if latest is None:
        fees = _own_fees(entry, policy)
        if entry.is_wanted(sighting.now) and sighting.head.base_fee_wei < fees.fee_cap_wei:
            return Plan(step=Sign(Purpose.EFFECT, _fresh(sighting, fees)))
        return Plan(step=Sign(Purpose.CANCELLATION, _fresh(sighting, policy.fees)))
    if sighting.nonces_used > entry.nonce:
        untraced = sighting.now - latest.signed_at >= TRACED_WITHIN
        return Plan(step=Trace(), events=lost, alarm="nonce_untraced" if untraced else None)
    return _unmined(entry, latest, sighting, policy, lost)


def pause_s(entry: OutboxEntry, now: datetime, policy: OutboxPolicy) -> float:
    """Seconds until the next look."""
    return entry.pause_s(now, shortest_s=policy.poll_s, longest_s=policy.poll_max_s)


def verdict(deliveries: Sequence[Delivery], needed: int = 1) -> Verdict[Refusal]:
    """What a broadcast came to.

    That no node will ever take the bytes must be said by `needed` endpoints and denied by none that answers: while
    others are silent, one of them may still take what the first refused for a limit of its own.
    """
    found = verdict_of(deliveries, TELLING)
    refusing = sum(delivery.refusal is not None for delivery in deliveries)
    if found.refusal == Refusal.UNACCEPTABLE and refusing < needed:
        return replace(found, refusal=None)
    return found


def settling_events(entry: OutboxEntry, receipt: Receipt) -> tuple[Event, ...]:
    """What a final receipt at the entry's nonce means: of one of its payloads, or of a transaction it adopts."""
    purposes = {payload.hash: payload.purpose for payload in entry.payloads}
    mined = Event.MINE if receipt.transaction_hash in purposes else Event.ADOPT
    if purposes.get(receipt.transaction_hash) == Purpose.CANCELLATION:
        return mined, Event.CANCEL
    return mined, Event.CONFIRM if receipt.succeeded else Event.REVERT


def is_overdue(entry: OutboxEntry, now: datetime, policy: OutboxPolicy) -> bool:
    """True when waiting has become odd, for whatever reason."""
    return entry.waited_s(now) >= policy.stuck_after_s


def _mined(entry: OutboxEntry, sighting: Sighting, receipt: Receipt) -> Plan:
    if receipt.block_number > sighting.final_block:
        return Plan(step=Wait(), events=_seen_mined(entry))
    return Plan(step=Settle(receipt), events=_seen_mined(entry))


def _seen_mined(entry: OutboxEntry) -> tuple[Event, ...]:
    return () if entry.state == State.MINED else (Event.MINE,)


def _unmined(
    entry: OutboxEntry, latest: SignedPayload, sighting: Sighting, policy: OutboxPolicy, lost: tuple[Event, ...]
) -> Plan:
    alarm, fill = _alarm(latest, sighting), _to_fill(entry, sighting, policy)
    unwanted = latest.purpose == Purpose.EFFECT and unwanted_effect(entry, latest, sighting.now)
    if unwanted or _underpriced(entry, latest, sighting, policy):
        own = policy.fees if latest.purpose == Purpose.CANCELLATION else _own_fees(entry, policy)
        raised = None if unwanted else raised_offer(latest.fees, _fresh(sighting, own), own)
        purpose = latest.purpose
        if raised is None and (unwanted or own != policy.fees):
            raised = raised_offer(latest.fees, _fresh(sighting, policy.fees), policy.fees)
            purpose = Purpose.CANCELLATION
        if raised is not None:
            return Plan(step=Sign(purpose, raised), events=lost, alarm=alarm, fill=fill)
        alarm = "fee_cap"
    if latest.accepted_at is None and sighting.known:
        # Some node took the bytes although its answer got lost.
        return Plan(step=Wait(), events=(*lost, Event.ACCEPT), alarm=alarm, fill=fill)
    return Plan(step=Wait() if sighting.known else Send(), events=lost, alarm=alarm, fill=fill)


def unwanted_effect(entry: OutboxEntry, latest: SignedPayload, now: datetime) -> bool:
    """True when the effect should not happen any more, or cannot."""
    # What a node once accepted can be mined, whatever another node says of it later.
    never = latest.refusal == Refusal.UNACCEPTABLE and latest.accepted_at is None
    return not entry.is_wanted(now) or never or latest.purpose == Purpose.CANCELLATION


def ends_without_its_nonce(entry: OutboxEntry, now: datetime) -> bool:
    """True when, its nonce being used by somebody else, nothing is left to do for the entry."""
    if entry.latest is None:
        return entry.is_filler or not entry.is_wanted(now)
    return entry.is_filler or unwanted_effect(entry, entry.latest, now)


def _underpriced(entry: OutboxEntry, latest: SignedPayload, sighting: Sighting, policy: OutboxPolicy) -> bool:
    if latest.refusal == Refusal.UNDERPRICED:
        return True
    next_in_line = sighting.nonces_used == entry.nonce
    # Bytes that no node ever accepted had no chance yet: they are sent, not replaced.
    accepted_at = latest.accepted_at
    overdue = accepted_at is not None and sighting.now - accepted_at >= timedelta(seconds=policy.stuck_after_s)
    return next_in_line and overdue


def _to_fill(entry: OutboxEntry, sighting: Sighting, policy: OutboxPolicy) -> int | None:
    """The nonce that the chain waits for, once the alarm about it is `stuck_after_s` old and nobody has taken it."""
    if not sighting.fillable or entry.alarm != NONCE_GAP or entry.alarmed_at is None:
        return None
    ripe = sighting.now - entry.alarmed_at >= timedelta(seconds=policy.stuck_after_s)
    return sighting.nonces_used if ripe else None


def _alarm(latest: SignedPayload, sighting: Sighting) -> str | None:
    if latest.refusal in {Refusal.UNFUNDED, Refusal.UNACCEPTABLE, Refusal.UNKNOWN}:
        return str(latest.refusal)
    return NONCE_GAP if sighting.gap else None


def _own_fees(entry: OutboxEntry, policy: OutboxPolicy) -> FeePolicy:
    """What its owner pays for the effect at most."""
    most = entry.gas_price_max_wei
    if most is None or most >= policy.fees.fee_cap_wei:
        return policy.fees
    return FeePolicy(
        fee_cap_wei=most,
        tip_cap_wei=min(policy.fees.tip_cap_wei, most),
        tip_floor_wei=min(policy.fees.tip_floor_wei, most),
    )


def _fresh(sighting: Sighting, fees: FeePolicy) -> Fees:
    return first_offer(sighting.head.base_fee_wei, sighting.suggested_tip_wei, fees)
