"""Owns double entry in integers: what went where, in which asset, and that nothing is made or lost on the way."""

from kernel.ledger.accounts import Account, AccountChanged, AccountNotOpen, Overdrawn
from kernel.ledger.ledger import Discrepancy, Ledger
from kernel.ledger.postings import Posting, PostingsChanged, PostingsUnfit, Unbalanced
from kernel.ledger.statements import Line, Statement

__all__ = [
    "Account",
    "AccountChanged",
    "AccountNotOpen",
    "Discrepancy",
    "Ledger",
    "Line",
    "Overdrawn",
    "Posting",
    "PostingsChanged",
    "PostingsUnfit",
    "Statement",
    "Unbalanced",
]
