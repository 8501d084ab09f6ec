"""The price of a Solana transaction: percentile, floor, cap, raise; the limit with its margin; the fee."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.solana.fees import SolanaFeePolicy, SolanaFeePolicyInvalid, fee_lamports, percentile, price, unit_limit
from kernel.solana.transactions import UNIT_CAP

pytestmark = pytest.mark.unit

POLICY = SolanaFeePolicy(price_floor=1_000, price_cap=10_000, percentile=75, unit_margin_percent=20)
prices = st.lists(st.integers(0, 10**12), max_size=150)
attempts = st.integers(0, 200)


@pytest.mark.parametrize(
    ("recent", "attempt", "offer"),
    [
        ([], 0, 1_000),
        ([0] * 150, 0, 1_000),
        ([1, 2, 3, 4_000], 0, 1_000),
        ([1, 2, 4_000, 9_000], 0, 4_000),
        ([50_000] * 3, 0, 10_000),
        ([4_001] * 4, 1, 6_002),
        ([], 2, 2_250),
        ([], 60, 10_000),
    ],
    ids=["nobody", "nothing", "few", "many", "capped", "raised and rounded up", "raised twice", "raised to the cap"],
)
def test_an_offer(recent: list[int], attempt: int, offer: int) -> None:
    """The percentile of what others paid, within floor and cap, half as much again for each attempt."""
    assert offer == price(recent, POLICY, attempt)


@given(prices, attempts)
def test_an_offer_is_within_its_limits(recent: list[int], attempt: int) -> None:
    """Whatever others pay and however often it was tried."""
    assert POLICY.price_floor <= price(recent, POLICY, attempt) <= POLICY.price_cap


@given(prices, attempts)
def test_a_later_attempt_offers_more_until_the_cap(recent: list[int], attempt: int) -> None:
    """A re-signed transaction is worth more to a leader than the one it follows."""
    earlier, later = price(recent, POLICY, attempt), price(recent, POLICY, attempt + 1)

    assert later > earlier or later == POLICY.price_cap


def test_an_offer_of_nothing_can_be_raised() -> None:
    """A floor of zero is no trap."""
    assert [0, 1, 2, 3] == [price([], SolanaFeePolicy(price_floor=0), attempt) for attempt in range(4)]


@given(prices.filter(bool), st.integers(0, 100))
def test_a_percentile_is_one_of_the_prices(recent: list[int], share: int) -> None:
    """So many of them do not exceed it, and it is the smallest such one."""
    found = percentile(recent, share)

    assert found in recent
    assert 100 * sum(one <= found for one in recent) >= share * len(recent)
    assert 100 * sum(one < found for one in recent) < max(share, 1) * len(recent)


@pytest.mark.parametrize(
    ("units", "limit"), [(0, 1), (1, 2), (150, 180), (1_001, 1_202), (1_300_000, UNIT_CAP), (10**9, UNIT_CAP)]
)
def test_a_limit_leaves_a_margin(units: int, limit: int) -> None:
    """The simulation's units and a fifth, rounded up, at least one and at most the cap."""
    assert limit == unit_limit(units, POLICY)


@pytest.mark.parametrize(
    ("signatures", "limit", "offer", "lamports"),
    [(1, 450, 0, 5_000), (2, 200_000, 10_000, 12_000), (1, 1, 1, 5_001)],
    ids=["without a priority fee", "two signatures", "rounded up"],
)
def test_a_fee(signatures: int, limit: int, offer: int, lamports: int) -> None:
    """5,000 lamports a signature, and limit times price, rounded up."""
    assert lamports == fee_lamports(signatures, compute_unit_limit=limit, compute_unit_price=offer)


@pytest.mark.parametrize(
    "wrong",
    [
        {"price_floor": 2, "price_cap": 1},
        {"price_floor": -1},
        {"percentile": 101},
        {"percentile": -1},
        {"unit_margin_percent": -1},
        {"unit_cap": 0},
        {"unit_cap": UNIT_CAP + 1},
    ],
)
def test_a_contradictory_policy_is_refused(wrong: dict[str, int]) -> None:
    """It is told when the settings are read, not when money is sent."""
    with pytest.raises(SolanaFeePolicyInvalid):
        SolanaFeePolicy(**wrong)
