"""The local market: the same for everyone who knows the seed, and shaped like a market."""

import subprocess
import sys
from decimal import Decimal
from itertools import islice, pairwise

import pytest

from infra.local.exchanges.catalogue import VENUES, desk_at
from infra.local.exchanges.listings import COINS, WHOLE
from infra.local.exchanges.market import Market
from infra.local.exchanges.wire import number, render
from infra.local.flare.feeds import mainnet_feeds

pytestmark = pytest.mark.unit

AT_MS = 1_795_262_400_000
SEED = 7


def test_the_market_is_the_same_in_every_process() -> None:
    """A price is a function of seed, venue and time, not of what was asked before."""
    program = (
        "from infra.local.exchanges.catalogue import VENUES, desk_at\n"
        f"for name in VENUES:\n    desk = desk_at(name, seed={SEED}, time_ms={AT_MS})\n"
        "    print(name, *(desk.ticker(pair).last for pair in desk.pairs))"
    )
    elsewhere = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    here = [(name, desk_at(name, seed=SEED, time_ms=AT_MS)) for name in VENUES]

    assert [
        " ".join([name, *(str(desk.ticker(pair).last) for pair in desk.pairs)]) for name, desk in here
    ] == elsewhere.splitlines()


def test_prices_of_this_seed_are_known() -> None:
    """A change of the model is a change of every recorded demo; it must be meant."""
    desk = desk_at("kraken", seed=SEED, time_ms=AT_MS)

    prices = {pair.base: str(desk.ticker(pair).last) for pair in desk.pairs if pair.base in ("BTC", "FLR", "USDT")}

    assert {"BTC": "93938.25", "FLR": "0.014532", "USDT": "0.99916"} == prices


def test_another_seed_is_another_market() -> None:
    """Two seeds share no price of a coin with many digits."""
    one, other = (Market(seed).usd(COINS["BTC"], AT_MS) for seed in (1, 2))

    assert one != other


@pytest.mark.parametrize("code", WHOLE)
def test_a_price_moves_in_small_steps_and_stays_near_its_start(code: str) -> None:
    """Within a second less than 0.2 %, over a month never beyond a quarter of its start."""
    market, coin = Market(SEED), WHOLE[code]
    seconds = [market.usd(coin, AT_MS + 1_000 * second) for second in range(120)]
    hours = [market.usd(coin, AT_MS + 3_600_000 * hour) for hour in range(720)]

    assert max(abs(after / before - 1) for before, after in pairwise(seconds)) < 0.002
    assert max(abs(price / float(coin.usd) - 1) for price in hours) < 0.25


def test_venues_agree_within_a_few_basis_points() -> None:
    """Their books differ by noise and spread, once a USDT price is turned into USD."""
    truth = Market(SEED).usd(COINS["XRP"], AT_MS)
    tether = Market(SEED).usd(COINS["USDT"], AT_MS)
    errors = []
    for name in VENUES:
        desk = desk_at(name, seed=SEED, time_ms=AT_MS)
        pair = next(pair for pair in desk.pairs if pair.base == "XRP")
        mid = Market(SEED).mid(pair.coin, pair.quote, desk.habits, AT_MS)
        errors.append(abs(mid * (tether if pair.quote == "USDT" else 1) / truth - 1))

    assert max(errors) < 0.0010
    assert max(errors) > 0


def test_a_tether_is_worth_nearly_a_dollar() -> None:
    """Within 0.2 % of its start over a month, and not always the same."""
    prices = [Market(SEED).usd(COINS["USDT"], AT_MS + 3_600_000 * hour) for hour in range(720)]

    assert 0.9974 < min(prices) < max(prices) < 1.0014


def test_the_last_price_is_that_of_the_newest_trade() -> None:
    """Tickers and tape tell one story."""
    for name in VENUES:
        desk = desk_at(name, seed=SEED, time_ms=AT_MS)
        for pair in desk.pairs:
            assert desk.trades(pair, 1)[0].price == desk.ticker(pair).last


def test_the_tape_never_shows_the_future_and_never_repeats() -> None:
    """Newest first, at most one trade in each slot, none after now."""
    desk = desk_at("okx", seed=SEED, time_ms=AT_MS)
    trades = desk.trades(desk.pairs[0], 200)

    assert all(trade.time_ms <= AT_MS for trade in trades)
    assert all(newer.number == older.number + 1 for newer, older in pairwise(trades))
    assert all(newer.time_ms >= older.time_ms for newer, older in pairwise(trades))


def test_the_tape_stays_as_time_goes_on() -> None:
    """A trade that was seen is seen again later, unchanged."""
    habits = VENUES["okx"].habits
    early = list(islice(Market(SEED).trades(COINS["BTC"], "USDT", habits, AT_MS), 20))
    late = list(islice(Market(SEED).trades(COINS["BTC"], "USDT", habits, AT_MS + 15_000), 40))

    assert set(early) <= set(late)


def test_a_lie_moves_every_price_alike() -> None:
    """500 basis points more, to the rounding of a tick."""
    honest, lying = (desk_at("gate", seed=SEED, time_ms=AT_MS, lie_bps=bps) for bps in (0, 500))

    for pair in honest.pairs:
        tick = Decimal(pair.tick)
        assert abs(lying.ticker(pair).last - honest.ticker(pair).last * Decimal("1.05")) <= 2 * tick


def test_json_numbers_keep_every_digit() -> None:
    """No float lies between the market and the wire."""
    answer = {"price": number(Decimal("0.014530")), "text": "0.014530", "row": [number(Decimal("-1E-8")), None]}

    assert b'{"price":0.014530,"text":"0.014530","row":[-0.00000001,null]}' == render(answer)


def test_the_whole_listing_has_every_feed_of_flare() -> None:
    """At three venues at least, which is how many a price needs; a usual desk trades the usual coins only."""
    whole = {
        venue: {pair.base for pair in desk_at(venue, seed=SEED, time_ms=AT_MS, whole=True).pairs} for venue in VENUES
    }
    usual = {pair.base for venue in VENUES for pair in desk_at(venue, seed=SEED, time_ms=AT_MS).pairs}
    counts = {
        feed.name: sum(feed.name.partition("/")[0] in bases for bases in whole.values()) for feed in mainnet_feeds()
    }

    assert 63 == len(counts)
    assert min(counts.values()) >= 3
    assert set(COINS) == usual
