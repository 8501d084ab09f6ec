"""Whoever settles a batch dies between any two steps; another one resumes; each settlement happens exactly once."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from functions.netting.adapters.ends import Ends
from functions.netting.adapters.lane import Lane
from functions.netting.adapters.obligations import Effect, Obligations
from functions.netting.adapters.settle_steps import SETTLE
from functions.netting.wiring import SignerDeps
from kernel.keys.solana import LocalSolanaSigner, SignedMessage
from kernel.outbox.solana import SolanaEntry
from kernel.postgres import Transaction
from kernel.solana.pool import Delivery, SolanaPool
from kernel.treasury.reconciliation import Balanced
from tests.chain.netting.settlement_desk import SUBMIT, Desk
from tests.chain.workbench import Died

pytestmark = pytest.mark.crash


class DyingSigner(LocalSolanaSigner):
    """Signs, and then its process dies before anybody hears of it."""

    __slots__ = ()

    def sign(self, message: bytes) -> SignedMessage:
        super().sign(message)
        raise Died


class DyingPool(SolanaPool):
    """Dies right after the bytes have left, or right before."""

    leaves = True

    def broadcast(self, raw: bytes, *, max_retries: int = 0, skip_preflight: bool = True) -> list[Delivery]:
        if self.leaves:
            super().broadcast(raw)
        raise Died


class BarredPool(DyingPool):
    leaves = False


class DyingObligations(Obligations):
    """Dies once the obligation is written, before its transaction commits."""

    def record(self, tx: Transaction, effect: Effect) -> None:
        super().record(tx, effect)
        raise Died


class DyingLane(Lane):
    """Dies with the lane in its hands, and nothing written."""

    def keep(self, *_: Any, **__: Any) -> str:
        raise Died


class DyingEnds(Ends):
    """Dies once the end is booked, before its transaction commits."""

    def settled(self, tx: Transaction, entry: SolanaEntry) -> None:
        super().settled(tx, entry)
        raise Died


def container(desk: Desk, **parts: Any) -> SignerDeps:
    """A process, some of whose parts are to die."""
    deps = desk.container()
    deps.__dict__.update(parts)
    return deps


def dying_signer(desk: Desk) -> SignerDeps:
    return container(desk, _signer=DyingSigner(desk.world.authority.seed))


def dying_before_the_broadcast(desk: Desk) -> SignerDeps:
    return container(desk, pool=BarredPool(desk.urls, "localnet", desk.clock))


def dying_after_the_broadcast(desk: Desk) -> SignerDeps:
    return container(desk, pool=DyingPool(desk.urls, "localnet", desk.clock))


def dying_with_the_lane(desk: Desk) -> SignerDeps:
    return container(desk, lane=DyingLane(desk.clock))


def dying_over_the_obligation(desk: Desk) -> SignerDeps:
    deps, settings = desk.container(), desk.settings
    terms = {"chain": settings.chain, "authority": settings.authority, "program": settings.program}
    deps.__dict__["obligations"] = DyingObligations(deps.treasury, **terms)
    return deps


def dying_over_the_end(desk: Desk) -> SignerDeps:
    deps = desk.container()
    parts = (deps.batches, deps.lane, deps.ledgers, deps.lookup_tables, deps.roots, deps.treasury, deps.wallets.ends)
    deps.__dict__["ends"] = DyingEnds(*parts)
    return deps


def assert_sold_once(desk: Desk, batch: UUID, before: dict[str, int], attempts: int = 1) -> None:
    desk.work()
    assert ("settled", ["settled"]) == desk.states(batch)
    assert attempts == len(desk.attempts(batch))
    assert {100, -100} == {*desk.moved(before).values()}
    assert 1 == desk.world.config().last_batch_id
    assert isinstance(desk.check(), Balanced)


@pytest.mark.parametrize("dying", [dying_with_the_lane, dying_over_the_obligation])
def test_death_before_the_number_is_committed(desk: Desk, dying: Callable[[Desk], SignerDeps]) -> None:
    """Number, state and obligation are one commit: the next one finds the settlement waiting, and gives the number."""
    before, batch = desk.world.locked(), desk.plant(desk.sale(0, 1, 100))
    desk.die(SETTLE, dying(desk))

    assert ("netted", ["waiting"], []) == (*desk.states(batch), desk.attempts(batch))
    assert [] == desk.rows("select * from kernel.solana_outbox")
    assert_sold_once(desk, batch, before)


@pytest.mark.parametrize("dying", [dying_signer, dying_before_the_broadcast, dying_after_the_broadcast])
def test_death_of_the_signer(desk: Desk, dying: Callable[[Desk], SignerDeps]) -> None:
    """What was committed is sent, what was not is signed anew: one transaction settles it."""
    before, batch = desk.world.locked(), desk.plant(desk.sale(0, 1, 100))
    desk.step(SETTLE)
    desk.die(SUBMIT, dying(desk))

    assert_sold_once(desk, batch, before)


def test_death_before_the_end_is_committed(desk: Desk) -> None:
    """The books, the settlement and the entry's end are one commit."""
    before, batch = desk.world.locked(), desk.plant(desk.sale(0, 1, 100))
    desk.step(SETTLE)
    desk.step(SUBMIT)
    desk.world.node.finalize()
    desk.die(SUBMIT, dying_over_the_end(desk))

    assert [(0, 1, 0, None)] == desk.attempts(batch)
    assert_sold_once(desk, batch, before)


def test_any_number_of_deaths_in_a_row_settle_once(desk: Desk) -> None:
    """Each new process dies at the next point; the last one lives."""
    before, batch = desk.world.locked(), desk.plant(desk.sale(0, 1, 100))
    desk.die(SETTLE, dying_with_the_lane(desk))
    desk.die(SETTLE, dying_over_the_obligation(desk))
    desk.step(SETTLE)
    for dying in (dying_signer, dying_before_the_broadcast, dying_after_the_broadcast):
        desk.die(SUBMIT, dying(desk))
    desk.world.node.finalize()
    desk.die(SUBMIT, dying_over_the_end(desk))

    assert_sold_once(desk, batch, before)
