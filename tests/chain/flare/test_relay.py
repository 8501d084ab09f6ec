"""Relay finalises a round for signers above the threshold, and for nothing less."""

from collections.abc import Callable
from itertools import combinations

import pytest
from eth_utils.crypto import keccak

from infra.local.flare.network import FlareNetwork
from infra.local.flare.reading import events, read, signing_policy
from tests.chain.flare import wire
from tests.chain.flare.ledger import Ledger

pytestmark = pytest.mark.chain

ROOT = keccak(text="root")
ETHER = 10**18


@pytest.fixture
def policy(network: FlareNetwork) -> bytes:
    """The policy of the initial reward epoch."""
    return signing_policy(network, 1)


def finalisation(network: FlareNetwork, policy: bytes, signed: bytes, *positions: int) -> bytes:
    """A relay call signed by the voters at those positions."""
    signers = [(position, network.voters[position].signing_policy) for position in positions]
    return wire.relay_call(policy, signed, wire.signatures(signed, signers))


def finalise(ledger: Ledger, policy: bytes, signed: bytes) -> dict[str, object]:
    """Relay a message signed by the first three voters."""
    data = finalisation(ledger.network, policy, signed, 0, 1, 2)
    return ledger.send(ledger.network.governance, "Relay", data)


def test_a_round_is_final_when_more_than_the_threshold_signed(
    network: FlareNetwork, policy: bytes, ledger: Ledger
) -> None:
    """The root is stored, the event tells it, and the root is the round's random number until the next round."""
    finalise(ledger, policy, wire.message(240, ROOT))

    relayed = {"protocolId": 100, "votingRoundId": 240, "isSecureRandom": True, "merkleRoot": ROOT}
    end_s = network.round_start_s(241)
    assert [relayed] == events(network, "Relay", "ProtocolMessageRelayed")
    assert ROOT == read(network, "Relay", "merkleRoots", 100, 240)
    assert read(network, "Relay", "isFinalized", 100, 240)
    assert not read(network, "Relay", "isFinalized", 100, 241)
    assert (int.from_bytes(ROOT, "big"), True, end_s) == read(network, "Relay", "getRandomNumber")
    assert (int.from_bytes(ROOT, "big"), True, end_s) == read(network, "Relay", "getRandomNumberHistorical", 240)


def test_a_weight_equal_to_the_threshold_is_not_enough(network: FlareNetwork, policy: bytes, ledger: Ledger) -> None:
    """Two of four equal voters weigh exactly the threshold, three weigh more."""
    signed = wire.message(240, ROOT)
    weight = read(network, "VoterRegistry", "getRegisteredVotersAndNormalisedWeights", 1)[1][0]

    assert 2 * weight == read(network, "FlareSystemsManager", "getThreshold", 1)
    assert "Not enough weight" == ledger.attempt("Relay", finalisation(network, policy, signed, 0, 1))
    assert "accepted" == ledger.attempt("Relay", finalisation(network, policy, signed, 0, 1, 2))


def test_exactly_the_sets_of_signers_above_the_threshold_finalise(deploy: Callable[..., FlareNetwork]) -> None:
    """Every subset of five unequal voters is accepted if and only if its weights add up to more than the threshold."""
    network = deploy(vote_power_wei=[power * ETHER for power in (1_000, 40_000, 7_000, 90_000, 16_000)])
    weights = read(network, "VoterRegistry", "getRegisteredVotersAndNormalisedWeights", 1)[1]
    threshold = read(network, "FlareSystemsManager", "getThreshold", 1)
    policy, signed = signing_policy(network, 1), wire.message(240, ROOT)
    sets = [chosen for size in range(6) for chosen in combinations(range(5), size)]

    with Ledger(network) as ledger:
        outcomes = ledger.attempts("Relay", [finalisation(network, policy, signed, *chosen) for chosen in sets])

    expected = ["accepted" if sum(weights[i] for i in s) > threshold else "Not enough weight" for s in sets]
    assert {"accepted", "Not enough weight"} == set(expected)
    assert expected == outcomes


