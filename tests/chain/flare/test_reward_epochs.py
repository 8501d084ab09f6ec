"""Which signing policy may finalise which round, and how one policy follows another."""

from collections.abc import Callable

import pytest
from eth_utils.crypto import keccak

from infra.local.flare.contracts import contract
from infra.local.flare.network import FlareNetwork, enter_reward_epoch
from infra.local.flare.reading import events, read, signing_policy
from infra.local.flare.timing import Rules, Timing
from tests.chain.flare import wire
from tests.chain.flare.ledger import Ledger

pytestmark = pytest.mark.chain

ROOT = keccak(text="root")
# Ten rounds a reward epoch: epoch 1 is rounds 10 to 19.
SHORT = Timing(reward_epoch_rounds=10)
# Vote power k^4 registers the weight k^3, so these three have 30, 25 and 45 % of the weight: the first two are above
# the threshold of one half, but below 1.2 times the threshold.
MAJORITY_BY_A_LITTLE = [k**4 for k in (669, 630, 766)]


@pytest.fixture
def network(deploy: Callable[..., FlareNetwork]) -> FlareNetwork:
    """Three voters and short reward epochs; the first two voters are a bare majority."""
    return deploy(timing=SHORT, vote_power_wei=MAJORITY_BY_A_LITTLE)


def relayed(network: FlareNetwork, policy_epoch: int, voting_round: int, *positions: int) -> bytes:
    """A relay call for a round, under the policy of a reward epoch."""
    signed = wire.message(voting_round, ROOT)
    signers = [(position, network.voters[position].signing_policy) for position in positions]
    return wire.relay_call(signing_policy(network, policy_epoch), signed, wire.signatures(signed, signers))


def enter(network: FlareNetwork, ledger: Ledger, reward_epoch: int) -> None:
    """Install the next policy in the last round before its reward epoch."""
    ledger.move_to(network.round_start_s(reward_epoch * SHORT.reward_epoch_rounds - 1))
    enter_reward_epoch(network, reward_epoch)


def test_a_policy_older_than_expected_needs_more_weight(network: FlareNetwork, ledger: Ledger) -> None:
    """While no newer policy exists, rounds of the next reward epoch ask for 1.2 times the threshold."""
    weights = read(network, "VoterRegistry", "getRegisteredVotersAndNormalisedWeights", 1)[1]
    threshold = read(network, "FlareSystemsManager", "getThreshold", 1)

    assert threshold < weights[0] + weights[1] <= threshold * 12 // 10 < weights[0] + weights[2]
    assert "accepted" == ledger.attempt("Relay", relayed(network, 1, 19, 0, 1))
    assert "Not enough weight" == ledger.attempt("Relay", relayed(network, 1, 20, 0, 1))
    assert "accepted" == ledger.attempt("Relay", relayed(network, 1, 20, 0, 2))


def test_the_raised_threshold_must_be_exceeded_too(deploy: Callable[..., FlareNetwork]) -> None:
    """Three of five equal voters weigh 1.2 times the threshold within one; four are needed when it is raised."""
    network = deploy(timing=SHORT, vote_power_wei=[10**24] * 5)
    with Ledger(network) as ledger:
        assert 32_768 * 12 // 10 == 39_321 == 3 * 13_107
        assert "accepted" == ledger.attempt("Relay", relayed(network, 1, 19, 0, 1, 2))
        assert "Not enough weight" == ledger.attempt("Relay", relayed(network, 1, 20, 0, 1, 2))
        assert "accepted" == ledger.attempt("Relay", relayed(network, 1, 20, 0, 1, 2, 3))


