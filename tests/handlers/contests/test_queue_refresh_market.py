"""queue_refresh_market: tokens that are due go in, their prices come out: stored, kept, told."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Final
from uuid import uuid4

import pytest

from functions.contests.adapters.market_sources import dependency
from functions.contests.adapters.tokens import Q
from infra.local.exchanges.faults import Fault, FaultKind
from infra.local.tokens.market import SOL
from infra.local.tokens.server import TokenServer
from kernel.breaker import State
from tests.handlers.contests.market_stage import BEGIN, MarketStage, ranked

pytestmark = pytest.mark.handlers
SUPPLY = 540_000_000


@pytest.fixture
def stage(database_url: str, tokens: TokenServer) -> Iterator[MarketStage]:
    """A deployment that knows sixty tokens, none of which has a price."""
    with MarketStage.open(database_url, tokens) as stage:
        stage.sync()
        yield stage


def asked(stage: MarketStage) -> dict[str, int]:
    """How often each source was asked for prices so far."""
    return {source: counts.get("prices", 0) for source, counts in stage.sources.requests().items()}


def test_every_price_is_that_of_the_market_to_the_last_digit(stage: MarketStage) -> None:
    """In 10^-12 USD: of a token that costs a hundred-thousandth, six digits are left."""
    assert "done" == stage.refresh()

    assert {mint: stage.told(mint) for mint in stage.sources.tokens} == stage.priced()


def test_every_price_says_how_much_is_behind_it(stage: MarketStage) -> None:
    """In whole dollars, as Jupiter tells it with the price."""
    stage.refresh()

    [row] = stage.rows("select liquidity_usd from contests.market_data where mint = %(sol)s", sol=SOL)
    assert stage.told(SOL) * SUPPLY * 5 // (100 * 10**12) == row["liquidity_usd"]


def test_a_token_is_asked_for_as_often_as_its_rank_says(stage: MarketStage) -> None:
    """Up to fifty every quarter minute, up to two hundred every half; ranks count from the largest."""
    stage.refresh()
    first_fifty = ranked(stage.sources, BEGIN)[:50]

    stage.after(15)
    stage.refresh()
    after_a_quarter = set(stage.priced())
    stage.after(15)
    stage.refresh()

    assert after_a_quarter == set(first_fifty)
    assert set(stage.sources.tokens) == set(stage.priced())


@pytest.mark.parametrize(
    ("state", "starts_in_s", "played", "is_asked"),
    [
        ("active", -60, "chosen", True),
        ("active", -60, "held", True),
        ("active", -60, "traded", True),
        ("evaluating", -60, "held", True),
        ("pending", 60, "chosen", True),
        ("pending", 600, "chosen", False),
        ("paid", -60, "held", False),
    ],
)
def test_what_a_contest_plays_with_is_asked_for_at_every_look(
    stage: MarketStage, state: str, starts_in_s: int, played: str, is_asked: bool
) -> None:
    """Whatever its rank: else it could be traded for half a minute in ten."""
    last, other = ranked(stage.sources, BEGIN)[59:57:-1]
    stage.refresh()
    contest_of(stage, last, other, state=state, starts_in_s=starts_in_s, played=played)

    stage.after(15)
    stage.refresh()

    assert is_asked is (last in stage.priced())


def test_what_is_played_comes_before_what_is_large(stage: MarketStage) -> None:
    """Where a look has not room for all."""
    last = ranked(stage.sources, BEGIN)[59]
    contest_of(stage, last, last, state="active", starts_in_s=-60, played="held")

    now = stage.clock.now()
    assert [{"mint": last, "rank": 60, "is_played": True}] == stage.rows(
        Q["due_tokens"], at=now, soon=now, lately=now, limit=1
    )


def contest_of(stage: MarketStage, mint: str, first: str, *, state: str, starts_in_s: int, played: str) -> None:
    """A contest whose one entrant plays with a token: has chosen it, holds it in place of the first, or traded it."""
    start = stage.clock.now() + timedelta(seconds=starts_in_s)
    chosen = json.dumps({mint if played == "chosen" else first: 10_000})
    held = json.dumps({mint: [1, 1]} if played == "held" else {})
    named = {"id": uuid4(), "now": stage.clock.now(), "mint": mint}
    with stage.office.transaction() as tx:
        tx.execute(_CONTEST, **named, state=state, start=start, end=start + timedelta(hours=1))
        tx.execute(_ENTRY, **named)
        tx.execute(_PORTFOLIO, **named, weights=chosen, positions=held)
        if played == "traded":
            tx.execute(_TRADE, **named)


_CONTEST: Final = """
    insert into contests.contests (id, name, state, fee_lamports, entrants_min, entrants_max, starts_at, ends_at,
                                   stake_micros, shares_bps, rake_bps, entrants, pool_lamports, created_at, moved_at)
    values (%(id)s, 'duel', %(state)s, 1, 2, 2, %(start)s, %(end)s, 1, '{10000}', 0, 1, 1, %(now)s, %(now)s)
