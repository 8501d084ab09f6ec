"""Owns the audit chain as values: what a link is, which octets its hash covers, and whether a run of links holds. Pure.

    hash = sha256(seq ‖ at ‖ actor ‖ action ‖ subject ‖ details ‖ previous hash)

seq and at (microseconds since 1970) take eight bytes each, big-endian; a text is UTF-8 behind its length in four. The
database computes the same when a link is added (infra/sql, kernel.audit_link); here it is computed a second time, by
other code, to verify.

What a chain cannot show by itself is that its newest links were cut off. So the head is told elsewhere now and then
(the log of ops/cron_retention), and `verified` takes the head that somebody remembers.
"""

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from kernel.errors import Broken
from kernel.hashes import sha256
from kernel.moments import unix_us

_NUMBERS: Final = struct.Struct(">qq")
_LENGTH: Final = struct.Struct(">I")


class ChainBroken(Broken):
    """The audit log was changed after it was written."""

    code = "audit_chain_broken"
    cause = "A row's hash does not cover the row and its predecessor, a number is missing, or the head is another."
    remedy = "Compare the rows from the number in details on with a backup; treat every later row as doubtful."


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The newest link's number and hash; number 0 and 32 zero bytes before the first."""

    seq: int
    hash: bytes

    def __str__(self) -> str:
        """As it is told elsewhere, and given back to verify."""
        return f"{self.seq}:{self.hash.hex()}"


START: Final = Head(seq=0, hash=bytes(32))


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One privileged act. `action` is "<room>.<verb>", `subject` what it was done to, `details` JSON text."""

    seq: int
    at: datetime
    actor: str
    action: str
    subject: str
    details: str
    previous_hash: bytes
    hash: bytes

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "Link":
        """From a row of kernel.audit_log."""
        octets = {name: bytes(row[name]) for name in ("previous_hash", "hash")}
        return cls(**{**{name: row[name] for name in cls.__slots__}, **octets})

    def digest(self) -> bytes:
        """The hash that this link must have."""
        texts = (self.actor, self.action, self.subject, self.details)
        return sha256(_NUMBERS.pack(self.seq, unix_us(self.at)) + b"".join(map(_text, texts)) + self.previous_hash)


def verified(links: Iterable[Link], after: Head = START) -> Head:
    """The head after these links, each of which must follow the one before it. Raises ChainBroken."""
    head = after
    for link in links:
        if (link.seq, link.previous_hash) != (head.seq + 1, head.hash) or link.hash != link.digest():
            raise ChainBroken(seq=head.seq + 1)
        head = Head(seq=link.seq, hash=link.hash)
    return head


def _text(value: str) -> bytes:
    octets = value.encode()
    return _LENGTH.pack(len(octets)) + octets
