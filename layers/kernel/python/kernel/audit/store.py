"""Owns the audit log in Postgres: acts are added in the transaction that does them, read page by page, and verified."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from kernel.audit.chain import START, ChainBroken, Head, Link, verified
from kernel.clock import Clock, SystemClock
from kernel.errors import Invalid
from kernel.postgres import Postgres, Queries, Transaction
from kernel.postgres.text import storable

Q: Final = Queries.load(Path(__file__).with_name("queries.sql"))
PAGE: Final = 1_000
_NEWEST: Final = 2**63 - 1


class Audit:
    """The table kernel.audit_log."""

    def __init__(self, postgres: Postgres, clock: Clock | None = None) -> None:
        self._postgres = postgres
        self._clock: Clock = clock or SystemClock()

    def record(
        self, tx: Transaction, *, actor: str, action: str, subject: str, details: Mapping[str, Any] | None = None
    ) -> int:
        """Add an act in the transaction that does it, so that neither is there without the other; its number.

        action: "<room>.<verb>", for instance "treasury.halt"; subject: what it is done to, for instance
        "service:bridge". Other acts wait for the caller's commit, so add it late and commit soon.
        """
        return int(
            tx.one(
                Q["add"],
                at=self._clock.now(),
                actor=storable(actor, 200),
                action=action,
                subject=storable(subject, 300),
                details=json.dumps(dict(details or {}), sort_keys=True, separators=(",", ":")),
            )["seq"]
        )

    def head(self) -> Head:
        """The newest link; tell it elsewhere, so that a cut chain shows."""
        with self._postgres.transaction() as tx:
            row = tx.one(Q["head"])
        return Head(seq=row["seq"], hash=bytes(row["hash"]))

    def newest(self, *, subject: str | None = None, below: int | None = None, limit: int = 100) -> list[Link]:
        """Acts, newest first, below a number and about one subject where these are given."""
        with self._postgres.transaction() as tx:
            rows = tx.all(Q["newest"], subject=subject, below=_NEWEST if below is None else below, limit=limit)
        return [Link.from_row(row) for row in rows]

    def verify(self, remembered: Head = START) -> Head:
        """Check the whole chain, by code other than the database's; its head.

        `remembered` must be one of its links. Raises ChainBroken with the number at which it does not hold.
        """
        newest = self.head()  # before the walk: links that are added meanwhile are checked, but not asked for
        awaited = [head for head in (remembered, newest) if head != START]
        head = START
        for link in self._links():
            head = verified([link], head)
            if any(one.seq == head.seq and one != head for one in awaited):
                raise ChainBroken(seq=head.seq)
        missing = [one.seq for one in awaited if one.seq > head.seq]
        if missing:
            raise ChainBroken(seq=head.seq + 1)
        return head

    def _links(self) -> Iterator[Link]:
        seq = 0
        while True:
            with self._postgres.transaction() as tx:
                page = [Link.from_row(row) for row in tx.all(Q["links_after"], seq=seq, limit=PAGE)]
            yield from page
            if len(page) < PAGE:
                return
            seq = page[-1].seq


def require_words(actor: str, reason: str) -> None:
    """Raises Invalid unless an act says who does it and why."""
    if not actor.strip() or not reason.strip():
        raise Invalid("A privileged act says who does it and why.")
