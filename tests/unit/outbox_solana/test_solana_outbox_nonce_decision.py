"""The next step of a Solana entry over a durable nonce, fact by fact."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.outbox.solana.decision import (
    Abandon,
    Mark,
    Plan,
    Prove,
    Send,
    Sign,
    Wait,
    decide,
)
from kernel.outbox.solana.entries import Purpose
from tests.unit.outbox_solana.facts import (
    NOW,
    POLICY,
    PRICE_CAP,
    durable,
    entry,
    payload,
    sighting,
    status,
)

pytestmark = pytest.mark.unit

MOVED = sighting(nonce="hash-2")
CONFIRMATIONS = st.one_of(st.none(), st.sampled_from(["processed", "confirmed", "finalized"]))


def test_a_durable_nonce_that_stands_keeps_the_bytes_alive_for_ever() -> None:
    """However old, and however high the chain."""
    old = durable(signed_at=NOW - timedelta(days=3), accepted_at=None)

    assert Send() == decide(entry(old), sighting(nonce="hash-1", finalized_height=10**9), POLICY).step


def test_a_nonce_that_cannot_be_read_proves_nothing() -> None:
    """An account that one node does not show may be there for another."""
    assert Send() == decide(entry(durable()), sighting(nonce=None, finalized_height=10**9), POLICY).step


def test_a_durable_nonce_that_moved_on_marks_the_height_reached_by_now() -> None:
    """Something over the old value has landed, maybe ours: at that height or below it."""
    assert Plan(step=Mark()) == decide(entry(durable()), MOVED, POLICY)


@pytest.mark.parametrize(("height", "step"), [(950, Wait()), (951, Prove())])
def test_death_over_a_nonce_is_asked_for_past_the_marked_height(height: int, step: object) -> None:
    """Then every block that could hold the bytes is final, and their status stays what it is."""
    marked = entry(durable(outlived_at_height=950))

    assert step == decide(marked, sighting(nonce="hash-2", finalized_height=height), POLICY).step


def test_dead_bytes_over_a_nonce_are_replaced() -> None:
    """Marked, final, moved on, and unknown to two RPCs."""
    dead = sighting(nonce="hash-2", finalized_height=951, dead=True)

    assert Plan(step=Sign(Purpose.EFFECT)) == decide(entry(durable(outlived_at_height=950)), dead, POLICY)


def test_a_nonce_that_moved_back_with_its_fork_keeps_the_bytes_alive() -> None:
    """The mark was of a block that is gone."""
    marked = entry(durable(outlived_at_height=950))

    assert Send() == decide(marked, sighting(nonce="hash-1", finalized_height=2_000, dead=True), POLICY).step


def test_a_younger_payload_over_the_next_value_is_marked_when_that_moves_on() -> None:
    """The older one keeps its mark; both must be outlived."""
    two = entry(durable(1, outlived_at_height=950), durable(2, blockhash="hash-2"))

    assert Send() == decide(two, sighting(nonce="hash-2", finalized_height=2_000), POLICY).step
    assert Mark() == decide(two, sighting(nonce="hash-3", finalized_height=2_000), POLICY).step


STANDS = sighting(nonce="hash-1")


def test_an_unwanted_effect_over_a_nonce_is_released() -> None:
    """It would live for ever otherwise."""
    late = entry(durable(), valid_until=NOW)

    assert Plan(step=Sign(Purpose.RELEASE)) == decide(late, STANDS, POLICY)


def test_an_unwanted_effect_at_the_cap_is_released_all_the_same() -> None:
    """At the same price, but it must not live for ever."""
    late = entry(durable(unit_price=PRICE_CAP), valid_until=NOW)

    assert Sign(Purpose.RELEASE) == decide(late, STANDS, POLICY).step


def test_a_release_is_sent_until_it_lands() -> None:
    """The effect over the same nonce is not sent any more."""
    late = entry(durable(1), durable(2, purpose=Purpose.RELEASE), valid_until=NOW)

    assert Plan(step=Send()) == decide(late, STANDS, POLICY)


def test_a_release_that_landed_is_waited_for() -> None:
    """Once it is final the nonce shows it."""
    late = entry(durable(1), durable(2, purpose=Purpose.RELEASE), valid_until=NOW)
    landed = sighting(nonce="hash-1", known={"signature-2": status("confirmed")})

    assert Plan(step=Wait()) == decide(late, landed, POLICY)


@pytest.mark.parametrize(("age_s", "step"), [(59, Send()), (60, Sign(Purpose.RELEASE))])
def test_an_effect_over_a_nonce_that_nobody_takes_is_released(age_s: int, step: object) -> None:
    """Accepted a minute ago and in no block: too cheap; after the release it is signed anew, dearer."""
    stuck = durable(accepted_at=NOW - timedelta(seconds=age_s))

    assert step == decide(entry(stuck), STANDS, POLICY).step


def test_bytes_over_a_nonce_that_nobody_accepted_are_not_stuck() -> None:
    """They had no chance yet."""
    assert Send() == decide(entry(durable(accepted_at=None)), STANDS, POLICY).step


def test_a_stuck_payload_at_the_cap_raises_an_alarm_and_stays_out() -> None:
    """A release could not outbid it."""
    dear = durable(accepted_at=NOW - timedelta(minutes=5), unit_price=PRICE_CAP)

    assert Plan(step=Send(), alarm="fee_cap") == decide(entry(dear), STANDS, POLICY)


def test_a_blockhash_is_never_released() -> None:
    """It dies by itself."""
    old = payload(accepted_at=NOW - timedelta(minutes=5))

    assert Send() == decide(entry(old), sighting(), POLICY).step


@given(
    value=st.sampled_from([None, "hash-1", "hash-2"]),
    marked=st.booleans(),
    height=st.sampled_from([949, 950, 951]),
    dead=st.sampled_from([None, True, False]),
    effect=CONFIRMATIONS,
    release=CONFIRMATIONS,
    released=st.booleans(),
    age_s=st.integers(min_value=0, max_value=200),
    expired=st.booleans(),
)
def test_an_effect_over_a_nonce_is_signed_anew_only_after_the_nonce_moved(
    value: str | None,
    marked: bool,
    height: int,
    dead: bool | None,
    effect: str | None,
    release: str | None,
    released: bool,
    age_s: int,
    expired: bool,
) -> None:
    """Whatever else is seen; a release is signed only while the nonce stands, and the effect is in no block."""
    then = NOW - timedelta(seconds=age_s)
    mark = 950 if marked else None
    payloads = [durable(1, accepted_at=then, outlived_at_height=mark)]
    payloads += [durable(2, purpose=Purpose.RELEASE, accepted_at=then, outlived_at_height=mark)] * released
    known = {"signature-1": status(effect)} if effect else {}
    known |= {"signature-2": status(release)} if release and released else {}
    subject = entry(*payloads, valid_until=NOW if expired else None)
    seen = sighting(nonce=value, dead=dead, known=known, finalized_height=height)
    step = decide(subject, seen, POLICY).step

    if step == Sign(Purpose.EFFECT) or isinstance(step, Abandon):
        assert (value, dead, effect, marked, height) == ("hash-2", True, None, True, 951)
        assert expired == isinstance(step, Abandon)
    if step == Sign(Purpose.RELEASE):
        assert (effect, value != "hash-2") == (None, True)
