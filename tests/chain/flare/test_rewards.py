"""Voters sign the rewards of an ended reward epoch; owners claim their part of its pool, once."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from infra.local.flare.accounts import dev_account
from infra.local.flare.network import FlareNetwork, enter_reward_epoch
from infra.local.flare.node import Node
from infra.local.flare.reading import events, read
from infra.local.flare.timing import Timing
from tests.chain.flare import wire
from tests.chain.flare.ledger import Ledger

pytestmark = pytest.mark.chain

ETHER = 10**18
DIRECT, FEE, WNAT = range(3)
NO_CLAIMS = [(1, 0)]


@pytest.fixture
def network(deploy: Callable[..., FlareNetwork]) -> FlareNetwork:
    """Short reward epochs, so that one can end."""
    return deploy(timing=Timing(reward_epoch_rounds=10))


@dataclass(frozen=True)
class Claim:
    """A leaf of the rewards' tree."""

    beneficiary: str
    amount_wei: int
    kind: int = DIRECT
    reward_epoch: int = 1

    @property
    def body(self) -> tuple[int, bytes, int, int]:
        return (self.reward_epoch, bytes.fromhex(self.beneficiary[2:]), self.amount_wei, self.kind)

    @property
    def leaf(self) -> bytes:
        return keccak(encode(["uint24", "bytes20", "uint120", "uint8"], self.body))


@pytest.fixture
def claims(network: FlareNetwork, ledger: Ledger) -> list[Claim]:
    """What each voter earned in reward epoch 1, which has ended; two voters have not signed it yet."""
    identities = [voter.identity.address for voter in network.voters]
    claims = [Claim(identity, (number + 1) * ETHER) for number, identity in enumerate(identities)]
    claims += [
        Claim(identities[0], 5 * ETHER, FEE),
        Claim(identities[1], ETHER, WNAT),
        Claim(identities[1], 10_000 * ETHER),
    ]
    ledger.move_to(network.round_start_s(19))
    enter_reward_epoch(network, 2)
    ledger.move_to(network.round_start_s(20))
    return claims


def root_of(claims: list[Claim]) -> bytes:
    return wire.tree(claim.leaf for claim in claims)[0]


def vote(network: FlareNetwork, root: bytes, position: int) -> bytes:
    """A voter's signature of the rewards of reward epoch 1, as a call."""
    counts = keccak(encode(["(uint256,uint256)[]"], [NO_CLAIMS]))
    message = keccak(encode(["uint24", "bytes32", "bytes32"], [1, counts, root]))
    v, r, s = wire.sign(message, network.voters[position].signing_policy)
    signature = (v, r.to_bytes(32, "big"), s.to_bytes(32, "big"))
    return network.contracts["FlareSystemsManager"].data("signRewards", 1, NO_CLAIMS, root, signature)


def sign_rewards(ledger: Ledger, claims: list[Claim], voters: int = 3) -> None:
    for position in range(voters):
        data = vote(ledger.network, root_of(claims), position)
        ledger.send(ledger.network.governance, "FlareSystemsManager", data)


def claim_call(
    network: FlareNetwork, claims: list[Claim], chosen: Claim, recipient: str, *, wrap: bool = False
) -> bytes:
    """The call by which a voter claims one of the rewards."""
    path = wire.proof(wire.tree(claim.leaf for claim in claims), chosen.leaf)
    return network.contracts["RewardManager"].data(
        "claim", chosen.beneficiary, recipient, 1, wrap, [(list(path), chosen.body)]
    )


def test_rewards_are_signed_when_more_than_the_threshold_agrees(
    network: FlareNetwork, ledger: Ledger, claims: list[Claim]
) -> None:
    """Two of four equal voters are exactly the threshold, the third decides; votes for other roots do not add up."""
    root = root_of(claims)
    ledger.send(network.governance, "FlareSystemsManager", vote(network, keccak(text="another"), 3))
    sign_rewards(ledger, claims, voters=2)
    assert bytes(32) == read(network, "FlareSystemsManager", "rewardsHash", 1)

    ledger.send(network.governance, "FlareSystemsManager", vote(network, root, 2))

    told = events(network, "FlareSystemsManager", "RewardsSigned")
    assert root == read(network, "FlareSystemsManager", "rewardsHash", 1)
    assert [False, False, False, True] == [row["thresholdReached"] for row in told]
    assert "RewardsAlreadySigned(1)" == ledger.attempt("FlareSystemsManager", vote(network, root, 3))


