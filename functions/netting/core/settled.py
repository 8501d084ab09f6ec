"""Owns whether a batch that the program has settled is the one that we sent under its number."""

from collections.abc import Mapping

from functions.netting.core.instructions import BatchSettled
from functions.netting.core.packing import InParts, Settlement, Whole
from functions.netting.core.settlement import by_item
from functions.netting.core.telling import Settled


def unlike(plan: Settlement, batch_hash: bytes, numbers: Mapping[str, int], told: Settled) -> str | None:
    """Why what is settled is not what was planned; None where it is, to the last item and lamport.

    numbers: of the plan's items in the program. Of a batch in parts the program tells the counts; each part has posted
    what it moved.
    """
    if told.batch_hash != batch_hash:
        return "another hash was settled under our number"
    if (told.num_items, told.num_wallets) != _counts(plan):
        return "other counts of items and wallets were settled under our number"
    if isinstance(plan, Whole) != (told.whole is not None):
        return "it was settled whole and planned in parts, or the other way round"
    if isinstance(plan, Whole) and told.whole is not None and not _same(plan, numbers, told.whole):
        return "other owners or amounts were settled under our number"
    return None


def _counts(plan: Settlement) -> tuple[int, int]:
    """Items and wallets as the program counts them: of a batch in parts, each part's wallets anew."""
    if isinstance(plan, InParts):
        wallets = sum(len(part.debits) + len(part.credits) for part in plan.parts)
        return sum(len(part.items) for part in plan.parts), wallets
    return len(plan.items), len(plan.deltas)


def _same(plan: Whole, numbers: Mapping[str, int], done: BatchSettled) -> bool:
    if any(item not in numbers for item, _ in plan.items):
        return False
    items = by_item(dict(plan.items), numbers)
    return (items, sorted(plan.deltas)) == (sorted(done.items), sorted(done.deltas))
