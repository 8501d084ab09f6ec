"""The commit hash."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from py_flare_common.ftso.commit import commit_hash as peer_commit_hash

from functions.oracle.core.commitment import commit_hash
from kernel.abi import AddressInvalid
from tests.unit.oracle.facts import protocol, unhex

pytestmark = pytest.mark.unit

REAL = protocol()["commit"][0]
SMALL = protocol()["commit_small"]
ADDRESSES = st.binary(min_size=20, max_size=20).map(lambda raw: "0x" + raw.hex())


def test_the_real_commit_of_flare_round_812576() -> None:
    """As a voter of mainnet sent it."""
    computed = commit_hash(
        REAL["submitAddress"], REAL["votingRoundId"], int(REAL["random_uint256"]), unhex(REAL["feedValues"])
    )

    assert unhex(REAL["hash"]) == computed


def test_a_small_commit() -> None:
    """Two values, a random of 7."""
    computed = commit_hash(SMALL["submitter"], SMALL["round"], SMALL["random"], unhex(SMALL["values"]))

    assert unhex(SMALL["hash"]) == computed


@given(ADDRESSES, st.integers(0, 2**32 - 1), st.integers(0, 2**256 - 1), st.binary(max_size=300))
def test_every_commit_agrees_with_flares_own_python(
    submitter: str, voting_round: int, random: int, vector: bytes
) -> None:
    """Any length of values, whole words or not."""
    assert (
        peer_commit_hash(submitter, voting_round, random, vector)
        == commit_hash(submitter, voting_round, random, vector).hex()
    )


def test_the_case_of_the_submitters_letters_does_not_matter() -> None:
    """A checksum is for people."""
    assert commit_hash(REAL["submitAddress"], 1, 2, b"") == commit_hash(REAL["submitAddress"].lower(), 1, 2, b"")


def test_a_malformed_submitter_is_refused() -> None:
    """19 bytes are no address."""
    with pytest.raises(AddressInvalid):
        commit_hash("0x" + "ab" * 19, 1, 2, b"")


def test_a_random_past_256_bits_is_refused() -> None:
    """It would not be an uint256."""
    with pytest.raises(OverflowError):
        commit_hash(REAL["submitAddress"], 1, 2**256, b"")
