"""Which feed is rewarded, and a round's part of what is offered."""

import pytest
from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st

from functions.oracle.core.random_number import RoundRandom
from functions.oracle.core.rewarded_feed import RoundOutside, rewarded_feed, round_pot, round_share
from kernel.hashes import keccak256

pytestmark = pytest.mark.unit

SECURE = RoundRandom(123_456_789, True)
INSECURE = RoundRandom(5, False)


def test_the_next_secure_random_number_decides() -> None:
    """keccak256(abi.encode(random, its round)) modulo the number of feeds; insecure ones and gaps are passed over."""
    seed = int.from_bytes(keccak256(encode(["uint256", "uint256"], [123_456_789, 103])), "big")

    assert seed % 63 == rewarded_feed(100, 200, {100: SECURE, 101: INSECURE, 103: SECURE}, 63)


def test_rounds_that_share_a_random_number_reward_one_feed() -> None:
    """The round of the random number is hashed in, so another round's chooses anew."""
    found = {rewarded_feed(voting_round, 200, {150: SECURE}, 63) for voting_round in range(100, 150)}
    others = {rewarded_feed(later - 1, 200, {later: SECURE}, 63) for later in range(100, 150)}

    assert (1, True) == (len(found), len(others) > 20)


def test_thirty_rounds_beyond_the_epoch_are_looked_at() -> None:
    """The 30th counts, the 31st does not."""
    assert rewarded_feed(200, 200, {230: SECURE}, 63) is not None
    assert rewarded_feed(200, 200, {231: SECURE}, 63) is None


def test_the_rounds_own_random_number_does_not_count() -> None:
    """It is known to those who revealed last."""
    assert rewarded_feed(100, 200, {100: SECURE}, 63) is None


@given(st.integers(0, 10**27), st.integers(0, 50), st.integers(1, 400))
def test_the_shares_of_all_rounds_add_up(offered: int, first: int, count: int) -> None:
    """And no round gets more than a unit above another; the first ones do."""
    last = first + count - 1
    shares = [round_share(offered, one, first, last) for one in range(first, last + 1)]

    assert offered == sum(shares)
    assert sorted(shares, reverse=True) == shares
    assert shares[0] - shares[-1] <= 1


@pytest.mark.parametrize("voting_round", [9, 20])
def test_a_round_outside_the_epoch_has_no_share(voting_round: int) -> None:
    """Neither before its start nor after its end."""
    with pytest.raises(RoundOutside):
        round_share(100, voting_round, 10, 19)


def test_a_pot_is_eighty_ten_ten() -> None:
    """What rounding leaves is accuracy's."""
    assert (801, 100, 100) == round_pot(1_001)
    assert (9, 0, 0) == round_pot(9)
