"""A submission of Flare mainnet, round 812576, as it stands on the chain."""

import pytest

from functions.oracle.core.commitment import commit_hash
from functions.oracle.core.epochs import FLARE
from functions.oracle.core.feed_values import decode, decode_integers, encode
from functions.oracle.core.payload import SUBMIT1, SUBMIT2, Message, encode_calldata, parse_calldata
from functions.oracle.core.submissions import (
    Submission,
    commits_of,
    decode_commit,
    decode_reveal,
    encode_reveal,
    reveals_of,
)
from tests.unit.oracle.facts import flare_feeds, protocol, unhex

pytestmark = pytest.mark.unit

CALLDATA = protocol()["real_calldata"]
COMMIT, REVEAL = unhex(CALLDATA["submit1_flare_812576"]), unhex(CALLDATA["submit2_flare_812576"])
VALUES = CALLDATA["submit2_flare_812576_values"]
KNOWN = protocol()["commit"][0]
# The round is older than the list of feeds; what matters is that the 50 slots fit.
DECIMALS = [feed.decimals for feed in flare_feeds()]


def test_the_calldata_decodes() -> None:
    """One message each, of protocol 100, with 50 values."""
    (commit,), (reveal,) = parse_calldata(COMMIT), parse_calldata(REVEAL)
    revealed = decode_reveal(reveal.payload, len(DECIMALS))

    assert revealed is not None
    assert (100, 812_576) == commit[:2] == reveal[:2]
    assert VALUES + [None] * 13 == decode_integers(revealed.feed_values, 63)
    assert int(KNOWN["random_uint256"]) == revealed.random


def test_the_commit_hash_recomputes_from_the_reveal() -> None:
    """The voter kept its promise."""
    (commit,), (reveal,) = parse_calldata(COMMIT), parse_calldata(REVEAL)
    revealed = decode_reveal(reveal.payload, len(DECIMALS))

    assert revealed is not None
    assert decode_commit(commit.payload) == commit_hash(KNOWN["submitAddress"], 812_576, *revealed)


def test_the_calldata_encodes_again_byte_for_byte() -> None:
    """From the decoded decimals, not from the bytes."""
    (commit,), (reveal,) = parse_calldata(COMMIT), parse_calldata(REVEAL)
    revealed = decode_reveal(reveal.payload, len(DECIMALS))
    assert revealed is not None
    again = revealed._replace(feed_values=encode(decode(revealed.feed_values, DECIMALS), DECIMALS))

    assert REVEAL == encode_calldata(SUBMIT2, Message(100, 812_576, encode_reveal(again)))
    assert COMMIT == encode_calldata(SUBMIT1, Message(100, 812_576, commit.payload))


def test_the_submissions_count_in_their_round() -> None:
    """Mined in the round's windows, they are this voter's commit and reveal."""
    voting_round, sender = FLARE.voting_epoch(812_576), KNOWN["submitAddress"]
    submissions = [
        Submission(sender, COMMIT, voting_round.start_s + 75, 1, 0),
        Submission(sender, REVEAL, voting_round.end_s + 20, 2, 0),
    ]

    assert {sender.lower(): unhex(KNOWN["hash"])} == commits_of(submissions, voting_round)
    assert unhex(KNOWN["feedValues"]) == reveals_of(submissions, voting_round, 63)[sender.lower()].feed_values
