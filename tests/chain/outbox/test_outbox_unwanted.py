"""An effect that its owner wants no longer: said before its first signature, it never happens; later it is too late."""

from collections.abc import Callable
from uuid import UUID

import pytest

from kernel.errors import LeaseLost, Transient
from kernel.outbox.evm import EvmOutbox, OutboxEntry, Purpose, State
from kernel.outbox.evm.outbox import Settled, Unwanted
from kernel.postgres import Fence
from kernel.tasks import Outcome, Retry
from tests.chain.outbox.desk import Desk
from tests.chain.workbench import LEASE_S

pytestmark = pytest.mark.chain
GONE = "deposit_gone"


class Unread(Transient):
    """What the owner would have to know cannot be read."""

    cause = "A test."
    remedy = "Wait."


class Asking(EvmOutbox):
    """An outbox whose caller says at each question what a test wants."""

    answer: Callable[[], str | None]
    asked: int

    def advance(
        self,
        entry_id: UUID,
        fence: Fence,
        settled: Settled | None = None,
        unwanted: Unwanted | None = None,
    ) -> Outcome:
        return super().advance(entry_id, fence, settled, self._told)

    def _told(self, _: OutboxEntry) -> str | None:
        self.asked += 1
        return self.answer()


def asking(desk: Desk, answer: Callable[[], str | None]) -> Asking:
    signers = {desk.signer.address: desk.signer}
    outbox = Asking(desk.postgres, desk.tasks, desk.pool(), signers, desk.clock, policy=desk.policy)
    outbox.answer, outbox.asked = answer, 0
    return outbox


def settle(desk: Desk, outbox: Asking, key: str = "pay-1") -> OutboxEntry:
    for _ in range(9):
        if desk.entry(key).settled:
            break
        desk.step(key, outbox)
    return desk.entry(key)


def test_what_is_unwanted_before_its_first_signature_never_happens(desk: Desk) -> None:
    """Its nonce was leased, and others wait behind it: a transfer of nothing uses it."""
    desk.record("pay-1", "pay-2")
    outbox = asking(desk, lambda: GONE)
    first = desk.step("pay-1", outbox)
    kept = desk.entry("pay-1")
    ended = settle(desk, outbox)

    assert Retry(0.0, f"it is not wanted any more: {GONE}") == first
    assert (State.RECORDED, GONE, ()) == (kept.state, kept.unwanted, kept.payloads)
    assert (State.CANCELLED, GONE, 0) == (ended.state, ended.reason, desk.received("pay-1"))
    assert [Purpose.CANCELLATION] == [payload.purpose for payload in ended.payloads]
    assert 1 == outbox.asked
    assert (State.CONFIRMED, 7) == (desk.settle("pay-2").state, desk.received("pay-2"))


def test_the_answer_is_kept_whatever_is_wanted_later(desk: Desk) -> None:
    """Another worker, of which nobody asks anything, cancels it all the same."""
    desk.record("pay-1")
    desk.step("pay-1", asking(desk, lambda: GONE))

    assert (State.CANCELLED, 0) == (desk.settle("pay-1").state, desk.received("pay-1"))


def test_once_bytes_are_signed_nobody_is_asked_again(desk: Desk) -> None:
    """They may be mined at any time: an answer would come too late. Not even for the same again at a raised fee."""
    desk.hold_blocks()
    desk.record("pay-1")
    answers = iter([None])
    outbox = asking(desk, lambda: next(answers, GONE))
    desk.step("pay-1", outbox)
    desk.clock.advance(31)
    desk.step("pay-1", outbox)
    desk.node.mine()
    ended = settle(desk, outbox)

    assert ([Purpose.EFFECT] * 2, 1) == ([payload.purpose for payload in ended.payloads], outbox.asked)
    assert (State.CONFIRMED, None, 7) == (ended.state, ended.unwanted, desk.received("pay-1"))


def test_while_its_owner_cannot_tell_nothing_is_signed(desk: Desk) -> None:
    """What the owner raises is the task's: it is tried again."""

    def unread() -> str | None:
        raise Unread

    desk.record("pay-1")

    with pytest.raises(Unread):
        desk.step("pay-1", asking(desk, unread))
    assert (State.RECORDED, ()) == (desk.entry("pay-1").state, desk.entry("pay-1").payloads)


def test_a_stale_worker_cannot_give_an_effect_up(desk: Desk) -> None:
    """Its lease ran out while its owner looked: whoever has the task now asks for itself."""

    def overtaken() -> str | None:
        desk.clock.advance(LEASE_S + 1)
        desk.claim("pay-1")
        return GONE

    desk.record("pay-1")

    with pytest.raises(LeaseLost):
        desk.step("pay-1", asking(desk, overtaken))
    assert desk.entry("pay-1").unwanted is None
    assert (State.CONFIRMED, 7) == (desk.settle("pay-1").state, desk.received("pay-1"))
