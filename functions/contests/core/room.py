"""Owns how many tokens one entrant may hold, and how often one may trade: both are work for everybody else."""

from collections.abc import Collection
from typing import Final

from kernel.errors import Conflict

#: As many tokens as weights may name: every snapshot values each of them.
POSITIONS_MAX: Final = 50
#: Of one entrant in one contest: the evaluation makes each of them anew.
TRADES_MAX: Final = 10_000


class PositionsFull(Conflict):
    """This portfolio holds as many tokens as one may."""

    cause = "Fifty are held, and the one that is bought is none of them."
    remedy = "Sell all of one of them first, or buy more of what is held."


class TradesFull(Conflict):
    """This entrant has traded as often as one may in a contest."""

    cause = "Ten thousand trades were made in this contest; sales count too."
    remedy = "What is held stays, and is valued to the end; trade less often in the next contest."


def require_room(held: Collection[str], mint: str) -> None:
    """Whether this token may be bought. Raises PositionsFull."""
    if mint not in held and len(held) >= POSITIONS_MAX:
        raise PositionsFull(mint=mint, positions_max=POSITIONS_MAX)


def require_trade_left(made: int) -> None:
    """Whether there may be another trade after so many. Raises TradesFull."""
    if made >= TRADES_MAX:
        raise TradesFull(trades_max=TRADES_MAX)
