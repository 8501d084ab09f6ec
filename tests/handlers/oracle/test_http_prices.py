"""http_prices: what was decided, as anybody may read it."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from functions.oracle.adapters.decisions import insert_decisions
from functions.oracle.adapters.statements import Q
from functions.oracle.core.decision import commit_to, decide_values
from functions.oracle.core.feeds import Feed, feed_id
from functions.oracle.core.quotes import VenuePrice
from functions.oracle.http_prices import app
from functions.oracle.wiring import Deps
from kernel.handler.http import override_deps
from kernel.testing.asgi import AsgiClient
from tests.handlers.oracle.provider import pass_time

pytestmark = pytest.mark.handlers


@pytest.fixture
def client(offline: Deps) -> AsgiClient:
    """A visitor without a key."""
    override_deps(app, offline)
    return AsgiClient(app)


def decide(deps: Deps, voting_round: int, price: str) -> None:
    """Store what a commit of that round would have decided about BTC/USD."""
    now = deps.clock.now()
    points = [
        VenuePrice(base="BTC", quote="USD", price=Decimal(price), volume=Decimal(1), time=now, source=source)
        for source in ("kraken", "okx", "bitstamp")
    ]
    deps.repository.store_points(points, "test")
    decisions = decide_values([Feed(feed_id("BTC/USD"), 2)], points, now, {})
    commitment = commit_to(decisions, submitter="0x" + "22" * 20, voting_round=voting_round, random=7)
    with deps.kernel.postgres.transaction() as tx:
        insert_decisions(tx, commitment, now)


def test_the_latest_price_comes_with_its_age_and_sources(client: AsgiClient, offline: Deps) -> None:
    """Decimals are text; the age counts from the decision."""
    decide(offline, 5, "93480.1")
    pass_time(offline, 2)

    answer = client.get("/prices/latest?symbols=BTC/USD,XRP/USD").json()

    row = answer["prices"][0]
    assert (row["symbol"], row["price"], row["age_ms"], row["stale"]) == ("BTC/USD", "93480.1", 2_000, False)
    assert (set(row["sources"]), answer["missing"]) == ({"kraken", "okx", "bitstamp"}, ["XRP/USD"])


def test_an_old_price_says_that_it_is_stale(client: AsgiClient, offline: Deps) -> None:
    """Nobody takes an old price for a fresh one."""
    decide(offline, 5, "93480.1")
    pass_time(offline, 181)

    assert client.get("/prices/latest?symbols=BTC/USD").json()["prices"][0]["stale"] is True


def test_a_price_is_asked_for_once_a_second(client: AsgiClient, offline: Deps) -> None:
    """Meanwhile it is served as it was; what has no price yet is asked for each time."""

    def served() -> list[str]:
        answer = client.get("/prices/latest?symbols=BTC/USD,XRP/USD").json()
        assert "XRP/USD" in answer["missing"]
        return [row["price"] for row in answer["prices"]]

    before = served()
    decide(offline, 5, "93480.1")
    first = served()
    pass_time(offline, 0.5)
    decide(offline, 6, "93500.1")
    soon = served()
    pass_time(offline, 0.5)

    assert [[], ["93480.1"], ["93480.1"], ["93500.1"]] == [before, first, soon, served()]


def test_a_clock_that_is_set_back_keeps_no_price(offline: Deps) -> None:
    """Else it would be served until the clock has come back to where it was."""
    decide(offline, 5, "93480.1")
    now = offline.clock.now()

    served = [list(offline.latest.of(["BTC/USD"], at)) for at in (now, now - timedelta(minutes=1))]

    assert [["BTC/USD"], []] == served


def test_the_consensus_of_a_past_moment_is_that_moments(client: AsgiClient, offline: Deps) -> None:
    """A later decision does not change what was known before."""
    decide(offline, 5, "93480.1")
    moment = offline.clock.now().isoformat()
    pass_time(offline, 90)
    decide(offline, 6, "93500")

    now = client.get("/aggregates/consensus", params={"symbols": "BTC/USD"}).json()
    then = client.get("/aggregates/consensus", params={"symbols": "BTC/USD", "timestamp": moment}).json()

    assert (now["prices"][0]["price"], then["prices"][0]["price"]) == ("93500", "93480.1")


def test_a_range_is_folded_into_buckets_and_continued(client: AsgiClient, offline: Deps) -> None:
    """Open, high, low, close and the sum of volumes; a cut answer says where to go on."""
    start = offline.clock.now()
    for minute, price in enumerate(["100", "103", "101"]):
        decide(offline, minute, price)
        pass_time(offline, 60)
    query: dict[str, Any] = {
        "symbol": "BTC/USD",
        "from": start.isoformat(),
        "to": (start + timedelta(minutes=3)).isoformat(),
        "interval": "1m",
        "limit": 2,
    }

    first = client.get("/prices/range", params=query).json()
    rest = client.get("/prices/range", params={**query, "from": first["next_from"]}).json()

    assert [candle["close"] for candle in first["candles"] + rest["candles"]] == ["100", "103", "101"]
    assert (first["candles"][0]["volume"], rest["next_from"]) == ("3", None)


def test_one_source_can_be_asked_for(client: AsgiClient, offline: Deps) -> None:
    """A source's own points, without the others'."""
    decide(offline, 5, "100")
    now = offline.clock.now()
    query = {"symbol": "BTC/USD", "from": now.isoformat(), "to": (now + timedelta(minutes=1)).isoformat()}

    candles = client.get("/prices/range", params={**query, "source": "okx"}).json()["candles"]

    assert [candle["points"] for candle in candles] == [1]


def test_a_round_shows_what_we_committed(client: AsgiClient, offline: Deps) -> None:
    """The commit is public on the chain; its opening is nowhere in the answer."""
    decide(offline, 5, "100")
    with offline.kernel.postgres.transaction() as tx:
        tx.execute(Q["insert_submission"], voting_round=5, submitter="0x22", commit_hash=b"\x01" * 32, sealed=b"secret")

    answer = client.get("/oracle/rounds/5")

    assert answer.json()["commit_hash"] == "0x" + "01" * 32
    assert b"secret".hex() not in answer.text
    assert "sealed" not in answer.text


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/prices/latest?symbols=NO/USD", 404, "symbol_unknown"),
        ("/prices/latest?symbols=", 400, "invalid_request"),
        ("/prices/latest", 400, "invalid_request"),
        ("/prices/latest?symbols=" + ",".join(["BTC/USD"] * 51), 400, "invalid_request"),
        ("/prices/range?symbol=BTC/USD&from=now&to=later", 400, "invalid_request"),
        ("/oracle/rounds/-1", 400, "invalid_request"),
        ("/oracle/rounds/4294967296", 400, "invalid_request"),
        ("/oracle/rounds/77", 404, "round_unknown"),
        ("/oracle/nothing", 404, "not_found"),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused(client: AsgiClient, path: str, status: int, code: str) -> None:
    """Every refusal has the house's shape and its own code."""
    answer = client.get(path)

    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_reads_go_on_without_redis(client: AsgiClient, offline: Deps) -> None:
    """No limits and no cache, but answers."""
    decide(offline, 5, "100")
    offline.kernel.counter.down = offline.kernel.memory.down = True  # type: ignore[attr-defined]  # the fakes of the kernel's tests

    assert client.get("/prices/latest?symbols=BTC/USD").status_code == 200


