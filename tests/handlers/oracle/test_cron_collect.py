"""cron_collect: a minute in, its collections and the feeds' names out."""

import pytest

from functions.oracle.cron_collect import handler
from tests.handlers.oracle.conftest import FEEDS
from tests.handlers.oracle.provider import Context, Stage, scheduled_event

pytestmark = pytest.mark.handlers


def test_three_collections_a_minute_are_planned_once(stage: Stage) -> None:
    """Every twenty seconds, however often the schedule fires."""
    provider = stage.provider()

    for _ in range(2):
        handler.bind(provider.deps)(scheduled_event(stage.clock.now()), Context())

    row = provider.one(
        "select count(*) as n, max(run_at) - min(run_at) as span from kernel.tasks where kind = 'oracle.collect'"
    )
    assert (row["n"], row["span"].total_seconds()) == (3, 40)


def test_the_feeds_of_the_chain_are_remembered_in_their_order(stage: Stage) -> None:
    """Those who may not ask the chain find the symbols in Postgres."""
    provider = stage.provider()

    handler.bind(provider.deps)(scheduled_event(stage.clock.now()), Context())

    assert provider.deps.repository.known_symbols() == FEEDS
    assert provider.task("oracle.collect", stage.clock.now().isoformat(timespec="seconds")).payload == {
        "bases": ["BTC", "ETH", "XRP"]
    }


def test_remembered_feeds_are_not_read_from_the_chain_again(stage: Stage) -> None:
    """A cold container finds in Postgres what a reward epoch of logs would tell it, decimals included."""
    provider = stage.provider()
    handler.bind(provider.deps)(scheduled_event(stage.clock.now()), Context())
    read = provider.deps.flare.feeds(1)
    with provider.kernel.postgres.transaction() as tx:
        tx.execute("update oracle.feeds set decimals = decimals + 1")

    cold = provider.reborn().deps.flare.feeds(1)

    assert [(feed.id, feed.decimals + 1) for feed in read] == [(feed.id, feed.decimals) for feed in cold]
