"""The books of the wallets that a deployment pays from, as its treasury keeps them: opened, and compared with chains.

books = WalletBooks(cloud=cloud, stack=stack, database_url=database_url, wallets={"evm:31337": "0x5FbD…"})
books.open()
books.verdicts()["evm:31337"]      # "balanced"
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from infra.local.cloud import LocalCloud
from infra.local.demo.stage import wait_for
from infra.local.runner.stack import Stack
from infra.local.treasury_stage import check_wallets
from kernel.clock import Clock
from kernel.postgres import Postgres
from kernel.treasury.desks import Desk
from kernel.treasury.treasury import Treasury
from kernel.treasury.wallets import WalletRecord

CHECKED_WITHIN_S: Final = 180.0
LOOK_EVERY_S: Final = 0.1


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class WalletBooks:
    """The books of a deployment's wallets. wallets: by chain, what the treasury keeps the books of."""

    cloud: LocalCloud
    stack: Stack
    database_url: str = field(repr=False)
    wallets: Mapping[str, str]

    def open(self) -> None:
        """Have the treasury open them, and wait for it."""
        if not all(record.opened_at for record in self._records()):
            self._check("the opening", lambda record: record.opened_at is not None)

    def verdicts(self) -> dict[str, str]:
        """Have the wallets compared with their chains now; by chain, what came of it."""
        before = {record.chain: record.read_at for record in self._records()}
        self._check(f"at {time.time()}", lambda record: record.read_at != before[record.chain])
        return {record.chain: str(record.verdict) for record in self._records()}

    def _check(self, occasion: str, is_done: Callable[[WalletRecord], bool]) -> None:
        check_wallets(self.cloud, self.stack, self.database_url, self.wallets.items(), occasion)
        wait_for(
            lambda: all(map(is_done, self._records())) or None,
            "the check of the wallets",
            within_s=CHECKED_WITHIN_S,
            every_s=LOOK_EVERY_S,
        )

    def _records(self) -> list[WalletRecord]:
        postgres = Postgres(self.database_url, role="counterpart_ops")
        try:
            treasury = without_chains(postgres)
            return [treasury.wallet(chain, address) for chain, address in self.wallets.items()]
        finally:
            postgres.close()


def without_chains(postgres: Postgres, clock: Clock | None = None) -> Treasury:
    """A treasury to declare and to read wallets with, for which no chain is asked."""
    desks: dict[str, Desk] = {}
    return Treasury(postgres, desks.__getitem__, clock)
