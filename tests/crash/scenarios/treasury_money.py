"""Operators' money: a transfer on each chain family, and a top-up; in the end the books hold what the chain holds."""

from functools import cached_property
from typing import Any
from uuid import UUID

from kernel.outbox.evm import OutboxEntry
from kernel.outbox.solana import SolanaEntry
from kernel.postgres import Transaction
from kernel.tasks import Outcome
from kernel.tasks.model import Task
from kernel.treasury import evm as treasury_evm
from kernel.treasury import solana as treasury_solana
from kernel.treasury.movements import Kind, State
from kernel.treasury.treasury import Treasury
from tests.crash.harness.chains import ETHER
from tests.crash.harness.evm_desk import CHAIN_ID, POLICY, EvmDesk, recipient
from tests.crash.harness.scenario import scenario
from tests.crash.harness.solana_desk import AMOUNT_LAMPORTS, BLOCKS, SolanaDesk
from tests.crash.harness.solana_desk import POLICY as SOLANA_POLICY
from tests.crash.harness.treasury_office import Office
from tests.crash.harness.world import World

AMOUNT_WEI = 3 * ETHER // 1_000
FLOOR_WEI, TARGET_WEI, NEARLY_NOTHING_WEI = ETHER, 2 * ETHER, ETHER // 10
HOT = recipient("hot")
UNITS = 1_000


class EvmCounter:
    """The treasury at the EVM desk."""

    chain, kind = f"evm:{CHAIN_ID}", treasury_evm.SUBMIT_KIND

    def __init__(self, world: World) -> None:
        self.evm = EvmDesk(world)

    @cached_property
    def desk(self) -> treasury_evm.EvmDesk:
        """The treasury's own desk of the chain."""
        return treasury_evm.EvmDesk(lambda _: self.evm.outbox, self.evm.pool, POLICY, transfer_gas=21_000)

    def submit(self, task: Task[dict[str, Any]], treasury: Treasury) -> Outcome:
        """Do a submit task; its end is booked with it."""

        def book(tx: Transaction, entry: OutboxEntry) -> None:
            treasury.settled(tx, treasury_evm.ending_of(entry))

        return self.evm.outbox.advance(UUID(task.payload["entry_id"]), task.fence, settled=book)

    def make_blocks(self) -> None:
        """One more."""
        self.evm.chain.mine()

    def holds(self, address: str) -> int:
        """In wei."""
        return self.evm.chain.balance_wei(address)


class SolanaCounter:
    """The treasury at the Solana desk."""

    chain, kind = "solana:localnet", treasury_solana.SUBMIT_KIND

    def __init__(self, world: World) -> None:
        self.solana = SolanaDesk(world)

    @cached_property
    def desk(self) -> treasury_solana.SolanaDesk:
        """The treasury's own desk of the cluster."""
        return treasury_solana.SolanaDesk(
            lambda _: self.solana.outbox, self.solana.pool, SOLANA_POLICY, cluster="localnet", transfer_units=UNITS
        )

    def submit(self, task: Task[dict[str, Any]], treasury: Treasury) -> Outcome:
        """Do a submit task; its end is booked with it."""

        def book(tx: Transaction, entry: SolanaEntry) -> None:
            treasury.settled(tx, treasury_solana.ending_of(entry))

        return self.solana.outbox.advance(UUID(task.payload["entry_id"]), task.fence, settled=book)

    def make_blocks(self) -> None:
        """Some more."""
        self.solana.node.mine(BLOCKS)

    def holds(self, address: str) -> int:
        """In lamports."""
        return self.solana.node.balance(address)


@scenario("treasury-evm", evm={})
def treasury_on_evm(world: World) -> None:
    """Asked for once, booked on its way, paid, booked at its end."""
    counter = EvmCounter(world)
    office = Office(world, counter)
    world.ask(lambda: office.order(counter.evm.signer.address, recipient("creditor"), AMOUNT_WEI))
    office.work()


@treasury_on_evm.preparation
def open_the_books(world: World) -> None:
    """A funded wallet; and a hot one below its floor, which it is to fund."""
    counter = EvmCounter(world)
    office, main = Office(world, counter), counter.evm.signer.address
    counter.evm.open()
    counter.evm.chain.rpc("anvil_setBalance", HOT, hex(NEARLY_NOTHING_WEI))
    counter.evm.chain.mine(3)  # the balances are final
    office.open(main)
    office.treasury.declare(_hot(main), actor="crash", reason="a scenario")


@treasury_on_evm.verdict
def paid_and_booked(world: World) -> None:
    """One transfer, if it was committed; and books without a difference."""
    counter = EvmCounter(world)
    office = Office(world, counter)
    assert_moved(office, recipient("creditor"), AMOUNT_WEI, before=0)
    office.assert_balanced(counter.evm.signer.address)


@scenario("treasury-top-up", evm={})
def top_up(world: World) -> None:
    """A check finds a wallet below its floor, and sends it what is missing, once."""
    counter = EvmCounter(world)
    office = Office(world, counter)
    world.ask(lambda: office.check(HOT))
    office.work()
    office.check(HOT)


top_up.preparation(open_the_books)


@top_up.verdict
def topped_up_once(world: World) -> None:
    """It holds its target, not more, and both wallets' books agree with the chain."""
    counter = EvmCounter(world)
    office = Office(world, counter)
    world.work({counter.kind: lambda task: counter.submit(task, office.treasury)}, meanwhile=counter.make_blocks)
    assert_moved(office, HOT, TARGET_WEI - NEARLY_NOTHING_WEI, before=NEARLY_NOTHING_WEI)
    assert all(transfer.kind == Kind.TOP_UP for transfer in office.transfers())
    office.assert_balanced(counter.evm.signer.address, HOT)


@scenario("treasury-solana", solana={})
def treasury_on_solana(world: World) -> None:
    """The same on a cluster."""
    counter = SolanaCounter(world)
    office = Office(world, counter)
    creditor = counter.solana.recipient("creditor")
    world.ask(lambda: office.order(counter.solana.payer, creditor, AMOUNT_LAMPORTS))
    office.work()


@treasury_on_solana.beginning
def open_the_books_of_the_run(world: World) -> None:
    """A funded wallet of this run's own."""
    counter = SolanaCounter(world)
    counter.solana.fund()
    counter.solana.node.finalize()
    Office(world, counter).open(counter.solana.payer)


@treasury_on_solana.verdict
def paid_and_booked_on_solana(world: World) -> None:
    """One transfer, if it was committed; and books without a difference."""
    counter = SolanaCounter(world)
    office = Office(world, counter)
    assert_moved(office, counter.solana.recipient("creditor"), AMOUNT_LAMPORTS, before=0)
    office.assert_balanced(counter.solana.payer)


def assert_moved(office: Office, address: str, amount: int, *, before: int) -> None:
    """One confirmed transfer of the amount, or none at all where nobody asked; the chain says the same."""
    transfers = office.transfers()
    assert transfers or not office.world.caller_returns, "nothing was asked for"
    assert all(transfer.state == State.CONFIRMED for transfer in transfers), transfers
    assert len(transfers) <= 1, transfers
    held = office.counter.holds(address)
    assert held == before + amount * len(transfers), f"{address} holds {held} after {len(transfers)} transfers"


def _hot(main: str) -> Any:
    from kernel.treasury.wallets import OperatorWallet

    return OperatorWallet(
        service="ops", chain=EvmCounter.chain, address=HOT, floor=FLOOR_WEI, target=TARGET_WEI, funded_by=main
    )
