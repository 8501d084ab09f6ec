"""What estimates of several endpoints come to, and the headroom over them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.bridge.core.estimates import (
    claim_gas_limit,
    close_estimate,
    gas_price_wei,
    usd_cents,
    with_headroom,
)
from functions.bridge.core.registry import Family, Version

pytestmark = pytest.mark.unit

GAS = st.integers(21_000, 30_000_000)


@pytest.mark.parametrize(
    ("estimates", "needed", "expected"),
    [
        ([60_000], 1, 60_000),
        ([60_000, 60_000], 2, 60_000),
        ([60_000, 75_000], 2, 75_000),  # a quarter more
        ([60_000, 75_001], 2, None),
        ([60_000, 60_100, 21_000], 2, 60_100),
        ([60_000, 30_000_000, 60_100], 2, 60_100),
        ([60_000], 2, None),
        ([], 1, None),
        ([21_000, 60_000, 30_000_000], 2, None),
    ],
)
def test_an_estimate_counts_if_enough_are_close_to_it(estimates: list[int], needed: int, expected: int | None) -> None:
    """The higher one of those that are close: less might not suffice."""
    assert expected == close_estimate(estimates, needed)


@given(GAS, GAS, st.integers(0, 1_000))
def test_one_liar_moves_no_estimate_of_two_honest_endpoints_by_more_than_a_quarter(
    honest: int, lie: int, apart: int
) -> None:
    """Whatever it says, there is an estimate, and it is near theirs."""
    found = close_estimate([honest, lie, honest + apart], 2)

    assert found is not None
    assert (honest + apart) * 4 // 5 <= found <= (honest + apart) * 5 // 4 + 1


def test_gas_costs_the_next_base_fee_and_a_usual_tip() -> None:
    """The middle one of the tips, or none where no block had a transaction."""
    assert 1_005 == gas_price_wei(1_000, [1, 900, 5])
    assert 1_009 == gas_price_wei(1_000, [9, 5])
    assert 1_000 == gas_price_wei(1_000, [])


def test_headroom_is_rounded_up_and_never_nothing() -> None:
    """A message that carries nothing is sent by nobody."""
    assert 110 == with_headroom(100, 1_000)
    assert 12 == with_headroom(10, 1_001)
    assert 1 == with_headroom(0, 1_000)
    assert 7 == with_headroom(7, 0)


def test_a_claim_of_more_payments_may_use_more_gas() -> None:
    """Half as much again as was measured upstream, and 40 000 for each further payment."""
    assert 215_678 == claim_gas_limit(2, Family.ZKSYNC, 1)  # 143 785 * 1.5
    assert 215_678 + 4 * 60_000 == claim_gas_limit(2, Family.ZKSYNC, 5)
    assert 129_209 == claim_gas_limit(Version.V1, Family.STARKNET, 1)  # 86 139 * 1.5


@pytest.mark.parametrize(
    ("price", "confidence", "decimals", "cents"),
    [
        (300_000_000, 0, 5, 300_000),  # 3 000 USD
        (300_000_000, 1, 5, 300_001),  # rounded up
        (300_000_000, 3_000_000, 5, 303_000),  # 1 % unsure
        (3_000, 0, 0, 300_000),
        (0, 0, 5, 0),
    ],
)
def test_a_price_is_what_it_may_be_at_most(price: int, confidence: int, decimals: int, cents: int) -> None:
    """An order that may be worth more must lie deeper."""
    assert cents == usd_cents(price, confidence, decimals)
