"""Owns the parts of a cleared batch that have nothing to do with each other.

Two wallets belong together if an accepted intent moves money or an item between them, directly or over others. What
one such component takes and gives adds up to 0 by itself, so each can be settled alone, in any transaction.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from functions.netting.core.netting import Clearing, Intent


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """items: to their final owners; deltas: of wallets, adding up to 0. Both ascending."""

    items: tuple[tuple[str, str], ...]
    deltas: tuple[tuple[str, int], ...]

    @property
    def entries(self) -> int:
        """How much of a transaction it needs."""
        return len(self.items) + len(self.deltas)


class Union:
    """Disjoint sets of names."""

    def __init__(self) -> None:
        self._above: dict[str, str] = {}

    def root(self, name: str) -> str:
        """The name that stands for the whole set."""
        self._above.setdefault(name, name)
        top = name
        while self._above[top] != top:
            top = self._above[top]
        while self._above[name] != top:
            self._above[name], name = top, self._above[name]
        return top

    def join(self, one: str, other: str) -> None:
        """Make two sets one; the smaller name stands for it, so that the result has no order of arrival in it."""
        first, second = sorted((self.root(one), self.root(other)))
        self._above[second] = first


def components(clearing: Clearing, intents: Iterable[Intent], paid: Iterable[tuple[str, str]] = ()) -> list[Component]:
    """The clearing in its components, ordered by their first wallet.

    intents: at least the accepted ones. paid: a wallet and another that got a fee or a royalty of its sales. Raises
    AssertionError where a component does not add up to 0: then `paid` lacks somebody.
    """
    union, accepted = Union(), set(clearing.accepted)
    for intent in intents:
        if intent.id in accepted:
            union.join(intent.seller, intent.buyer)
    for seller, beneficiary in paid:
        union.join(seller, beneficiary)
    items: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    deltas: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
    for item, owner in clearing.final_owners.items():
        items[union.root(owner)].append((item, owner))
    for wallet, delta in clearing.deltas.items():
        deltas[union.root(wallet)].append((wallet, delta))
    parts = [
        Component(items=tuple(sorted(items[name])), deltas=tuple(sorted(deltas[name])))
        for name in sorted({*items, *deltas})
    ]
    if any(sum(delta for _, delta in part.deltas) != 0 for part in parts):
        raise AssertionError("a component does not add up to zero")
    return parts