@pytest.mark.parametrize(
    ("moment", "status"),
    [
        ("0182-11-20T13:10:15.4Z", 200),
        ("0074-10-03T13:33:14.23-23:51", 200),
        ("2026-11-21T12:00:00%2B23:59", 200),
        ("0001-01-01T00:00:00%2B01:00", 400),
        ("9999-12-31T23:59:59-01:00", 400),
    ],
)
def test_moments_of_any_offset_and_age_are_taken(client: AsgiClient, moment: str, status: int) -> None:
    """Postgres knows fewer of them than ISO 8601 does; those that UTC has no year for are refused."""
    ranged = client.get(f"/prices/range?symbol=BTC/USD&from={moment}&to={moment}")
    consensus = client.get(f"/aggregates/consensus?symbols=BTC/USD&timestamp={moment}")

    assert (status, status) == (ranged.status_code, consensus.status_code)


def test_a_new_reward_epochs_feeds_are_served_within_half_a_minute(client: AsgiClient, offline: Deps) -> None:
    """The list of feeds is not asked for at every request."""
    client.get("/prices/latest?symbols=BTC/USD")
    offline.repository.remember_feeds(2, [Feed(feed_id("DOGE/USD"), 5)])
    at_once = client.get("/prices/latest?symbols=DOGE/USD").status_code
    pass_time(offline, 30)

    served, gone = (client.get(f"/prices/latest?symbols={symbol}").status_code for symbol in ("DOGE/USD", "BTC/USD"))

    assert (404, 200, 404) == (at_once, served, gone)


def test_a_container_that_starts_before_the_first_feeds_serves_them_as_they_come(
    client: AsgiClient, offline: Deps
) -> None:
    """That there are none is not remembered."""
    with offline.kernel.postgres.transaction() as tx:
        tx.execute("delete from oracle.feeds")
    before = client.get("/prices/latest?symbols=BTC/USD").status_code
    offline.repository.remember_feeds(1, [Feed(feed_id("BTC/USD"), 2)])

    assert (404, 200) == (before, client.get("/prices/latest?symbols=BTC/USD").status_code)


def test_a_visitor_has_a_hundred_requests_a_minute(client: AsgiClient, offline: Deps) -> None:
    """The hundred and first is told when to come back."""
    answers = [client.get("/prices/latest?symbols=BTC/USD") for _ in range(101)]

    assert [answer.status_code for answer in answers] == [200] * 100 + [429]
    assert int(answers[-1].headers["Retry-After"]) > 0


def test_a_stored_decision_is_the_float_that_was_decided(offline: Deps) -> None:
    """Bit for bit: recomputed from the stored points, the aggregate is the stored one."""
    decide(offline, 5, "0.1234567890123456")
    now = offline.clock.now()

    stored = offline.repository.aggregates_at(["BTC/USD"], now)["BTC/USD"]

    points = offline.repository.points_between(now - offline.window, now)
    (again,) = decide_values([Feed(feed_id("BTC/USD"), 2)], points, now, {})
    assert (stored.consensus, stored.twap, stored.vwap) == (
        again.aggregate.consensus,
        again.aggregate.twap,
        again.aggregate.vwap,
    )
