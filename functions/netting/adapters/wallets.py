"""The desk at which wallets are served: what they sign, put together once a container."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from functions.netting.adapters.closing import Closing
from functions.netting.adapters.custody import Custody
from functions.netting.adapters.holdings import Holdings
from functions.netting.adapters.program_reading import ProgramReading
from functions.netting.adapters.session_keys import Place, SessionKeys
from functions.netting.adapters.wallet_calls import WalletCalls
from functions.netting.adapters.wallet_ends import WalletEnds
from functions.netting.adapters.wallet_transactions import WalletTransactions
from kernel.outbox.solana import SolanaOutbox
from kernel.solana.fees import SolanaFeePolicy
from kernel.solana.pool import SolanaPool
from kernel.wiring import Kernel

if TYPE_CHECKING:
    from functions.netting.wiring import Deps


class Wallets:
    """Session keys, custody, and what becomes of both."""

    def __init__(
        self, kernel: Kernel, pool: SolanaPool, outbox: SolanaOutbox, calls: WalletCalls, *, fees: SolanaFeePolicy
    ) -> None:
        """fees: what wallets are advised to offer for their transactions."""
        self._kernel, self._pool, self._calls = kernel, pool, calls
        self.transactions = WalletTransactions(kernel.postgres, pool, outbox, kernel.clock, fees=fees)

    @cached_property
    def session_keys(self) -> SessionKeys:
        """What owners let other keys do."""
        kernel = self._kernel
        place = Place(domain=kernel.settings.sign_in_domain, cluster=self._pool.cluster)
        return SessionKeys(
            kernel.postgres, self.transactions, self._calls, kernel.nonces, kernel.pinning, kernel.clock, place
        )

    @cached_property
    def custody(self) -> Custody:
        """Funds and items, in and out."""
        kernel = self._kernel
        return Custody(kernel.postgres, kernel.tasks, self._pool, self.transactions, self._calls, kernel.clock)

    @cached_property
    def ends(self) -> WalletEnds:
        """What follows from the end of a wallet's transaction."""
        return WalletEnds(self.transactions, self.session_keys, self.custody)

    @cached_property
    def closing(self) -> Closing:
        """Frees what expired withdrawals held."""
        reading = ProgramReading(self._pool, self._calls.program)
        holdings = Holdings(reading.addresses, self._kernel.clock)
        return Closing(self._kernel.tasks, self._pool, self.transactions, reading, holdings)


def wallets_of(deps: Deps) -> Wallets:
    """As this container is set up."""
    settings = deps.settings
    calls = WalletCalls(settings.program, settings.authority)
    return Wallets(deps.kernel, deps.pool, deps.outbox, calls, fees=settings.outbox_policy.fees)
