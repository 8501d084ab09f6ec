"""Plays that break the promise on purpose: the harness must catch each. Nothing here is enumerated by `make crash`."""

import os
from typing import Any

from kernel.evm.fees import GWEI, Fees
from kernel.evm.rpc import RpcPool
from kernel.evm.transactions import UnsignedTransaction
from kernel.tasks import Done, Outcome, TaskSpec
from kernel.tasks.model import Task
from tests.crash.harness.evm_desk import AMOUNT_WEI, EvmDesk, recipient
from tests.crash.harness.scenario import scenario
from tests.crash.harness.site import START
from tests.crash.harness.world import World

KIND = "ops.pay"
NOTES = "create table public.notes (key text not null)"
GRANT = "grant select, insert on public.notes to counterpart_ops"
NOTED = "select key from public.notes where key = %(key)s"
NOTE = "insert into public.notes (key) values (%(key)s)"
FEES = Fees(max_fee_wei=20 * GWEI, tip_wei=GWEI)


class Payer:
    """A worker that pays by hand, without an outbox."""

    def __init__(self, world: World) -> None:
        self.world, self.desk = world, EvmDesk(world)
        self.pool = RpcPool(world.rpc_urls("evm"), 31337, world.clock)

    def ask(self) -> None:
        """One task that pays once."""
        with self.world.postgres.transaction() as tx:
            self.world.tasks.enqueue([TaskSpec(kind=KIND, business_key="pay-1", payload={}, run_at=START)], tx)

    def pay(self) -> None:
        """Send at whatever nonce the chain has next."""
        nonce = self.pool.nonce_claimed(self.desk.signer.address)
        transfer = UnsignedTransaction(
            chain_id=31337,
            nonce=nonce,
            to=recipient("pay-1"),
            value_wei=AMOUNT_WEI,
            data=b"",
            gas_limit=21_000,
            fees=FEES,
        )
        self.pool.broadcast(self.desk.signer.sign_transaction(transfer).raw)

    def noted(self) -> bool:
        """Whether the payment is known to have been made."""
        with self.world.postgres.transaction() as tx:
            return tx.maybe(NOTED, key="pay-1") is not None

    def note(self) -> None:
        """Commit that it was made."""
        with self.world.postgres.transaction() as tx:
            tx.execute(NOTE, key="pay-1")


def prepare(world: World) -> None:
    """A funded signer, and a table of payments made."""
    EvmDesk(world).open()
    world.rows(NOTES)
    world.rows(GRANT)


def paid_once(world: World) -> None:
    """The recipient holds the amount, neither nothing nor twice it."""
    received_wei = EvmDesk(world).received_wei("pay-1")
    assert received_wei == AMOUNT_WEI, f"{received_wei} wei were paid"


@scenario("mistake: sent before it is committed", evm={})
def sent_first(world: World) -> None:
    """Whoever dies between the two pays twice."""
    payer = Payer(world)

    def work(task: Task[dict[str, Any]]) -> Outcome:
        if not payer.noted():
            payer.pay()
            payer.note()
        return Done()

    world.ask(payer.ask)
    world.work({KIND: work})


@scenario("mistake: committed before it is sent, and never looked at again", evm={})
def noted_first(world: World) -> None:
    """Whoever dies between the two never pays."""
    payer = Payer(world)

    def work(task: Task[dict[str, Any]]) -> Outcome:
        if not payer.noted():
            payer.note()
            payer.pay()
        return Done()

    world.ask(payer.ask)
    world.work({KIND: work})


@scenario("mistake: committed without holding the fence")
def unfenced(world: World) -> None:
    """A holder that slept through its lease does again what its successor has done."""
    payer = Payer.__new__(Payer)
    payer.world = world

    def work(task: Task[dict[str, Any]]) -> Outcome:
        if not payer.noted():
            payer.note()
        return Done()

    world.ask(payer.ask)
    world.work({KIND: work})


@scenario("mistake: another way every time")
def undetermined(world: World) -> None:
    """Its points have other names in every run, so none of them can be killed on purpose."""
    with world.postgres.transaction() as tx:
        tx.one(f"select 1 as word_{os.urandom(4).hex()}")


for paying in (sent_first, noted_first):
    paying.preparation(prepare)
    paying.verdict(paid_once)


@unfenced.preparation
def make_the_table(world: World) -> None:
    """A table of payments made."""
    world.rows(NOTES)
    world.rows(GRANT)


@unfenced.verdict
def noted_once(world: World) -> None:
    """One row."""
    assert [{"key": "pay-1"}] == world.rows("select key from public.notes")
