"""Owns what differs between networks in the computation of rewards, by chain id.

Graces are for epochs of 90 s: 15 s for signatures, 20 s for finalisations. A network with other epochs has them in
proportion, rounded down, at least a second. Minimal conditions hold on Flare and Songbird. What nobody earned goes to
the network's own burn address.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from functions.oracle.core.epochs import COSTON, COSTON2, FLARE, SONGBIRD, Network
from functions.oracle.core.reward_claims import BURN_ADDRESS
from functions.oracle.core.signing_rewards import FINALISING_GRACE_S, SIGNING_GRACE_S, SigningTimes

PUBLISHED_EPOCH_S: Final = 90
BURN_ADDRESSES: Final[Mapping[int, str]] = {
    FLARE.chain_id: "0xd9e5b450773b17593abafcf73ab96ad99d589751",
    SONGBIRD.chain_id: "0xac3f85d29119836545670b2fcefe35c829be35ab",
    COSTON2.chain_id: BURN_ADDRESS,
    COSTON.chain_id: BURN_ADDRESS,
}
WITH_CONDITIONS: Final = frozenset((FLARE.chain_id, SONGBIRD.chain_id))


@dataclass(frozen=True, slots=True, kw_only=True)
class RewardRules:
    """How one network rewards."""

    burn_address: str
    times: SigningTimes
    has_conditions: bool


def rules_of(network: Network) -> RewardRules:
    """The rules of a network."""
    return RewardRules(
        burn_address=BURN_ADDRESSES.get(network.chain_id, BURN_ADDRESS),
        times=SigningTimes(
            reveal_deadline_s=network.reveal_deadline_s,
            epoch_length_s=network.voting_epoch_length_s,
            signing_grace_s=_scaled(SIGNING_GRACE_S, network),
            finalising_grace_s=_scaled(FINALISING_GRACE_S, network),
        ),
        has_conditions=network.chain_id in WITH_CONDITIONS,
    )


def _scaled(grace_s: int, network: Network) -> int:
    return max(1, grace_s * network.voting_epoch_length_s // PUBLISHED_EPOCH_S)
