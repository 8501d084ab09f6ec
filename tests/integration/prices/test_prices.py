"""Prices as the other services read them: the oracle's own rows, through one view, under the limits of a purpose."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kernel.postgres import Postgres, Transaction
from kernel.prices import Limits, NoPrice, Prices, PriceStale, PriceThin, PriceUnusable, PriceWide

pytestmark = pytest.mark.integration

FEED = "insert into oracle.feeds values (%(epoch)s, %(position)s, %(id)s, %(symbol)s, 5)"
AGGREGATE = """
insert into oracle.aggregates (voting_round, symbol, decided_at, window_start, consensus, confidence, sources, left_out,
    flagged)
values (%(round)s, %(symbol)s, now() - make_interval(secs => %(age_s)s), now(), %(consensus)s, %(confidence)s,
    %(sources)s, '{}', false)
"""
PRICES = Prices(Limits(age_max_s=300, width_max_bps=100))


@pytest.fixture
def oracle(database_url: str) -> Iterator[Postgres]:
    postgres = Postgres(database_url, role="counterpart_oracle")
    yield postgres
    postgres.close()


@pytest.fixture
def bridge(database_url: str) -> Iterator[Postgres]:
    postgres = Postgres(database_url, role="counterpart_bridge")
    yield postgres
    postgres.close()


def feed(tx: Transaction, symbol: str, *, epoch: int = 10) -> None:
    """A feed of a reward epoch."""
    position = len(tx.all("select 1 from oracle.feeds where reward_epoch = %(epoch)s", epoch=epoch))
    tx.execute(FEED, epoch=epoch, position=position, id=bytes([epoch, position]) + bytes(19), symbol=symbol)


def decided(
    tx: Transaction,
    symbol: str = "FLR/USD",
    consensus: float = 0.02415,
    *,
    confidence: float = 0.0001,
    age_s: float = 60.0,
    in_round: int = 1,
    sources: int = 4,
) -> None:
    """What the oracle stores of a round."""
    said = {f"venue-{number}": [1.0, 1.0] for number in range(sources)}
    row = {"symbol": symbol, "consensus": consensus, "confidence": confidence, "age_s": age_s, "round": in_round}
    tx.execute(AGGREGATE, **row, sources=said)


def read(bridge: Postgres, symbol: str = "FLR/USD", prices: Prices = PRICES) -> Any:
    with bridge.transaction() as tx:
        return prices.of(tx, symbol)


def test_a_price_is_a_whole_number_with_its_age_and_width(oracle: Postgres, bridge: Postgres) -> None:
    """To the last digit of the oracle's float; the width is rounded up."""
    with oracle.transaction() as tx:
        feed(tx, "FLR/USD")
        decided(tx, consensus=0.02415123456789012, confidence=0.00010000000000000001)
    price = read(bridge)

    assert (24151234567890120, 18) == (price.price, price.decimals)
    assert (10**14, 4, 1) == (price.confidence, price.sources, price.voting_round)
    assert 60_000 <= price.age_ms < 120_000


def test_the_newest_round_counts(oracle: Postgres, bridge: Postgres) -> None:
    """In whatever order they were stored."""
    with oracle.transaction() as tx:
        feed(tx, "FLR/USD")
        decided(tx, consensus=2.0, age_s=10, in_round=2)
        decided(tx, consensus=1.0, age_s=100, in_round=1)

    assert (2 * 10**18, 2) == ((price := read(bridge)).price, price.voting_round)


@pytest.mark.parametrize(
    ("row", "refusal"),
    [
        ({"age_s": 301.0}, PriceStale),
        ({"confidence": 0.02415 * 0.0101}, PriceWide),
        ({"sources": 2}, PriceThin),
    ],
)
def test_a_bad_price_is_refused(
    oracle: Postgres, bridge: Postgres, row: dict[str, Any], refusal: type[PriceUnusable]
) -> None:
    """Each by its own name, so that whoever waits can say for what."""
    with oracle.transaction() as tx:
        feed(tx, "FLR/USD")
        decided(tx, **row)

    with pytest.raises(refusal):
        read(bridge)


