"""The desk of Solana scenarios: one payer, its outbox, and transfers whose recipients' balances count the effects."""

from collections.abc import Callable
from functools import cached_property
from typing import Any
from uuid import UUID

from infra.local.solana import LAMPORTS_PER_SOL
from kernel import base58
from kernel.keys.solana import LocalSolanaSigner, SolanaSigner
from kernel.outbox.solana import SolanaEntry, SolanaIntent, SolanaOutbox, SolanaPolicy, State
from kernel.solana.fees import SolanaFeePolicy
from kernel.solana.pool import SolanaPool
from kernel.solana.transactions import system_transfer
from kernel.tasks import Outcome
from kernel.tasks.model import Task
from tests.chain.outbox_solana.nonces import open_nonce
from tests.crash.harness.world import World

# Above the rent of an account that holds nothing else.
AMOUNT_LAMPORTS = 1_000_000
KEY = "payer"
KIND = "ops.submit_transaction"
POLICY = SolanaPolicy(fees=SolanaFeePolicy(price_floor=100, price_cap=1_000_000), poll_s=8.0, resend_s=8.0)
#: Named by the caller, so that nothing is simulated: an unfunded payer then is found out by the leader alone.
UNIT_LIMIT = 1_000
#: Blocks that come whenever all wait: finality is 31 of them away.
BLOCKS = 16


class SolanaDesk:
    """The outbox of one payer in this world. The payer and all recipients are this run's own."""

    def __init__(self, world: World, *, signer: SolanaSigner | None = None) -> None:
        """signer: who signs instead of the key of this desk."""
        self.world, self.node = world, world.solana
        own = LocalSolanaSigner(world.secret_of_run(KEY))
        self.signer = signer or world.points.watched(own, "sign", "sign_message", name="sign ed25519")
        self.payer = own.address

    @cached_property
    def pool(self) -> SolanaPool:
        """The product's pool of this world's RPC identities."""
        return SolanaPool(self.world.rpc_urls("solana"), "localnet", self.world.clock)

    @cached_property
    def outbox(self) -> SolanaOutbox:
        """The product's outbox."""
        world = self.world
        signers = {self.payer: self.signer}
        return SolanaOutbox(world.postgres, world.tasks, self.pool, signers, world.clock, policy=POLICY)

    def fund(self) -> None:
        """Give the payer what it needs."""
        self.node.fund(self.payer, LAMPORTS_PER_SOL)

    @property
    def nonce(self) -> str:
        """The durable nonce account of this run."""
        return self.recipient("nobody, but the nonce")

    def open_nonce(self) -> None:
        """Let the payer advance it."""
        open_nonce(self.node, self.nonce, self.payer)

    def owe(self, *keys: str, **changes: Any) -> None:
        """Record a transfer for each key, all in one transaction; `changes` are further fields of the intent."""
        with self.world.postgres.transaction() as tx:
            self.outbox.record_many(tx, [self._intent(key, **changes) for key in keys])

    def submit(self, task: Task[dict[str, Any]]) -> Outcome:
        """Do a submit task."""
        return self.outbox.advance(UUID(task.payload["entry_id"]), task.fence)

    def work(self, until: Callable[[], bool] = lambda: False) -> None:
        """Do the submit tasks until all is settled or `until` holds; some blocks come whenever all wait."""
        self.world.work({KIND: self.submit}, until=until, meanwhile=lambda: self.node.mine(BLOCKS))

    def entry(self, key: str) -> SolanaEntry | None:
        """The obligation as it stands, without passing a point."""
        with self.world.points.unwatched():
            return self.outbox.entry(key)

    def is_out(self, key: str) -> bool:
        """Whether a node has taken bytes of it, and said so."""
        entry = self.entry(key)
        return entry is not None and entry.latest is not None and entry.latest.accepted_at is not None

    def recipient(self, key: str) -> str:
        """An address that nobody else uses."""
        return base58.encode(self.world.secret_of_run(f"recipient of {key}"))

    def assert_each_happened_once(self, *keys: str) -> None:
        """Each obligation that was committed is confirmed and paid once; nothing else is paid."""
        for key in keys:
            entry = self.entry(key)
            assert (entry is not None) or not self.world.caller_returns, f"{key} was never recorded"
            expected = (None, 0) if entry is None else (State.CONFIRMED, AMOUNT_LAMPORTS)
            actual = (entry and entry.state, self.node.balance(self.recipient(key)))
            assert expected == actual, f"{key}: {actual}, not {expected}"

    def _intent(self, key: str, **changes: Any) -> SolanaIntent:
        fields: dict[str, Any] = {
            "business_key": key,
            "service": "ops",
            "cluster": "localnet",
            "payer": self.payer,
            "instructions": (system_transfer(self.payer, self.recipient(key), AMOUNT_LAMPORTS),),
        }
        return SolanaIntent(**{**fields, **changes})
