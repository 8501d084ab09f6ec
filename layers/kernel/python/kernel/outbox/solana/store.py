"""Owns the Solana outbox in Postgres: entries, signed payloads and nonce leases, one method for each transaction."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from kernel.errors import NotFound
from kernel.ids import new_id
from kernel.outbox.solana.entries import (
    Draft,
    MessageTaken,
    SignedPayload,
    SolanaEntry,
    SolanaIntent,
    SolanaIntentChanged,
    same_effect,
)
from kernel.outbox.solana.lifecycle import Event, State, after
from kernel.outbox.solana.looking import Ending
from kernel.outbox.verdict import Verdict
from kernel.postgres import Fence, Postgres, Queries, Transaction
from kernel.solana.refusals import Refusal

Q: Final = Queries.load(Path(__file__).with_name("queries.sql"))


class SolanaOutboxStore:
    """The three tables of the Solana outbox. Times are given by the caller."""

    def __init__(self, postgres: Postgres) -> None:
        self.postgres = postgres

    def record(
        self, tx: Transaction, intents: Sequence[SolanaIntent], now: datetime
    ) -> tuple[dict[str, UUID], set[str]]:
        """Store new obligations in one statement; the ids of all by business key, and the keys that were new.

        Raises SolanaIntentChanged when one is recorded already with another effect, and MessageTaken.
        """
        rows = [{"id": str(new_id()), **intent.columns()} for intent in intents]
        created = tx.all(Q["record_entries"], entries=Jsonb(rows), now=now)
        ids = {row["business_key"]: row["id"] for row in created}
        known = [intent for intent in intents if intent.business_key not in ids]
        if known:
            stored = tx.all(Q["entries_by_key"], business_keys=[intent.business_key for intent in known])
            by_key = {row["business_key"]: row for row in stored}
            for intent in known:
                if intent.business_key not in by_key:
                    raise MessageTaken(business_key=intent.business_key)
                if not same_effect(by_key[intent.business_key], intent):
                    raise SolanaIntentChanged(business_key=intent.business_key)
        new = set(ids)
        return ids | ({key: row["id"] for key, row in by_key.items()} if known else {}), new

    def entry(self, entry_id: UUID) -> SolanaEntry:
        """The entry with everything ever signed for it. Raises NotFound."""
        with self.postgres.transaction() as tx:
            return self._entry(tx, tx.maybe(Q["entry"], id=entry_id), str(entry_id))

    def entry_by_key(self, business_key: str) -> SolanaEntry | None:
        """The entry of a business key, or None."""
        with self.postgres.transaction() as tx:
            row = tx.maybe(Q["entry_by_key"], business_key=business_key)
            return None if row is None else self._entry(tx, row, business_key)

    def alarmed(self, limit: int) -> list[SolanaEntry]:
        """Entries that need a person, oldest alarm first, without their payloads."""
        with self.postgres.transaction() as tx:
            return [SolanaEntry.from_row(row) for row in tx.all(Q["alarmed"], limit=limit)]

    def lease_nonce(self, entry: SolanaEntry, fence: Fence, now: datetime) -> bool:
        """Take the entry's durable nonce account until it settles; False while another open entry uses it.

        Committed before anything is signed over the nonce, and idempotent. Raises LeaseLost.
        """
        with self.postgres.transaction(holding=fence) as tx:
            nonce = {"cluster": entry.cluster, "account": entry.durable_nonce}
            return tx.maybe(Q["lease_nonce"], entry_id=entry.id, now=now, **nonce) is not None

    def store_payload(
        self,
        entry: SolanaEntry,
        fence: Fence,
        draft: Draft,
        *,
        events: tuple[Event, ...],
        alarm: str | None,
        now: datetime,
    ) -> SolanaEntry:
        """Transaction 2: keep the bytes unless bytes of this ordinal are kept already; the entry as committed.

        The ordinal is one more than the payloads that were looked up before signing: whoever signs in ignorance of a
        payload finds its place taken. Where another entry has stored the very same bytes nothing is kept either: both
        effects would be one transaction. Raises LeaseLost when the fence is stale; nothing kept is nothing broadcast.
        """
        with self.postgres.transaction(holding=fence) as tx:
            row = tx.one(Q["lock_entry"], id=entry.id)
            ordinal = len(entry.payloads) + 1
            columns = {**asdict(draft), "purpose": str(draft.purpose)}
            if tx.execute(
                Q["store_payload"], entry_id=entry.id, ordinal=ordinal, now=now, fence=fence.token, **columns
            ):
                self._move(tx, row, (*events, Event.SIGN), alarm, now)
            return self._entry(tx, tx.one(Q["entry"], id=entry.id), str(entry.id))

    def mark_sent(
        self, entry: SolanaEntry, payload: SignedPayload, fence: Fence, verdict: Verdict[Refusal], now: datetime
    ) -> None:
        """Keep what a broadcast came to. Raises LeaseLost."""
        with self.postgres.transaction(holding=fence) as tx:
            row = tx.one(Q["lock_entry"], id=entry.id)
            tx.execute(
                Q["mark_sent"],
                entry_id=entry.id,
                ordinal=payload.ordinal,
                accepted=verdict.accepted,
                refusal=verdict.refusal and str(verdict.refusal),
                now=now,
            )
            if verdict.accepted:
                self._move(tx, row, (Event.ACCEPT,), row["alarm"], now)

    def mark_outlived(self, entry: SolanaEntry, fence: Fence, height: int) -> None:
        """Keep the height past which nothing signed so far over the durable nonce can land. Raises LeaseLost."""
        with self.postgres.transaction(holding=fence) as tx:
            tx.execute(Q["mark_outlived"], entry_id=entry.id, height=height, ordinal=len(entry.payloads))

    def note(
        self, entry: SolanaEntry, fence: Fence, events: tuple[Event, ...], alarm: str | None, now: datetime
    ) -> None:
        """Keep what a look at the cluster proved. Raises LeaseLost."""
        with self.postgres.transaction(holding=fence) as tx:
            self._move(tx, tx.one(Q["lock_entry"], id=entry.id), events, alarm, now)

    def settle(
        self,
        tx: Transaction,
        entry: SolanaEntry,
        events: tuple[Event, ...],
        ending: Ending | None,
        *,
        release_fees: int,
        now: datetime,
    ) -> SolanaEntry:
        """Record the end in the caller's transaction, which also completes the task; the entry as settled.

        Without an ending the entry is past its time, and nothing of its effect can land.
        """
        row = tx.one(Q["lock_entry"], id=entry.id)
        error = None if ending is None else ending.error
        tx.execute(
            Q["settle_entry"],
            id=entry.id,
            state=str(after(State(row["state"]), *events)),
            reason="expired" if ending is None else None if error is None else "the program refused it",
            signature=ending and ending.signature,
            slot=ending and ending.slot,
            fee_lamports=release_fees + (ending.fee_lamports if ending else 0),
            spent_lamports=ending.spent_lamports if ending else 0,
            error=None if error is None else Jsonb(error),
            now=now,
        )
        if entry.durable_nonce is not None:
            tx.execute(Q["free_nonce"], entry_id=entry.id)
        return self._entry(tx, tx.one(Q["entry"], id=entry.id), str(entry.id))

    def _move(
        self, tx: Transaction, row: dict[str, Any], events: tuple[Event, ...], alarm: str | None, now: datetime
    ) -> None:
        state = after(State(row["state"]), *events)
        if (state, alarm) != (row["state"], row["alarm"]):
            tx.execute(Q["move_entry"], id=row["id"], state=str(state), alarm=alarm, now=now)

    def _entry(self, tx: Transaction, row: dict[str, Any] | None, key: str) -> SolanaEntry:
        if row is None:
            raise NotFound(solana_outbox_entry=key)
        payloads = tuple(SignedPayload.from_row(one) for one in tx.all(Q["payloads"], entry_id=row["id"]))
        return SolanaEntry.from_row(row, payloads)
