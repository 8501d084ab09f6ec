"""What a finished round shows of everybody."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from functions.oracle.core.accuracy import Accuracy
from functions.oracle.core.observation import Fault, Watched
from functions.oracle.core.payload import SUBMIT_SIGNATURES, Message, encode_calldata
from functions.oracle.core.sighting import (
    ROUNDS_AT_ONCE,
    STRANGERS_MAX,
    Observation,
    Registration,
    Relayed,
    Sight,
    finished_at_s,
    observe,
    rounds_to_observe,
)
from functions.oracle.core.signature import Signature, SignaturePayload, encode_signature_payload
from tests.unit.oracle.electorate import FEEDS, ROUND, Chain, Voter, honest_round

pytestmark = pytest.mark.unit

ALICE, BOB, CAROL = (Voter(number) for number in (1, 2, 3))
MESSAGE = bytes([100]) + bytes(37)
TOLD = Registration("0x00", "0x00", 2_000, 10, 10)


def watched(voter: Voter) -> Watched:
    return Watched(voter.address, f"0xsig{voter.number}", f"0xpolicy{voter.number}")


def sight(chain: Chain, *voters: Voter, ourselves: Voter = ALICE) -> Sight:
    """A round of voters of equal signing weight, not finalised and without a message."""
    return Sight(
        voting_round=ROUND,
        reward_epoch=1,
        first_round=ROUND.number,
        submissions=chain.submissions,
        voters=[watched(voter) for voter in voters],
        registrations=[TOLD] * len(voters),
        signing_weights=[10] * len(voters),
        weights={voter.address: voter.weight for voter in voters},
        feeds=FEEDS,
        relayed=None,
        message=None,
        balances_wei={},
        floor_wei=0,
        ourselves=ourselves.address,
        finaliser="0xpolicy",
    )


def signed(chain: Chain, *voters: Voter, late_s: int = 0) -> Chain:
    """The chain with deposits of these voters at the reveal deadline, each signature with its voter's number."""
    for voter in voters:
        payload = encode_signature_payload(SignaturePayload(1, Signature(27, voter.number, 1)))
        calldata = encode_calldata(SUBMIT_SIGNATURES, Message(100, ROUND.number, payload))
        chain.mine(f"0xsig{voter.number}", calldata, ROUND.next.reveal_deadline_s + late_s)
    return chain


def seen(look: Sight) -> Observation:
    return observe(look, lambda _, signature: f"0xpolicy{signature.r}")


def names(faults: Mapping[str, tuple[Fault, ...]]) -> dict[str, list[str]]:
    return {voter: [fault.value for fault in told] for voter, told in faults.items()}


def test_everybody_s_values_are_compared_with_the_median_of_all() -> None:
    """Carol's first value is off, and her last one missing; who revealed nothing has hit nothing."""
    carol = Voter(3, values=(90, 200))
    chain = honest_round([ALICE, BOB, carol])

    observation = seen(sight(chain, ALICE, BOB, carol, Voter(4)))

    assert Accuracy(3, 3, 3, 0) == observation.accuracies[ALICE.address]
    assert Accuracy(1, 3, 2, 100_000) == observation.accuracies[carol.address]
    assert Accuracy(0, 3, 0, 0) == observation.accuracies[Voter(4).address]
    assert (0, 0, 0) == observation.our_deviations_ppm


def test_values_that_were_not_what_was_committed_count_for_nothing() -> None:
    """Nor are they anybody's accuracy."""
    chain = honest_round([ALICE, BOB])
    chain.reveal(ALICE, b"\x01" * 36)

    observation = seen(sight(chain, ALICE, BOB))

    assert {ALICE.address: ["reveal_mismatch"]} == names(observation.faults)
    assert (Accuracy(0, 3, 0, 0), ()) == (observation.accuracies[ALICE.address], observation.our_deviations_ppm)


def test_a_round_without_a_message_owes_no_signatures() -> None:
    """Nobody could have signed it."""
    assert {} == names(seen(sight(honest_round([ALICE, BOB]), ALICE, BOB)).faults)


