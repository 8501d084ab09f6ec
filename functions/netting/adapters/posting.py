"""What the program did, in the books: every lamport of every wallet, once."""

from collections.abc import Sequence

from functions.netting.adapters.obligations import SERVICE
from functions.netting.core.books import OUTSIDE
from kernel.ledger import Account, Ledger, Posting
from kernel.postgres import Transaction


class Posts:
    """Netting's part of the ledger."""

    def __init__(self, ledger: Ledger, asset: str) -> None:
        self._ledger, self._asset = ledger, asset

    def post(self, tx: Transaction, key: str, moved: Sequence[tuple[str, int]], memo: str) -> None:
        """Post what moved, once under its key. Raises Overdrawn for what came before its cover was told."""
        if not moved:
            return
        self._ledger.open(tx, [self._account(name) for name, _ in moved])
        postings = [Posting(name, self._asset, lamports) for name, lamports in moved]
        self._ledger.post(tx, business_key=key, service=SERVICE, postings=postings, memo=memo)

    def _account(self, name: str) -> Account:
        return Account(name=name, asset=self._asset, may_go_negative=name == OUTSIDE)
