"""Owns whether orders are claimed together or one by one: together where that is cheaper, and where they may be.

A claim of several fails as a whole when one of them does, so an order whose claim has failed is claimed alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from functions.bridge.core.registry import Version

#: So many claims fit well into a block, and into one message to an origin.
BATCH_MAX: Final = 25

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ClaimCost:
    """What one claim costs at most: gas, and what goes with it."""

    gas: int
    value_wei: int

    def wei(self, gas_price_wei: int) -> int:
        """In all."""
        return self.gas * gas_price_wei + self.value_wei


def together(version: int, orders: Sequence[T], failed: Sequence[T]) -> list[list[T]]:
    """The groups that may be claimed in one call each: those that never failed in batches, the others alone."""
    if version == Version.V1:
        return [[order] for order in (*orders, *failed)]
    batches = [list(orders[start : start + BATCH_MAX]) for start in range(0, len(orders), BATCH_MAX)]
    return [*batches, *([order] for order in failed)]


def is_cheaper(batch: ClaimCost, single: ClaimCost, count: int, gas_price_wei: int) -> bool:
    """Whether so many claimed together cost less than one by one."""
    return batch.wei(gas_price_wei) < count * single.wei(gas_price_wei)
