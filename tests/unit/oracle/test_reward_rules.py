"""What differs between networks in the computation of rewards."""

from dataclasses import replace

import pytest

from functions.oracle.core.epochs import COSTON, COSTON2, FLARE, LOCAL, SONGBIRD, Network
from functions.oracle.core.reward_rules import rules_of
from functions.oracle.core.signing_rewards import SigningTimes

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("network", "burn_address", "has_conditions"),
    [
        (FLARE, "0xd9e5b450773b17593abafcf73ab96ad99d589751", True),
        (SONGBIRD, "0xac3f85d29119836545670b2fcefe35c829be35ab", True),
        (COSTON2, "0x000000000000000000000000000000000000dead", False),
        (COSTON, "0x000000000000000000000000000000000000dead", False),
        (LOCAL, "0x000000000000000000000000000000000000dead", False),
    ],
)
def test_each_network_has_its_burn_address_and_conditions(
    network: Network, burn_address: str, has_conditions: bool
) -> None:
    """As the networks' own programs have them."""
    rules = rules_of(network)

    assert (burn_address, has_conditions) == (rules.burn_address, rules.has_conditions)


def test_graces_are_those_of_epochs_of_ninety_seconds() -> None:
    """And in proportion elsewhere, at least a second."""
    assert SigningTimes() == rules_of(FLARE).times
    assert (
        SigningTimes(reveal_deadline_s=4, epoch_length_s=8, signing_grace_s=1, finalising_grace_s=1)
        == rules_of(LOCAL).times
    )
    half = replace(LOCAL, voting_epoch_length_s=45, reveal_deadline_s=22)
    assert (7, 10) == (rules_of(half).times.signing_grace_s, rules_of(half).times.finalising_grace_s)
