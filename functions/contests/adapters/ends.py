"""What follows from the end of one of the contests' transactions: all of it commits with the end itself.

In this order, in which everybody takes these locks: the contest and its lines, the books, the treasury's wallet, and
the head of the audit chain.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from functions.contests.adapters.admin_transfers import AdminTransfers
from functions.contests.adapters.faucet import PREFIX, FaucetBooks
from functions.contests.adapters.paying import Paying
from functions.contests.adapters.sweeping import Sweeping
from kernel.ledger import Ledger
from kernel.outbox.solana import SolanaEntry
from kernel.postgres import Transaction
from kernel.treasury.solana import ending_of
from kernel.treasury.treasury import Treasury

if TYPE_CHECKING:
    from functions.contests.wiring import Deps
    from kernel.treasury.desks import Desk

_SWEEP: Final = "contests:sweep:"
_ADMIN: Final = "contests:admin:"
#: A payment's begins with its contest's id.
_OWED: Final = re.compile(r"contests:[0-9a-f-]{36}:")


class Ends:
    """Ends of payments, sweeps, administrators' transfers and the faucet's."""

    def __init__(
        self, paying: Paying, sweeping: Sweeping, transfers: AdminTransfers, faucet: FaucetBooks, treasury: Treasury
    ) -> None:
        self._paying, self._sweeping, self._transfers, self._treasury = paying, sweeping, transfers, treasury
        self._faucet = faucet

    def settled(self, tx: Transaction, entry: SolanaEntry) -> None:
        """Book the end of an outbox entry, and move on what it was for."""
        if entry.business_key.startswith(_SWEEP):
            swept = self._sweeping.ended(tx, entry)
            self._treasury.settled(tx, ending_of(entry))
            self._sweeping.go_on(tx, swept)
        elif entry.business_key.startswith(_ADMIN):
            self._transfers.ended(tx, entry)
            self._treasury.settled(tx, ending_of(entry))
        elif entry.business_key.startswith(PREFIX):
            self._faucet.ended(tx, entry)
            self._treasury.settled(tx, ending_of(entry))
        elif _OWED.match(entry.business_key):
            contest = self._paying.ended(tx, entry)
            self._treasury.settled(tx, ending_of(entry))
            if contest is not None:
                self._paying.go_on(tx, contest)
        else:
            self._treasury.settled(tx, ending_of(entry))


def ends_of(deps: Deps) -> Ends:
    """As this container is set up."""
    treasury = Treasury(deps.kernel.postgres, _no_desk, deps.clock)
    books = FaucetBooks(Ledger(deps.clock), deps.settings.asset)
    return Ends(deps.paying, deps.sweeping, deps.admin_transfers, books, treasury)


def _no_desk(chain: str) -> Desk:
    """Nothing is asked of the treasury here but to book."""
    from kernel.treasury.wallets import ChainUnknown

    raise ChainUnknown(chain=chain)
