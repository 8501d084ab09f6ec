"""Owns how the accuracy reward of a voting round is split among its voters.

One feed of a round is rewarded (`rewarded_feed.py`). Two bands lie around its median, and a vote may be in both:

    IQR   between the quartiles; a vote on a border is in if keccak256(abi.encode(bytes feed id, uint256 round, address
          voter)) is odd, so that nobody gains by aiming at the border
    PCT   strictly inside |median| * ppm / 10**6 around the median

With w a voter's weight, SUM_IQR and SUM_PCT the weights in each band, and P the share of the first in ppm:

    rewarded weight = P * w * SUM_PCT, if in IQR, + (10**6 - P) * w * SUM_IQR, if in PCT
    where SUM_PCT = 0 it is w, if in IQR

The pool is paid by declining balance, in the order of the signing policy: each gets floor(left pool * its weight / left
weight). So every unit is paid, whatever the rounding. Nothing at all is paid where too few voted, nobody did, or
nobody is in a band: the pool goes back to whoever offered it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from functions.oracle.core.median import Median
from functions.oracle.core.rounds import RoundResult
from kernel.abi import address_word, padded, uint_word
from kernel.amounts import ONE_BPS, ONE_PPM
from kernel.errors import Invalid
from kernel.hashes import keccak256

K = TypeVar("K")


class RewardUnfit(Invalid):
    """A reward is split by shares within their whole, and by the round's own feeds."""

    cause = "The pool is negative, a share is out of its range, or the rewarded feed is none of the round's."
    remedy = "Take pool, shares and feed order from the offers of the reward epoch."


@dataclass(frozen=True, slots=True, kw_only=True)
class RewardConfig:
    """What is rewarded, and how.

    position: of the rewarded feed in the round's feed order. secondary_band_ppm: half the width of the PCT band, of the
    median. registered_weight: of all registered voters, of which `min_turnout_bips` must have voted.
    """

    voting_round: int
    feed_id: bytes
    position: int
    registered_weight: int
    secondary_band_ppm: int
    primary_share_ppm: int = 400_000
    min_turnout_bips: int = 5_000

    def __post_init__(self) -> None:
        if not (0 <= self.primary_share_ppm <= ONE_PPM and 0 <= self.min_turnout_bips <= ONE_BPS):
            raise RewardUnfit(primary_share_ppm=self.primary_share_ppm, min_turnout_bips=self.min_turnout_bips)
        if min(self.position, self.registered_weight, self.secondary_band_ppm) < 0:
            raise RewardUnfit(position=self.position, secondary_band_ppm=self.secondary_band_ppm)


@dataclass(frozen=True, slots=True)
class Bands:
    """Which of the two bands a vote is in."""

    in_iqr: bool
    in_pct: bool


def split(
    round_result: RoundResult,
    votes: Mapping[str, Sequence[int | None]],
    weights: Mapping[str, int],
    pool: int,
    config: RewardConfig,
) -> dict[str, int]:
    """Submit address to what it earns, without zeros: the whole pool, or nothing at all. Raises RewardUnfit.

    votes: submit address to the values of its valid reveal, in feed order, None for a missing one. weights: submit
    addresses in the signing policy's order. pool: in wei.
    """
    if pool < 0 or config.position >= len(round_result.medians):
        raise RewardUnfit(pool=pool, position=config.position)
    median = round_result.medians[config.position]
    if (
        median.value is None
        or median.participating_weight * ONE_BPS < config.registered_weight * config.min_turnout_bips
    ):
        return {}
    value_of = {voter.lower(): values[config.position] for voter, values in votes.items()}
    bands = {
        voter.lower(): bands_of(value, voter.lower(), median, config)
        for voter in weights
        if (value := value_of.get(voter.lower())) is not None
    }
    return decline(pool, rewarded_weights(bands, {voter.lower(): weight for voter, weight in weights.items()}, config))


def bands_of(value: int, voter: str, median: Median, config: RewardConfig) -> Bands:
    """Where a vote lies around a median that there is."""
    middle, low, high = int(median.value or 0), int(median.q1 or 0), int(median.q3 or 0)
    half_width = abs(middle) * config.secondary_band_ppm // ONE_PPM
    on_border = value in (low, high) and border_counts(config.feed_id, config.voting_round, voter)
    return Bands(
        in_iqr=low < value < high or on_border,
        in_pct=middle - half_width < value < middle + half_width,
    )


def border_counts(feed_id: bytes, voting_round: int, voter: str) -> bool:
    """Whether this voter's vote on a quartile is inside the IQR band this time."""
    head = uint_word(3 * 32) + uint_word(voting_round) + address_word(voter)
    return keccak256(head + uint_word(len(feed_id)) + padded(feed_id))[-1] % 2 == 1


def rewarded_weights(bands: Mapping[str, Bands], weights: Mapping[str, int], config: RewardConfig) -> dict[str, int]:
    """Voter to the weight by which the pool is split, in the order of `bands`."""
    sum_iqr = sum(weights[voter] for voter, band in bands.items() if band.in_iqr)
    sum_pct = sum(weights[voter] for voter, band in bands.items() if band.in_pct)
    if sum_pct == 0:
        return {voter: weights[voter] * band.in_iqr for voter, band in bands.items()}
    primary, secondary = config.primary_share_ppm * sum_pct, (ONE_PPM - config.primary_share_ppm) * sum_iqr
    return {voter: weights[voter] * (primary * band.in_iqr + secondary * band.in_pct) for voter, band in bands.items()}


def decline(pool: int, weights: Mapping[K, int]) -> dict[K, int]:
    """The pool by declining balance, without zeros; nothing where there is no weight."""
    paid: dict[K, int] = {}
    left_pool, left_weight = pool, sum(weights.values())
    for payee, weight in weights.items():
        if weight == 0:
            continue
        amount = left_pool * weight // left_weight
        left_pool, left_weight = left_pool - amount, left_weight - weight
        if amount:
            paid[payee] = amount
    return paid
