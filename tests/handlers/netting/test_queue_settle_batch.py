"""queue_settle_batch: a settlement gets a number and an obligation in one commit, or nothing, or is given up."""

from collections.abc import Iterator

import pytest

from functions.netting.adapters.settle_steps import SETTLE
from kernel.treasury.switch import KillSwitch
from tests.handlers.netting.settler import Settler
from tests.handlers.netting.stage import BUYER, PLACES, Stage, ledger

pytestmark = pytest.mark.handlers


@pytest.fixture
def settler(database_url: str) -> Iterator[Settler]:
    """A sale that waits."""
    with Stage.open(database_url) as stage:
        yield Settler(stage)


def test_what_may_be_sent_gets_the_next_number(settler: Settler) -> None:
    """Above the program's last; the obligation, what is set aside for it, and the lane are there with it."""
    state = settler.deliver(SETTLE)

    [entry] = settler.stage.rows("select business_key, state, payer from kernel.solana_outbox")
    [lane] = settler.stage.rows("select last_chain_batch, batch, ordinal from netting.lane")
    [transfer] = settler.stage.rows("select key, amount, state from kernel.treasury_transfers")
    key = f"netting:settlement:{settler.batch}:0:1"
    assert {"state": "sent", "attempt": 1, "chain_batch": 5, "reason": None} == settler.settlement()
    assert (f"treasury/{key}", "recorded", settler.deps.settings.authority) == tuple(entry.values())
    assert {"last_chain_batch": 5, "batch": settler.batch, "ordinal": 0} == lane
    assert {"key": key, "amount": 0, "state": "open"} == transfer
    assert "ready" == state


def test_a_message_that_comes_again_sends_nothing_again(settler: Settler) -> None:
    """The lane is occupied by what is on its way."""
    settler.deliver(SETTLE)
    settler.stage.clock.advance(2)
    settler.deliver(SETTLE)

    assert 1 == len(settler.stage.rows("select id from kernel.solana_outbox"))
    assert 1 == settler.settlement()["attempt"]


def test_a_paused_program_is_waited_for(settler: Settler) -> None:
    """Nothing is recorded."""
    settler.program_says(last_batch=4, is_paused=True)
    settler.deliver(SETTLE)

    assert "waiting" == settler.settlement()["state"]
    assert [] == settler.stage.rows("select id from kernel.solana_outbox")


def test_what_can_never_be_is_given_up(settler: Settler) -> None:
    """The buyer's funds are gone."""
    settler.stage.program.holds(PLACES.ledger(BUYER), ledger(BUYER, 29))
    settler.deliver(SETTLE)

    assert ("abandoned", "insufficient_funds") == (settler.settlement()["state"], settler.settlement()["reason"])
    assert [{"state": "abandoned"}] == settler.stage.rows("select state from netting.batches")


def test_a_batch_that_is_not_published_yet_waits(settler: Settler) -> None:
    """Nothing is settled whose metadata nobody can read."""
    with settler.stage.office.transaction() as tx:
        tx.execute(
            "insert into netting.unpinned_metadata (batch, content, kept_at) values (%(b)s, '', %(now)s)",
            b=settler.batch,
            now=settler.stage.clock.now(),
        )
    settler.deliver(SETTLE)

    assert "waiting" == settler.settlement()["state"]


def test_a_halted_service_sends_nothing(settler: Settler) -> None:
    """All of the commit is undone, the number too."""
    KillSwitch(settler.stage.office, settler.stage.clock).halt("netting", actor="ada", reason="a test")
    state = settler.deliver(SETTLE)

    assert ("ready", "waiting") == (state, settler.settlement()["state"])
    assert [] == settler.stage.rows("select * from netting.settlement_attempts")


def test_endpoints_that_tell_nothing_are_asked_again(settler: Settler) -> None:
    """Nothing is decided without the chain."""
    settler.stage.program.is_silent = True
    state = settler.deliver(SETTLE)

    assert ("ready", "waiting") == (state, settler.settlement()["state"])
