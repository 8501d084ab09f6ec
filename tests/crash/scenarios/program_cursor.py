"""The program cursor of a Solana cluster: each final transaction of an address is one task, whatever dies."""

from functools import cached_property
from typing import Any

from infra.local.solana import LAMPORTS_PER_SOL
from kernel import base58
from kernel.chain_events import Delivery, SolanaEvent
from kernel.keys.solana import LocalSolanaSigner
from kernel.solana.pool import SolanaPool
from kernel.solana.program_cursor import Budget, ProgramCursor, ProgramWatch, Wanted
from kernel.solana.transactions import compile_message, system_transfer, with_signatures
from kernel.tasks import Done, Outcome
from kernel.tasks.model import Task
from tests.crash.harness.scenario import scenario
from tests.crash.harness.world import World

KIND = "ops.hear_transfer"
AMOUNT_LAMPORTS = 1_000_000
# Small turns, so that each of them dies at its own walk and its own deliveries.
BUDGET = Budget(transactions=2, pages=2)
HEARD = "create table public.heard (place bigint generated always as identity, signature text not null)"
GRANT = "grant select, insert on public.heard to counterpart_ops"
INSERT = "insert into public.heard (signature) values (%(signature)s)"


class Listener:
    """Reads the transactions of an address of this run, and writes down each that it hears of."""

    def __init__(self, world: World) -> None:
        self.world, self.node = world, world.solana
        self._sender = LocalSolanaSigner(world.secret_of_run("sender"))
        self.receiver = base58.encode(world.secret_of_run("receiver"))

    @cached_property
    def cursor(self) -> ProgramCursor:
        """The product's cursor."""
        world = self.world
        pool = SolanaPool(world.rpc_urls("solana"), "localnet", world.clock)
        watch = ProgramWatch(
            name="transfers", cluster="localnet", address=self.receiver, kind=KIND, wanted=Wanted.TRANSACTIONS
        )
        return ProgramCursor(world.postgres, world.tasks, pool, watch, world.clock)

    def listen(self) -> None:
        """Turns of the cursor, as the minutes take them; then the tasks that they made."""
        for _ in range(3):
            self.cursor.advance(BUDGET)
        self.world.work({KIND: self.hear})

    def hear(self, task: Task[dict[str, Any]]) -> Outcome:
        """The note and the task's end in one commit."""
        event = Delivery.from_json(task.payload).event
        assert isinstance(event, SolanaEvent)
        with self.world.postgres.transaction(holding=task.fence) as tx:
            tx.execute(INSERT, signature=event.signature)
            self.world.tasks.complete(tx, task.fence)
        return Done()

    def transfer(self, times: int) -> None:
        """Transfers that are final when this returns."""
        self.node.fund(self._sender.address, LAMPORTS_PER_SOL)
        for number in range(times):
            blockhash = self.node.rpc("getLatestBlockhash")["value"]["blockhash"]
            transfer = system_transfer(self._sender.address, self.receiver, AMOUNT_LAMPORTS + number)
            message = compile_message(self._sender.address, [transfer], blockhash=blockhash)
            signed = with_signatures(message, {self._sender.address: self._sender.sign_message(message)})
            self.node.rpc("sendTransaction", base58.encode(signed.raw), {"skipPreflight": True})
            self.node.mine()
        self.node.finalize()


@scenario("program-cursor", solana={})
def program_cursor(world: World) -> None:
    """Three transactions are read in small turns, then two more."""
    listener = Listener(world)
    listener.listen()
    world.once("two more transfers land", lambda: listener.transfer(2))
    listener.listen()


@program_cursor.preparation
def open_the_book(world: World) -> None:
    """Where what is heard is written down."""
    for statement in (HEARD, GRANT):
        world.rows(statement)


@program_cursor.beginning
def transfer_three_times(world: World) -> None:
    """To an address that only this run knows."""
    Listener(world).transfer(3)


@program_cursor.verdict
def each_transaction_is_heard_once(world: World) -> None:
    """What was heard is what the cluster has, each once."""
    told = world.solana.rpc("getSignaturesForAddress", Listener(world).receiver)
    landed = sorted(line["signature"] for line in told)
    heard = sorted(row["signature"] for row in world.rows("select signature from public.heard"))
    assert heard == landed, f"{heard}, where the cluster has {landed}"
    assert len(landed) == 5, f"{len(landed)} transfers landed"
