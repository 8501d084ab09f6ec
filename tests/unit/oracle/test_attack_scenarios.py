"""What hostile or broken voters may send, and that no round is hurt by it.

Three honest voters take part in each round; a fourth one attacks. The honest voters' medians always come out.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.oracle.core.feed_values import encode_integers
from functions.oracle.core.payload import SUBMIT1, SUBMIT2, Message, calldata_from_hex, encode_calldata, encode_message
from functions.oracle.core.rounds import RoundResult
from functions.oracle.core.submissions import Reveal, encode_reveal
from tests.unit.oracle.electorate import FEEDS, ROUND, Chain, Voter, honest_round

pytestmark = pytest.mark.unit

HONEST = [Voter(1), Voter(2), Voter(3)]
EVIL = Voter(4, (900, 900, 900), weight=1_000)
ALL = [*HONEST, EVIL]
INT32_MAX = 2**31 - 1


def expect(result: RoundResult, *, offends: bool, first: int, voted: bool) -> None:
    """The attacker offended or not, its values voted or not, and the honest voters are never blamed."""
    assert ({EVIL.address} if offends else set()) == result.offenders
    assert first == result.medians[0].value
    assert (1_030 if voted else 30) == result.medians[0].participating_weight
    assert (not offends) == result.is_secure_random
    assert 3_006 + (EVIL.random if voted else 0) == result.random


def test_without_an_attack_the_heavy_voter_decides() -> None:
    """So that the other cases show something."""
    expect(honest_round(ALL).result(ALL), offends=False, first=900, voted=True)


def test_int32_extremes_take_part() -> None:
    """The outermost values are values like others."""
    loud = Voter(4, (INT32_MAX, -INT32_MAX, None), weight=1_000)
    voters = [*HONEST, loud]

    result = honest_round(voters).result(voters)

    assert (INT32_MAX, -INT32_MAX, 300) == tuple(median.value for median in result.medians)
    assert result.is_secure_random


def test_the_slot_of_int32_min_is_a_missing_value() -> None:
    """Four zero bytes are -2**31 to nobody."""
    silent = Voter(4, (None, None, 5), weight=1_000)
    voters = [*HONEST, silent]

    assert 100 == honest_round(voters).result(voters).medians[0].value


def test_mismatched_reveal() -> None:
    """Other values than were committed to."""
    chain = honest_round(HONEST)
    chain.commit(EVIL)
    chain.reveal(EVIL, encode_reveal(Reveal(EVIL.random, encode_integers([901, 900, 900]))))

    expect(chain.result(ALL), offends=True, first=100, voted=False)


def test_mismatched_random() -> None:
    """Another random than was committed to, chosen after seeing the others'."""
    chain = honest_round(HONEST)
    chain.commit(EVIL)
    chain.reveal(EVIL, encode_reveal(EVIL.reveal._replace(random=0)))

    expect(chain.result(ALL), offends=True, first=100, voted=False)


def test_missing_reveal() -> None:
    """A commit and then nothing."""
    chain = honest_round(HONEST)
    chain.commit(EVIL)

    expect(chain.result(ALL), offends=True, first=100, voted=False)


def test_late_reveal() -> None:
    """At 45 s it is too late; a second earlier it is not."""
    chain = honest_round(HONEST)
    chain.commit(EVIL)
    chain.reveal(EVIL, late_s=45)
    timely = honest_round(HONEST)
    timely.commit(EVIL)
    timely.reveal(EVIL, late_s=44)

    expect(chain.result(ALL), offends=True, first=100, voted=False)
    expect(timely.result(ALL), offends=False, first=900, voted=True)


def test_reveal_within_the_commit_epoch() -> None:
    """Too early is as bad as too late."""
    chain = honest_round(HONEST)
    chain.commit(EVIL)
    chain.reveal(EVIL, late_s=-1)

    expect(chain.result(ALL), offends=True, first=100, voted=False)


def test_late_commit() -> None:
    """A commit in the next epoch is none; its reveal counts for nothing and is no offence."""
    chain = honest_round(HONEST)
    chain.mine(EVIL.address, encode_calldata(SUBMIT1, Message(100, ROUND.number, EVIL.hash())), ROUND.end_s)
    chain.reveal(EVIL)

    expect(chain.result(ALL), offends=False, first=100, voted=False)


