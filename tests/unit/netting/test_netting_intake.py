"""Which of the intents that came together are taken: the laws of it, and every rule of the other party's word."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.netting.core.intake import Consent, Gate, Offer, Taken, World, refusal_by_counter, refusal_of_taking_up
from functions.netting.core.intents import (
    IntentType,
    Listing,
    Refusal,
    Session,
    SignedIntent,
    refusal_of_listing,
    withdrawal_bytes,
)
from functions.netting.core.pace import INTENTS_PER_SECOND, Pace
from functions.netting.core.times import moment_of, unix_ms

pytestmark = pytest.mark.unit
NOW = 1_700_000_000_000
SELLER, BUYER = "8mfzTdZB1JA43QmNAMWfTfkj5GC9TJxJFveThi9tvK6J", "7d3y2WdzxE7CfsWjkGy3WndkvZcj1EHMkzKJiFPiDecH"
ANY = frozenset(IntentType)
LISTING = Listing(id="L1", item_id="item", seller=SELLER, price_lamports=5, expires_at=NOW + 1, is_active=True)
BID = SignedIntent(
    id="01ARZ3NDEKTSV4RRFFQ69G5FAV",
    session="buyer's key",
    owner=BUYER,
    item_id="item",
    seller=SELLER,
    buyer=BUYER,
    amount_lamports=5,
    nonce=1,
    created_at=NOW,
    kind=IntentType.BID,
)
PURCHASE = replace(BID, kind=IntentType.BUY_NOW, listing_id="L1")
TRADE = replace(BID, kind=IntentType.TRADE, session="seller's key", owner=SELLER)


def session(key: str, owner: str, **changes: Any) -> Session:
    """A session that may do everything."""
    fields = {"max_volume_lamports": 100, "used_volume_lamports": 0, "allowed": ANY, "expires_at": NOW + 1}
    return Session(key=key, owner=owner, **{**fields, **changes})


def world(**changes: Any) -> World:
    """Two parties, one item, one ask, and nothing used."""
    sessions = {"buyer's key": session("buyer's key", BUYER), "seller's key": session("seller's key", SELLER)}
    fields = {
        "now": NOW,
        "sessions": sessions,
        "paces": dict.fromkeys(sessions, Pace()),
        "listings": {"L1": LISTING},
        "items": {"item"},
        "known": {},
        "nonces": set(),
    }
    return World(**{**fields, **changes})


def offer(intent: SignedIntent = BID, **changes: Any) -> Offer:
    """A signed one; of a trade the buyer's word too."""
    is_trade = intent.kind is IntentType.TRADE
    word = {"countered": Consent.GIVEN, "counter_session": "buyer's key"} if is_trade else {}
    return Offer(intent=intent, **{"signed": Consent.GIVEN, **word, **changes})


@pytest.mark.parametrize(
    ("given_offer", "verdict"),
    [
        (offer(), Taken.NEW),
        (offer(TRADE), Taken.NEW),
        (offer(signed=Consent.FORGED), Refusal.BAD_SIGNATURE),
        (offer(TRADE, countered=Consent.ABSENT, counter_session=None), Refusal.COUNTER_SIGNATURE_MISSING),
        (offer(TRADE, countered=Consent.FORGED, counter_session=None), Refusal.BAD_COUNTER_SIGNATURE),
        (offer(TRADE, counter_session="seller's key"), Refusal.SESSION_UNKNOWN),
        (offer(TRADE, counter_session="nobody's key"), Refusal.SESSION_UNKNOWN),
        (offer(countered=Consent.FORGED), Refusal.BAD_COUNTER_SIGNATURE),
        (offer(countered=Consent.GIVEN, counter_session="seller's key"), Taken.NEW),
        (offer(countered=Consent.GIVEN, counter_session="buyer's key"), Refusal.SESSION_UNKNOWN),
        (offer(counter_session="seller's key"), Refusal.COUNTER_SIGNATURE_MISSING),
        (offer(PURCHASE), Taken.NEW),
        (offer(PURCHASE, countered=Consent.GIVEN, counter_session="seller's key"), Refusal.BAD_COUNTER_SIGNATURE),
        (offer(replace(BID, listing_id="L2")), Refusal.LISTING_UNKNOWN),
        (offer(replace(BID, item_id="another")), Refusal.UNKNOWN_ITEM),
        (offer(replace(BID, amount_lamports=101)), Refusal.VOLUME_EXCEEDED),
    ],
)
def test_each_rule_has_its_refusal(given_offer: Offer, verdict: Taken | Refusal) -> None:
    """One broken rule at a time."""
    assert verdict == Gate(world()).verdict(given_offer)


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({}, None),
        ({"is_revoked": True}, Refusal.SESSION_REVOKED),
        ({"expires_at": NOW}, Refusal.SESSION_EXPIRED),
        ({"allowed": ANY - {IntentType.TRADE}}, Refusal.ACTION_NOT_ALLOWED),
        ({"allowed": frozenset({IntentType.TRADE})}, None),
        ({"owner": "Another"}, Refusal.SESSION_UNKNOWN),
    ],
)
def test_who_counter_signs_must_be_allowed_to_trade(change: dict[str, Any], refusal: Refusal | None) -> None:
    """Both in a trade and for a bid, which becomes one."""
    for intent, key, owner in ((TRADE, "buyer's key", BUYER), (BID, "seller's key", SELLER)):
        word = offer(intent, countered=Consent.GIVEN, counter_session=key)
        sessions = {key: session(key, change.get("owner", owner), **{k: v for k, v in change.items() if k != "owner"})}

        assert refusal == refusal_by_counter(word, sessions, NOW)


