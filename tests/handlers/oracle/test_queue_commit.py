"""queue_commit: a round's task in; a sealed opening, the decisions and one commit on the chain out."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from functions.oracle.core.commitment import commit_hash
from functions.oracle.core.feeds import Feed
from functions.oracle.core.quotes import VenuePrice
from functions.oracle.cron_plan_rounds import handler as plan
from functions.oracle.queue_commit import handler
from functions.oracle.queue_submit_transaction import handler as submit
from infra.local.demo.sightings import Bystander
from infra.local.flare.feeds import feeds_named
from kernel.prices import Limits, Prices
from tests.handlers.oracle.provider import Context, Provider, Stage, scheduled_event

pytestmark = pytest.mark.handlers

Stocked = Callable[[Provider], None]


def ready(stage: Stage, stocked: Stocked) -> tuple[Provider, int]:
    """A provider with fresh prices at the moment of its commit."""
    provider, number = stage.provider(), stage.first_round
    plan.bind(provider.deps)(scheduled_event(stage.clock.now()), Context())
    stage.at(number, 3)
    stocked(provider)
    return provider, number


def test_the_commit_is_on_the_chain_and_its_opening_only_sealed(
    stage: Stage, stocked: Stocked, bystander: Bystander
) -> None:
    """The stored opening hashes to what was committed, and cannot be read in the database."""
    provider, number = ready(stage, stocked)

    task = provider.run(handler, "oracle.commit", f"local:{number}")
    provider.submit_all(submit)
    bystander.look()

    stored = provider.deps.rounds.submission(number)
    assert stored is not None
    opening = provider.deps.openings.open(number, bytes(stored.sealed))
    expected = commit_hash(provider.voter.submit.address, number, opening.random, opening.feed_values)
    assert task.state == "done"
    assert bystander.of("commit", number)[provider.voter.name].payload == expected
    assert opening.feed_values not in bytes(stored.sealed)
    assert opening.random.to_bytes(32, "big") not in bytes(stored.sealed)


def test_a_message_delivered_twice_commits_once(stage: Stage, stocked: Stocked) -> None:
    """SQS delivers at least once; the second delivery finds the task done."""
    provider, number = ready(stage, stocked)
    provider.run(handler, "oracle.commit", f"local:{number}")
    first = provider.deps.rounds.submission(number)

    provider.run(handler, "oracle.commit", f"local:{number}")

    assert first == provider.deps.rounds.submission(number)
    assert provider.one("select count(*) as n from kernel.evm_outbox")["n"] == 1


def test_a_message_after_the_window_is_skipped_with_a_record(stage: Stage, stocked: Stocked) -> None:
    """A commit in the next epoch would be for nothing; the task says so."""
    provider, number = ready(stage, stocked)
    stage.at(number + 1, 0)

    task = provider.run(handler, "oracle.commit", f"local:{number}")

    assert (task.state, provider.deps.rounds.submission(number)) == ("skipped", None)


def test_a_lying_source_is_recorded_with_the_decision(stage: Stage, stocked: Stocked) -> None:
    """The round goes on without it, and the row says whose points were left out and why."""
    provider, number = ready(stage, stocked)
    lie = VenuePrice(
        base="BTC",
        quote="USD",
        price=Decimal(200_000),
        volume=Decimal(10),
        time=provider.deps.clock.now(),
        source="liar",
    )
    provider.deps.repository.store_points([lie], "test")

    task = provider.run(handler, "oracle.commit", f"local:{number}")

    row = provider.one("select left_out, sources from oracle.aggregates where symbol = 'BTC/USD'")
    assert (task.state, row["left_out"]) == ("done", {"liar": "outlier"})
    assert "liar" not in row["sources"]


def test_decisions_are_stored_with_their_sources_and_reputations(stage: Stage, stocked: Stocked) -> None:
    """Every submitted value can be explained afterwards, and sources that agreed gain trust."""
    provider, number = ready(stage, stocked)

    provider.run(handler, "oracle.commit", f"local:{number}")

    decided = provider.deps.repository.aggregates_at(["BTC/USD"], stage.clock.now())["BTC/USD"]
    believed = provider.deps.repository.reputations()["BTC/USD"]
    assert (decided.voting_round, decided.flagged) == (number, False)
    assert decided.sources["kraken"][1] == 0.5
    assert believed["bitstamp"] > 0.5


def test_a_feed_without_points_is_missing_and_the_others_stand(stage: Stage) -> None:
    """No price is ever invented: without any point every slot is missing, and the commit is made all the same."""
    provider, number = stage.provider(), stage.first_round
    plan.bind(provider.deps)(scheduled_event(stage.clock.now()), Context())
    stage.at(number, 3)

    provider.run(handler, "oracle.commit", f"local:{number}")

    stored = provider.deps.rounds.submission(number)
    assert stored is not None
    assert provider.deps.openings.open(number, bytes(stored.sealed)).feed_values == bytes(4)


def test_latest_prices_are_cached_and_redis_down_loses_no_commit(stage: Stage, stocked: Stocked) -> None:
    """The cache may be lost at any time."""
    provider, number = ready(stage, stocked)
    provider.kernel.memory.down = True

    task = provider.run(handler, "oracle.commit", f"local:{number}")

    assert task.state == "done"
    assert "BTC/USD" in provider.deps.latest.of(["BTC/USD"], stage.clock.now())


def test_the_other_services_read_the_price_behind_the_commit(stage: Stage, stocked: Stocked) -> None:
    """With their own rights, as a whole number, to the last digit that the oracle decided."""
    provider, number = ready(stage, stocked)
    provider.run(handler, "oracle.commit", f"local:{number}")
    repository = provider.deps.repository
    repository.remember_feeds(1, [Feed(feed.id, feed.decimals) for feed in feeds_named("BTC/USD")])  # as cron_collect
    decided = repository.aggregates_at(["BTC/USD"], stage.clock.now())["BTC/USD"]
    prices = Prices(Limits(age_max_s=2**31, width_max_bps=100))
    with provider.deps.kernel.postgres.transaction(role="counterpart_bridge") as tx:
        price = prices.of(tx, "BTC/USD")

    assert (number, 4, decided.decided_at) == (price.voting_round, price.sources, price.decided_at)
    assert Decimal(repr(decided.consensus)) == Decimal(price.price).scaleb(-price.decimals)
