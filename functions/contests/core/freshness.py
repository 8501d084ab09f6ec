"""Owns how often a token's price is asked for: the better its rank, the more often; what is played, like the best."""

from bisect import bisect_left
from typing import Final

#: Rank up to which, and seconds between two looks.
TIERS: Final = ((50, 15), (200, 30), (500, 60), (1_000, 180), (3_000, 300))
SLOWEST_S: Final = 600


def refresh_s(rank: int, *, is_played: bool = False) -> int:
    """Seconds between two looks at the token of a rank, the first being 1; is_played: in a contest that runs."""
    if is_played:
        return TIERS[0][1]
    tier = bisect_left(TIERS, rank, key=lambda one: one[0])
    return TIERS[tier][1] if tier < len(TIERS) else SLOWEST_S