@pytest.mark.parametrize("text", ["0x9d00c9fd640", "0x9d00c9fdzz", "0x", ""])
def test_odd_hex(text: str) -> None:
    """Calldata that is no whole number of bytes is a transaction without messages."""
    chain = honest_round(HONEST)
    chain.commit(EVIL)
    chain.mine(EVIL.address, calldata_from_hex(text), ROUND.end_s + 20)

    expect(chain.result(ALL), offends=True, first=100, voted=False)


def test_wrong_protocol_id() -> None:
    """A commit for protocol 200 is none here."""
    chain = honest_round(HONEST)
    chain.commit(EVIL, protocol_id=200)
    chain.reveal(EVIL)

    expect(chain.result(ALL), offends=False, first=100, voted=False)


def test_wrong_voting_round() -> None:
    """A reveal that names the round before is no reveal of this one."""
    chain = honest_round(HONEST)
    chain.commit(EVIL)
    stale = encode_calldata(SUBMIT2, Message(100, ROUND.number - 1, encode_reveal(EVIL.reveal)))
    chain.mine(EVIL.address, stale, ROUND.end_s + 20)

    expect(chain.result(ALL), offends=True, first=100, voted=False)


@pytest.mark.parametrize("payload", [b"", b"\1", bytes(31), bytes(33), bytes(64)])
def test_unparsable_commit(payload: bytes) -> None:
    """It replaces no earlier commit, and without one it is none."""
    chain = honest_round(HONEST)
    chain.commit(EVIL, payload)
    kept = honest_round(HONEST)
    kept.commit(EVIL)
    kept.commit(EVIL, payload)
    kept.reveal(EVIL)

    expect(chain.result(ALL), offends=False, first=100, voted=False)
    expect(kept.result(ALL), offends=False, first=900, voted=True)


def test_second_commit_replaces_the_first() -> None:
    """The reveal of the second is valid, that of the first an offence."""
    changed = Voter(4, (901, 900, 900), weight=1_000)
    chain = honest_round(HONEST)
    chain.commit(EVIL)
    chain.commit(changed)
    to_the_first, to_the_second = Chain(list(chain.submissions)), Chain(list(chain.submissions))
    to_the_first.reveal(EVIL)
    to_the_second.reveal(changed)

    expect(to_the_first.result(ALL), offends=True, first=100, voted=False)
    expect(to_the_second.result(ALL), offends=False, first=901, voted=True)


def test_two_messages_in_one_transaction() -> None:
    """The last one counts; a foreign protocol's beside it does not matter."""
    chain = honest_round(HONEST)
    chain.mine(
        EVIL.address,
        encode_calldata(
            SUBMIT1,
            Message(100, ROUND.number, bytes(32)),
            Message(200, ROUND.number, b"other"),
            Message(100, ROUND.number, EVIL.hash()),
        ),
        ROUND.start_s,
    )
    chain.reveal(EVIL)

    expect(chain.result(ALL), offends=False, first=900, voted=True)


def test_second_reveal_replaces_the_first() -> None:
    """Even a good one is undone by a bad one that decodes."""
    chain = honest_round(HONEST)
    chain.commit(EVIL)
    chain.reveal(EVIL)
    chain.reveal(EVIL, encode_reveal(Reveal(1, b"")))
    repaired = Chain(list(chain.submissions))
    repaired.reveal(EVIL)

    expect(chain.result(ALL), offends=True, first=100, voted=False)
    expect(repaired.result(ALL), offends=False, first=900, voted=True)


def test_second_reveal_that_does_not_decode_replaces_nothing() -> None:
    """The good one stands."""
    chain = honest_round(HONEST)
    chain.commit(EVIL)
    chain.reveal(EVIL)
    chain.reveal(EVIL, bytes(31))

    expect(chain.result(ALL), offends=False, first=900, voted=True)


def test_wrong_sender() -> None:
    """A reveal sent from another address belongs to that address; the hash binds the submitter."""
    stranger = Voter(5)
    chain = honest_round(HONEST)
    chain.commit(EVIL)
    chain.reveal(EVIL, sender=stranger)

    expect(chain.result(ALL), offends=True, first=100, voted=False)


def test_copied_commit_and_reveal() -> None:
    """Who copies another's commit cannot open it: the hash contains the submitter's address."""
    victim = HONEST[0]
    chain = honest_round(HONEST)
    chain.commit(EVIL, victim.hash())
    chain.reveal(EVIL, encode_reveal(victim.reveal))

    expect(chain.result(ALL), offends=True, first=100, voted=False)