def test_a_bid_waits_for_the_seller_and_everything_else_for_nobody() -> None:
    """A bid with the seller's word is as good as a trade."""
    purchase = offer(PURCHASE)
    taken_up = offer(countered=Consent.GIVEN, counter_session="seller's key")

    assert [False, True, True, True] == [one.is_agreed for one in (offer(), taken_up, purchase, offer(TRADE))]


def test_the_payer_is_the_buyers_session_whoever_signed_first() -> None:
    """Nobody pays for a trade without the buyer's word."""
    assert ("buyer's key", "buyer's key") == (offer().payer, offer(TRADE).payer)
    with pytest.raises(ValueError, match="counter-signed"):
        _ = offer(TRADE, counter_session=None).payer


def test_a_bid_is_taken_up_only_while_everything_it_needs_stands() -> None:
    """The seller's word, the buyer's session, the ask that it names."""
    bid = offer(replace(BID, listing_id="L1"), countered=Consent.GIVEN, counter_session="seller's key")
    sessions = dict(world().sessions)
    gone = {**sessions, "buyer's key": replace(sessions["buyer's key"], is_revoked=True)}

    assert refusal_of_taking_up(bid, sessions, {"L1": LISTING}, NOW) is None
    assert Refusal.SESSION_REVOKED == refusal_of_taking_up(bid, gone, {"L1": LISTING}, NOW)
    ended = {"L1": replace(LISTING, is_active=False)}
    assert Refusal.LISTING_ENDED == refusal_of_taking_up(bid, sessions, ended, NOW)
    assert Refusal.LISTING_UNKNOWN == refusal_of_taking_up(bid, sessions, {}, NOW)
    unsaid = replace(bid, countered=Consent.FORGED)
    assert Refusal.BAD_COUNTER_SIGNATURE == refusal_of_taking_up(unsaid, sessions, {"L1": LISTING}, NOW)


def test_the_same_again_is_no_matter_of_time() -> None:
    """Nor of its session, nor of its nonce; but other bytes under its id are refused, and a forgery is one."""
    known = world(now=NOW + 10**9, known={BID.id: BID}, sessions={}, paces={})

    verdicts = [
        Gate(known).verdict(one) for one in (offer(), offer(replace(BID, nonce=2)), offer(signed=Consent.FORGED))
    ]

    assert [Taken.AGAIN, Refusal.ID_USED, Refusal.BAD_TIME] == verdicts


POSTS = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(1, 40), st.booleans(), st.booleans()), max_size=25
)


