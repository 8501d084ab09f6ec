"""The leaves of a round's Merkle tree."""

import pytest
from eth_abi.abi import encode as abi_encode
from hypothesis import given
from hypothesis import strategies as st

from functions.oracle.core.feeds import Feed, feed_id
from functions.oracle.core.median import NO_VOTES, Median
from functions.oracle.core.random_number import RoundRandom
from functions.oracle.core.result_leaves import feed_leaf, random_leaf, round_leaves, turnout_bips
from tests.unit.oracle.slow_reference import keccak

pytestmark = pytest.mark.unit

BTC, ETH = Feed(feed_id("BTC/USD"), 2), Feed(feed_id("ETH/USD"), 3)


@given(
    st.integers(0, 2**32 - 1),
    st.binary(min_size=21, max_size=21),
    st.integers(-(2**31), 2**31 - 1),
    st.integers(0, 10_000),
    st.integers(-128, 127),
)
def test_a_feed_leaf_is_the_hash_of_its_abi_encoding(
    voting_round: int, identifier: bytes, value: int, turnout: int, decimals: int
) -> None:
    """Negative values and decimals as two's complement."""
    types = ["uint32", "bytes21", "int32", "uint16", "int8"]

    assert keccak(abi_encode(types, [voting_round, identifier, value, turnout, decimals])) == feed_leaf(
        voting_round, Feed(identifier, decimals), value, turnout
    )


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**256 - 1), st.booleans())
def test_a_random_leaf_is_the_hash_of_its_abi_encoding(voting_round: int, value: int, is_secure: bool) -> None:
    """uint32, uint256, bool."""
    assert keccak(abi_encode(["uint32", "uint256", "bool"], [voting_round, value, is_secure])) == random_leaf(
        voting_round, RoundRandom(value, is_secure)
    )


def test_a_feed_without_votes_is_a_leaf_with_value_zero() -> None:
    """And with a turnout of zero."""
    leaves = round_leaves(7, [BTC], [NO_VOTES], 100, RoundRandom(1, True))
    types = ["uint32", "bytes21", "int32", "uint16", "int8"]

    assert keccak(abi_encode(types, [7, BTC.id, 0, 0, BTC.decimals])) == leaves[0]


def test_the_leaves_are_the_feeds_in_their_order_and_then_the_random() -> None:
    """Turnout in basis points of the registered weight."""
    random = RoundRandom(9, False)

    leaves = round_leaves(7, [BTC, ETH], [Median(5, 4, 6, 50), Median(8, 8, 8, 75)], 100, random)

    assert [feed_leaf(7, BTC, 5, 5_000), feed_leaf(7, ETH, 8, 7_500), random_leaf(7, random)] == leaves


@pytest.mark.parametrize(
    ("participating", "registered", "bips"), [(1, 3, 3_333), (2, 3, 6_666), (3, 3, 10_000), (0, 3, 0), (0, 0, 0)]
)
def test_turnout_is_rounded_down(participating: int, registered: int, bips: int) -> None:
    """And is 0 when nobody is registered."""
    assert bips == turnout_bips(participating, registered)


def test_turnout_is_exact_beyond_64_bits() -> None:
    """Weights in wei: one wei less than all is not all."""
    assert 9_999 == turnout_bips(10**28 - 1, 10**28)
