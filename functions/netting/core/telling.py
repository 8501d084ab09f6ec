"""Owns what a transaction of the program tells: what was done, and which batches are settled by it.

What was done stands in the instructions that ran. That a batch is settled the program says in its log, at the
instruction which completed it; both must tell the same. A log may have been cut off by the runtime: then a whole batch
is known by its instruction, and a batch in parts is not known to be complete.

Only what our program said counts: another one may say the same bytes in a call of the same transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from functions.netting.core.instructions import BatchSettled, Executed, PartSettled
from functions.netting.core.settlement import NetBatchSettled, decode_event


class TellingContradicts(ValueError):
    """The program's log and its instructions tell different things."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidAt:
    """What our program said at a path."""

    path: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """A settled batch. `whole` is what was done, None for one in parts; no `settled_at_s` where a log was cut off."""

    batch_id: int
    batch_hash: bytes
    num_items: int
    num_wallets: int
    settled_at_s: int | None
    whole: BatchSettled | None


def batches_settled(done: Sequence[Executed], said: Sequence[SaidAt], *, is_whole: bool) -> list[Settled]:
    """The batches that a transaction completed, in order. is_whole: nothing is missing of what was said.

    Raises TellingContradicts, SettlementUnfit for what is no event of the program.
    """
    told = {one.path: decode_event(one.content) for one in said}
    events = {path: event for path, event in told.items() if isinstance(event, NetBatchSettled)}
    settled = []
    for one in done:
        if not isinstance(one.step, BatchSettled | PartSettled):
            continue
        event = events.pop(one.path, None)
        if event is not None:
            settled.append(_told(one.step, event))
        elif isinstance(one.step, BatchSettled):
            if is_whole:
                raise TellingContradicts(f"batch {one.step.batch_id} was settled without a word")
            settled.append(_silent(one.step))
        elif not is_whole:
            raise TellingContradicts(f"whether batch {one.step.batch_id} is complete stands behind the log's end")
    if events:
        raise TellingContradicts("a batch is said to be settled where none was")
    return settled


def _told(step: BatchSettled | PartSettled, event: NetBatchSettled) -> Settled:
    whole = step if isinstance(step, BatchSettled) else None
    counts = (event.num_items, event.num_wallets)
    if event.batch_id != step.batch_id or (
        whole is not None and (whole.batch_hash, len(whole.items), len(whole.deltas)) != (event.batch_hash, *counts)
    ):
        raise TellingContradicts(f"batch {step.batch_id} was settled, and batch {event.batch_id} told")
    return Settled(
        batch_id=event.batch_id,
        batch_hash=event.batch_hash,
        num_items=event.num_items,
        num_wallets=event.num_wallets,
        settled_at_s=event.settled_at,
        whole=whole,
    )


def _silent(step: BatchSettled) -> Settled:
    return Settled(
        batch_id=step.batch_id,
        batch_hash=step.batch_hash,
        num_items=len(step.items),
        num_wallets=len(step.deltas),
        settled_at_s=None,
        whole=step,
    )
