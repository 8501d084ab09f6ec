"""Owns what an administrator may move of a wallet, and between which accounts of the books it moves.

A contest's wallet is its entrants' until everybody has come to the end of a payment. After that what is still owed
stays; and the chain wants an account empty, or with the least that it has to hold.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from functions.contests.core.contest import SWEEPABLE, State
from functions.contests.core.sweep import RENT_EXEMPT_LAMPORTS, reclaimed
from kernel.errors import Conflict, Invalid

#: Nobody is owed anything any more but what is held.
FREE: Final = SWEEPABLE | {State.RAKED, State.SWEPT}
#: What comes to a wallet now is no entry: what is owed is written down already.
OWING: Final = FREE | {State.PAYING, State.REFUNDING}
LINES_MAX: Final = 50


class WalletInPlay(Conflict):
    """This wallet's money is not an administrator's to move now."""

    cause = "Its contest is not over, somebody is still to be paid of it, or another transaction of it is on its way."
    remedy = "Cancel the contest, or wait until its payments have ended; read the wallet's balance again after that."


class AmountUnfit(Invalid):
    """The chain would refuse this amount, or it is not worth a transaction."""

    status = 422
    cause = (
        "It leaves a wallet or its recipient with less than an account has to hold, takes more than is free, or less"
        " than 0.001 SOL is to be reclaimed."
    )
    remedy = "Move all that is free, or leave 890 880 lamports; give a new account at least as much."


class BatchUnfit(Invalid):
    """A batch names each of its lines once."""

    status = 422
    cause = "It has no lines, more than fifty, or two under one number."
    remedy = "Number the lines, and send more of them under the same batch in another request."


@dataclass(frozen=True, slots=True, kw_only=True)
class Free:
    """A wallet before a transfer. state: of its contest; None for a wallet that has none."""

    state: State | None
    is_busy: bool
    balance_lamports: int
    unpaid_lamports: int


def require_lines(lines: Sequence[int]) -> None:
    """Raises BatchUnfit."""
    if not 0 < len(lines) <= LINES_MAX or len(set(lines)) < len(lines) or min(lines) < 0:
        raise BatchUnfit(lines=len(lines))


def require_free(wallet: Free) -> None:
    """Raises WalletInPlay for a wallet whose money is not free."""
    if wallet.is_busy or (wallet.state is not None and wallet.state not in FREE):
        raise WalletInPlay(state=wallet.state or "none", busy=str(wallet.is_busy).lower())


def require_no_entry(state: State | None) -> None:
    """Raises WalletInPlay for the wallet of a contest whose pool is still counted."""
    if state is not None and state not in OWING:
        raise WalletInPlay(state=state, busy="false")


def require_amount(wallet: Free, lamports: int) -> None:
    """Whether so much can leave. Raises AmountUnfit."""
    left = wallet.balance_lamports - lamports
    if left < wallet.unpaid_lamports or 0 < left < RENT_EXEMPT_LAMPORTS:
        raise AmountUnfit(left_lamports=str(left), unpaid_lamports=str(wallet.unpaid_lamports))


def reclaimable(wallet: Free, leaving_lamports: int) -> int:
    """What is reclaimed of a wallet that is to keep so much, and what is unpaid. Raises AmountUnfit."""
    lamports = reclaimed(wallet.balance_lamports, leaving_lamports=max(leaving_lamports, wallet.unpaid_lamports))
    if lamports == 0:
        raise AmountUnfit(balance_lamports=str(wallet.balance_lamports))
    return lamports
