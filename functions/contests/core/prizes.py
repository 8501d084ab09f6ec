"""Owns how a contest's pool is split.

    rake    = floor(pool * rake in basis points / 10 000)
    prize   = floor((pool - rake) * share of the place / 10 000)
    dust    = what rounding and an incomplete table of shares leave; the treasury's

With fewer entrants than places the missing places' shares are spread over the others in proportion: each place then
gets floor(net * all shares * its share / (shares of the places paid * 10 000)). Without an entrant nothing is earned,
not even rake: all is dust, and the rules of refunds say what becomes of it. Payouts, rake and dust are the pool.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from kernel.amounts import ONE_BPS, bps
from kernel.errors import Invalid

DEFAULT_SHARES_BPS: Final = (6_900, 2_000, 1_100)
DEFAULT_RAKE_BPS: Final = 1_000


class PrizeTableUnfit(Invalid):
    """Shares and rake are parts of a whole, and a pool and its entrants are counted."""

    status = 422
    cause = "A share, the rake, the pool or the number of entrants is negative, or shares or rake exceed all of it."
    remedy = "Give basis points that add up to 10 000 at most, best place first."


class PrizeSplit(NamedTuple):
    """payouts: one per paid place, best first; all in lamports."""

    payouts: list[int]
    rake: int
    dust: int


def split(pool_lamports: int, shares_bps: Sequence[int], rake_bps: int, entrants: int) -> PrizeSplit:
    """The pool, split. Raises PrizeTableUnfit."""
    shared = sum(shares_bps)
    if min(pool_lamports, entrants, rake_bps, *shares_bps) < 0 or max(shared, rake_bps) > ONE_BPS:
        raise PrizeTableUnfit(shares_bps=str(list(shares_bps)), rake_bps=rake_bps)
    if entrants == 0:
        return PrizeSplit([], 0, pool_lamports)
    rake = bps(pool_lamports, rake_bps)
    net = pool_lamports - rake
    places = shares_bps[:entrants]
    payouts = [net * shared * share // (sum(places) * ONE_BPS) if share else 0 for share in places]
    return PrizeSplit(payouts, rake, net - sum(payouts))
