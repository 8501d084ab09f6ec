"""Which orders are claimed in one call."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.bridge.core.batching import BATCH_MAX, ClaimCost, is_cheaper, together
from functions.bridge.core.registry import Version

pytestmark = pytest.mark.unit
NUMBERS = st.lists(st.integers(), max_size=80, unique=True)


@given(NUMBERS, NUMBERS, st.sampled_from(Version))
def test_each_order_is_in_one_group(fresh: list[int], failed: list[int], version: Version) -> None:
    """In its order; none is empty, none too large."""
    groups = together(version, fresh, failed)

    assert [*fresh, *failed] == [order for group in groups for order in group]
    assert all(1 <= len(group) <= BATCH_MAX for group in groups)


@given(NUMBERS, NUMBERS)
def test_the_first_generation_claims_one_by_one(fresh: list[int], failed: list[int]) -> None:
    """Its registry has no other call."""
    assert [[order] for order in (*fresh, *failed)] == together(Version.V1, fresh, failed)


def test_what_has_failed_is_claimed_alone() -> None:
    """It would take the others along."""
    assert [[1, 2, 3], [7], [8]] == together(Version.V2, [1, 2, 3], [7, 8])


def test_batches_are_as_large_as_they_may_be() -> None:
    """What does not fit is the next one."""
    orders = list(range(BATCH_MAX + 1))

    assert [orders[:BATCH_MAX], orders[BATCH_MAX:]] == together(Version.V2, orders, [])


@pytest.mark.parametrize(
    ("batch", "single", "count", "expected"),
    [
        (ClaimCost(100_000, 10), ClaimCost(60_000, 5), 2, True),  # 100 010 < 120 010
        (ClaimCost(120_000, 10), ClaimCost(60_000, 5), 2, False),  # the same is not cheaper
        (ClaimCost(110_000, 20_000), ClaimCost(60_000, 5), 2, False),  # 130 000 > 120 010
        (ClaimCost(110_000, 20_000), ClaimCost(60_000, 5), 3, True),  # 130 000 < 180 015
    ],
)
def test_a_batch_is_made_where_it_costs_less(batch: ClaimCost, single: ClaimCost, count: int, expected: bool) -> None:
    """Gas and message, at one wei a unit of gas."""
    assert expected is is_cheaper(batch, single, count, 1)


def test_the_price_of_gas_decides_between_gas_and_message() -> None:
    """A batch with less gas and a dearer message pays where gas is dear."""
    batch, single = ClaimCost(100_000, 10**9), ClaimCost(60_000, 0)

    assert is_cheaper(batch, single, 2, 10**9) is True
    assert is_cheaper(batch, single, 2, 1) is False
