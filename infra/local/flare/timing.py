"""The clock of a local network: short rounds by default, any other lengths on request."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Lengths in seconds and rounds. A mainnet has 90 s, 45 s and 3 360 rounds."""

    voting_epoch_s: int = 8
    reveal_deadline_s: int = 4
    reward_epoch_rounds: int = 240
    initial_reward_epoch: int = 1

    @property
    def first_round(self) -> int:
        """The voting round that the initial reward epoch begins with; reward epoch 0 begins with round 0."""
        return self.initial_reward_epoch * self.reward_epoch_rounds


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The network's other numbers, as the live network has them where the local one need not differ."""

    threshold_ppm: int = 500_000
    threshold_increase_bips: int = 12_000
    finalization_window_reward_epochs: int = 10
    policy_relay: bool = True
    max_voters: int = 100
    min_voters: int = 1
    vote_power_cap_ppm: int = 1_000_000
    feeds_history_size: int = 200
    minimal_offer_wei: int = 10**15
    inflation_wei: int = 1_000 * 10**18
    min_rewarded_turnout_bips: int = 5_000
    primary_band_share_ppm: int = 400_000