def test_with_a_message_each_voter_owes_its_signature() -> None:
    """Until the round is finalised, or as long as the epoch lasts."""
    chain = signed(signed(honest_round([ALICE, BOB, CAROL]), ALICE), BOB, late_s=20)
    look = replace(sight(chain, ALICE, BOB, CAROL), message=MESSAGE)
    relayed = replace(look, relayed=Relayed(ROUND.next.reveal_deadline_s + 12, MESSAGE))

    assert {CAROL.address: ["signature_missing"]} == names(seen(look).faults)
    assert {BOB.address: ["signature_late"], CAROL.address: ["signature_missing"]} == names(seen(relayed).faults)


def test_one_voter_may_fail_in_two_phases() -> None:
    """And weighs once: two of three failed."""
    chain = signed(honest_round([ALICE]), ALICE, CAROL)
    chain.commit(BOB)

    observation = seen(replace(sight(chain, ALICE, BOB, CAROL), message=MESSAGE))

    told = {BOB.address: ["reveal_missing", "signature_missing"], CAROL.address: ["commit_missing"]}
    assert told == names(observation.faults)
    assert 6_666 == observation.faulty_weight_bips


def test_we_are_told_that_we_are_not_registered_even_if_we_sent_nothing() -> None:
    """We believe that we take part; a stranger who sends nothing does not."""
    quiet = seen(sight(honest_round([BOB]), BOB))
    loud = seen(sight(honest_round([ALICE, BOB]), BOB))

    assert {ALICE.address: ["not_registered"]} == names(quiet.faults) == names(loud.faults)
    assert 0 == quiet.faulty_weight_bips


def test_a_crowd_of_strangers_is_not_told_to_the_last() -> None:
    """Whoever sends from thousands of addresses fills no table with them; we are told whatever our address is."""
    ourselves = Voter(60_000)
    chain = honest_round([BOB])
    for number in range(100, 100 + STRANGERS_MAX + 5):
        chain.commit(Voter(number))

    observation = seen(sight(chain, BOB, ourselves=ourselves))

    told = {Voter(number).address for number in range(100, 100 + STRANGERS_MAX)} | {ourselves.address}
    assert told == observation.faults.keys()


def test_whoever_pays_from_less_than_the_floor_is_low() -> None:
    """The floor itself is enough."""
    look = replace(sight(honest_round([ALICE]), ALICE), balances_wei={"0xaa": 9, "0xbb": 10}, floor_wei=10)

    assert {"0xaa"} == seen(look).low


def test_a_round_is_finished_when_the_second_epoch_after_it_is_over() -> None:
    """Until then it may be finalised."""
    assert ROUND.start_s + 270 == finished_at_s(ROUND)


def rounds(first: int, now_s: int, until_s: int, *, anew: bool = False) -> list[int]:
    now, until = datetime.fromtimestamp(now_s, UTC), datetime.fromtimestamp(until_s, UTC)
    return [one.number for one in rounds_to_observe(ROUND.network, first, now, until, anew=anew)]


def test_the_rounds_that_are_finished_are_asked_for_from_where_it_stood() -> None:
    """The second at which a round is finished is in time for it."""
    number, finished_s = ROUND.number, finished_at_s(ROUND)

    assert [number - 1, number] == rounds(number - 1, finished_s, finished_s)
    assert [number - 1] == rounds(number - 1, finished_s - 1, finished_s - 1)
    assert [] == rounds(number + 1, finished_s, finished_s)


def test_anew_it_begins_with_the_last_finished_round_but_never_before_the_first() -> None:
    """What was before nobody asked us to observe."""
    number, finished_s = ROUND.number, finished_at_s(ROUND)

    assert [number, number + 1] == rounds(0, finished_s, finished_s + 90, anew=True)
    assert [number + 1] == rounds(number + 1, finished_s, finished_s + 90, anew=True)


def test_after_an_outage_a_minute_asks_for_an_hour_and_a_half_of_rounds() -> None:
    """The next minutes for the others."""
    number, finished_s = ROUND.number, finished_at_s(ROUND)

    assert list(range(number - 500, number - 500 + ROUNDS_AT_ONCE)) == rounds(number - 500, finished_s, finished_s)
