"""http_market_data: prices at any rate in, what tokens cost out; and what valuation gets of it."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg.errors
import pytest

from functions.contests.adapters.market_rows import (
    TokenPriceStale,
    TokenPriceUnconfirmed,
    TokenPriceWide,
    TokenTooThin,
    TokenUnpriced,
)
from functions.contests.core.market import JUPITER, Quote, trades_s
from functions.contests.core.portfolio import Token
from functions.contests.http_market_data import app
from functions.contests.wiring import ROLE, WHITELIST_ROLE
from infra.local.tokens.market import SOL
from infra.local.tokens.server import TokenServer
from kernel.auth.principal import Role, Tier
from kernel.handler.http import override_deps
from kernel.postgres import Postgres
from kernel.prices import NoPrice
from kernel.testing.asgi import AsgiClient
from tests.handlers.contests.market_stage import BEGIN, MarketStage

pytestmark = pytest.mark.handlers
PATH = "/v1/contests/market-data"
BONK = "DezXAZ8z7PnrnRJjz3wXBoRgixCa6xjnB7YaB1pPB263"


@pytest.fixture
def stage(database_url: str, tokens: TokenServer) -> Iterator[MarketStage]:
    """A deployment that knows sixty tokens, none of which has a price."""
    with MarketStage.open(database_url, tokens) as stage:
        stage.sync()
        stage.kernel.news.published.clear()
        yield stage


@pytest.fixture
def client(stage: MarketStage) -> AsgiClient:
    """A desk with an internal key."""
    override_deps(app, stage.deps)
    key = stage.kernel.api_keys.issue(tier=Tier.INTERNAL, role=Role.VIEWER, label="desk", actor="a test")
    return AsgiClient(app, headers={"X-Api-Key": key.key})


def point(stage: MarketStage, **changes: Any) -> dict[str, Any]:
    """A good price, with changes."""
    good = {"mint": SOL, "price": "147.48", "source": "desk-1", "timestamp": stage.clock.now().isoformat()}
    return {**good, **changes}


def quoted(stage: MarketStage, mint: str = SOL, price: int = 147_480_000_000_000, **changes: Any) -> None:
    """A stored price."""
    given = {"mint": mint, "price": price, "source": "desk", "observed_at": stage.clock.now(), "liquidity_usd": 10**6}
    stage.deps.market.take([Quote(**{**given, **changes})])


def valued(stage: MarketStage, *mints: str, after_s: float = 0) -> dict[str, Token]:
    """What valuation gets."""
    at = stage.clock.now() + timedelta(seconds=after_s)
    with stage.kernel.postgres.transaction() as tx:
        return stage.deps.market.prices(tx, mints, at).tokens


def test_a_pushed_price_can_be_read_when_the_push_is_answered(client: AsgiClient, stage: MarketStage) -> None:
    """By anybody; every digit is there, of a number its shortest text."""
    answer = client.post(PATH, json={"prices": [point(stage), point(stage, mint=BONK, price=0.00001012)]})

    read = AsgiClient(app).get(PATH, params={"mints": f"{SOL},{BONK}"}).json()
    assert (200, {"status": "ok", "stored": 2, "failed": []}) == (answer.status_code, answer.json())
    assert ["147.48", "0.00001012"] == [price["price_usd"] for price in read["prices"]]
    assert {f"market-data:{SOL}", f"market-data:{BONK}", "market-data"} == {
        topic for topic, _ in stage.kernel.news.published
    }


def test_the_same_push_again_is_stored_and_told_once(client: AsgiClient, stage: MarketStage) -> None:
    """A desk that got no answer may send again."""
    answers = [client.post(PATH, json={"prices": [point(stage)]}).json() for _ in range(2)]

    assert [1, 0] == [answer["stored"] for answer in answers]
    assert 2 == len(stage.kernel.news.published)


def test_an_older_price_that_comes_later_does_not_become_the_newest(client: AsgiClient, stage: MarketStage) -> None:
    """It is history, and nobody is told."""
    before = (stage.clock.now() - timedelta(seconds=20)).isoformat()
    client.post(PATH, json={"prices": [point(stage)]})
    client.post(PATH, json={"prices": [point(stage, price="99", timestamp=before)]})

    history = client.get(f"{PATH}/{SOL}").json()["prices"]
    [newest] = client.get(PATH, params={"mints": SOL}).json()["prices"]
    assert ["147.48", "99"] == [price["price_usd"] for price in history]
    assert ("147.48", 2) == (newest["price_usd"], len(stage.kernel.news.published))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"mint": "1" * 40}, "mint_unknown"),
        ({"mint": None}, "mint_unknown"),
        ({"price": "-1"}, "price_not_positive"),
        ({"price": "0"}, "price_not_positive"),
        ({"price": "NaN"}, "price_not_positive"),
        ({"price": "1e400"}, "price_not_positive"),
        ({"price": True}, "price_not_positive"),
        ({"price": "0.0000000000001"}, "price_not_positive"),
        ({"source": "jupiter"}, "source_malformed"),
        ({"source": "desk'; drop"}, "source_malformed"),
        ({"width_bps": -1}, "width_malformed"),
        ({"width_bps": True}, "width_malformed"),
        ({"timestamp": "2026-11-21T12:00:00"}, "timestamp_malformed"),
        ({"timestamp": "0001-01-01T00:00:00+23:00"}, "timestamp_stale"),
    ],
)
def test_a_bad_price_is_named_and_costs_its_neighbour_nothing(
    client: AsgiClient, stage: MarketStage, changes: dict[str, Any], reason: str
) -> None:
    """The good one of the same call is kept."""
    answer = client.post(PATH, json={"prices": [point(stage, **changes), point(stage)]}).json()

    assert ("partial", 1, [{"index": 0, "reason": reason}]) == (answer["status"], answer["stored"], answer["failed"])


@pytest.mark.parametrize(("age_s", "reason"), [(61, "timestamp_stale"), (-6, "timestamp_future")])
def test_with_nothing_to_store_the_push_is_refused(
    client: AsgiClient, stage: MarketStage, age_s: int, reason: str
) -> None:
    """Each price is named with its reason."""
    timestamp = (stage.clock.now() - timedelta(seconds=age_s)).isoformat()

    answer = client.post(PATH, json={"prices": [point(stage, timestamp=timestamp), "no point"]})

    problems = [field["problem"] for field in answer.json()["error"]["details"]["fields"]]
    assert (422, [reason, "point_malformed"]) == (answer.status_code, problems)


@pytest.mark.parametrize("tier", [Tier.PUBLIC, Tier.PAID, None])
def test_nobody_pushes_without_an_internal_key(client: AsgiClient, stage: MarketStage, tier: Tier | None) -> None:
    """Neither customers nor strangers."""
    keys = stage.kernel.api_keys
    headers = {"X-Api-Key": keys.issue(tier=tier, role=Role.VIEWER, label="x", actor="a test").key} if tier else {}

    answer = AsgiClient(app, headers=headers).post(PATH, json={"prices": [point(stage)]})

    assert answer.status_code == (403 if tier else 401)
    assert [{"n": 0}] == stage.rows("select count(*) as n from contests.market_data")


@pytest.mark.parametrize(("pushed", "valued_at"), [("120", 120), ("80", 80), ("120.01", 100), ("79.99", 100)])
def test_a_pushed_price_values_nothing_that_lies_far_from_a_polled_one(
    client: AsgiClient, stage: MarketStage, pushed: str, valued_at: int
) -> None:
    """It is stored and shown all the same, under the name of the key that has pushed it."""
    quoted(stage, price=100 * 10**12, source=JUPITER)
    stage.after(1)
    client.post(PATH, json={"prices": [point(stage, price=pushed)]})

    [shown] = client.get(PATH, params={"mints": SOL}).json()["prices"]
    assert valued_at * 10**6 == valued(stage, SOL)[SOL].worth(10**9)
    assert (pushed, True) == (shown["price_usd"], shown["source"].startswith("key:"))
    assert shown["source"].endswith("/desk-1")


def test_a_pushed_price_does_not_stand_in_for_one_that_is_polled(client: AsgiClient, stage: MarketStage) -> None:
    """Neither where there never was one, nor where the last one counts no more."""
    client.post(PATH, json={"prices": [point(stage)]})
    with pytest.raises(TokenUnpriced):
        valued(stage, SOL)

    quoted(stage, source=JUPITER)
    stage.after(61)
    client.post(PATH, json={"prices": [point(stage)]})
    with pytest.raises(TokenPriceStale):
        valued(stage, SOL)


def test_a_pushed_price_neither_changes_what_was_nor_holds_a_snapshot(client: AsgiClient, stage: MarketStage) -> None:
    """Pushed for a moment that is past, or as wide as the market never was."""
    quoted(stage, source=JUPITER)
    before = stage.clock.now() + timedelta(seconds=1)
    stage.after(5)
    client.post(PATH, json={"prices": [point(stage, price="150", timestamp=before.isoformat())]})
    client.post(PATH, json={"prices": [point(stage, price="151", width_bps=501)]})

    assert 147_480_000 == valued(stage, SOL, after_s=-2)[SOL].worth(10**9)
    assert 150_000_000 == valued(stage, SOL)[SOL].worth(10**9)


def test_without_redis_prices_are_read_from_history(client: AsgiClient, stage: MarketStage) -> None:
    """Redis may be lost at any moment."""
    quoted(stage)
    stage.kernel.memory.down = True

    answer = AsgiClient(app).get(PATH, params={"mints": f"{SOL},{BONK}"}).json()

    assert (["147.48"], [BONK]) == ([price["price_usd"] for price in answer["prices"]], answer["missing"])


def test_tokens_are_paged_by_rank(client: AsgiClient, stage: MarketStage) -> None:
    """Every token once, the largest first."""
    first = client.get("/v1/contests/tokens", params={"limit": 40}).json()
    second = client.get("/v1/contests/tokens", params={"limit": 40, "cursor": first["next_cursor"]}).json()

    assert list(range(1, 61)) == [token["rank"] for token in first["tokens"] + second["tokens"]]
    assert second["next_cursor"] is None


def test_history_is_paged_back_in_time(client: AsgiClient, stage: MarketStage) -> None:
    """From one moment on and before another."""
    for second in range(5):
        quoted(stage, price=second + 1, observed_at=BEGIN - timedelta(seconds=second))

    first = client.get(f"{PATH}/{SOL}", params={"limit": 2}).json()
    page = {"limit": 2, "to": first["next_to"], "from": (BEGIN - timedelta(seconds=2)).isoformat()}
    second = client.get(f"{PATH}/{SOL}", params=page).json()

    assert ["0.000000000001", "0.000000000002"] == [price["price_usd"] for price in first["prices"]]
    assert (["0.000000000003"], None) == ([price["price_usd"] for price in second["prices"]], second["next_to"])


def test_valuation_gets_micro_units_that_lose_nothing(stage: MarketStage) -> None:
    """Of a token of a hundred-thousandth of a dollar, ten thousand whole ones are worth ten cents and a bit."""
    quoted(stage)
    quoted(stage, BONK, 10_123_456)

    tokens = valued(stage, SOL, BONK)

    assert 147_480_000 == tokens[SOL].worth(10**9)
    assert 101_234 == tokens[BONK].worth(10_000 * 10**5)


def test_valuation_sees_what_was_known_at_its_instant(stage: MarketStage) -> None:
    """A later price does not change what a snapshot of before says."""
    quoted(stage)
    quoted(stage, price=1, observed_at=stage.clock.now() + timedelta(seconds=2))

    assert 147_480_000 == valued(stage, SOL, after_s=1)[SOL].worth(10**9)


def test_a_snapshot_holds_for_a_token_without_a_price(stage: MarketStage) -> None:
    """None is better than one that was made up."""
    quoted(stage)

    with pytest.raises(TokenUnpriced):
        valued(stage, SOL, BONK)
    with pytest.raises(TokenUnpriced):
        valued(stage, "1" * 40)


def test_a_snapshot_holds_for_a_stale_price(stage: MarketStage) -> None:
    """Of the first fifty a price counts for a minute."""
    quoted(stage)

    assert valued(stage, SOL, after_s=60)
    with pytest.raises(TokenPriceStale):
        valued(stage, SOL, after_s=61)


def test_a_snapshot_holds_for_markets_that_disagree(stage: MarketStage) -> None:
    """Half of what lies between them is more than five percent."""
    quoted(stage, width_bps=501)

    with pytest.raises(TokenPriceWide):
        valued(stage, SOL)


@pytest.mark.parametrize("liquidity", [49_999, 0, None])
def test_a_price_with_little_behind_it_values_nothing(stage: MarketStage, liquidity: int | None) -> None:
    """Whoever owns a thin market makes its price; nor does it count where nobody says how thin it is."""
    quoted(stage, liquidity_usd=50_000)
    quoted(stage, BONK, 10_123_456, liquidity_usd=liquidity)

    assert valued(stage, SOL)
    with pytest.raises(TokenTooThin):
        valued(stage, SOL, BONK)


def test_a_price_that_leaps_is_held_until_a_second_look_confirms_it(stage: MarketStage) -> None:
    """Meanwhile the last one values, and nobody trades at either."""
    leaps = []
    for price in (100, 201, 101, 203, 204):
        quoted(stage, price=price * 10**12)
        with stage.kernel.postgres.transaction() as tx:
            is_traded = SOL in stage.deps.market.usable(tx, [SOL], stage.clock.now(), trades_s)[0].tokens
        leaps.append((valued(stage, SOL)[SOL].worth(10**9) // 10**6, is_traded))
        stage.after(15)

    assert [(100, True), (100, False), (101, True), (101, False), (204, True)] == leaps


def test_who_trades_while_a_leap_is_held_is_told_so(stage: MarketStage) -> None:
    """He may try again after the next look."""
    quoted(stage)
    stage.after(15)
    quoted(stage, price=1)

    with pytest.raises(TokenPriceUnconfirmed), stage.kernel.postgres.transaction() as tx:
        stage.deps.market.to_trade(tx, SOL, stage.clock.now())


def test_a_leap_is_not_confirmed_by_a_look_at_an_empty_market(stage: MarketStage) -> None:
    """Who owns it cannot lift the price while nothing is in it, and then show it to us with liquidity once."""
    quoted(stage, price=100 * 10**12)
    for _ in range(3):
        stage.after(15)
        quoted(stage, price=900 * 10**12, liquidity_usd=1)
    stage.after(15)
    quoted(stage, price=900 * 10**12)

    assert 100 * 10**6 == valued(stage, SOL, after_s=-1)[SOL].worth(10**9)
    assert 100 * 10**6 == valued(stage, SOL)[SOL].worth(10**9)


def test_without_a_floor_every_market_is_deep_enough(database_url: str, tokens: TokenServer) -> None:
    """An operator may say so."""
    with MarketStage.open(database_url, tokens, liquidity_min_usd=0) as stage:
        stage.sync()
        quoted(stage, liquidity_usd=None)

        assert valued(stage, SOL)


def test_what_the_oracle_decides_is_valued_at_its_consensus(database_url: str, tokens: TokenServer) -> None:
    """While it has decided nothing the snapshot holds, whatever others say."""
    with MarketStage.open(database_url, tokens, oracle_feeds=f'{{"{SOL}": "SOL/USD"}}') as stage:
        stage.sync()
        quoted(stage)
        with pytest.raises(NoPrice):
            valued(stage, SOL)
        with stage.office.transaction(role="counterpart_oracle") as tx:
            tx.execute(
                """insert into oracle.feeds (reward_epoch, position, feed_id, symbol, decimals)
                   values (1, 0, decode(repeat('01', 21), 'hex'), 'SOL/USD', 4)"""
            )
            tx.execute(
                """insert into oracle.aggregates (voting_round, symbol, decided_at, window_start, vwap, twap,
                       weighted_median, consensus, confidence, sources, left_out, flagged)
                   values (1, 'SOL/USD', now(), now(), 138.5, 138.5, 138.5, 138.5, 0.01,
                           '{"a": [138.5, 1], "b": [138.5, 1], "c": [138.5, 1]}', '{}', false)"""
            )

        assert 138_500_000 == valued(stage, SOL)[SOL].worth(10**9)


@pytest.mark.parametrize("role", [ROLE, WHITELIST_ROLE])
@pytest.mark.parametrize("table", ["tokens", "market_data", "market_visits"])
def test_nobody_else_writes_the_market(database_url: str, role: str, table: str) -> None:
    """Every other role of contests reads it, and is refused by the database when it writes."""
    postgres = Postgres(database_url, role=role)

    with pytest.raises(psycopg.errors.InsufficientPrivilege), postgres.transaction() as tx:
        tx.all(f"select * from contests.{table} limit 1")
        tx.execute(f"delete from contests.{table}")
    postgres.close()
