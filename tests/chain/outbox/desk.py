"""A desk at which the outbox is worked by hand: real Postgres, a real node, and a clock that tests move."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from infra.local.anvil import AnvilNode
from kernel.clock import Clock
from kernel.evm.addresses import checksum
from kernel.evm.fees import GWEI, FeePolicy
from kernel.evm.rpc import Delivery, RpcPool
from kernel.keys.evm import LocalSigner, Signer
from kernel.outbox.evm import EvmIntent, EvmOutbox, OutboxEntry, OutboxPolicy
from kernel.tasks import Outcome, Tasks
from kernel.testing import FakeClock
from tests.chain.workbench import Died, Outbox, Workbench

ETHER = 10**18
POLICY = OutboxPolicy(fees=FeePolicy(fee_cap_wei=200 * GWEI, tip_cap_wei=5 * GWEI), confirmations=1)
# Reverts whatever it is sent: PUSH1 0, PUSH1 0, REVERT.
REVERTING_CODE = "0x60006000fd"


class DyingSigner(LocalSigner):
    """Signs, and then its process dies before anybody hears of it."""

    __slots__ = ()

    def sign_transaction(self, payload: Any) -> Any:
        super().sign_transaction(payload)
        raise Died


class DyingPool(RpcPool):
    """Dies right before or right after the bytes leave."""

    def __init__(self, urls: Sequence[str], chain_id: int, clock: Clock, *, after_sending: bool) -> None:
        super().__init__(urls, chain_id, clock)
        self._after_sending = after_sending

    def broadcast(self, raw: bytes) -> list[Delivery]:
        if self._after_sending:
            super().broadcast(raw)
        raise Died


@dataclass
class Desk(Workbench[EvmIntent, OutboxEntry]):
    """One signer, one chain, one database."""

    role = "counterpart_oracle"

    node: AnvilNode
    database_url: str
    urls: tuple[str, ...]
    policy: OutboxPolicy = POLICY
    clock: FakeClock = field(default_factory=FakeClock)
    private_key: bytes = field(default_factory=lambda: os.urandom(32))

    def __post_init__(self) -> None:
        self.signer = LocalSigner(self.private_key)
        self.fund(self.signer.address)
        self.connect()

    def colleague(self, clock: FakeClock | None = None) -> "Desk":
        """Another process at the same queue: connections of its own, and perhaps a clock of its own."""
        other = replace(self, clock=clock or self.clock)
        other.queue, other.tasks = self.queue, Tasks(other.postgres, self.queue, other.clock)
        return other

    def pool(self) -> RpcPool:
        return RpcPool(self.urls, self.node.chain_id, self.clock)

    def outbox(self, signer: Signer | None = None, pool: RpcPool | None = None) -> EvmOutbox:
        signer = signer or self.signer
        pool = pool or self.pool()
        return EvmOutbox(self.postgres, self.tasks, pool, {signer.address: signer}, self.clock, policy=self.policy)

    def intent(self, key: str, **changes: Any) -> EvmIntent:
        """A transfer of 7 wei to an address of this key's own: its balance then counts the effects."""
        fields: dict[str, Any] = {
            "business_key": key,
            "service": "oracle",
            "chain_id": self.node.chain_id,
            "signer": self.signer.address,
            "to": recipient(key),
            "data": b"",
            "value_wei": 7,
            "gas_limit": 30_000,
        }
        return EvmIntent(**{**fields, **changes})

    def step(self, key: str, outbox: Outbox[EvmIntent, OutboxEntry] | None = None) -> Outcome:
        """One run of the task; what it sent is in a block by then, where the node mines by itself."""
        outcome = super().step(key, outbox)
        self.node.catch_up()
        return outcome

    def settle(self, key: str, *, mine: bool = False) -> OutboxEntry:
        """Run the task until the entry is settled."""
        return self.work_until_settled(key, self.node.mine if mine else lambda: None)

    def fund(self, address: str, ether: int = 1_000) -> None:
        self.node.rpc("anvil_setBalance", address, hex(ether * ETHER))

    def received(self, key: str) -> int:
        """Wei that the key's recipient holds."""
        return int(self.node.rpc("eth_getBalance", recipient(key), "latest"), 16)

    def nonce(self) -> int:
        return int(self.node.rpc("eth_getTransactionCount", self.signer.address, "latest"), 16)

    def hold_blocks(self) -> None:
        """From now on blocks are made only on demand."""
        self.node.rpc("evm_setAutomine", False)


def recipient(key: str) -> str:
    """An address that nobody else uses."""
    return checksum("0x" + key.encode().hex().rjust(40, "f")[-40:])