@settings(max_examples=300)
@given(POSTS, st.integers(0, 60), st.integers(INTENTS_PER_SECOND - 4, INTENTS_PER_SECOND))
def test_what_is_taken_never_exceeds_what_was_allowed(
    posts: list[tuple[int, int, int, bool, bool]], used: int, count: int
) -> None:
    """Told once more by counting: ids and nonces once each, volume and the second's room up to their limit."""
    pace = Pace(second=NOW // 1_000, count=count)
    sessions = {"buyer's key": session("buyer's key", BUYER, used_volume_lamports=used)}
    gate = Gate(world(sessions=sessions, paces={"buyer's key": pace}))
    left, room = 100 - used, INTENTS_PER_SECOND - count
    ids: dict[str, SignedIntent] = {}
    nonces: set[int] = set()
    for number, nonce, amount, is_signed, is_known in posts:
        intent = replace(BID, id=f"01ARZ3NDEKTSV4RRFFQ69G5F{number:02}", nonce=nonce, amount_lamports=amount)
        if not is_known:
            intent = replace(intent, item_id="nobody's")
        expected: Taken | Refusal = Taken.NEW
        if not is_signed:
            expected = Refusal.BAD_SIGNATURE
        elif intent.id in ids:
            expected = Taken.AGAIN if ids[intent.id] == intent else Refusal.ID_USED
        elif not is_known:
            expected = Refusal.UNKNOWN_ITEM
        elif nonce in nonces:
            expected = Refusal.NONCE_USED
        elif amount > left:
            expected = Refusal.VOLUME_EXCEEDED
        elif room == 0:
            expected = Refusal.TOO_MANY
        else:
            ids[intent.id], left, room = intent, left - amount, room - 1
            nonces.add(nonce)

        assert expected == gate.verdict(offer(intent, signed=Consent.GIVEN if is_signed else Consent.FORGED))


@settings(max_examples=300)
@given(st.lists(st.tuples(st.integers(0, 1_500), st.integers(0, 1_500)), max_size=30))
def test_a_pace_lets_no_window_of_the_clock_have_more_than_its_limit(steps: list[tuple[int, int]]) -> None:
    """Whatever is asked for at whatever moments: each second of the clock has a thousand at most."""
    pace, now = Pace(), NOW
    taken: Counter[int] = Counter()
    for passed, wanted in steps:
        now += passed
        pace = pace.at(now)
        got = max(0, min(wanted, pace.room(now)))
        pace = pace.plus(got)
        taken[now // 1_000] += got

        assert taken[now // 1_000] <= INTENTS_PER_SECOND
        assert pace.count == taken[now // 1_000]


def test_half_a_second_later_half_of_the_last_one_counts() -> None:
    """Rounded against whoever asks; two seconds later nothing does; a clock that goes back frees nothing."""
    pace = Pace(second=NOW // 1_000, count=999)

    rooms = [pace.at(NOW + ms).room(NOW + ms) for ms in (0, 999, 1_000, 1_500, 1_999, 2_000)]

    assert [1, 1, 1, 500, 999, 1_000] == rooms
    assert pace == pace.at(NOW - 5_000)


def test_an_ask_has_a_name_a_price_a_nonce_and_an_end() -> None:
    """Every bound, at it and past it."""
    cases: list[tuple[dict[str, Any], int, Refusal | None]] = [
        ({}, 0, None),
        ({"id": "a" * 128}, 0, None),
        ({"id": "a" * 129}, 0, Refusal.BAD_ID),
        ({"id": ".."}, 0, Refusal.BAD_ID),
        ({"id": "a/b"}, 0, Refusal.BAD_ID),
        ({"price_lamports": 0}, 0, Refusal.BAD_AMOUNT),
        ({"price_lamports": 10**12}, 0, Refusal.BAD_AMOUNT),
        ({}, -1, Refusal.BAD_NONCE),
        ({}, 2**64, Refusal.BAD_NONCE),
        ({"expires_at": NOW}, 0, Refusal.LISTING_ENDED),
    ]

    assert [one[2] for one in cases] == [refusal_of_listing(replace(LISTING, **a), b, NOW) for a, b, _ in cases]


def test_a_withdrawal_is_signed_for_one_listing() -> None:
    """In words that no intent and no ask begins with."""
    assert f'{{"withdrawListingId":"L1","seller":"{SELLER}"}}'.encode() == withdrawal_bytes(LISTING)


def test_milliseconds_are_exact_and_rounded_down() -> None:
    """Without any float on the way."""
    moment = datetime(2026, 11, 21, 12, 0, 0, 123_999, tzinfo=UTC)

    assert 1_795_262_400_123 == unix_ms(moment)
    assert moment - timedelta(microseconds=999) == moment_of(unix_ms(moment))
