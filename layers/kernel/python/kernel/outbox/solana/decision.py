"""Owns the next step of a Solana outbox entry: the facts of the cluster go in, one step comes out. Pure.

In this order, because each case presumes that the earlier ones do not hold:

1. A node knows one of our effects' signatures: settle if its block is finalized, else wait for that.
2. Nothing is signed: sign the effect, or end, cancelled, if it is past its time. A message from elsewhere is past its
   time as well once a node is final past the last height at which it could land, unless nobody's signature is missing
   but our store's: such bytes may be on their way through others, so they are stored and watched like any others.
3. Every payload looks dead to one node (the finalized height is past the last at which it could land): have that
   proven by two. If proven, sign the effect anew at a raised price, or end if it is past its time or was made
   elsewhere, where nobody agreed to anything else; else wait.
   At the price's cap raise an alarm, and sign all the same: without a signature nothing can ever land.
4. The durable nonce has moved on: mark the height that the cluster has reached by now, past which nothing signed over
   the old value can land; then wait for that height to be final.
5. A release is on its way into a final block: wait.
6. Over a durable nonce, and the effect is past its time, or was accepted `stuck_after_s` ago without landing: sign a
   release at a raised price. Where the cap forbids a raise, raise the alarm instead, and go on as below.
7. Past its time over a blockhash: wait until the bytes are dead, without sending them again.
8. Otherwise send the same bytes again: leaders forget what they could not pack at once.

What a wallet made and cannot pay for is its own affair, and over within two minutes: refusals of it call nobody.

*Why the proof reads the height first and the statuses after it.* Bytes land at or below their last valid height L. Once
a node's finalized height is past L, every block that could hold them is final on that node, and whether it knows the
signature cannot change any more: unknown then is unknown for ever. A status read before the height says nothing about
the blocks in between. For the same reason a status that is known but not finalized stops everything: if its fork is
dropped it becomes unknown, and is asked for again.

The same rule serves durable nonces. That the account holds another value shows that something over the old one has
landed, maybe ours, and no more: nodes show accounts before they show statuses. So the height reached by then becomes
the last valid one of everything signed over that value.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from kernel.outbox.solana.entries import Purpose, SignedPayload, SolanaEntry
from kernel.outbox.solana.lifecycle import Event, State
from kernel.solana.fees import SolanaFeePolicy
from kernel.solana.refusals import Refusal
from kernel.solana.statuses import SignatureStatus

# A blockhash lives for a minute or so: what is proven dead is proven soon after, or a person has to look.
PROVEN_WITHIN: Final = timedelta(hours=1)
# What a person has to see to. The rest passes: a blockhash that the node does not know yet, a leader that is busy.
ALARMING: Final = (Refusal.UNFUNDED, Refusal.UNACCEPTABLE, Refusal.UNKNOWN)
# The most telling refusal counts when endpoints disagree.
TELLING: Final = (*ALARMING, *(refusal for refusal in Refusal if refusal not in ALARMING))


@dataclass(frozen=True, slots=True, kw_only=True)
class SolanaPolicy:
    """How one cluster's entries are driven.

    `stuck_after_s` is for durable nonces only: over a blockhash the cluster itself says when bytes are dead.
    `resend_s` bounds the pause while living bytes wait for a block, `poll_max_s` every other one.
    """

    fees: SolanaFeePolicy
    stuck_after_s: float = 60.0
    poll_s: float = 1.0
    resend_s: float = 4.0
    poll_max_s: float = 60.0

    def __post_init__(self) -> None:
        if not 0 < self.poll_s <= self.resend_s <= self.poll_max_s:
            raise ValueError(f"0 < poll_s <= resend_s <= poll_max_s does not hold: {self}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What the cluster looked like from one node at one moment, and what two nodes said of the payloads' death."""

    now: datetime
    finalized_height: int = 0
    known: Mapping[str, SignatureStatus] = field(default_factory=dict)  # by signature
    nonce: str | None = None  # the durable nonce's value in the newest finalized block
    dead: bool | None = None  # proven, or not; None: not asked


@dataclass(frozen=True, slots=True)
class Sign:
    """Sign this over a fresh blockhash or the present nonce, commit the bytes, and send them."""

    purpose: Purpose


@dataclass(frozen=True, slots=True)
class Send:
    """Send the newest committed bytes again."""


@dataclass(frozen=True, slots=True)
class Prove:
    """Ask two RPCs whether anything signed so far can still land, or has."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Keep the height that the cluster has reached, as the last at which the payloads could land."""


@dataclass(frozen=True, slots=True)
class Settle:
    """This payload is in a finalized block: have that confirmed by two RPCs, and record the end."""

    payload: SignedPayload


@dataclass(frozen=True, slots=True)
class Abandon:
    """Nothing can land any more and nothing is wanted: record the end."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Look again later."""