def test_what_has_no_price_is_refused(oracle: Postgres, bridge: Postgres) -> None:
    """A feed without a round, a symbol without a feed, and an empty oracle."""
    with pytest.raises(NoPrice):
        read(bridge)
    with oracle.transaction() as tx:
        feed(tx, "FLR/USD")
        decided(tx, "BTC/USD", 1.0)

    for symbol in ("FLR/USD", "BTC/USD", "' or 1=1"):
        with pytest.raises(NoPrice):
            read(bridge, symbol)


def test_a_feed_of_long_ago_has_no_price(oracle: Postgres, bridge: Postgres) -> None:
    """One of the epoch before has: the next epoch's feeds are stored before it begins."""
    with oracle.transaction() as tx:
        for symbol, epoch in (("OLD/USD", 8), ("FLR/USD", 9), ("NEW/USD", 10)):
            feed(tx, symbol, epoch=epoch)
            decided(tx, symbol)

    assert [read(bridge, symbol).symbol for symbol in ("FLR/USD", "NEW/USD")] == ["FLR/USD", "NEW/USD"]
    with pytest.raises(NoPrice):
        read(bridge, "OLD/USD")


@pytest.mark.parametrize("consensus", [float("nan"), float("inf")])
def test_what_is_no_number_is_no_price_and_spoils_no_other(
    oracle: Postgres, bridge: Postgres, consensus: float
) -> None:
    """The round before counts, with its age."""
    with oracle.transaction() as tx:
        for symbol in ("FLR/USD", "BTC/USD"):
            feed(tx, symbol)
        decided(tx, consensus=1.0, age_s=90, in_round=1)
        decided(tx, consensus=consensus, age_s=1, in_round=2)
        decided(tx, "BTC/USD", 90_000.0, confidence=float("nan"), in_round=2)

    assert 1 == read(bridge).voting_round
    with pytest.raises(NoPrice):
        read(bridge, "BTC/USD")


def test_all_prices_are_of_one_moment_or_none(oracle: Postgres, bridge: Postgres) -> None:
    """A portfolio is not valued with a part of them."""
    with oracle.transaction() as tx:
        for number, symbol in enumerate(("FLR/USD", "BTC/USD", "ETH/USD"), 1):
            feed(tx, symbol)
            decided(tx, symbol, float(number))
    with bridge.transaction() as tx:
        found = PRICES.all_of(tx, ["ETH/USD", "FLR/USD", "ETH/USD"])

        assert {"ETH/USD": 3 * 10**18, "FLR/USD": 10**18} == {name: one.price for name, one in found.items()}
        with pytest.raises(NoPrice):
            PRICES.all_of(tx, ["ETH/USD", "XRP/USD"])


def test_a_price_from_the_future_is_new(oracle: Postgres, bridge: Postgres) -> None:
    """The oracle's clock may be a second ahead of the database's."""
    with oracle.transaction() as tx:
        feed(tx, "FLR/USD")
        decided(tx, age_s=-2)

    assert 0 == read(bridge).age_ms


def test_a_slice_reads_the_view_and_nothing_behind_it(oracle: Postgres, bridge: Postgres) -> None:
    """Nor does it take the view away from the others."""
    with oracle.transaction() as tx:
        feed(tx, "FLR/USD")
        decided(tx)

    for statement in ("select * from oracle.aggregates", "select * from oracle.feeds", "drop view kernel.prices"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), bridge.transaction() as tx:
            tx.execute(statement)
    assert read(bridge).price


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(consensus=st.floats(min_value=1e-12, max_value=1e12), confidence=st.floats(min_value=0, max_value=1e12))
def test_the_integers_mean_what_the_oracle_decided(
    oracle: Postgres, bridge: Postgres, consensus: float, confidence: float
) -> None:
    """Within half a unit for the price, and never less for the width, whatever the float looks like as text."""
    with oracle.transaction() as tx:
        tx.execute("delete from oracle.aggregates")
        tx.execute("delete from oracle.feeds")
        feed(tx, "FLR/USD")
        decided(tx, consensus=consensus, confidence=confidence)
    price = read(bridge, prices=Prices(Limits(age_max_s=300, width_max_bps=10**60)))

    told, width = (Fraction(repr(one)) * 10**18 for one in (consensus, confidence))
    assert abs(price.price - told) <= Fraction(1, 2)
    assert 0 <= price.confidence - width < 1
