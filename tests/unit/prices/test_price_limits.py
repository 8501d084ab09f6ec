"""When a price is none: too old, too wide, too thin, each at its very edge."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import Transient
from kernel.prices import Limits, Price, PriceStale, PriceThin, PriceUnusable, PriceWide

pytestmark = pytest.mark.unit

LIMITS = Limits(age_max_s=300, width_max_bps=100)
PRICE = Price(
    symbol="FLR/USD",
    price=2 * 10**16,
    confidence=2 * 10**14,
    decimals=18,
    sources=3,
    voting_round=7,
    decided_at=datetime(2026, 11, 21, tzinfo=UTC),
    age_ms=300_000,
)


def test_a_price_at_every_limit_is_a_price() -> None:
    """Limits are what may be reached."""
    assert PRICE is PRICE.within(LIMITS)
    assert 100 == PRICE.width_bps


@pytest.mark.parametrize(
    ("price", "refusal"),
    [
        (replace(PRICE, age_ms=300_001), PriceStale),
        (replace(PRICE, confidence=2 * 10**14 + 1), PriceWide),
        (replace(PRICE, sources=2), PriceThin),
        (replace(PRICE, price=0, confidence=0), PriceWide),
    ],
    ids=["a millisecond older", "a unit wider", "a source fewer", "worth nothing"],
)
def test_one_more_is_too_much(price: Price, refusal: type[PriceUnusable]) -> None:
    """And the refusal makes the work wait instead of giving it up."""
    with pytest.raises(refusal) as refused:
        price.within(LIMITS)

    assert isinstance(refused.value, Transient)
    assert "FLR/USD" == refused.value.details["symbol"]


@given(st.integers(1, 10**40), st.integers(0, 10**40))
def test_a_width_is_never_told_too_small(price: int, confidence: int) -> None:
    """What is rounded is rounded up."""
    width_bps = replace(PRICE, price=price, confidence=confidence).width_bps

    assert width_bps * price >= confidence * 10_000 > (width_bps - 1) * price
