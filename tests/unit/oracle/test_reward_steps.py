"""What is done next about registrations, rewards and claims: the whole table."""

from dataclasses import replace

import pytest

from functions.oracle.core.reward_steps import (
    ATTEMPTS_MAX,
    ClaimFacts,
    Compute,
    Contradicted,
    Exhausted,
    Missed,
    Reached,
    Record,
    RegistrationFacts,
    RewardFacts,
    Sent,
    Wait,
    decide_claim,
    decide_registration,
    decide_rewards,
)

pytestmark = pytest.mark.unit

ROOT, OTHER = b"\x01" * 32, b"\x02" * 32
OPEN = RegistrationFacts(is_known=True, is_open=True, is_registered=False, sent=Sent.NOTHING, attempts=0)
ENDED = RewardFacts(
    has_ended=True,
    is_whole=True,
    is_computed=True,
    root=ROOT,
    chain_root=None,
    is_voter=True,
    sent=Sent.NOTHING,
    attempts=0,
)
DUE = ClaimFacts(is_claimed=False, may_claim=True, sent=Sent.NOTHING, attempts=0)


def test_a_registration_is_recorded_while_it_is_open() -> None:
    """Once at a time; a failed one again."""
    assert Record(1) == decide_registration(OPEN)
    assert Record(2) == decide_registration(replace(OPEN, sent=Sent.FAILED, attempts=1))
    assert isinstance(decide_registration(replace(OPEN, sent=Sent.OPEN, attempts=1)), Wait)
    assert isinstance(decide_registration(replace(OPEN, is_known=False)), Wait)


def test_a_registration_ends_as_the_chain_says() -> None:
    """Whatever became of our transaction."""
    assert Reached() == decide_registration(replace(OPEN, is_registered=True, is_open=False, sent=Sent.FAILED))
    assert isinstance(decide_registration(replace(OPEN, is_open=False)), Missed)
    assert isinstance(decide_registration(replace(OPEN, is_open=False, sent=Sent.OPEN)), Wait)


def test_rewards_are_computed_after_the_epoch_and_signed() -> None:
    """In this order, and only by voters."""
    assert isinstance(decide_rewards(replace(ENDED, has_ended=False, is_computed=False)), Wait)
    assert Compute() == decide_rewards(replace(ENDED, is_computed=False, chain_root=OTHER))
    assert Record(1) == decide_rewards(ENDED)
    assert isinstance(decide_rewards(replace(ENDED, is_voter=False)), Wait)
    assert isinstance(decide_rewards(replace(ENDED, sent=Sent.OPEN, attempts=1)), Wait)
    assert Wait("the voters have not agreed on the rewards", is_long=True) == decide_rewards(
        replace(ENDED, sent=Sent.CONFIRMED, attempts=1)
    )


def test_rewards_end_with_the_voters_root() -> None:
    """Ours, or an alarm; a signature that came too late failed for a good reason."""
    assert Reached() == decide_rewards(replace(ENDED, chain_root=ROOT, sent=Sent.FAILED, attempts=3))
    assert Contradicted() == decide_rewards(replace(ENDED, chain_root=OTHER))
    assert isinstance(decide_rewards(replace(ENDED, root=None)), Missed)


def test_a_root_of_which_ours_is_a_part_is_neither_signed_nor_disputed() -> None:
    """The rewards are computed all the same."""
    part = replace(ENDED, is_whole=False)

    assert Compute() == decide_rewards(replace(part, is_computed=False))
    assert isinstance(decide_rewards(part), Missed)
    assert isinstance(decide_rewards(replace(part, chain_root=OTHER)), Missed)


def test_claims_wait_for_their_executor() -> None:
    """And are made once."""
    assert Record(1) == decide_claim(DUE)
    assert Reached() == decide_claim(replace(DUE, is_claimed=True, may_claim=False))
    assert Wait("the owner has not named us as its executor of claims", is_long=True) == decide_claim(
        replace(DUE, may_claim=False)
    )
    for sent in (Sent.OPEN, Sent.CONFIRMED):
        assert isinstance(decide_claim(replace(DUE, sent=sent, attempts=1)), Wait)


def test_attempts_are_counted() -> None:
    """After the last one somebody has to look."""
    spent = {"sent": Sent.FAILED, "attempts": ATTEMPTS_MAX}

    assert Exhausted() == decide_claim(replace(DUE, **spent))  # type: ignore[arg-type]  # fields by name
    assert Exhausted() == decide_rewards(replace(ENDED, **spent))  # type: ignore[arg-type]  # fields by name
    assert Exhausted() == decide_registration(replace(OPEN, **spent))  # type: ignore[arg-type]  # fields by name
    assert Record(ATTEMPTS_MAX) == decide_claim(replace(DUE, sent=Sent.FAILED, attempts=ATTEMPTS_MAX - 1))
