"""Owns how much of a wallet may be swept, and what the chain asks to be left.

A contest's wallet keeps what is held for winners who cannot take it yet, and a hundredth of a SOL for its rent; less
than a thousandth is not worth a transaction. Whoever reclaims a wallet whole leaves nothing, or at least what an
account has to hold to exist: the chain refuses everything between.

What came to a wallet and no entry explains may be a fee that was paid too late: it waits three days for an
administrator who gives it back.
"""

from datetime import datetime, timedelta
from typing import Final

from functions.contests.core.contest import SWEEPABLE, State

SOL: Final = 10**9
#: What an account without data has to hold to exist.
RENT_EXEMPT_LAMPORTS: Final = 890_880
KEPT_LAMPORTS: Final = SOL // 100
SWEPT_MIN_LAMPORTS: Final = SOL // 1_000
OWNER_HAS: Final = timedelta(days=3)


def swept(state: State, balance_lamports: int, held_lamports: int) -> int:
    """What the rake takes of a contest's wallet: nothing before everybody has come to the end of a payment."""
    if state not in SWEEPABLE:
        return 0
    free = balance_lamports - held_lamports - KEPT_LAMPORTS
    return free if free >= SWEPT_MIN_LAMPORTS else 0


def is_found(found_lamports: int) -> bool:
    """Whether what no entry explains is worth a transaction back: what is less calls nobody, and holds nothing."""
    return found_lamports >= SWEPT_MIN_LAMPORTS


def waits_for_owner(found_lamports: int, over_at: datetime, now: datetime) -> bool:
    """Whether a wallet with so much that no entry explains is left alone for now. over_at: the contest's last step."""
    return is_found(found_lamports) and now < over_at + OWNER_HAS


def reclaimed(balance_lamports: int, *, leaving_lamports: int = 0) -> int:
    """What is taken of a wallet that should keep so much: all, or what leaves an account that can exist; 0 for none."""
    left = leaving_lamports if leaving_lamports == 0 else max(leaving_lamports, RENT_EXEMPT_LAMPORTS)
    taken = balance_lamports - left
    return taken if taken >= SWEPT_MIN_LAMPORTS else 0


def can_receive(lamports: int, account_lamports: int) -> bool:
    """Whether a payment leaves an account that can exist. account_lamports: what it holds, 0 if it does not exist."""
    return account_lamports + lamports >= RENT_EXEMPT_LAMPORTS
