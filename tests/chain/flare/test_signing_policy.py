"""The signing policy that the chain keeps is the one that the registered voters and the published rules give."""

from collections.abc import Callable
from math import isqrt

import pytest

from functions.oracle.core.signing_policy import decode_signing_policy, encode_signing_policy, signing_policy_hash
from infra.local.flare.network import FlareNetwork
from infra.local.flare.reading import events, read, signing_policy
from infra.local.flare.timing import Rules
from tests.chain.flare import wire

pytestmark = pytest.mark.chain


@pytest.mark.parametrize("voters", [1, 2, 3, 4, 29, 100])
def test_the_kept_hash_is_the_chained_keccak_of_the_policy(deploy: Callable[..., FlareNetwork], voters: int) -> None:
    """For policies that end inside a chunk and at its end, ours, the product's and the chain's hash agree."""
    network = deploy(vote_power_wei=[10**24 + i * 10**22 for i in range(voters)], inflation_feeds=[])
    kept = read(network, "Relay", "toSigningPolicyHash", 1)
    encoded = signing_policy(network, 1)

    assert 43 + 22 * voters == len(encoded)
    assert wire.policy_hash(encoded) == kept
    assert signing_policy_hash(encoded) == kept
    assert encoded == encode_signing_policy(decode_signing_policy(encoded))


def test_the_policy_lists_the_voters_in_the_order_of_registration(network: FlareNetwork) -> None:
    """Its event, its bytes and the registry tell the same members, threshold, seed and start."""
    event = events(network, "Relay", "SigningPolicyInitialized")[0]
    voters, weights = read(network, "VoterRegistry", "getRegisteredVotersAndNormalisedWeights", 1)
    signers = [voter.signing_policy.address.lower() for voter in network.voters]
    threshold = read(network, "FlareSystemsManager", "getThreshold", 1)
    seed = read(network, "FlareSystemsManager", "getSeed", 1)

    assert tuple(voter.identity.address.lower() for voter in network.voters) == voters
    assert (
        wire.policy_bytes(1, 240, threshold, seed, list(zip(signers, weights, strict=True)))
        == (event["signingPolicyBytes"])
    )
    assert (240, threshold, seed) == (event["startVotingRoundId"], event["threshold"], event["seed"])
    assert (tuple(signers), tuple(weights)) == (event["voters"], event["weights"])


def test_weights_are_the_published_power_of_the_delegation(deploy: Callable[..., FlareNetwork]) -> None:
    """Registration weight = floor(sqrt(floor(sqrt w))) * floor(sqrt w); normalised to 16 bits, rounded down."""
    powers = [10**24, 3 * 10**24 + 12_345, 7, 5 * 10**26]
    network = deploy(vote_power_wei=powers)
    registered = read(network, "VoterRegistry", "getRegisteredVotersAndRegistrationWeights", 1)[1]
    normalised = read(network, "VoterRegistry", "getRegisteredVotersAndNormalisedWeights", 1)[1]
    expected = [isqrt(isqrt(power)) * isqrt(power) for power in powers]
    shares = [weight * 65_535 // sum(expected) for weight in expected]

    assert tuple(expected) == registered
    assert tuple(shares) == normalised
    assert (sum(expected), sum(shares), 0) == read(network, "VoterRegistry", "getWeightsSums", 1)
    assert -(-sum(shares) // 2) == read(network, "FlareSystemsManager", "getThreshold", 1)


def test_delegation_is_capped_for_medians_and_weights(deploy: Callable[..., FlareNetwork]) -> None:
    """The registration tells the capped delegation; only it counts."""
    network = deploy(vote_power_wei=[600, 300, 100], rules=Rules(vote_power_cap_ppm=400_000))

    told = events(network, "FlareSystemsCalculator", "VoterRegistrationInfo")
    assert [(600, 400), (300, 300), (100, 100)] == [(row["wNatWeight"], row["wNatCappedWeight"]) for row in told]
    assert isqrt(isqrt(400)) * isqrt(400) == read(
        network, "VoterRegistry", "getVoterRegistrationWeight", network.voters[0].identity.address, 1
    )
