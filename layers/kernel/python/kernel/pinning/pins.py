"""Owns the pins in Postgres: what content belongs to a business key, and which services are known to hold it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from kernel.clock import Clock
from kernel.errors import Conflict, NotFound
from kernel.hashes import sha256
from kernel.pinning.encodings import Encoding
from kernel.postgres import Queries, Transaction

Q: Final = Queries.load(Path(__file__).with_name("queries.sql"))


class PinChanged(Conflict):
    """Other content is pinned under this business key already."""

    cause = "Content is pinned once for a business key: its CID may stand on a chain."
    remedy = "Pin changed content under a business key of its own."
    example = '{"business_key": "contest-42/standings"}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Content that lies in the bucket. Only `Pinning.keep` makes it."""

    cid: str
    #: SHA-256 of the content before it was compressed: another release may compress it otherwise.
    content_hash: bytes
    plain_bytes: int
    stored_bytes: int
    media_type: str
    encoding: Encoding


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """What is pinned for a business key. `state` is stored, partial, or pinned: all that are `wanted` hold it."""

    business_key: str
    cid: str
    content_hash: bytes
    plain_bytes: int
    stored_bytes: int
    media_type: str
    encoding: Encoding
    wanted: int
    confirmed: tuple[str, ...]
    state: str
    created_at: datetime
    changed_at: datetime

    @property
    def lacking(self) -> int:
        """How many services more are to hold it."""
        return max(0, self.wanted - len(self.confirmed))

    def proves(self, plain: bytes) -> bool:
        """Whether this is the content that was pinned."""
        return sha256(plain) == self.content_hash


def record(tx: Transaction, clock: Clock, business_key: str, kept: Kept, wanted: int) -> Pin:
    """The pin of this business key, new or old. Raises PinChanged when the old one has other content."""
    row = {name: getattr(kept, name) for name in Kept.__slots__}
    tx.execute(Q["record_pin"], **row, business_key=business_key, wanted=wanted, now=clock.now())
    pin = read(tx, business_key)
    if pin.content_hash != kept.content_hash:
        raise PinChanged(business_key=business_key)
    return pin


def read(tx: Transaction, business_key: str) -> Pin:
    """The pin of this business key. Raises NotFound."""
    row = tx.maybe(Q["pin_of"], business_key=business_key)
    if row is None:
        raise NotFound("Nothing is pinned under this business key.", business_key=business_key)
    return _pin(row)


def confirm(tx: Transaction, clock: Clock, business_key: str, service: str) -> Pin:
    """Note that a service holds it."""
    tx.execute(Q["confirm_pin"], business_key=business_key, service=service, now=clock.now())
    return read(tx, business_key)


def _pin(row: Mapping[str, Any]) -> Pin:
    return Pin(**{**row, "encoding": Encoding(row["encoding"]), "confirmed": tuple(row["confirmed"])})
