"""queue_submit_settlement: the one function that signs for the authority; how it goes on is tests/chain/netting."""

from collections.abc import Iterator

import pytest

from functions.netting.adapters.settle_steps import SETTLE
from kernel.treasury.switch import KillSwitch
from tests.handlers.netting.settler import SUBMIT, Settler
from tests.handlers.netting.stage import Stage

pytestmark = pytest.mark.handlers


@pytest.fixture
def settler(database_url: str) -> Iterator[Settler]:
    """A settlement whose obligation is recorded."""
    with Stage.open(database_url) as stage:
        settler = Settler(stage)
        settler.deliver(SETTLE)
        yield settler


def test_nothing_is_signed_without_a_blockhash(settler: Settler) -> None:
    """The endpoints give none: the task comes again, the obligation stays."""
    state = settler.deliver(SUBMIT)

    assert "ready" == state
    assert [] == settler.stage.rows("select * from kernel.solana_payloads")
    assert [{"state": "recorded"}] == settler.stage.rows("select state from kernel.solana_outbox")


def test_nothing_is_signed_while_the_service_is_halted(settler: Settler) -> None:
    """It waits."""
    KillSwitch(settler.stage.office, settler.stage.clock).halt("netting", actor="ada", reason="a test")
    state = settler.deliver(SUBMIT)

    assert ("ready", []) == (state, settler.stage.rows("select * from kernel.solana_payloads"))
