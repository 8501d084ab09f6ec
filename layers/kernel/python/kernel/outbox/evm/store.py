"""Owns the outbox in Postgres: leases, entries and signed payloads, one method for each transaction of the rule."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from kernel.errors import LeaseLost, NotFound
from kernel.evm.blocks import Head, Receipt
from kernel.evm.refusals import Refusal
from kernel.evm.transactions import SignedTransaction
from kernel.ids import new_id
from kernel.outbox.evm.entries import (
    FILLER_SERVICE,
    EvmIntent,
    IntentChanged,
    NonceHolder,
    OutboxEntry,
    Purpose,
    SignedPayload,
    same_effect,
)
from kernel.outbox.evm.lifecycle import Event, State, after
from kernel.outbox.verdict import Verdict
from kernel.postgres import Fence, Postgres, Queries, Transaction

Q: Final = Queries.load(Path(__file__).with_name("queries.sql"))


class OutboxStore:
    """The three tables of the outbox. Times are given by the caller."""

    def __init__(self, postgres: Postgres) -> None:
        self.postgres = postgres

    def leased(self, tx: Transaction, chain_id: int, signer: str) -> int | None:
        """Lock the signer's row until the commit; the next nonce, or None when the signer has leased none yet."""
        row = tx.maybe(Q["lock_nonce"], chain_id=chain_id, signer=signer)
        return None if row is None else int(row["next_nonce"])

    def leased_open(self, tx: Transaction, chain_id: int, signer: str) -> int:
        """The same for a signer that has leased before. Raises UnexpectedRows otherwise."""
        return int(tx.one(Q["lock_nonce"], chain_id=chain_id, signer=signer)["next_nonce"])

    def open_nonce(self, tx: Transaction, chain_id: int, signer: str, next_nonce: int, now: datetime) -> None:
        """Begin leasing at `next_nonce`, unless somebody has begun."""
        tx.execute(Q["open_nonce"], chain_id=chain_id, signer=signer, next_nonce=next_nonce, now=now)

    def unopened(self, chain_id: int, signers: Sequence[str]) -> list[str]:
        """Which of these signers have leased no nonce yet."""
        with self.postgres.transaction() as tx:
            opened = {row["signer"] for row in tx.all(Q["nonces_opened"], chain_id=chain_id, signers=list(signers))}
        return [signer for signer in signers if signer not in opened]

    def recorded(self, tx: Transaction, intents: Sequence[EvmIntent]) -> dict[str, UUID]:
        """The entries that exist already, by business key. Raises IntentChanged when one has another effect."""
        rows = tx.all(Q["entries_by_key"], business_keys=[intent.business_key for intent in intents])
        by_key = {row["business_key"]: row for row in rows}
        for intent in intents:
            row = by_key.get(intent.business_key)
            if row is not None and not same_effect(row, intent):
                raise IntentChanged(business_key=intent.business_key)
        return {key: row["id"] for key, row in by_key.items()}

    def record(self, tx: Transaction, intents: Sequence[EvmIntent], first_nonce: int, now: datetime) -> dict[str, UUID]:
        """Store new obligations of one signer at consecutive nonces; `hand_out` moves the signer's next nonce."""
        ids = {intent.business_key: new_id() for intent in intents}
        rows = [
            _row(intent, ids[intent.business_key], first_nonce + offset, now) for offset, intent in enumerate(intents)
        ]
        tx.many(Q["record_entry"], rows)
        return ids

    def hand_out(self, tx: Transaction, chain_id: int, signer: str, next_nonce: int) -> None:
        """Move the signer's next nonce behind those handed out. Raises UnexpectedRows where that would be back."""
        tx.one(Q["advance_nonce"], chain_id=chain_id, signer=signer, next_nonce=next_nonce)

    def entry(self, entry_id: UUID) -> OutboxEntry:
        """The entry with the payloads of its present nonce. Raises NotFound."""
        return _entry(self.postgres.glance.all(Q["entry"], id=entry_id), str(entry_id))

    def entry_by_key(self, business_key: str) -> OutboxEntry | None:
        """The entry of a business key, or None."""
        rows = self.postgres.glance.all(Q["entry_by_key"], business_key=business_key)
        return _entry(rows, business_key) if rows else None

    def alarmed(self, limit: int) -> list[OutboxEntry]:
        """Entries that need a person, oldest alarm first, without their payloads."""
        with self.postgres.transaction() as tx:
            return [OutboxEntry.from_row(row) for row in tx.all(Q["alarmed"], limit=limit)]

    def holder(self, tx: Transaction, chain_id: int, signer: str, nonce: int) -> NonceHolder:
        """To whom a nonce belongs; certain while the caller holds the lock on the signer's row."""
        row = tx.maybe(Q["nonce_holder"], chain_id=chain_id, signer=signer, nonce=nonce)
        if row is None:
            return NonceHolder.NOBODY
        if row["settled"]:
            return NonceHolder.SETTLED
        return NonceHolder.FILLER if row["service"] == FILLER_SERVICE else NonceHolder.OBLIGATION

    def holder_of(self, entry: OutboxEntry, nonce: int) -> NonceHolder:
        """To whom a nonce of the entry's signer belongs at the moment."""
        with self.postgres.transaction() as tx:
            return self.holder(tx, entry.chain_id, entry.signer, nonce)

    def submit_kind(self, tx: Transaction, entry: OutboxEntry, task_id: UUID) -> str:
        """The kind of the task that submits an entry, which is the task given."""
        return str(tx.one(Q["submit_kind"], id=entry.id, task_id=task_id)["kind"])

    def insert(self, tx: Transaction, intent: EvmIntent, nonce: int, now: datetime) -> UUID:
        """Store one obligation at a nonce that the caller holds by the lock on the signer's row."""
        entry_id = new_id()
        tx.execute(Q["record_entry"], **_row(intent, entry_id, nonce, now))
        return entry_id

    def store_payload(
        self,
        entry: OutboxEntry,
        fence: Fence,
        signed: SignedTransaction,
        *,
        purpose: Purpose,
        head: Head,
        events: tuple[Event, ...],
        alarm: str | None,
        now: datetime,
    ) -> OutboxEntry:
        """Transaction 2: keep the bytes unless bytes of this ordinal are kept already; the entry as committed.

        Raises LeaseLost when the fence is stale: then nothing is kept, and so nothing will be broadcast.
        """
        with self._held(entry, fence) as (tx, row):
            stored = row["nonce"] == entry.nonce and tx.execute(
                Q["store_payload"],
                entry_id=entry.id,
                nonce=entry.nonce,
                ordinal=len(entry.payloads) + 1,
                purpose=str(purpose),
                max_fee_wei=signed.payload.fees.max_fee_wei,
                tip_wei=signed.payload.fees.tip_wei,
                raw=signed.raw,
                hash=signed.hash,
                signed_at_block=head.number,
                now=now,
                fence=fence.token,
            )
            if stored:
                self._move(tx, row, (*events, Event.SIGN), alarm, now)
            return _entry(tx.all(Q["entry"], id=entry.id), str(entry.id))

    def mark_sent(
        self, entry: OutboxEntry, payload: SignedPayload, fence: Fence, verdict: Verdict[Refusal], now: datetime
    ) -> None:
        """Keep what a broadcast came to. Raises LeaseLost."""
        with self._held(entry, fence) as (tx, row):
            tx.execute(
                Q["mark_sent"],
                entry_id=entry.id,
                nonce=entry.nonce,
                ordinal=payload.ordinal,
                accepted=verdict.accepted,
                refusal=verdict.refusal and str(verdict.refusal),
                now=now,
            )
            if verdict.accepted:
                self._move(tx, row, (Event.ACCEPT,), row["alarm"], now)

    def note(
        self, entry: OutboxEntry, fence: Fence, events: tuple[Event, ...], alarm: str | None, now: datetime
    ) -> None:
        """Keep what a look at the chain proved. Raises LeaseLost."""
        with self._held(entry, fence) as (tx, row):
            if Event.ACCEPT in events and entry.latest is not None:
                tx.execute(
                    Q["mark_accepted"], entry_id=entry.id, nonce=entry.nonce, ordinal=entry.latest.ordinal, now=now
                )
            self._move(tx, row, events, alarm, now)

    def give_up(self, entry: OutboxEntry, fence: Fence, why: str, now: datetime) -> None:
        """Keep that the effect is not wanted any more, unless something is signed of it meanwhile. Raises LeaseLost."""
        with self.postgres.transaction(holding=fence) as tx:
            tx.execute(Q["give_up"], id=entry.id, unwanted=why, now=now)

    def lease_again(self, entry: OutboxEntry, fence: Fence, claimed: int, *, reason: str, now: datetime) -> int:
        """Give the obligation a new nonce, at or above `claimed`; the new nonce. Raises LeaseLost."""
        with self.postgres.transaction(holding=fence) as tx:
            next_nonce = self.leased_open(tx, entry.chain_id, entry.signer)
            row = tx.one(Q["lock_entry"], id=entry.id)
            if row["nonce"] != entry.nonce:
                raise LeaseLost(outbox_entry=str(entry.id))
            nonce = max(next_nonce, claimed)
            self.hand_out(tx, entry.chain_id, entry.signer, nonce + 1)
            state = after(State(row["state"]), Event.DISPLACE)
            tx.execute(Q["lease_again"], id=entry.id, state=str(state), nonce=nonce, reason=reason, now=now)
        return nonce

    def settle(
        self,
        tx: Transaction,
        entry: OutboxEntry,
        events: tuple[Event, ...],
        *,
        receipt: Receipt | None,
        reason: str | None,
        now: datetime,
    ) -> OutboxEntry:
        """Record the end in the caller's transaction, which also completes the task; the entry as settled."""
        row = tx.one(Q["lock_entry"], id=entry.id)
        settled = tx.one(
            Q["settle_entry"],
            id=entry.id,
            state=str(after(State(row["state"]), *events)),
            reason=reason,
            transaction_hash=receipt and receipt.transaction_hash,
            block_number=receipt and receipt.block_number,
            block_hash=receipt and receipt.block_hash,
            gas_used=receipt and receipt.gas_used,
            gas_price_wei=receipt and receipt.gas_price_wei,
            l1_fee_wei=receipt and receipt.l1_fee_wei,
            now=now,
        )
        return OutboxEntry.from_row(settled, entry.payloads)

    @contextmanager
    def _held(self, entry: OutboxEntry, fence: Fence) -> Iterator[tuple[Transaction, dict[str, Any]]]:
        """A transaction that holds the task and the entry, and the entry's row."""
        with self.postgres.transaction(holding=fence, first=(Q["lock_entry"], {"id": entry.id})) as tx:
            [row] = tx.opened
            yield tx, row

    def _move(
        self, tx: Transaction, row: dict[str, Any], events: tuple[Event, ...], alarm: str | None, now: datetime
    ) -> None:
        state = after(State(row["state"]), *events)
        if (state, alarm) != (row["state"], row["alarm"]):
            tx.execute(Q["move_entry"], id=row["id"], state=str(state), alarm=alarm, now=now)


def _entry(rows: Sequence[Mapping[str, Any]], key: str) -> OutboxEntry:
    """The entry of its rows, one for each payload. Raises NotFound."""
    if not rows:
        raise NotFound(outbox_entry=key)
    payloads = (SignedPayload.from_row(row) for row in rows if row["ordinal"] is not None)
    return OutboxEntry.from_row(rows[0], tuple(payloads))


def _row(intent: EvmIntent, entry_id: UUID, nonce: int, now: datetime) -> dict[str, Any]:
    return {**intent.columns(), "id": entry_id, "nonce": nonce, "now": now}