def test_no_bit_of_the_call_may_change(network: FlareNetwork, policy: bytes, ledger: Ledger) -> None:
    """With just enough signers, every flipped bit of policy, message, count, signatures or indices is refused."""
    good = finalisation(network, policy, wire.message(240, ROOT), 0, 1, 2)
    flipped = [
        good[:at] + bytes([good[at] ^ 1 << bit]) + good[at + 1 :] for at in range(4, len(good)) for bit in range(8)
    ]

    outcomes = ledger.attempts("Relay", flipped)

    assert "accepted" == ledger.attempt("Relay", good)
    assert "accepted" not in outcomes
    assert {"SigningPolicyHashMismatch()", "WrongSignature()", "BadV()", "BadS()"} <= set(outcomes)


def test_truncated_calldata_is_refused(network: FlareNetwork, policy: bytes, ledger: Ledger) -> None:
    """Each missing part of the call is named, wherever the call ends."""
    good = finalisation(network, policy, wire.message(240, ROOT), 0, 1, 2)
    message_at = 4 + len(policy)
    count_at = message_at + 38

    outcomes = ledger.attempts("Relay", [good[:length] for length in range(4, len(good))])

    expected = {
        4: "InvalidSignPolicyMetadata()",
        4 + 11: "InvalidSignPolicyLength()",
        message_at + 1: "TooShortMessage()",
        count_at: "NoSignatureCount()",
        count_at + 2: "NotEnoughSignatures()",
        len(good): "accepted",
    }
    starts = sorted(expected)
    named = [expected[max(start for start in starts if start <= length)] for length in range(4, len(good))]
    assert named == outcomes


@pytest.mark.parametrize(
    ("positions", "reason"),
    [
        ((0, 0, 1), "IndexOutOfOrder()"),
        ((0, 1, 1, 2), "IndexOutOfOrder()"),
        ((1, 0, 2), "IndexOutOfOrder()"),
        ((2, 1, 0), "IndexOutOfOrder()"),
        ((), "Not enough weight"),
    ],
)
def test_indices_must_ascend(
    network: FlareNetwork, policy: bytes, ledger: Ledger, positions: tuple[int, ...], reason: str
) -> None:
    """Nobody counts twice: a repeated or descending index is refused."""
    assert reason == ledger.attempt("Relay", finalisation(network, policy, wire.message(240, ROOT), *positions))


def test_a_stranger_cannot_sign(network: FlareNetwork, policy: bytes, ledger: Ledger) -> None:
    """Not under a voter's index, not past the end of the policy, not with another voter's key."""
    signed, stranger = wire.message(240, ROOT), network.governance
    keys = [voter.signing_policy for voter in network.voters]

    def attempt(*signers: tuple[int, object]) -> str:
        return ledger.attempt("Relay", wire.relay_call(policy, signed, wire.signatures(signed, signers)))  # type: ignore[arg-type]  # a stranger has a key, too

    assert "WrongSignature()" == attempt((0, stranger), (1, keys[1]), (2, keys[2]))
    assert "WrongSignature()" == attempt((0, keys[1]), (1, keys[0]), (2, keys[2]))
    assert "IndexOutOfRange()" == attempt((0, keys[0]), (4, stranger))
    assert "WrongSignature()" == attempt((0, network.voters[0].submit), (1, keys[1]), (2, keys[2]))


def test_a_signature_of_something_else_does_not_count(network: FlareNetwork, policy: bytes, ledger: Ledger) -> None:
    """Signatures of another root, of the bare hash without the EIP-191 prefix, or with a mirrored s are refused."""
    signed, keys = wire.message(240, ROOT), [voter.signing_policy for voter in network.voters]
    other = wire.signatures(wire.message(241, ROOT), [(i, keys[i]) for i in (0, 1, 2)])
    raw = [(i, *wire.sign_raw(keccak(signed), keys[i])) for i in (0, 1, 2)]
    mirrored = [
        (i, 55 - v, r, wire.CURVE_ORDER - s)
        for i, (v, r, s) in ((i, wire.sign(keccak(signed), keys[i])) for i in (0, 1, 2))
    ]

    assert "WrongSignature()" == ledger.attempt("Relay", wire.relay_call(policy, signed, other))
    assert "WrongSignature()" == ledger.attempt("Relay", wire.relay_call(policy, signed, wire.rows(raw)))
    assert "BadS()" == ledger.attempt("Relay", wire.relay_call(policy, signed, wire.rows(mirrored)))


