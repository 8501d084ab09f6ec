"""Owns the backup of the vault: every key as it is sealed, in a text that says whether it is whole.

    {"format": "counterpart-keys-1", "keys": 2}
    {"address": …, "blob": …, "chain": …, "kms_key_id": …, "purpose": …, "version": …}    a key, ordered as in the vault
    …
    {"sha256": …}                                                                         of everything before

No key is opened to take it or to put it back: a blob opens only under its wrapping key of KMS and only for its own
purpose, chain and address. So the text may lie wherever rows may, and is worth nothing without KMS; and the wrapping
keys have to be kept as long as the oldest backup. `drill` shows that it is worth something: each key is opened, signs,
and its signature fits its address, without any database.
"""

import base64
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from kernel.audit import Audit
from kernel.clock import Clock, SystemClock
from kernel.errors import Broken, CounterpartError, Invalid
from kernel.keys.envelope import Envelope
from kernel.keys.evm import EnvelopeSigner
from kernel.keys.solana import EnvelopeSolanaSigner
from kernel.postgres import Postgres, Queries

Q: Final = Queries.load(Path(__file__).with_name("queries.sql"))
FORMAT: Final = "counterpart-keys-1"
_PLACE: Final = ("purpose", "chain", "address")
_FIELDS: Final = frozenset((*_PLACE, "blob", "kms_key_id", "version"))


class BackupUnreadable(Invalid):
    """This is no whole backup of the vault."""

    cause = "It was cut off or changed, or is another file."
    remedy = "Take another copy."


class BackupDiffers(Broken):
    """A key of the backup is not what the vault holds at its place."""

    cause = "A row of the vault was changed otherwise than by a rotation, or the backup is of another deployment."
    remedy = "Run the drill on both; nothing of the vault was overwritten."


@dataclass(frozen=True, slots=True)
class PutBack:
    """`restored` keys were absent, `present` ones were left as they are."""

    restored: int
    present: int


@dataclass(frozen=True, slots=True)
class Drilled:
    """`signed` keys opened and signed for their address; the others are named, with the code of what went wrong."""

    signed: int
    refused: tuple[str, ...]


class KeyBackup:
    """Takes backups of a vault, puts them back, and tries them."""

    def __init__(self, postgres: Postgres, envelope: Envelope, clock: Clock | None = None) -> None:
        self._postgres, self._envelope = postgres, envelope
        self._clock: Clock = clock or SystemClock()
        self._audit = Audit(postgres, self._clock)

    def take(self, *, actor: str) -> bytes:
        """Every sealed key at one moment; an act in the audit log."""
        with self._postgres.transaction() as tx:
            rows = tx.all(Q["sealed_blobs"])
            content = _written(rows)
            told = {"keys": str(len(rows)), "sha256": hashlib.sha256(content).hexdigest()}
            self._audit.record(tx, actor=actor, action="keys.back_up", subject="keys", details=told)
        return content

    def put_back(self, content: bytes, *, actor: str) -> PutBack:
        """Store what is absent, in one transaction. Raises BackupUnreadable, BackupDiffers.

        What is there already stays, if it is the same key: under the same blob, or under a later version of it.
        """
        rows, now = list(_read(content)), self._clock.now()
        with self._postgres.transaction() as tx:
            there = {_place(row): row for row in tx.all(Q["sealed_blobs"])}
            absent = [row for row in rows if _place(row) not in there]
            for row in rows:
                _compare(row, there.get(_place(row), row))
            for row in absent:
                tx.execute(Q["put_key_back"], **row, now=now)
            told = {"restored": str(len(absent)), "sha256": hashlib.sha256(content).hexdigest()}
            self._audit.record(tx, actor=actor, action="keys.put_back", subject="keys", details=told)
        return PutBack(restored=len(absent), present=len(rows) - len(absent))

    def drill(self, content: bytes) -> Drilled:
        """Open every key of a backup, and let it sign for its address. Raises BackupUnreadable.

        A key service that is away makes every key a refused one: nothing is stored, so try again.
        """
        signed, refused = 0, []
        for row in _read(content):
            try:
                self._sign(row)
                signed += 1
            except CounterpartError as unopened:
                refused.append(f"{row['purpose']} {row['chain']} {row['address']}: {unopened.code}")
        return Drilled(signed=signed, refused=tuple(refused))

    def _sign(self, row: Mapping[str, Any]) -> None:
        place = {name: row[name] for name in _PLACE}
        challenge = os.urandom(32)
        if row["chain"].startswith("evm:"):
            EnvelopeSigner(self._envelope, row["blob"], **place).sign_digest(challenge)
        else:
            EnvelopeSolanaSigner(self._envelope, row["blob"], **place).sign_message(b"\xffdrill" + challenge)


def _compare(kept: Mapping[str, Any], there: Mapping[str, Any]) -> None:
    if there["version"] <= kept["version"] and bytes(there["blob"]) != kept["blob"]:
        raise BackupDiffers(**{name: kept[name] for name in _PLACE})


def _place(row: Mapping[str, Any]) -> tuple[str, str, str]:
    return row["purpose"], row["chain"], row["address"]


def _written(rows: list[dict[str, Any]]) -> bytes:
    lines = [_line({"format": FORMAT, "keys": len(rows)})]
    lines += [_line({**row, "blob": base64.b64encode(bytes(row["blob"])).decode()}) for row in rows]
    body = b"".join(lines)
    return body + _line({"sha256": hashlib.sha256(body).hexdigest()})


def _line(told: Mapping[str, Any]) -> bytes:
    return json.dumps(told, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def _read(content: bytes) -> Iterator[dict[str, Any]]:
    """The keys of a whole backup. Raises BackupUnreadable."""
    body, line_end, last = content.removesuffix(b"\n").rpartition(b"\n")
    try:
        head, *rows = [json.loads(line) for line in body.splitlines()]
        told = json.loads(last)["sha256"]
        whole = head == {"format": FORMAT, "keys": len(rows)} and all(set(row) == _FIELDS for row in rows)
        keys = [{**row, "blob": base64.b64decode(row["blob"], validate=True)} for row in rows]
    except (KeyError, TypeError, ValueError):
        raise BackupUnreadable from None
    if not whole or told != hashlib.sha256(body + line_end).hexdigest():
        raise BackupUnreadable
    return iter(keys)
