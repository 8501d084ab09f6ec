"""What a vote in the median weighs, by the network and its reward epoch."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

# chain id -> the first reward epoch with FIP-16, as the network's own reward calculation has it.
FIP16_SINCE: Final[Mapping[int, int]] = {14: 417, 19: 417}


class WeightRegime(StrEnum):
    """What a vote in the median weighs: capped delegation in wei, the signing weight since FIP-16, or as published."""

    PUBLISHED = "published"
    DELEGATION = "delegation"
    SIGNING = "signing"


def weighs_by_signing(regime: WeightRegime, chain_id: int, reward_epoch: int) -> bool:
    """Whether the median of that reward epoch counts signing weights; an unlisted chain has not switched yet."""
    if regime == WeightRegime.PUBLISHED:
        return chain_id in FIP16_SINCE and reward_epoch >= FIP16_SINCE[chain_id]
    return regime == WeightRegime.SIGNING