def test_each_round_belongs_to_one_policy(network: FlareNetwork, ledger: Ledger) -> None:
    """Once the next policy is installed, the old one signs rounds before its start, the new one those from it on."""
    enter(network, ledger, 2)

    assert "accepted" == ledger.attempt("Relay", relayed(network, 1, 19, 0, 1))
    assert "MustUseNewSignPolicy()" == ledger.attempt("Relay", relayed(network, 1, 20, 0, 1))
    assert "WrongSignPolicyRewardEpoch()" == ledger.attempt("Relay", relayed(network, 2, 19, 0, 1))
    assert "accepted" == ledger.attempt("Relay", relayed(network, 2, 20, 0, 1))


def test_a_late_policy_starts_with_the_next_round(network: FlareNetwork, ledger: Ledger) -> None:
    """Rounds between the due start and the actual one stay with the old policy, at its plain threshold."""
    ledger.move_to(network.round_start_s(24))
    enter_reward_epoch(network, 2)

    assert 25 == read(network, "FlareSystemsManager", "getStartVotingRoundId", 2)
    assert (2, 25) == read(network, "Relay", "lastInitializedRewardEpochData")
    assert "DelayedSignPolicy()" == ledger.attempt("Relay", relayed(network, 2, 24, 0, 1))
    assert "accepted" == ledger.attempt("Relay", relayed(network, 1, 24, 0, 1))
    assert "accepted" == ledger.attempt("Relay", relayed(network, 2, 25, 0, 1))


def test_the_current_reward_epoch_follows_the_clock(network: FlareNetwork, ledger: Ledger) -> None:
    """A reward epoch is current from its policy's first round on, announced once, and not before."""
    enter(network, ledger, 2)
    manager = network.contracts["FlareSystemsManager"]
    start = manager.data("startRewardEpoch", 2)

    assert 1 == read(network, "FlareSystemsManager", "getCurrentRewardEpochId")
    assert "RewardEpochNotDue(2)" == ledger.attempt("FlareSystemsManager", start)

    ledger.move_to(network.round_start_s(20))
    ledger.send(network.voters[0].identity, "FlareSystemsManager", start)

    assert 2 == read(network, "FlareSystemsManager", "getCurrentRewardEpochId")
    assert 20 == read(network, "FlareSystemsManager", "getCurrentVotingEpochId")
    assert 20 == events(network, "FlareSystemsManager", "RewardEpochStarted")[0]["startVotingRoundId"]
    assert "RewardEpochNotDue(2)" == ledger.attempt("FlareSystemsManager", start)


def test_a_message_outside_the_finalisation_window_is_too_old(deploy: Callable[..., FlareNetwork]) -> None:
    """With a window of one reward epoch, rounds two reward epochs back cannot be finalised any more."""
    network = deploy(timing=SHORT, rules=Rules(finalization_window_reward_epochs=1))
    with Ledger(network) as ledger:
        enter(network, ledger, 2)
        assert "accepted" == ledger.attempt("Relay", relayed(network, 1, 19, 0, 1, 2))

        ledger.move_to(network.round_start_s(20))
        enter(network, ledger, 3)
        assert "MessageTooOld()" == ledger.attempt("Relay", relayed(network, 1, 19, 0, 1, 2))
        assert "accepted" == ledger.attempt("Relay", relayed(network, 2, 29, 0, 1, 2))


def next_policy(
    network: FlareNetwork, *, reward_epoch: int = 2, threshold: int = 500, weights: tuple[int, ...] = (999,)
) -> bytes:
    """A policy as voters would sign it elsewhere."""
    signers = [voter.signing_policy.address for voter in network.voters]
    return wire.policy_bytes(reward_epoch, 20, threshold, 7, list(zip(signers, weights, strict=False)))


def policy_relay(network: FlareNetwork, following: bytes, *positions: int) -> bytes:
    """A relay call that installs a policy: protocol 0, signed over the policy's hash."""
    signers = [(position, network.voters[position].signing_policy) for position in positions]
    counted = wire.rows((index, *wire.sign(wire.policy_hash(following), signer)) for index, signer in signers)
    return wire.relay_call(signing_policy(network, 1), b"\0" + following, counted)


