"""queue_sync_token_list: the list as Jupiter has it goes in, ranked tokens come out."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from functions.contests.core.market import UNRANKED
from infra.local.exchanges.faults import Fault, FaultKind
from infra.local.tokens.market import SOL
from infra.local.tokens.server import TokenServer
from tests.handlers.contests.market_stage import BEGIN, MarketStage, ranked

pytestmark = pytest.mark.handlers
UNLISTED = "Unt1isted1111111111111111111111111111111111"


@pytest.fixture
def stage(database_url: str, tokens: TokenServer) -> Iterator[MarketStage]:
    """A deployment that has not looked yet."""
    with MarketStage.open(database_url, tokens) as stage:
        yield stage


def test_tokens_are_ranked_by_their_capitalisation(stage: MarketStage) -> None:
    """The largest is 1; symbol, name and decimals are the list's."""
    assert "done" == stage.sync()

    rows = stage.rows("select mint, symbol, decimals, rank from contests.tokens order by rank")
    assert ranked(stage.sources, BEGIN) == [row["mint"] for row in rows]
    assert list(range(1, 61)) == [row["rank"] for row in rows]
    assert ("SOL", 9) == next((row["symbol"], row["decimals"]) for row in rows if row["mint"] == SOL)


def test_a_token_that_stays_as_it_is_is_not_written_again(stage: MarketStage) -> None:
    """Thousands of rows twice a minute would be most of what the database writes."""
    stage.sync()
    [before] = stage.rows("select array_agg(xmin::text order by mint) as written from contests.tokens")

    stage.sync()
    stage.clock.advance(30)
    assert "done" == stage.sync()

    [after] = stage.rows("select array_agg(xmin::text order by mint) as written from contests.tokens")
    assert before == after


def test_a_token_that_left_the_list_comes_last_after_an_hour(stage: MarketStage) -> None:
    """Its price is still asked for: somebody may play with it."""
    stage.sync()
    with stage.office.transaction() as tx:
        tx.execute(
            """insert into contests.tokens (mint, symbol, name, decimals, rank, synced_at, due_at)
               values (%(mint)s, 'OLD', 'Old', 6, 7, %(at)s, %(at)s)""",
            mint=UNLISTED,
            at=BEGIN - timedelta(minutes=61),
        )
    stage.after(30)

    stage.sync()

    assert [{"rank": UNRANKED}] == stage.rows("select rank from contests.tokens where mint = %(mint)s", mint=UNLISTED)


def test_what_may_be_played_with_has_a_price_though_no_list_has_it(stage: MarketStage) -> None:
    """Whoever has paid for a token may pick it."""
    stage.list_token(UNLISTED, decimals=3)

    stage.sync()

    rows = stage.rows("select symbol, decimals, rank from contests.tokens where mint = %(mint)s", mint=UNLISTED)
    assert [{"symbol": "MINE", "decimals": 3, "rank": UNRANKED}] == rows


@pytest.mark.parametrize("kind", [FaultKind.DOWN, FaultKind.MALFORMED, FaultKind.RATE_LIMITED])
def test_a_list_that_cannot_be_had_changes_nothing(stage: MarketStage, kind: FaultKind) -> None:
    """The task is tried again, and the tokens stay as they were."""
    stage.sync()
    stage.after(30)
    stage.sources.fault("jupiter", Fault(kind=kind))

    assert "ready" == stage.sync()

    assert [{"n": 60}] == stage.rows("select count(*) as n from contests.tokens")
