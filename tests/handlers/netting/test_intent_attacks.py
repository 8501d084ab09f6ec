"""What an enemy posts: other people's intents, changed ones, the same twice, signatures that only look right."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from functions.netting.core.intents import Refusal
from infra.local.netting.wallets import Wallet
from kernel import base58
from tests.handlers.netting.stall import BUYER, OTHER, OTHERS_ITEM, SELLER, SOL, Stall, countersigned

pytestmark = pytest.mark.handlers
ORDER = 2**252 + 27742317777372353535851937790883648493
MALLORY = Wallet.named("mallory")


@pytest.fixture
def stall(database_url: str) -> Iterator[Stall]:
    """A deployment where the enemy too has a session."""
    with Stall.open(database_url) as stall:
        stall.session(MALLORY)
        yield stall


def signed_by(signer: Wallet, fields: dict[str, Any]) -> dict[str, Any]:
    """These fields with a session's signature, whosever they are."""
    content = json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode()
    return {**fields, "signature": base58.encode(signer.session.sign_message(content))}


CHANGES: dict[str, dict[str, Any]] = {
    "a lower price": {"amountLamports": str(SOL - 1)},
    "another item": {"itemId": OTHERS_ITEM},
    "another seller": {"from": OTHER.address},
    "another nonce": {"nonce": 77},
    "a fresh id": {"id": "01ARZ3NDEKTSV4RRFFQ69G5FAV"},
    "an ask that it did not name": {"listingId": "ask-1"},
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_signature_is_good_for_its_own_bytes_alone(stall: Stall, change: str) -> None:
    """Whatever is changed on the way."""
    assert Refusal.BAD_SIGNATURE == stall.code({**stall.intent().signed(), **CHANGES[change]})


def test_a_buyers_signature_for_a_bid_buys_nothing_else(stall: Stall) -> None:
    """A bid is no purchase, and none of its words is a trade's."""
    stall.listed(price_lamports=SOL)
    bid = stall.intent(listing_id="ask-1").signed()
    as_trade = countersigned({**bid, "intentType": "TRADE", "ownerPubkey": SELLER.address}, SELLER.session)

    assert Refusal.BAD_SIGNATURE == stall.code({**bid, "intentType": "BUY_NOW"})
    assert Refusal.BAD_SIGNATURE == stall.code(as_trade)


PAYERS: dict[str, tuple[Refusal, Callable[[Stall], dict[str, Any]]]] = {
    "in the buyer's name by one's own session": (
        Refusal.SESSION_UNKNOWN,
        lambda stall: signed_by(MALLORY, {**stall.intent().fields(), "sessionPubkey": MALLORY.session.address}),
    ),
    "by the buyer's session, signed by oneself": (
        Refusal.BAD_SIGNATURE,
        lambda stall: signed_by(MALLORY, stall.intent().fields()),
    ),
    "as the seller, the buyer's word by oneself": (
        Refusal.BAD_COUNTER_SIGNATURE,
        lambda stall: stall.intent("TRADE").signed(countersigned_by=MALLORY.session),
    ),
    "as the seller, the word of one's own session for the buyer": (
        Refusal.SESSION_UNKNOWN,
        lambda stall: countersigned(stall.intent("TRADE").signed(), MALLORY.session),
    ),
    "as the seller, who signs for both": (
        Refusal.SESSION_UNKNOWN,
        lambda stall: countersigned(stall.intent("TRADE").signed(), SELLER.session),
    ),
    "as the owner of a trade that one buys": (
        Refusal.NOT_A_PARTY,
        lambda stall: signed_by(
            BUYER,
            {
                **stall.intent("TRADE").fields(),
                "ownerPubkey": BUYER.address,
                "sessionPubkey": BUYER.session.address,
            },
        ),
    ),
    "as the owner of somebody else's bid": (
        Refusal.NOT_A_PARTY,
        lambda stall: signed_by(
            MALLORY,
            {
                **stall.intent().fields(),
                "ownerPubkey": MALLORY.address,
                "sessionPubkey": MALLORY.session.address,
            },
        ),
    ),
}


@pytest.mark.parametrize("case", PAYERS)
def test_nobody_pays_without_having_signed(stall: Stall, case: str) -> None:
    """Whoever else signs, and as whom; no volume of anybody is touched."""
    refusal, make = PAYERS[case]

    assert refusal == stall.code(make(stall))
    assert [] == stall.stored()
    assert (0, 0, 0) == (stall.used(BUYER), stall.used(SELLER), stall.used(MALLORY))


def test_a_wallets_own_signature_is_no_sessions(stall: Stall) -> None:
    """What a wallet signs elsewhere, where its user only sees bytes, moves nothing here."""
    intent = stall.intent()
    fields = {**intent.fields(), "sessionPubkey": BUYER.address}
    content = json.dumps(fields, separators=(",", ":")).encode()

    assert Refusal.SESSION_UNKNOWN == stall.code(
        {**fields, "signature": base58.encode(BUYER.signer.sign_message(content))}
    )


def test_an_intent_that_was_dropped_cannot_be_played_again(stall: Stall) -> None:
    """Its id and nonce stay used, and its answer stays what it is."""
    body = stall.intent().signed()
    stall.send(body)
    stall.change("update netting.intents set state = 'dropped', reason = 'not_owner'")
    fresh = stall.intent(nonce=body["nonce"]).signed()

    assert ["dropped", Refusal.NONCE_USED] == stall.send(body, fresh)
    assert 1 == len(stall.stored())


def test_a_word_that_nobody_needs_or_that_is_missing_is_not_passed_over(stall: Stall) -> None:
    """A purchase has its seller's word in the ask; who names a session brings its signature."""
    listing = stall.listed()
    purchase = stall.intent("BUY_NOW", listing_id=listing.id).signed()
    named = {**stall.intent().signed(), "counterSessionPubkey": SELLER.session.address}

    assert Refusal.BAD_COUNTER_SIGNATURE == stall.code(countersigned(purchase, SELLER.session))
    assert Refusal.COUNTER_SIGNATURE_MISSING == stall.code(named)


@pytest.mark.parametrize("text", ["1" * 64, "z" * 88])
def test_a_signature_that_is_none_is_a_forged_one(stall: Stall, text: str) -> None:
    """Though it is written in the right letters."""
    assert Refusal.BAD_SIGNATURE == stall.code({**stall.intent().signed(), "signature": text})


def test_a_request_of_copies_is_charged_once(stall: Stall) -> None:
    """A thousand times the same intent is that intent."""
    body = stall.intent().signed()

    assert {"offered"} == set(stall.send(*[body] * 1_000))
    assert ([body["id"]], SOL) == (stall.stored(), stall.used(BUYER))


def test_somebody_elses_garbage_costs_a_session_nothing(stall: Stall) -> None:
    """Neither its nonces, nor its volume, nor its room in this second."""
    forged = [signed_by(MALLORY, stall.intent(nonce=nonce).fields()) for nonce in range(1_000)]

    assert {Refusal.BAD_SIGNATURE} == set(stall.send(*forged))
    mine = [stall.intent(nonce=nonce, amount_lamports=1).signed() for nonce in range(1_000)]
    assert {"offered"} == set(stall.send(*mine))


def test_an_id_is_taken_by_whoever_comes_first(stall: Stall) -> None:
    """An enemy who saw an id on its way can make it used, but stands behind it with a session and a nonce."""
    body = stall.intent().signed()
    squatter = stall.intent(id=body["id"], buyer=MALLORY, nonce=1).signed()

    assert ["offered", Refusal.ID_USED] == stall.send(squatter, body)
    assert (0, SOL) == (stall.used(BUYER), stall.used(MALLORY))


def test_a_signature_has_one_form(stall: Stall) -> None:
    """The scalar plus the group's order solves the same equation; only the smaller one is a signature."""
    body = stall.intent().signed()
    octets = base58.decode(body["signature"])
    scalar = int.from_bytes(octets[32:], "little") + ORDER
    second = base58.encode(octets[:32] + scalar.to_bytes(32, "little"))

    assert Refusal.BAD_SIGNATURE == stall.code({**body, "signature": second})
    assert ["offered"] == stall.send(body)


def test_a_key_of_small_order_signs_nothing(stall: Stall) -> None:
    """Under the identity as a key, (R, s) = (identity, 0) solves the equation for every message."""
    weak = base58.encode(bytes([1] + [0] * 31))
    stall.session(MALLORY, key=weak)
    fields = {**stall.intent(buyer=MALLORY).fields(), "sessionPubkey": weak}
    forged = base58.encode(bytes([1] + [0] * 31) + bytes(32))

    assert Refusal.BAD_SIGNATURE == stall.code({**fields, "signature": forged})


def test_text_that_looks_alike_is_signed_as_it_is(stall: Stall) -> None:
    """Items' names are compared byte by byte: neither composed letters nor escapes are the same."""
    stall.item("caf\u00e9", SELLER)

    assert ["offered"] == stall.send(stall.intent(item_id="caf\u00e9").signed())
    assert Refusal.UNKNOWN_ITEM == stall.code(stall.intent(item_id="cafe\u0301").signed())


@pytest.mark.parametrize(
    "body",
    [
        b'{"intents": [' + b"[" * 100_000,
        b'{"intents": ' + b'{"intents": ' * 500 + b"1" + b"}" * 501,
        b'{"nonce": 1' + b"0" * 5_000 + b"}",
        b'{"id": "a\\u0000"}',
        b'{"nonce": NaN}',
        b"\xff\xfe",
        b"",
    ],
)
def test_bodies_made_to_hurt_are_refused(stall: Stall, body: bytes) -> None:
    """Bottomless nesting, endless numbers, NUL, what is no JSON."""
    status, answer = stall.post_raw("/v1/netting/intents", body)

    assert (400, "invalid_request") == (status, answer["error"]["code"])


def test_a_body_beyond_its_limit_is_not_read(stall: Stall) -> None:
    """Two mebibytes hold a thousand intents with every field at its longest."""
    longest = stall.intent("TRADE", item_id="x" * 128, listing_id="y" * 128, nonce=2**64 - 1).signed()

    assert 1_000 * (len(json.dumps(longest)) + 1) < 2 * 1024 * 1024
    assert 413 == stall.post_raw("/v1/netting/intents", b" " * (2 * 1024 * 1024 + 1))[0]
