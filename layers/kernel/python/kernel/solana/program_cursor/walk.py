"""Owns the walk back through an address's transactions: what one page of it brings, and when it has arrived (pure).

A cluster tells an address's transactions from the newest back, a page at a time, and an endpoint that does not know
the transaction to go on from answers with an empty page, as at the end. So an empty page ends a walk only where the
endpoint knows that transaction, and a short one never does: providers cut pages as they like.

An endpoint that does not know the transaction to stop at goes on to the beginning of time; the slot of that
transaction stops it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from kernel.solana.history import SignatureSeen


@dataclass(frozen=True, slots=True)
class Mark:
    """The newest transaction that was delivered, or where to start."""

    signature: str | None
    slot: int


@dataclass(frozen=True, slots=True)
class Finding:
    """A transaction that waits to be delivered. The greater the ordinal, the older it is."""

    ordinal: int
    signature: str
    slot: int
    succeeded: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What one page brought: findings from the newest back, the transaction to go on from, and whether it arrived."""

    findings: tuple[Finding, ...]
    before: str | None
    is_last: bool


class Disorder(Exception):
    """A page that is not in the order of time."""


def turn_page(lines: Sequence[SignatureSeen], mark: Mark, *, ceiling_slot: int, after_ordinal: int) -> Page:
    """What a page means; its lines run from the newest back.

    What lies above `ceiling_slot` is not final yet and left for a later walk. Raises Disorder.
    """
    if any(newer.slot < older.slot for newer, older in pairwise(lines)):
        raise Disorder("a page is not in the order of slots")
    fresh: list[SignatureSeen] = []
    arrived = not lines
    for line in lines:
        if line.signature == mark.signature or line.slot < mark.slot:
            arrived = True
            break
        if line.slot <= ceiling_slot:
            fresh.append(line)
    findings = tuple(
        Finding(ordinal, line.signature, line.slot, line.error is None)
        for ordinal, line in enumerate(fresh, after_ordinal + 1)
    )
    return Page(findings=findings, before=lines[-1].signature if lines else None, is_last=arrived)


def lacking(
    lines: Sequence[SignatureSeen], others: Sequence[SignatureSeen], mark: Mark, *, ceiling_slot: int
) -> list[SignatureSeen]:
    """What another endpoint tells within this page, from its oldest line up to a slot that this one says is final."""
    known = {line.signature for line in lines} | {mark.signature}
    floor_slot = max(mark.slot, lines[-1].slot if lines else 0)
    return [line for line in others if line.signature not in known and floor_slot <= line.slot <= ceiling_slot]


def merged(lines: Sequence[SignatureSeen], lacked: Sequence[SignatureSeen]) -> list[SignatureSeen]:
    """The page with what it lacked, in the order of slots; within a slot what was lacked counts as the older."""
    return sorted([*lines, *lacked], key=lambda line: -line.slot)
