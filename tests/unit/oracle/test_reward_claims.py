"""Claims of a reward epoch."""

import pytest
from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st

from functions.oracle.core.reward_claims import (
    BURN_ADDRESS,
    Claim,
    ClaimType,
    Provider,
    burnt,
    claim_leaf,
    claim_tree,
    delegation_claims,
    settled,
    signing_claims,
)
from kernel.hashes import keccak256
from kernel.merkle import verify_proof

pytestmark = pytest.mark.unit

IDENTITY, DELEGATION, NODE, OTHER_NODE = ("0x" + bytes([letter] * 20).hex() for letter in b"idno")
PROVIDER = Provider(
    identity=IDENTITY,
    delegation=DELEGATION,
    fee_bips=2_000,
    delegated_weight=600,
    nodes=((NODE, 300), (OTHER_NODE, 100)),
)
AMOUNTS = st.integers(-(10**24), 10**24)


def test_a_reward_by_delegation_is_a_fee_and_the_rest() -> None:
    """20 % of 1 001, rounded down."""
    expected = [Claim(IDENTITY, ClaimType.FEE, 200), Claim(DELEGATION, ClaimType.WNAT, 801)]

    assert expected == delegation_claims(1_001, PROVIDER)


def test_a_reward_by_signing_weight_goes_to_delegators_and_stakers() -> None:
    """600 : 400; of both parts 20 % are fees; three quarters of the stakes' part are the first node's."""
    expected = [
        Claim(IDENTITY, ClaimType.FEE, 200),
        Claim(DELEGATION, ClaimType.WNAT, 480),
        Claim(NODE, ClaimType.MIRROR, 240),
        Claim(OTHER_NODE, ClaimType.MIRROR, 80),
    ]

    assert expected == signing_claims(1_000, PROVIDER)


def test_a_penalty_is_the_mirror_of_a_reward() -> None:
    """Rounded toward zero, not down."""
    rewards, penalties = signing_claims(1_003, PROVIDER), signing_claims(-1_003, PROVIDER)

    assert [claim._replace(amount=-claim.amount) for claim in rewards] == penalties


@given(AMOUNTS, st.integers(0, 10_000), st.integers(0, 10**24), st.lists(st.integers(0, 10**24), max_size=4))
def test_nothing_is_lost_in_a_split(amount: int, fee_bips: int, delegated: int, stakes: list[int]) -> None:
    """Whatever the fee and the weights."""
    nodes = tuple(("0x" + bytes([number] * 20).hex(), weight) for number, weight in enumerate(stakes))
    provider = Provider(
        identity=IDENTITY, delegation=DELEGATION, fee_bips=fee_bips, delegated_weight=delegated, nodes=nodes
    )

    assert amount == sum(claim.amount for claim in signing_claims(amount, provider))
    assert amount == sum(claim.amount for claim in delegation_claims(amount, provider))


def test_claims_of_one_beneficiary_and_type_are_added_up() -> None:
    """Whatever the case of the address; another type stays apart."""
    claims = [
        Claim(NODE.upper().replace("0X", "0x"), ClaimType.FEE, 3),
        Claim(NODE, ClaimType.WNAT, 5),
        Claim(NODE, ClaimType.FEE, 4),
    ]

    assert [Claim(NODE, ClaimType.FEE, 7), Claim(NODE, ClaimType.WNAT, 5)] == settled(claims)


def test_a_penalty_is_burnt_of_the_claim_that_it_meets() -> None:
    """Another type of the same beneficiary is not touched."""
    claims = [
        Claim(IDENTITY, ClaimType.FEE, 10),
        Claim(IDENTITY, ClaimType.FEE, -4),
        Claim(IDENTITY, ClaimType.WNAT, 5),
    ]
    expected = [burnt(4), Claim(IDENTITY, ClaimType.FEE, 6), Claim(IDENTITY, ClaimType.WNAT, 5)]

    assert sorted(expected) == settled(claims)


def test_a_penalty_above_the_claim_burns_all_of_it_and_leaves_no_debt() -> None:
    """What was not earned is not owed."""
    claims = [
        Claim(IDENTITY, ClaimType.FEE, 10),
        Claim(IDENTITY, ClaimType.FEE, -400),
        Claim(NODE, ClaimType.MIRROR, -9),
    ]

    assert [burnt(10)] == settled(claims)


@given(st.lists(st.tuples(st.sampled_from([IDENTITY, NODE, BURN_ADDRESS]), st.sampled_from(ClaimType), AMOUNTS)))
def test_settling_keeps_the_sum_of_what_was_earned(claims: list[tuple[str, ClaimType, int]]) -> None:
    """Every claim is positive, and there is one a beneficiary and type."""
    found = settled([Claim(*claim) for claim in claims])

    assert sum(amount for _, _, amount in claims if amount > 0) == sum(claim.amount for claim in found)
    assert all(claim.amount > 0 for claim in found)
    assert len({claim[:2] for claim in found}) == len(found)


def test_a_leaf_is_what_the_abi_encoder_writes() -> None:
    """(uint24, bytes20, uint120, uint8)."""
    words = encode(["uint24", "bytes20", "uint120", "uint8"], [370, bytes.fromhex(NODE.removeprefix("0x")), 10**21, 3])

    assert keccak256(words) == claim_leaf(370, Claim(NODE, ClaimType.MIRROR, 10**21))


@pytest.mark.parametrize("amount", [0, -1, 1 << 120])
def test_only_a_positive_amount_of_120_bits_is_claimed(amount: int) -> None:
    """The contract reads no other."""
    with pytest.raises(OverflowError):
        claim_leaf(1, Claim(NODE, ClaimType.DIRECT, amount))


def test_every_claim_is_proven() -> None:
    """And the claim of another reward epoch is not."""
    claims = settled(signing_claims(10**20, PROVIDER) + delegation_claims(10**19, PROVIDER))
    tree = claim_tree(370, claims)

    assert all(verify_proof(tree.root, claim_leaf(370, one), tree.proof(claim_leaf(370, one))) for one in claims)
    assert not verify_proof(tree.root, claim_leaf(371, claims[0]), tree.proof(claim_leaf(370, claims[0])))
