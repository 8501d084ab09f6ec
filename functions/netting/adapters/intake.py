"""Owns the intake: what is posted is checked, decided in one transaction, stored, and answered one by one.

1. Signatures are checked (`consents`), outside any transaction.
2. The asks that intents name are held, then the sessions that sign and pay are locked: always in this order, each in
   the order of keys. From here on no other request changes their volume or uses their nonces.
3. `core.intake` decides about one intent after the other; what is new is stored and charged to its sessions.

So a session's volume never goes beyond its limit, whatever comes at once; and a request that dies on the way has taken
nothing. The same intent posted again finds itself.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from psycopg.types.json import Jsonb

from functions.netting.adapters import sessions_read
from functions.netting.adapters.consents import Posted, posted
from functions.netting.adapters.intent_views import IntentBody, IntentView, Outcome, Outcomes, intent_view
from functions.netting.adapters.listings import held_listings
from functions.netting.adapters.refusals import error_of
from functions.netting.adapters.stored_intents import IntentUnknown, signed_intent
from functions.netting.core.intake import Gate, Taken, World
from functions.netting.core.intents import Refusal
from functions.netting.core.pace import Pace
from functions.netting.core.times import unix_ms
from kernel.clock import Clock
from kernel.handler import count
from kernel.postgres import Postgres, Queries, Transaction

Q: Final = Queries.load(Path(__file__).with_name("intake.sql"))
Verdict = Taken | Refusal


class Intake:
    """Takes intents in."""

    def __init__(self, postgres: Postgres, clock: Clock) -> None:
        self._postgres, self._clock = postgres, clock

    def take(self, bodies: Sequence[IntentBody]) -> Outcomes:
        """What becomes of each intent, in their order."""
        told = self._taken(bodies)
        accepted = sum(one.outcome == "accepted" for one in told)
        return Outcomes(outcomes=told, accepted=accepted, refused=len(told) - accepted)

    def take_one(self, body: IntentBody) -> Outcome:
        """The same of a single one. Raises the error of its refusal."""
        (told,) = self._taken([body])
        if told.code is not None:
            raise error_of(Refusal(told.code))
        return told

    def shown(self, intent_id: str) -> IntentView:
        """One intent. Raises IntentUnknown."""
        with self._postgres.transaction() as tx:
            row = tx.maybe(Q["intent"], id=intent_id)
        if row is None:
            raise IntentUnknown(id=intent_id)
        return intent_view(row)

    def _taken(self, bodies: Sequence[IntentBody]) -> list[Outcome]:
        now = self._clock.now()
        came = posted(self._postgres, bodies, now)
        with self._postgres.transaction() as tx:
            world, states = _world(tx, came, now)
            gate = Gate(world)
            verdicts = [gate.verdict(one.offer) for one in came]
            new = [one for one, verdict in zip(came, verdicts, strict=True) if verdict is Taken.NEW]
            states |= _stored(tx, new, world, now)
            tx.after_commit(lambda: _counted(len(new), len(came)))
        return [_outcome(one, verdict, states) for one, verdict in zip(came, verdicts, strict=True)]


def _world(tx: Transaction, came: Sequence[Posted], now: datetime) -> tuple[World, dict[str, str]]:
    """Everything that the intents name, and in which state those are that were there before."""
    intents = [one.offer.intent for one in came]
    signers = {intent.session for intent in intents}
    counters = {one.offer.counter_session for one in came if one.offer.counter_session is not None}
    listings = held_listings(tx, {intent.listing_id for intent in intents} - {None})
    sessions, paces = sessions_read.locked(tx, signers | counters)
    items = tx.all(Q["known_items"], items=sorted({intent.item_id for intent in intents}))
    used = tx.all(
        Q["known_intents"],
        ids=[intent.id for intent in intents],
        sessions=[intent.session for intent in intents],
        nonces=[str(intent.nonce) for intent in intents],
    )
    known = [signed_intent(row) for row in used]
    world = World(
        now=unix_ms(now),
        sessions=sessions,
        paces=paces,
        listings=listings,
        items={row["item_id"] for row in items},
        known={intent.id: intent for intent in known},
        nonces={(intent.session, intent.nonce) for intent in known},
    )
    return world, {row["id"]: row["state"] for row in used}


def _stored(tx: Transaction, new: Sequence[Posted], world: World, now: datetime) -> dict[str, str]:
    """Store what is new and charge its sessions; the states of what was stored."""
    if not new:
        return {}
    inserted = {row["id"] for row in tx.all(Q["insert_intents"], intents=Jsonb([*map(_row, new)]), now=now)}
    stored = [one for one in new if one.offer.intent.id in inserted]
    _charge(tx, stored, world)
    return {one.offer.intent.id: _state(one) for one in stored}


def _row(one: Posted) -> dict[str, Any]:
    intent, counter = one.offer.intent, one.counter_signature
    return {
        "id": intent.id,
        "session": intent.session,
        "owner": intent.owner,
        "item_id": intent.item_id,
        "seller": intent.seller,
        "buyer": intent.buyer,
        "amount_lamports": intent.amount_lamports,
        "nonce": intent.nonce,
        "created_at_ms": intent.created_at,
        "kind": intent.kind,
        "listing_id": intent.listing_id,
        "signature": _bytea(one.signature),
        "counter_signature": None if counter is None else _bytea(counter),
        "counter_session": one.offer.counter_session,
        "state": _state(one),
    }


def _charge(tx: Transaction, stored: Sequence[Posted], world: World) -> None:
    lamports: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    for one in stored:
        lamports[one.offer.payer] += one.offer.intent.amount_lamports
        counts[one.offer.intent.session] += 1
    tx.execute(
        Q["charge_sessions"],
        sessions=Jsonb(
            [
                _charged(key, lamports[key], world.paces[key].at(world.now).plus(counts[key]))
                for key in lamports.keys() | counts.keys()
            ]
        ),
    )


def _charged(key: str, lamports: int, pace: Pace) -> dict[str, Any]:
    paces = {"pace_second": pace.second, "pace_count": pace.count, "pace_before": pace.before}
    return {"key": key, "lamports": lamports, **paces}


def _bytea(octets: bytes) -> str:
    """As Postgres writes it."""
    return f"\\x{octets.hex()}"


def _state(one: Posted) -> str:
    return "pending" if one.offer.is_agreed else "offered"


def _outcome(one: Posted, verdict: Verdict, states: dict[str, str]) -> Outcome:
    intent_id = one.offer.intent.id
    state = states.get(intent_id) if isinstance(verdict, Taken) else None
    if state is None:  # an id that another session took while this request was decided is as used as any
        code = verdict if isinstance(verdict, Refusal) else Refusal.ID_USED
        return Outcome(id=intent_id, outcome="refused", state=None, code=code)
    return Outcome(id=intent_id, outcome="accepted", state=state, code=None)


def _counted(taken: int, came: int) -> None:
    count("netting_intents_taken", taken)
    count("netting_intents_came", came)
