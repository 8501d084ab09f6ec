"""The desk of EVM scenarios: one signer, its outbox, and transfers whose recipients' balances count the effects."""

from collections.abc import Callable
from functools import cached_property, partial
from typing import Any
from uuid import UUID

from kernel.evm.addresses import checksum
from kernel.evm.fees import GWEI, FeePolicy
from kernel.evm.rpc import RpcPool
from kernel.keys.evm import LocalSigner, Signer
from kernel.outbox.evm import EvmIntent, EvmOutbox, OutboxEntry, OutboxPolicy, State
from kernel.tasks import Outcome
from kernel.tasks.model import Task
from kernel.treasury.switch import KillSwitch
from tests.crash.harness.world import World

AMOUNT_WEI, CHAIN_ID = 7, 31337
KEY = "signer"
KIND = "ops.submit_transaction"
# Finality by the node's own word: with `slots_in_an_epoch` 1, two blocks behind the latest. Looks are rare, for each
# is a dozen points more, of which none is new.
POLICY = OutboxPolicy(fees=FeePolicy(fee_cap_wei=200 * GWEI, tip_cap_wei=5 * GWEI), poll_s=8.0)


class EvmDesk:
    """The outbox of one signer in this world."""

    def __init__(
        self,
        world: World,
        policy: OutboxPolicy = POLICY,
        *,
        signer: Signer | None = None,
        switch: KillSwitch | None = None,
    ) -> None:
        """signer: who signs instead of the key of this desk."""
        self.world, self.chain = world, world.evm
        self.signer: Signer = signer or LocalSigner(world.secret(KEY))
        self._policy, self._switch = policy, switch

    @cached_property
    def pool(self) -> RpcPool:
        """The product's pool of this world's RPC identities."""
        return RpcPool(self.world.rpc_urls("evm"), CHAIN_ID, self.world.clock)

    @cached_property
    def outbox(self) -> EvmOutbox:
        """The product's outbox."""
        world, signers = self.world, {self.signer.address: self.signer}
        return EvmOutbox(
            world.postgres, world.tasks, self.pool, signers, world.clock, policy=self._policy, switch=self._switch
        )

    def open(self) -> None:
        """Fund the signer, and lease from its first nonce."""
        self.chain.fund(self.signer.address)
        self.outbox.open_signers()

    def owe(self, *keys: str, **changes: Any) -> None:
        """Record a transfer for each key, all in one transaction; `changes` are further fields of the intent."""
        with self.world.postgres.transaction() as tx:
            self.outbox.record_many(tx, [self._intent(key, **changes) for key in keys])

    def submit(self, task: Task[dict[str, Any]]) -> Outcome:
        """Do a submit task."""
        return self.outbox.advance(UUID(task.payload["entry_id"]), task.fence)

    def work(self, until: Callable[[], bool] = lambda: False, *, blocks: int = 1) -> None:
        """Do the submit tasks until all is settled or `until` holds; so many blocks are mined whenever all wait."""
        meanwhile = partial(self.chain.mine, blocks) if blocks else lambda: None
        self.world.work({KIND: self.submit}, until=until, meanwhile=meanwhile)

    def entry(self, key: str) -> OutboxEntry | None:
        """The obligation as it stands, without passing a point."""
        with self.world.points.unwatched():
            return self.outbox.entry(key)

    def payloads(self, key: str) -> int:
        """How often it was signed at its present nonce."""
        entry = self.entry(key)
        return 0 if entry is None else len(entry.payloads)

    def received_wei(self, key: str) -> int:
        """What the key's recipient holds."""
        return self.chain.balance_wei(recipient(key))

    def assert_each_happened_once(self, *keys: str) -> None:
        """Each obligation that was committed is confirmed and paid once; nothing else is paid."""
        for key in keys:
            entry = self.entry(key)
            assert (entry is not None) or not self.world.caller_returns, f"{key} was never recorded"
            expected = (None, 0) if entry is None else (State.CONFIRMED, AMOUNT_WEI)
            assert expected == (entry and entry.state, self.received_wei(key)), key

    def _intent(self, key: str, **changes: Any) -> EvmIntent:
        fields: dict[str, Any] = {
            "business_key": key,
            "service": "ops",
            "chain_id": CHAIN_ID,
            "signer": self.signer.address,
            "to": recipient(key),
            "data": b"",
            "value_wei": AMOUNT_WEI,
            "gas_limit": 30_000,
        }
        return EvmIntent(**{**fields, **changes})


def recipient(key: str) -> str:
    """An address that nobody else uses."""
    return checksum("0x" + key.encode().hex().rjust(40, "f")[-40:])
