"""queue_publish_prices: a round's prices, told if and only if they are stored, once, and by feed and all together."""

from collections.abc import Callable
from typing import Any

import pytest

from functions.oracle.adapters.statements import Q
from functions.oracle.cron_plan_rounds import handler as plan
from functions.oracle.queue_commit import handler as commit
from functions.oracle.queue_publish_prices import handler
from kernel.tasks import NotClaimed
from tests.handlers.oracle.provider import Context, Provider, Stage, scheduled_event

pytestmark = pytest.mark.handlers

Stocked = Callable[[Provider], None]
KIND = "oracle.publish_prices"


def committed(stage: Stage, stocked: Stocked) -> tuple[Provider, int, str]:
    """A provider right after its commit, the round, and the business key of its news."""
    provider, number = stage.provider(), stage.first_round
    plan.bind(provider.deps)(scheduled_event(stage.clock.now()), Context())
    stage.at(number, 3)
    stocked(provider)
    provider.run(commit, "oracle.commit", f"local:{number}")
    return provider, number, f"oracle:local:{number}:commit"


def told(provider: Provider) -> dict[str, list[Any]]:
    """Topic -> what its readers were told."""
    topics: dict[str, list[Any]] = {}
    for topic, body in provider.kernel.news.published:
        topics.setdefault(topic, []).append(body)
    return {topic: bodies for topic, bodies in topics.items() if topic.startswith("prices")}


def test_every_feed_is_told_on_its_topic_and_all_on_one(stage: Stage, stocked: Stocked) -> None:
    """As decided: decimals as text, under the round and moment of the decision."""
    provider, number, key = committed(stage, stocked)

    task = provider.run(handler, KIND, key)

    news = told(provider)
    stored = {one.symbol: one for one in provider.deps.repository.aggregates_of(number)}
    (bitcoin,) = news["prices:BTC/USD"]
    (everything,) = news["prices"]
    assert "done" == task.state
    assert {"prices", "prices:BTC/USD", "prices:ETH/USD", "prices:XRP/USD"} == set(news)
    assert stored["BTC/USD"].consensus == float(bitcoin["price"])
    assert (number, 4, False, stage.clock.now().isoformat()) == (
        bitcoin["voting_round"],
        bitcoin["sources"],
        bitcoin["flagged"],
        bitcoin["decided_at"],
    )
    assert [news[f"prices:{price['symbol']}"] for price in everything["prices"]] == [
        [price] for price in everything["prices"]
    ]


def test_prices_that_were_not_stored_are_not_told(stage: Stage, stocked: Stocked) -> None:
    """What rolls back with the commit are its prices and what would have told them: here somebody was there before."""
    provider, number = stage.provider(), stage.first_round
    plan.bind(provider.deps)(scheduled_event(stage.clock.now()), Context())
    stage.at(number, 3)
    stocked(provider)
    with provider.kernel.postgres.transaction() as tx:
        tx.execute(Q["insert_submission"], voting_round=number, submitter="", commit_hash=bytes(32), sealed=b"")

    task = provider.run(commit, "oracle.commit", f"local:{number}")

    assert "done" != task.state
    assert 0 == provider.one("select count(*) as n from kernel.tasks where kind = %(kind)s", kind=KIND)["n"]
    assert [] == provider.deps.repository.aggregates_of(number)


def test_whoever_dies_after_the_telling_tells_nothing_twice(stage: Stage, stocked: Stocked) -> None:
    """The repetition has the key of the first, under which a message is the same message."""
    provider, _, key = committed(stage, stocked)
    provider.kernel.memory.down = True
    waiting = provider.run(handler, KIND, key)
    provider.kernel.memory.down = False
    stage.clock.advance(60)

    task = provider.run(handler, KIND, key)
    again = told(provider.reborn())

    assert ("ready", "done") == (waiting.state, task.state)
    assert {1} == {len(bodies) for bodies in again.values()}


def test_the_newest_prices_are_cached_and_the_commit_waits_for_no_cache(stage: Stage, stocked: Stocked) -> None:
    """Redis is away when the prices are decided: they are served from Postgres, and cached once it is back."""
    provider, number, key = committed(stage, stocked)
    provider.kernel.memory.down = True
    served = provider.deps.latest.of(["BTC/USD"], stage.clock.now())
    provider.kernel.memory.down = False
    before = provider.kernel.memory.get("latest:BTC/USD")

    provider.run(handler, KIND, key)

    assert (number, None) == (served["BTC/USD"].voting_round, before)
    stage.clock.advance(1)
    assert number == provider.kernel.memory.get("latest:BTC/USD")["voting_round"]
    assert served == provider.deps.latest.of(["BTC/USD"], stage.clock.now())


def test_prices_that_nobody_was_told_in_time_are_no_news(stage: Stage, stocked: Stocked) -> None:
    """The next round's are there; the task says that it was skipped."""
    provider, _, key = committed(stage, stocked)
    stage.clock.advance(90)

    task = provider.run(handler, KIND, key)

    assert ("skipped", {}) == (task.state, told(provider))


def test_whoever_dies_before_the_telling_is_replaced_while_it_is_news(stage: Stage, stocked: Stocked) -> None:
    """The next message finds the task free, ten seconds later."""
    provider, _, key = committed(stage, stocked)
    dead = provider.deps.tasks.claim(provider.task(KIND, key).id, "who dies", 60)
    stage.clock.advance(10)

    task = provider.run(handler, KIND, key)

    assert not isinstance(dead, NotClaimed)
    assert ("done", 2) == (task.state, task.attempt)
    assert {0, 10, 30} == {one.delay_s for one in provider.kernel.queue.sent if one.queue == "oracle-publish-prices"}
