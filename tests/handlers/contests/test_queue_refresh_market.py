"""queue_refresh_market: tokens that are due go in, their prices come out: stored, kept, told."""

from collections.abc import Iterator

import pytest

from functions.contests.adapters.market_sources import dependency
from infra.local.exchanges.faults import Fault, FaultKind
from infra.local.tokens.market import SOL
from infra.local.tokens.server import TokenServer
from kernel.breaker import State
from tests.handlers.contests.market_stage import BEGIN, MarketStage, ranked

pytestmark = pytest.mark.handlers


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

    [row] = stage.rows("select price, source, width_bps from contests.market_data where mint = %(sol)s", sol=SOL)
    assert (stage.told(SOL), "dexscreener", 4) == (int(row["price"]), row["source"], row["width_bps"])
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
