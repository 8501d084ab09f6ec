"""Owns the gathering of a trace: one read of every room, in one transaction, sorted by time."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kernel.errors import NotFound
from kernel.postgres import Postgres, Queries
from kernel.trace import moments
from kernel.trace.moments import Moment, Row

Q: Final = Queries.load(Path(__file__).with_name("queries.sql"))
#: Rows of one room; more than a person reads, and less than a Lambda answer holds (6 MB).
ROWS_MAX: Final = 500

#: Whose transfers forward deposits.
TREASURY: Final = "treasury"

#: What is found by the key itself.
BY_KEY: Final[dict[str, Callable[[Sequence[Row]], Iterator[Moment]]]] = {
    "tasks": moments.of_tasks,
    "attempts": moments.of_attempts,
    "evm_entries": moments.of_evm_entries,
    "evm_payloads": moments.of_evm_payloads,
    "solana_entries": moments.of_solana_entries,
    "solana_payloads": moments.of_solana_payloads,
    "signature_requests": moments.of_signature_requests,
    "offload_jobs": moments.of_offload_jobs,
    "offload_attempts": moments.of_offload_attempts,
    "webhooks": moments.of_webhooks,
}
#: What is found by what the key led to.
BY_RELATION: Final[dict[str, Callable[[Sequence[Row]], Iterator[Moment]]]] = {
    "postings": moments.of_postings,
    "acts": moments.of_acts,
}


class NoTrace(NotFound):
    """Nothing is known of this business key."""

    cause = "The key is misspelt, or its task finished more than thirty days ago and it never owed a transaction."
    remedy = "Take the key from the answer or the log line that named it."


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """Everything known of a key, in the order of time. `cut` names the rooms of which only a part is shown."""

    business_key: str
    moments: tuple[Moment, ...]
    cut: tuple[str, ...]


class Traces:
    """What became of a business key."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    def of(self, business_key: str) -> Trace:
        """Its time-line. Raises NoTrace."""
        with self._postgres.transaction() as tx:
            name = business_key.removeprefix(f"{TREASURY}/")
            keys = _keys(business_key, tx.all(Q["deposits"], key=business_key, name=name, limit=ROWS_MAX))
            rows: dict[str, Sequence[Row]] = {room: tx.all(Q[room], keys=keys, limit=ROWS_MAX) for room in BY_KEY}
            rows["postings"] = tx.all(Q["postings"], ledger_keys=_ledger_keys(keys, rows), limit=ROWS_MAX)
            rows["acts"] = tx.all(Q["acts"], subjects=_subjects(keys, rows), limit=ROWS_MAX)
        found = [moment for room, read in (BY_KEY | BY_RELATION).items() for moment in read(rows[room])]
        if not found:
            raise NoTrace(business_key=business_key[:200])
        cut = tuple(room for room, some in rows.items() if len(some) == ROWS_MAX)
        return Trace(business_key=business_key, moments=tuple(sorted(found, key=lambda one: one.at)), cut=cut)


def _keys(business_key: str, deposits: Sequence[Row]) -> list[str]:
    """An event's task, its retraction's, and the transfer that forwards what it brought are one story."""
    events = {row["event"] for row in deposits}
    told = {f"{event}{removed}" for event in events for removed in ("", ":removed")}
    return sorted({business_key, *told, *(f"{TREASURY}/{row['key']}" for row in deposits)})


def _ledger_keys(keys: Sequence[str], rows: Mapping[str, Sequence[Row]]) -> list[str]:
    """An obligation is booked under its own key when it is recorded, and under its entry's id when it ends."""
    entries = [*rows["evm_entries"], *rows["solana_entries"]]
    ends = [f"{row['business_key'].partition('/')[0]}/settled/{row['id']}" for row in entries]
    return [*keys, *ends, *(f"{TREASURY}/deposit/{key.removeprefix(f'{TREASURY}/')}" for key in keys)]


def _subjects(keys: Sequence[str], rows: Mapping[str, Sequence[Row]]) -> list[str]:
    """What an act may have been done to: the obligation by its name, one of its tasks, a request for a signature."""
    tasks = [f"task:{row['id']}" for row in rows["tasks"]]
    requests = [f"signature_request:{row['id']}" for row in rows["signature_requests"]]
    return [*keys, *(f"transfer:{key.partition('/')[2]}" for key in keys), *tasks, *requests]
