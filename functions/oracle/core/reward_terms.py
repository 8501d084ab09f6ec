"""Owns what a reward epoch offers, as values: for its feeds, and for those of the fast updates."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedTerms:
    """How one feed is rewarded."""

    feed_id: bytes
    decimals: int
    min_turnout_bips: int
    primary_share_ppm: int
    secondary_band_ppm: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateTerms:
    """How one feed of the fast updates is rewarded."""

    feed_id: bytes
    band_ppm: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a reward epoch offers: in wei, for its feeds in their order; first and last round included."""

    reward_epoch: int
    first_round: int
    last_round: int
    offered_wei: int
    feeds: tuple[FeedTerms, ...]
    updates_wei: int = 0
    update_feeds: tuple[UpdateTerms, ...] = ()