def test_signatures_past_the_threshold_are_not_read(network: FlareNetwork, policy: bytes, ledger: Ledger) -> None:
    """Three good signatures finalise, whatever the fourth says: a finaliser need not check what it collects."""
    signed, keys = wire.message(240, ROOT), [voter.signing_policy for voter in network.voters]
    good = [(i, *wire.sign(keccak(signed), keys[i])) for i in (0, 1, 2)]

    assert "accepted" == ledger.attempt("Relay", wire.relay_call(policy, signed, wire.rows([*good, (3, 0, 0, 0)])))


def test_a_final_round_stays_as_it_is(network: FlareNetwork, policy: bytes, ledger: Ledger) -> None:
    """A second relay of a round is refused, with the same or another root; other protocols and rounds are free."""
    finalise(ledger, policy, wire.message(240, ROOT))
    other = keccak(text="another root")

    def attempt(signed: bytes) -> str:
        return ledger.attempt("Relay", finalisation(network, policy, signed, 0, 1, 2))

    assert "AlreadyRelayed()" == attempt(wire.message(240, ROOT))
    assert "AlreadyRelayed()" == attempt(wire.message(240, other))
    assert "accepted" == attempt(wire.message(241, other))
    assert "accepted" == attempt(wire.message(240, other, protocol=200))


def test_an_older_round_does_not_take_the_random_number_back(
    network: FlareNetwork, policy: bytes, ledger: Ledger
) -> None:
    """The current random number is that of the newest final round, in whatever order the rounds arrive."""
    newer, older = keccak(text="newer"), keccak(text="older")
    finalise(ledger, policy, wire.message(245, newer, secure=0))
    finalise(ledger, policy, wire.message(244, older, secure=1))
    finalise(ledger, policy, wire.message(246, ROOT, secure=1, protocol=200))

    current = (int.from_bytes(newer, "big"), False, network.round_start_s(246))
    assert current == read(network, "Relay", "getRandomNumber")
    assert current == read(network, "Submission", "getCurrentRandomWithQualityAndTimestamp")
    assert current[:2] == read(network, "Submission", "getCurrentRandomWithQuality")
    assert current[0] == read(network, "Submission", "getCurrentRandom")
    assert read(network, "Relay", "getRandomNumberHistorical", 244)[1]


@pytest.mark.parametrize(
    ("signed", "reason"),
    [
        (wire.message(240, bytes(32)), "ZeroMerkleRoot()"),
        (wire.message(240, ROOT, secure=2), "WrongMessageFormat()"),
        (wire.message(240, ROOT, protocol=1), "InvalidProtocolId()"),
        (wire.message(239, ROOT), "WrongSignPolicyRewardEpoch()"),
    ],
)
def test_a_message_that_cannot_be_final_is_refused(
    network: FlareNetwork, policy: bytes, ledger: Ledger, signed: bytes, reason: str
) -> None:
    """A zero root, a flag that is no flag, a reserved protocol, and a round before the policy's reward epoch."""
    assert reason == ledger.attempt("Relay", finalisation(network, policy, signed, 0, 1, 2))


def test_a_leaf_is_verified_against_a_final_round_only(network: FlareNetwork, policy: bytes, ledger: Ledger) -> None:
    """verify answers true for a proven leaf, and names what is wrong otherwise."""
    leaves = [keccak(text=name) for name in "abc"]
    nodes = wire.tree(leaves)
    finalise(ledger, policy, wire.message(240, nodes[0]))
    relay = network.contracts["Relay"]
    path = list(wire.proof(nodes, leaves[0]))

    assert "accepted" == ledger.attempt("Relay", relay.data("verify", 100, 240, leaves[0], path))
    assert "MerkleProofInvalid()" == ledger.attempt("Relay", relay.data("verify", 100, 240, leaves[1], path))
    assert "NotFinalized()" == ledger.attempt("Relay", relay.data("verify", 100, 241, leaves[0], path))
    assert "InvalidProtocolId()" == ledger.attempt("Relay", relay.data("verify", 1, 240, leaves[0], path))
