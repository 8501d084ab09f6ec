"""What a transaction offers, and how a replacement outbids it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.evm.fees import GWEI, FeePolicy, FeePolicyInvalid, Fees, first_offer, raised_offer

pytestmark = pytest.mark.unit

POLICY = FeePolicy(fee_cap_wei=100 * GWEI, tip_cap_wei=3 * GWEI, tip_floor_wei=GWEI)
wei = st.integers(min_value=1, max_value=10**13)


def test_the_first_offer_covers_twice_the_base_fee_and_the_tip() -> None:
    """2 · 20 + 2 = 42 gwei."""
    assert first_offer(20 * GWEI, 2 * GWEI, POLICY) == Fees(max_fee_wei=42 * GWEI, tip_wei=2 * GWEI)


@pytest.mark.parametrize(("suggested", "tip"), [(0, GWEI), (2 * GWEI, 2 * GWEI), (9 * GWEI, 3 * GWEI)])
def test_the_first_tip_lies_between_its_floor_and_its_cap(suggested: int, tip: int) -> None:
    """A node that suggests nothing, or a fortune, is corrected."""
    assert first_offer(GWEI, suggested, POLICY).tip_wei == tip


def test_the_first_offer_stays_under_the_cap() -> None:
    """2 · 80 + 1 = 161 gwei is more than the signer is willing to pay."""
    assert first_offer(80 * GWEI, GWEI, POLICY) == Fees(max_fee_wei=100 * GWEI, tip_wei=GWEI)


def test_a_chain_without_base_fee_is_offered_the_tip() -> None:
    """The whole offer is the tip."""
    assert first_offer(0, 2 * GWEI, POLICY) == Fees(max_fee_wei=2 * GWEI, tip_wei=2 * GWEI)


def test_a_raise_is_an_eighth_rounded_up() -> None:
    """8 → 9 exactly, 9 → 10.125, so 11: rounding down would be refused as underpriced."""
    quiet = Fees(max_fee_wei=1, tip_wei=1)

    assert raised_offer(Fees(max_fee_wei=9, tip_wei=8), quiet, POLICY) == Fees(max_fee_wei=11, tip_wei=9)


def test_a_raise_follows_the_market_when_that_is_more() -> None:
    """The base fee tripled since the first offer."""
    fresh = Fees(max_fee_wei=60 * GWEI, tip_wei=3 * GWEI)

    assert raised_offer(Fees(max_fee_wei=20 * GWEI, tip_wei=GWEI), fresh, POLICY) == fresh


def test_a_raise_to_the_cap_itself_is_allowed() -> None:
    """90 · 1.111… would fit, 1.125 · 88.888888888 gwei is exactly 99.999999999."""
    previous = Fees(max_fee_wei=88_888_888_888, tip_wei=GWEI)
    raised = raised_offer(previous, previous, POLICY)

    assert raised is not None
    assert raised.max_fee_wei == 99_999_999_999
    exact = raised_offer(Fees(max_fee_wei=800, tip_wei=8), previous, FeePolicy(fee_cap_wei=900, tip_cap_wei=9))
    assert exact is None  # the fresh price is above that cap


def test_a_raise_that_meets_the_cap_exactly_is_allowed() -> None:
    """1.125 · 800 = 900."""
    policy = FeePolicy(fee_cap_wei=900, tip_cap_wei=9)

    assert raised_offer(Fees(max_fee_wei=800, tip_wei=8), Fees(max_fee_wei=8, tip_wei=8), policy) == Fees(
        max_fee_wei=900, tip_wei=9
    )


def test_a_raise_above_the_cap_is_none() -> None:
    """1.125 · 801 = 901.125: half a raise would only be refused."""
    policy = FeePolicy(fee_cap_wei=900, tip_cap_wei=9)

    assert raised_offer(Fees(max_fee_wei=801, tip_wei=8), Fees(max_fee_wei=8, tip_wei=8), policy) is None


@given(max_fee=wei, tip=wei, base=st.integers(min_value=0, max_value=10**13), suggested=wei)
def test_every_raise_outbids_by_an_eighth_in_both_parts_and_stays_under_the_cap(
    max_fee: int, tip: int, base: int, suggested: int
) -> None:
    """The law that replacement rests on, for any fees."""
    previous = Fees(max_fee_wei=max(max_fee, tip), tip_wei=min(max_fee, tip))
    policy = FeePolicy(fee_cap_wei=10**13, tip_cap_wei=10**12)
    raised = raised_offer(previous, first_offer(base, suggested, policy), policy)

    if raised is None:
        return
    assert 8 * raised.max_fee_wei >= 9 * previous.max_fee_wei
    assert 8 * raised.tip_wei >= 9 * previous.tip_wei
    assert raised.tip_wei <= raised.max_fee_wei <= policy.fee_cap_wei


@pytest.mark.parametrize(("floor", "tip_cap", "cap"), [(0, 1, 1), (2, 1, 3), (1, 3, 2)])
def test_contradicting_caps_are_refused(floor: int, tip_cap: int, cap: int) -> None:
    """Said at the start, not at the first stuck transaction."""
    with pytest.raises(FeePolicyInvalid):
        FeePolicy(fee_cap_wei=cap, tip_cap_wei=tip_cap, tip_floor_wei=floor)


@pytest.mark.parametrize(("max_fee", "tip"), [(1, 0), (1, 2)])
def test_an_impossible_offer_cannot_be_made(max_fee: int, tip: int) -> None:
    """A tip of nothing cannot be raised by an eighth, and one above the whole fee is refused by every node."""
    with pytest.raises(ValueError, match="does not hold"):
        Fees(max_fee_wei=max_fee, tip_wei=tip)