"""
_ENTRY: Final = """
    insert into contests.entries (contest_id, wallet, number, signature, lamports, slot, entered_at)
    values (%(id)s, 'alice', 0, %(id)s::text, 1, 1, %(now)s)
"""
_PORTFOLIO: Final = """
    insert into contests.portfolios (contest_id, wallet, weights_bps, cash_micros, positions, moved_at)
    values (%(id)s, 'alice', %(weights)s, 1, %(positions)s, %(now)s)
"""
_TRADE: Final = """
    insert into contests.trades (contest_id, wallet, request_key, side, mint, quantity, decimals, price_micros,
                                 money_micros, priced_at, traded_at)
    values (%(id)s, 'alice', 'a', 'buy', %(mint)s, 1, 6, 1, 1, %(now)s, %(now)s)
"""


def test_a_look_that_comes_late_keeps_the_next_ones_in_step(stage: MarketStage) -> None:
    """What is due counts from the moment that the look was for."""
    stage.after(4)
    stage.refresh()  # the task of 12:00:04 stands for that very second; the due times follow it

    [row] = stage.rows("select max(due_at) as due_at from contests.tokens where rank <= 50")
    assert 19.0 == (row["due_at"] - BEGIN).total_seconds()


@pytest.mark.parametrize(
    "kind", [FaultKind.DOWN, FaultKind.MALFORMED, FaultKind.RATE_LIMITED], ids=lambda kind: kind.value
)
def test_when_jupiter_fails_dexscreener_answers(stage: MarketStage, kind: FaultKind) -> None:
    """The prices are there, and say whose they are and how far apart the markets were."""
    stage.sources.fault("jupiter", Fault(kind=kind))

    assert "done" == stage.refresh()

    sql = "select price, source, width_bps, liquidity_usd from contests.market_data where mint = %(sol)s"
    [row] = stage.rows(sql, sol=SOL)
    told = stage.told(SOL)
    assert (told, "dexscreener", 4) == (int(row["price"]), row["source"], row["width_bps"])
    assert told * SUPPLY * 4 // (100 * 10**12) == row["liquidity_usd"]  # the deepest market has four fifths of it all
    assert 60 == len(stage.priced())


def test_who_failed_a_moment_ago_is_asked_after_who_did_not(stage: MarketStage) -> None:
    """Nobody waits for a time-out twice."""
    stage.sources.fault("jupiter", Fault(kind=FaultKind.DOWN))
    stage.refresh()
    failed = asked(stage)
    stage.after(15)

    stage.refresh()

    assert failed["jupiter"] == asked(stage)["jupiter"]
    assert failed["dexscreener"] < asked(stage)["dexscreener"]


def test_three_failures_leave_a_source_alone_for_half_a_minute(stage: MarketStage) -> None:
    """Then it is asked once, and it is back when it answers."""
    for source in ("jupiter", "dexscreener"):
        stage.sources.fault(source, Fault(kind=FaultKind.DOWN))
    for _ in range(2):
        stage.refresh()
        stage.after(1)
    opened, alone = stage.kernel.breakers.condition(dependency("jupiter")), asked(stage)

    stage.refresh()
    still_alone = asked(stage)
    stage.sources.clear()
    stage.after(30)
    stage.refresh()

    assert (State.CIRCUIT_OPEN, alone) == (opened.state, still_alone)
    assert 60 == len(stage.priced())


def test_with_both_away_the_look_is_tried_again_and_nothing_is_invented(stage: MarketStage) -> None:
    """Tokens stay due."""
    for source in ("jupiter", "dexscreener"):
        stage.sources.fault(source, Fault(kind=FaultKind.DOWN))

    assert "ready" == stage.refresh()

    assert {} == stage.priced()
    assert [{"n": 60}] == stage.rows(
        "select count(*) as n from contests.tokens where due_at <= %(at)s", at=stage.clock.now()
    )


def test_a_token_that_nobody_has_a_price_of_is_marked_and_costs_its_neighbours_nothing(stage: MarketStage) -> None:
    """Since when is remembered until somebody has one again."""
    stage.sources.move(SOL, None)
    stage.refresh()
    silent = stage.rows("select mint, silent_since from contests.tokens where silent_since is not null")
    stage.sources.heal()
    stage.after(15)

    stage.refresh()

    assert [{"mint": SOL, "silent_since": BEGIN}] == silent
    assert [] == stage.rows("select mint from contests.tokens where silent_since is not null")


def test_prices_are_kept_for_readers_and_told_to_listeners(stage: MarketStage) -> None:
    """Each on its own topic, and all of them together."""
    stage.refresh()

    kept = stage.kernel.memory.get(f"contests:price:{SOL}")
    topics = dict(stage.kernel.news.published)
    assert str(stage.told(SOL)) == kept["price"]
    assert kept == topics[f"market-data:{SOL}"]
    assert 60 == sum(len(body["prices"]) for topic, body in stage.kernel.news.published if topic == "market-data")


def test_redis_away_costs_no_price(stage: MarketStage) -> None:
    """What is stored is stored."""
    stage.kernel.memory.down = True

    assert "done" == stage.refresh()

    assert 60 == len(stage.priced())