Step = Sign | Send | Prove | Mark | Settle | Abandon | Wait


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A step, the events that the sighting proved, and what a person must know."""

    step: Step
    events: tuple[Event, ...] = ()
    alarm: str | None = None


def decide(entry: SolanaEntry, sighting: Sighting, policy: SolanaPolicy) -> Plan:
    """The next step of an entry that is not settled. The module's docstring is the algorithm."""
    landed = _landed(entry, sighting)
    if landed is not None:
        if sighting.known[landed.signature].is_final:
            return Plan(step=Settle(landed), events=(Event.LAND,))
        return Plan(step=Wait(), events=() if entry.state == State.LANDED else (Event.LAND,))
    dropped = (Event.DROP,) if entry.state == State.LANDED else ()
    latest = entry.latest
    if latest is None:
        unsignable = _unsignable(entry, sighting)
        return Plan(step=Abandon(), events=(Event.CANCEL,)) if unsignable else Plan(step=Sign(Purpose.EFFECT))
    if looks_dead(entry.payloads, sighting):
        return _dead(entry, latest, sighting, policy, dropped)
    return _alive(entry, latest, sighting, policy, dropped)


def looks_dead(payloads: Sequence[SignedPayload], sighting: Sighting) -> bool:
    """True when, to this one node, every block that could hold one of the payloads is final.

    A durable nonce must also still have moved on: what was seen once may have been of a fork.
    """
    lasts = [payload.last_height for payload in payloads]
    stands = any(payload.durable_nonce and sighting.nonce in {None, payload.blockhash} for payload in payloads)
    return not stands and all(last is not None and sighting.finalized_height > last for last in lasts)


def end_of(error: Any) -> Event:
    """How an effect in a finalized block ends the entry."""
    return Event.CONFIRM if error is None else Event.FAIL


def pause_s(entry: SolanaEntry, now: datetime, policy: SolanaPolicy) -> float:
    """Seconds until the next look: soon while living bytes wait for a block."""
    latest = entry.latest
    waits_for_block = latest is not None and latest.durable_nonce is None and entry.state != State.LANDED
    longest_s = policy.resend_s if waits_for_block else policy.poll_max_s
    return entry.pause_s(now, shortest_s=policy.poll_s, longest_s=longest_s)


def is_overdue(entry: SolanaEntry, now: datetime) -> bool:
    """True when waiting has become odd, for whatever reason."""
    return entry.waited_s(now) >= PROVEN_WITHIN.total_seconds()


def _landed(entry: SolanaEntry, sighting: Sighting) -> SignedPayload | None:
    """The effect that a block holds; the one in a final block, should forks hold two of them."""
    found = [payload for payload in entry.effects if payload.signature in sighting.known]
    final = (payload for payload in found if sighting.known[payload.signature].is_final)
    return next(final, found[0] if found else None)


def _unsignable(entry: SolanaEntry, sighting: Sighting) -> bool:
    """Whether what nobody here has signed is not to be signed any more."""
    given = entry.given
    if given is None:
        return entry.expired(sighting.now)
    return bool(given.missing) and (entry.expired(sighting.now) or sighting.finalized_height > given.last_height)


def _dead(
    entry: SolanaEntry, latest: SignedPayload, sighting: Sighting, policy: SolanaPolicy, dropped: tuple[Event, ...]
) -> Plan:
    if sighting.dead is None:
        return Plan(step=Prove())
    if not sighting.dead:
        overdue = sighting.now - latest.signed_at >= PROVEN_WITHIN
        return Plan(step=Wait(), events=dropped, alarm="unproven" if overdue else None)
    if entry.given is not None or entry.expired(sighting.now):
        return Plan(step=Abandon(), events=(*dropped, Event.CANCEL))
    return Plan(step=Sign(Purpose.EFFECT), events=dropped, alarm="fee_cap" if _capped(latest, policy) else None)


def _alive(
    entry: SolanaEntry, latest: SignedPayload, sighting: Sighting, policy: SolanaPolicy, dropped: tuple[Event, ...]
) -> Plan:
    alarm = str(latest.refusal) if latest.refusal in ALARMING and entry.given is None else None
    expired = entry.expired(sighting.now)
    if sighting.nonce is not None and all(sighting.nonce != payload.blockhash for payload in entry.payloads):
        marked = all(payload.last_height is not None for payload in entry.payloads)
        return Plan(step=Wait() if marked else Mark(), events=dropped, alarm=alarm)
    if any(payload.signature in sighting.known for payload in entry.payloads):
        return Plan(step=Wait(), events=dropped, alarm=alarm)
    if latest.durable_nonce is None:
        return Plan(step=Wait() if expired else Send(), events=dropped, alarm=alarm)
    unwanted = expired and latest.purpose == Purpose.EFFECT
    if unwanted or _stuck(latest, sighting.now, policy):
        if unwanted or not _capped(latest, policy):
            return Plan(step=Sign(Purpose.RELEASE), events=dropped, alarm=alarm)
        alarm = "fee_cap"
    return Plan(step=Send(), events=dropped, alarm=alarm)


def _stuck(latest: SignedPayload, now: datetime, policy: SolanaPolicy) -> bool:
    # Bytes that no node ever accepted had no chance yet: they are sent, not replaced.
    accepted_at = latest.accepted_at
    return accepted_at is not None and now - accepted_at >= timedelta(seconds=policy.stuck_after_s)


def _capped(latest: SignedPayload, policy: SolanaPolicy) -> bool:
    return latest.unit_price >= policy.fees.price_cap
