"""A desk at which the Solana outbox is worked by hand: real Postgres, a real node, and clocks that tests move."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from infra.local.solana import LAMPORTS_PER_SOL, SolanaNode
from kernel import base58
from kernel.clock import Clock
from kernel.hashes import sha256
from kernel.keys.solana import LocalSolanaSigner, SignedMessage, SolanaSigner
from kernel.outbox.solana import SolanaEntry, SolanaIntent, SolanaOutbox, SolanaPolicy
from kernel.solana.fees import SolanaFeePolicy
from kernel.solana.pool import Delivery, SolanaPool
from kernel.solana.transactions import system_transfer
from kernel.testing import FakeClock
from kernel.treasury.switch import KillSwitch
from tests.chain.workbench import Died, Workbench

POLICY = SolanaPolicy(fees=SolanaFeePolicy(price_floor=100, price_cap=1_000_000))
# Above the rent of an account that holds nothing else.
AMOUNT_LAMPORTS = 1_000_000


class DyingSigner(LocalSolanaSigner):
    """Signs, and then its process dies before anybody hears of it."""

    __slots__ = ()

    def sign(self, message: bytes) -> SignedMessage:
        super().sign(message)
        raise Died


class DyingPool(SolanaPool):
    """Dies right before or right after the bytes leave."""

    def __init__(self, urls: Sequence[str], clock: Clock, *, after_sending: bool) -> None:
        super().__init__(urls, "localnet", clock)
        self._after_sending = after_sending

    def broadcast(self, raw: bytes, *, max_retries: int = 0, skip_preflight: bool = True) -> list[Delivery]:
        if self._after_sending:
            super().broadcast(raw)
        raise Died


class MutePool(SolanaPool):
    """Its broadcasts reach nobody, and nobody answers them."""

    def broadcast(self, raw: bytes, *, max_retries: int = 0, skip_preflight: bool = True) -> list[Delivery]:
        return []


class SwallowingPool(SolanaPool):
    """Its nodes take what is sent, say so, and forget it."""

    def broadcast(self, raw: bytes, *, max_retries: int = 0, skip_preflight: bool = True) -> list[Delivery]:
        return [Delivery(endpoint="swallower", accepted=True)]


@dataclass
class Desk(Workbench[SolanaIntent, SolanaEntry]):
    """One payer, one cluster whose blocks come on demand, one database."""

    role = "counterpart_netting"

    node: SolanaNode
    database_url: str
    urls: tuple[str, ...]
    policy: SolanaPolicy = POLICY
    clock: FakeClock = field(default_factory=FakeClock)
    seed: bytes = field(default_factory=lambda: os.urandom(32))

    def __post_init__(self) -> None:
        self.signer = LocalSolanaSigner(self.seed)
        self.payer = self.signer.address
        self.node.fund(self.payer, 100 * LAMPORTS_PER_SOL)
        self.connect()
        self.others: dict[str, SolanaSigner] = {}

    def pool(self) -> SolanaPool:
        return SolanaPool(self.urls, "localnet", self.clock)

    def outbox(
        self,
        signer: SolanaSigner | None = None,
        pool: SolanaPool | None = None,
        clock: Clock | None = None,
        switch: KillSwitch | None = None,
    ) -> SolanaOutbox:
        signer = signer or self.signer
        return SolanaOutbox(
            self.postgres,
            self.tasks,
            pool or self.pool(),
            {**self.others, signer.address: signer},
            clock or self.clock,
            policy=self.policy,
            switch=switch,
        )

    def intent(self, key: str, **changes: Any) -> SolanaIntent:
        """A transfer to an address of this key's own: its balance then counts the effects."""
        fields: dict[str, Any] = {
            "business_key": key,
            "service": "netting",
            "cluster": "localnet",
            "payer": self.payer,
            "instructions": (system_transfer(self.payer, recipient(key), AMOUNT_LAMPORTS),),
        }
        return SolanaIntent(**{**fields, **changes})

    def settle(self, key: str, blocks: int = 8) -> SolanaEntry:
        """Run the task until the entry is settled; so many blocks come between two runs."""
        return self.work_until_settled(key, lambda: self.node.mine(blocks))

    def effects(self, key: str) -> int:
        """How often the key's recipient was paid."""
        paid, rest = divmod(self.node.balance(recipient(key)), AMOUNT_LAMPORTS)
        assert 0 == rest
        return paid


def recipient(key: str) -> str:
    """An address that nobody else uses."""
    return base58.encode(sha256(key.encode()))
