"""What follows from the end of a transaction that a wallet has signed and we have passed on."""

from functions.netting.adapters.custody import Custody
from functions.netting.adapters.session_keys import SessionKeys
from functions.netting.adapters.wallet_transactions import KEY, WalletTransactions
from kernel.outbox.solana import SolanaEntry
from kernel.postgres import Transaction


class WalletEnds:
    """Ends of deposits, withdrawals, registrations and revocations."""

    def __init__(self, transactions: WalletTransactions, session_keys: SessionKeys, custody: Custody) -> None:
        self._transactions, self._session_keys, self._custody = transactions, session_keys, custody

    def concern(self, entry: SolanaEntry) -> bool:
        """Whether an outbox entry is a wallet's transaction."""
        return entry.business_key.startswith(KEY)

    def settled(self, tx: Transaction, entry: SolanaEntry) -> None:
        """Write the end down, and move on what it was for."""
        ended = self._transactions.end(tx, entry)
        self._session_keys.ended(tx, ended)
        self._custody.ended(tx, ended)