def test_a_vote_counts_once_and_only_for_voters(network: FlareNetwork, ledger: Ledger, claims: list[Claim]) -> None:
    """A repeated signature and a stranger's are refused, and so is an epoch that has not ended."""
    root = root_of(claims)
    sign_rewards(ledger, claims, voters=1)
    good = vote(network, root, 1)
    other_root = good[: 4 + 64] + keccak(text="another") + good[4 + 96 :]
    manager = network.contracts["FlareSystemsManager"]
    running = manager.data("signRewards", 2, NO_CLAIMS, root, (27, bytes(32), bytes(32)))

    assert ledger.attempt("FlareSystemsManager", vote(network, root, 0)).startswith("VoterAlreadySigned(")
    assert "SignatureInvalid()" == ledger.attempt("FlareSystemsManager", other_root)
    assert "RewardEpochNotEnded(2)" == ledger.attempt("FlareSystemsManager", running)


def test_an_owner_claims_its_rewards_once(network: FlareNetwork, ledger: Ledger, claims: list[Claim]) -> None:
    """The recipient gets the proven amounts, the pool's totals follow, and nothing is paid twice."""
    sign_rewards(ledger, claims)
    owner, recipient = network.voters[0].identity, dev_account("somebody", "else").address

    for chosen in (claims[0], claims[4]):
        ledger.send(owner, "RewardManager", claim_call(network, claims, chosen, recipient))

    again = claim_call(network, claims, claims[0], recipient)
    with Node(network.rpc_url) as node:
        assert 6 * ETHER == int(node.call("eth_getBalance", recipient, "latest"), 16)
    assert [(ETHER, DIRECT), (5 * ETHER, FEE)] == [
        (row["amount"], row["claimType"]) for row in events(network, "RewardManager", "RewardClaimed")
    ]
    assert 6 * ETHER == read(network, "RewardManager", "getRewardEpochTotals", 1)[3]
    assert ledger.attempt("RewardManager", again, owner).startswith("AlreadyClaimed(")


def test_a_claim_must_be_proven_own_and_covered(network: FlareNetwork, ledger: Ledger, claims: list[Claim]) -> None:
    """Another's claim, a larger amount, a kind that is paid elsewhere, and more than the pool has are refused."""
    owner, other = network.voters[0].identity, network.voters[1].identity
    early = claim_call(network, claims, claims[0], owner.address)
    assert "RewardEpochNotClaimable(1)" == ledger.attempt("RewardManager", early, owner)
    sign_rewards(ledger, claims)

    path = list(wire.proof(wire.tree(claim.leaf for claim in claims), claims[0].leaf))
    raised = Claim(owner.address, ETHER + 1)
    manager = network.contracts["RewardManager"]
    forged = manager.data("claim", owner.address, owner.address, 1, False, [(path, raised.body)])
    borrowed = manager.data("claim", other.address, other.address, 1, False, [(path, claims[0].body)])
    weighted = claim_call(network, claims, claims[5], other.address)
    too_much = claim_call(network, claims, claims[6], other.address)

    assert "MerkleProofInvalid()" == ledger.attempt("RewardManager", forged, owner)
    assert ledger.attempt("RewardManager", borrowed, other).startswith("ClaimOfAnother(")
    assert ledger.attempt("RewardManager", early, other).startswith("ExecutorOnly(")
    assert "ClaimTypeNotSupported(2)" == ledger.attempt("RewardManager", weighted, other)
    assert "PoolExhausted(1)" == ledger.attempt("RewardManager", too_much, other)
    wrapped = claim_call(network, claims, claims[0], owner.address, wrap=True)
    assert "WrappingNotSupported()" == ledger.attempt("RewardManager", wrapped, owner)


def test_an_executor_claims_for_its_owner(network: FlareNetwork, ledger: Ledger, claims: list[Claim]) -> None:
    """To the owner, or to whom the owner allows; the money never comes to the executor by itself."""
    sign_rewards(ledger, claims)
    voter, friend = network.voters[0], dev_account("somebody", "else").address
    away = claim_call(network, claims, claims[0], friend)
    assert ledger.attempt("RewardManager", away, voter.submit_signatures).startswith("RecipientNotAllowed(")

    ledger.call(voter.identity, "ClaimSetupManager", "setAllowedClaimRecipients", [friend])
    ledger.send(voter.submit_signatures, "RewardManager", away)
    ledger.send(
        voter.submit_signatures, "RewardManager", claim_call(network, claims, claims[4], voter.identity.address)
    )

    told = events(network, "RewardManager", "RewardClaimed")
    assert [(friend.lower(), ETHER), (voter.identity.address.lower(), 5 * ETHER)] == [
        (row["recipient"].lower(), row["amount"]) for row in told
    ]


def test_only_offers_fill_a_pool(network: FlareNetwork, ledger: Ledger) -> None:
    """Nobody else can add to it."""
    data = network.contracts["RewardManager"].data("receiveRewards", 2, False)

    assert "OnlyRewardOffersManager()" == ledger.attempt("RewardManager", data)
