"""A round's record, stored and read again."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.oracle.core.feed_values import decode_integers, encode_integers
from functions.oracle.core.random_number import RoundRandom
from functions.oracle.core.reward_epoch import RewardRound
from functions.oracle.core.reward_records import decode_round, decode_votes, encode_round, encode_votes
from functions.oracle.core.signing_rewards import Deposit, Finalisation

pytestmark = pytest.mark.unit

WHOLE = RewardRound(
    voting_round=7,
    random=RoundRandom(2**255, True),
    votes={3: encode_integers([1, None, -5]), 0: encode_integers([9])},
    offenders=frozenset(("0xb", "0xa")),
    deposits=(Deposit(2, b"\x01" * 32, 50), Deposit(0, b"\x02" * 32, 51)),
    finalisations=(Finalisation("0xc", 55, True), Finalisation("0xd", 56, False)),
    finalised_hash=b"\x01" * 32,
    updates=(1, 1, 0),
    update_feeds={b"\x01" * 21: (123, -2)},
)


def test_a_record_reads_as_it_was_written() -> None:
    """Also through JSON; the votes padded to all feeds."""
    columns = encode_round(WHOLE, 3)
    listed = ("offenders", "deposits", "finalisations", "updates", "update_feeds")
    row = columns | {name: json.loads(json.dumps(columns[name])) for name in listed}

    found = decode_round(row, 3)

    assert {0: [9, None, None], 3: [1, None, -5]} == {
        position: decode_integers(vector, 3) for position, vector in found.votes.items()
    }
    names = ("voting_round", "random", "offenders", "deposits", "finalisations", "finalised_hash", "updates")
    for name in (*names, "update_feeds"):
        assert getattr(WHOLE, name) == getattr(found, name)


def test_a_round_without_a_result_stays_one() -> None:
    """Its random number is none, and not secure."""
    empty = RewardRound(
        voting_round=8,
        random=None,
        votes={},
        offenders=frozenset(),
        deposits=(),
        finalisations=(),
        finalised_hash=None,
    )
    columns = encode_round(empty, 3)

    assert (None, False) == (columns["random"], columns["is_secure_random"])
    assert empty == decode_round(columns, 3)


def test_votes_of_another_number_of_feeds_are_refused() -> None:
    """They would be read as other voters'."""
    with pytest.raises(ValueError, match="another number of feeds"):
        decode_votes(encode_votes({0: b"\x01" * 4}, 1), 2)


@given(st.dictionaries(st.integers(0, 65_535), st.binary(min_size=8, max_size=8), max_size=5))
def test_any_votes_are_kept(votes: dict[int, bytes]) -> None:
    """Each under its position, whatever the order they came in."""
    backwards = dict(reversed(list(votes.items())))

    assert votes == decode_votes(encode_votes(votes, 2), 2)
    assert encode_votes(votes, 2) == encode_votes(backwards, 2)