def test_a_policy_arrives_signed_by_the_one_before(network: FlareNetwork, ledger: Ledger) -> None:
    """A relayed policy is stored under its hash, announced, and finalises its rounds from then on."""
    following = next_policy(network)
    assert "Not enough weight" == ledger.attempt("Relay", policy_relay(network, following, 0))

    ledger.send(network.governance, "Relay", policy_relay(network, following, 0, 1))

    signed = wire.message(20, ROOT)
    counted = wire.signatures(signed, [(0, network.voters[0].signing_policy)])
    assert [{"rewardEpochId": 2}] == events(network, "Relay", "SigningPolicyRelayed")
    assert wire.policy_hash(following) == read(network, "Relay", "toSigningPolicyHash", 2)
    assert "accepted" == ledger.attempt("Relay", wire.relay_call(following, signed, counted))


@pytest.mark.parametrize(
    ("following", "reason"),
    [
        ({"reward_epoch": 3}, "NotNextRewardEpoch()"),
        ({"reward_epoch": 1}, "NotNextRewardEpoch()"),
        ({"weights": ()}, "SigningPolicyEmpty()"),
        ({"weights": (40_000, 25_536), "threshold": 33_000}, "TotalWeightTooBig()"),
        ({"weights": (1_000,), "threshold": 499}, "ThresholdTooLow()"),
        ({"weights": (1_000,), "threshold": 661}, "ThresholdTooHigh()"),
        ({"weights": (1_000,), "threshold": 500}, "accepted"),
        ({"weights": (1_000,), "threshold": 660}, "accepted"),
        ({"weights": (40_000, 25_535), "threshold": 33_000}, "accepted"),
    ],
)
def test_a_policy_must_be_sound(
    network: FlareNetwork, ledger: Ledger, following: dict[str, object], reason: str
) -> None:
    """The next reward epoch, at least one voter, at most 16 bits of weight, a threshold of 50 to 66 %."""
    call = policy_relay(network, next_policy(network, **following), 0, 1)  # type: ignore[arg-type]  # fields by name

    assert reason == ledger.attempt("Relay", call)


def test_a_truncated_policy_is_refused(network: FlareNetwork, ledger: Ledger) -> None:
    """Wherever a policy relay ends too early, the missing part is named."""
    good, policy_at = policy_relay(network, next_policy(network), 0, 1), 4 + len(signing_policy(network, 1)) + 1

    outcomes = ledger.attempts("Relay", [good[:length] for length in range(policy_at, len(good))])

    assert ["NoNewSignPolicySize()"] * 11 == outcomes[:11]
    assert {"WrongSizeForNewSignPolicy()", "NoSignatureCount()", "NotEnoughSignatures()"} == set(outcomes[11:])


def test_policy_relay_can_be_switched_off(deploy: Callable[..., FlareNetwork]) -> None:
    """Where the systems manager sets policies, as on the live network, none can arrive by relay."""
    network = deploy(timing=SHORT, rules=Rules(policy_relay=False))
    with Ledger(network) as ledger:
        reason = ledger.attempt("Relay", policy_relay(network, next_policy(network), 0, 1, 2))

    assert "SignPolicyRelayDisabled()" == reason


def test_only_the_systems_manager_sets_policies(network: FlareNetwork, ledger: Ledger) -> None:
    """Neither the owner nor a voter can give the Relay a policy directly."""
    voter = network.voters[0]
    fields = (2, 20, 500, 7, [voter.signing_policy.address], [999])
    relay = network.contracts["Relay"]

    for data in (relay.data("setSigningPolicy", fields), relay.data("installPolicy", next_policy(network))):
        assert "OnlySigningPolicySetterRole()" == ledger.attempt("Relay", data)
        assert "OnlySigningPolicySetterRole()" == ledger.attempt("Relay", data, voter.identity)
    assert (
        network.address("FlareSystemsManager")
        == contract("Relay", read(network, "Relay", "signingPolicySetter")).address
    )