def test_out_of_range_values() -> None:
    """More slots than there are feeds, although committed to in just that form."""
    too_many = Reveal(EVIL.random, encode_integers([1] * (len(FEEDS) + 1)))
    chain = honest_round(HONEST)
    chain.commit(EVIL, EVIL.hash(too_many))
    chain.reveal(EVIL, encode_reveal(too_many))

    expect(chain.result(ALL), offends=True, first=100, voted=False)


def test_half_a_slot() -> None:
    """A length that is no multiple of 4 is refused, although committed to."""
    ragged = Reveal(EVIL.random, bytes(6))
    chain = honest_round(HONEST)
    chain.commit(EVIL, EVIL.hash(ragged))
    chain.reveal(EVIL, encode_reveal(ragged))

    expect(chain.result(ALL), offends=True, first=100, voted=False)


def test_reveal_of_the_random_alone() -> None:
    """It is valid: all values are missing, the random counts."""
    bare = Reveal(EVIL.random, b"")
    chain = honest_round(HONEST)
    chain.commit(EVIL, EVIL.hash(bare))
    chain.reveal(EVIL, encode_reveal(bare))

    result = chain.result(ALL)

    assert (100, 30, frozenset()) == (result.medians[0].value, result.medians[0].participating_weight, result.offenders)
    assert (3_006 + EVIL.random, True) == (result.random, result.is_secure_random)


def test_length_overflow() -> None:
    """A length past the end discards the transaction with the good message before it."""
    good = encode_message(100, ROUND.number, encode_reveal(EVIL.reveal))
    chain = honest_round(HONEST)
    chain.commit(EVIL)
    chain.mine(EVIL.address, SUBMIT2 + good + b"\x64" + bytes(4) + b"\xff\xff", ROUND.end_s + 20)

    expect(chain.result(ALL), offends=True, first=100, voted=False)


def test_truncated_tail() -> None:
    """One byte short is nothing."""
    chain = honest_round(HONEST)
    chain.commit(EVIL)
    whole = encode_calldata(SUBMIT2, Message(100, ROUND.number, encode_reveal(EVIL.reveal)))
    chain.mine(EVIL.address, whole[:-1], ROUND.end_s + 20)

    expect(chain.result(ALL), offends=True, first=100, voted=False)


def test_zero_length_payload() -> None:
    """It is framed well and decodes to neither a commit nor a reveal."""
    chain = honest_round(HONEST)
    chain.commit(EVIL, b"")
    chain.reveal(EVIL, b"")
    after_good = honest_round(ALL)
    after_good.reveal(EVIL, b"")

    expect(chain.result(ALL), offends=False, first=100, voted=False)
    expect(after_good.result(ALL), offends=False, first=900, voted=True)


def test_an_offender_who_is_benched_cannot_make_the_random_insecure() -> None:
    """It has been seen through already."""
    chain = honest_round(HONEST)
    chain.commit(EVIL)

    result = chain.result(ALL, frozenset({EVIL.address}))

    assert (frozenset({EVIL.address}), True, 3_006) == (result.offenders, result.is_secure_random, result.random)


@given(
    st.lists(
        st.tuples(st.sampled_from([SUBMIT1, SUBMIT2, b"", b"\x9d"]), st.binary(max_size=90), st.integers(-90, 180)),
        max_size=8,
    )
)
def test_nothing_that_is_sent_ever_aborts_or_changes_a_round(attacks: list[tuple[bytes, bytes, int]]) -> None:
    """Random bytes behind real selectors, at any time: the honest voters' round comes out."""
    chain = honest_round(HONEST)
    expected = chain.result(HONEST)
    for selector, data, offset_s in attacks:
        chain.mine(EVIL.address, selector + data, ROUND.start_s + offset_s)
        framed = Message(100, ROUND.number, data)
        chain.mine(EVIL.address, encode_calldata(selector, framed), ROUND.start_s + offset_s)

    result = chain.result(HONEST)

    assert (expected.merkle_root, expected.random) == (result.merkle_root, result.random)
    assert result.offenders <= {EVIL.address}


@given(st.permutations(range(10)))
def test_the_order_in_which_transactions_are_listed_changes_no_round(order: list[int]) -> None:
    """An indexer may list a block's transactions as it likes: the chain's own order decides."""
    chain = honest_round(ALL)
    chain.reveal(EVIL, encode_reveal(Reveal(1, b"")))
    chain.reveal(EVIL)
    listed = Chain([chain.submissions[position] for position in order])

    assert 10 == len(chain.submissions)
    assert chain.result(ALL) == listed.result(ALL)
