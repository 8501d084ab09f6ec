"""cron_follow_inlets: what no webhook told is found all the same, and what one told is no second deposit."""

from typing import Any

import pytest

from functions.ops.cron_follow_inlets import handler
from infra.local.anvil import AnvilNode
from tests.handlers.ops.counter import Counter, purse_of
from tests.handlers.ops.purse import ETHER, Context, Purse, event, on_chain

pytestmark = pytest.mark.chain
COLD = "0x90F79bf6EB2c4f870365E785982E1f101E93b906"


def follow(purse: Purse) -> None:
    """A minute goes by."""
    tick: dict[str, Any] = event("cron_follow_inlets")
    handler.bind(purse.deps)(tick, Context())


def test_a_deposit_that_no_webhook_told_is_taken(anvil: AnvilNode, database_url: str) -> None:
    """And one that a webhook told before is the same task."""
    purse = purse_of(anvil, database_url)
    counter = Counter(anvil, purse)
    counter.open(forward_to=COLD)
    before, told, untold = on_chain(anvil, COLD), counter.pay(ETHER), counter.pay(2 * ETHER)
    counter.tell(told)
    follow(purse)
    follow(purse)
    counter.run()

    assert counter.ends() == {told.identity: "done", untold.identity: "done"}
    assert on_chain(anvil, COLD) - before == 3 * ETHER
    purse.close()


def test_a_chain_that_cannot_be_read_does_not_keep_the_others(anvil: AnvilNode, database_url: str) -> None:
    """Its cursor waits for the next minute."""
    purse = purse_of(anvil, database_url)
    Counter(anvil, purse).open()
    anvil.child.stop()
    follow(purse)

    assert purse.due() == []
    purse.close()
