"""Every minute: each wallet on a configured chain is to be checked once."""

from collections.abc import Iterator

import pytest

from functions.ops.cron_check_treasury import handler
from tests.handlers.ops.purse import Purse, event

pytestmark = pytest.mark.handlers
CHAIN = "evm:31337"


@pytest.fixture
def purse(database_url: str) -> Iterator[Purse]:
    purse = Purse(database_url, ({"chain": CHAIN, "rpc_urls": "plain:http://rpc.invalid"},))
    yield purse
    purse.close()


def test_each_wallet_is_checked_once_a_minute(purse: Purse) -> None:
    """However often the minute rings; the message goes to the queue of checks."""
    addresses = sorted(purse.keep(CHAIN) for _ in range(2))
    for address in addresses:
        purse.declare(CHAIN, address)
    purse.kernel.queue.sent.clear()
    purse.clock.advance(3_600)  # declaring asked for a check of that minute
    tick = event("cron_check_treasury") | {"time": f"{purse.clock.now():%Y-%m-%dT%H:%M:%SZ}"}
    answers = [handler.bind(purse.deps)(tick, None) for _ in range(2)]

    with purse.kernel.postgres.transaction() as tx:
        rows = tx.all("select payload from kernel.tasks where run_at = %(now)s", now=purse.clock.now())
    assert answers == [{"status": "done"}] * 2
    assert sorted(row["payload"]["address"] for row in rows) == addresses
    assert [message.queue for message in purse.kernel.queue.sent] == ["ops-check-wallet"] * 2


def test_a_wallet_on_a_chain_that_is_no_longer_configured_is_left_alone(purse: Purse, database_url: str) -> None:
    """Nobody could read it; the others are checked."""
    purse.declare(CHAIN, purse.keep(CHAIN))
    elsewhere = Purse(database_url, ({"chain": "evm:1", "rpc_urls": "plain:http://rpc.invalid"},), purse.clock)
    elsewhere.kernel.queue.sent.clear()
    handler.bind(elsewhere.deps)(event("cron_check_treasury"), None)

    assert elsewhere.kernel.queue.sent == []
    elsewhere.close()
