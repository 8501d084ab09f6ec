"""http_intents: what is taken in, every refusal by its name, and what happens when the same comes again."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from functions.netting.adapters.refusals import ERRORS
from functions.netting.core.intents import Refusal
from infra.local.netting.wallets import Wallet
from tests.handlers.netting.stall import BUYER, OTHER, OTHERS_ITEM, SELLER, SOL, Stall, countersigned

pytestmark = pytest.mark.handlers
Make = Callable[[Stall], dict[str, Any]]
SPARE = Wallet.named("spare")


@pytest.fixture
def stall(database_url: str) -> Iterator[Stall]:
    """A deployment, and nothing done yet."""
    with Stall.open(database_url) as stall:
        yield stall


def bid(stall: Stall, **changes: Any) -> dict[str, Any]:
    """A bid of the buyer's, signed."""
    return stall.intent(**changes).signed()


def trade(stall: Stall, **changes: Any) -> dict[str, Any]:
    """A trade that both have signed."""
    return stall.intent("TRADE", **changes).signed()


def purchase(stall: Stall, **changes: Any) -> dict[str, Any]:
    """A purchase at a fresh ask."""
    listing = stall.listed()
    return stall.intent("BUY_NOW", **{"listing_id": listing.id, **changes}).signed()


def by_session(**changes: Any) -> Make:
    """A bid of another wallet's whose session is like this."""

    def make(stall: Stall) -> dict[str, Any]:
        moved = {name: change(stall) if callable(change) else change for name, change in changes.items()}
        stall.session(SPARE, **moved)
        return bid(stall, buyer=SPARE, nonce=1)

    return make


def at_listing(change: str) -> Make:
    """A purchase at an ask to which something has happened."""

    def make(stall: Stall) -> dict[str, Any]:
        body = purchase(stall)
        stall.change(f"update netting.listings set {change}")
        return body

    return make


def twice(stall: Stall, **changes: Any) -> dict[str, Any]:
    """A second bid like the first, but for this."""
    first = stall.intent()
    assert ["offered"] == stall.send(first.signed())
    return replace(first, amount_lamports=2 * SOL, **changes).signed()


def resigned(fields: dict[str, Any], signer: Wallet) -> dict[str, Any]:
    """These fields, signed by a wallet's session."""
    made = countersigned(fields, signer.session)
    signature = made.pop("counterSignature")
    made.pop("counterSessionPubkey")
    return {**made, "signature": signature}


REFUSALS: dict[Refusal, Make] = {
    Refusal.BAD_ID: lambda stall: bid(stall, id="not a ulid"),
    Refusal.BAD_ADDRESS: lambda stall: resigned({**stall.intent().fields(), "from": "z" * 44}, BUYER),
    Refusal.SELF_TRADE: lambda stall: bid(stall, seller=BUYER),
    Refusal.BAD_AMOUNT: lambda stall: bid(stall, amount_lamports=10**12),
    Refusal.BAD_NONCE: lambda stall: bid(stall, nonce=2**64),
    Refusal.BAD_TIME: lambda stall: bid(stall, created_at=stall.now_ms - 30_001),
    Refusal.NOT_A_PARTY: lambda stall: resigned({**stall.intent().fields(), "ownerPubkey": OTHER.address}, BUYER),
    Refusal.LISTING_MISSING: lambda stall: bid(stall, kind="BUY_NOW"),
    Refusal.LISTING_UNKNOWN: lambda stall: purchase(stall, listing_id="nobody's"),
    Refusal.LISTING_ENDED: at_listing("state = 'sold'"),
    Refusal.LISTING_DIFFERS: lambda stall: purchase(stall, item_id=OTHERS_ITEM),
    Refusal.PRICE_DIFFERS: lambda stall: purchase(stall, amount_lamports=SOL - 1),
    Refusal.SESSION_UNKNOWN: lambda stall: bid(stall, buyer=SPARE, nonce=1),
    Refusal.SESSION_EXPIRED: by_session(expires_at=lambda stall: stall.clock.now()),
    Refusal.SESSION_REVOKED: by_session(state="revoked"),
    Refusal.ACTION_NOT_ALLOWED: by_session(allowed_actions=["TRADE", "BUY_NOW"]),
    Refusal.VOLUME_EXCEEDED: by_session(max_volume_lamports=SOL - 1),
    Refusal.BAD_SIGNATURE: lambda stall: {**bid(stall), "amountLamports": str(SOL - 1)},
    Refusal.COUNTER_SIGNATURE_MISSING: lambda stall: {
        name: value for name, value in trade(stall).items() if not name.startswith("counter")
    },
    Refusal.BAD_COUNTER_SIGNATURE: lambda stall: stall.intent("TRADE").signed(countersigned_by=SELLER.session),
    Refusal.UNKNOWN_ITEM: lambda stall: bid(stall, item_id="nobody's"),
    Refusal.NONCE_USED: lambda stall: twice(stall, id=stall.pen.ulid(stall.now_ms)),
    Refusal.ID_USED: twice,
    Refusal.TOO_MANY: by_session(pace_second=lambda stall: stall.now_ms // 1_000, pace_count=1_000),
}


@pytest.mark.parametrize("refusal", REFUSALS, ids=str)
def test_each_refusal_has_its_own_code_and_leaves_nothing(stall: Stall, refusal: Refusal) -> None:
    """Alone it is an error of that code and the error's status; among others the code stands beside its id."""
    body = REFUSALS[refusal](stall)
    before = stall.rows("select * from netting.intents"), stall.rows("select * from netting.session_keys order by key")

    status, answer = stall.post("/v1/netting/intents", body)
    among = stall.send(body, bid(stall, created_at=0))

    assert (ERRORS[refusal].status, refusal) == (status, answer["error"]["code"])
    assert [refusal, Refusal.BAD_TIME] == among
    assert before == (
        stall.rows("select * from netting.intents"),
        stall.rows("select * from netting.session_keys order by key"),
    )


def test_every_refusal_is_shown_here() -> None:
    """But the one that only a listing has."""
    assert set(Refusal) - {Refusal.ITEM_NOT_OWNED} == set(REFUSALS)
    assert set(Refusal) == set(ERRORS)


def test_what_is_well_is_taken_in(stall: Stall) -> None:
    """A trade and a purchase wait to be netted, a bid for the seller's word; the payer's volume is reserved."""
    listing = stall.listed(price_lamports=3 * SOL)
    bodies = [
        trade(stall, amount_lamports=5 * SOL),
        bid(stall),
        stall.intent("BUY_NOW", listing_id=listing.id, amount_lamports=3 * SOL).signed(),
    ]

    assert ["pending", "offered", "pending"] == stall.send(*bodies)
    assert (9 * SOL, 0) == (stall.used(BUYER), stall.used(SELLER))
    assert [body["id"] for body in bodies] == sorted(stall.stored(), key=[body["id"] for body in bodies].index)


def test_an_intent_is_shown_as_it_was_signed(stall: Stall) -> None:
    """Every field that was posted, and what became of it; the paths of the specification answer the same."""
    body = trade(stall, nonce=2**64 - 1)

    posted = stall.post("/api/intents", body)
    shown = stall.call("GET", f"/v1/netting/intents/{body['id']}")

    assert (200, {"id": body["id"], "outcome": "accepted", "state": "pending", "code": None}) == posted
    assert (200, body) == (shown[0], {name: shown[1][name] for name in body})
    assert ("pending", None, "2026-11-21T00:00:00Z") == tuple(shown[1][n] for n in ("state", "reason", "receivedAt"))
    assert shown == stall.call("GET", f"/api/intents/{body['id']}")
    assert 404 == stall.call("GET", "/v1/netting/intents/01ARZ3NDEKTSV4RRFFQ69G5FAV")[0]


def test_a_thousand_are_answered_one_by_one(stall: Stall) -> None:
    """In their order; what one lacks costs no other."""
    bodies = [bid(stall, amount_lamports=number + 1) for number in range(1_000)]
    for number in range(0, 1_000, 10):
        bodies[number]["createdAt"] += 1

    outcomes = stall.send(*bodies)

    assert [Refusal.BAD_SIGNATURE if number % 10 == 0 else "offered" for number in range(1_000)] == outcomes
    assert 900 == len(stall.stored())
    assert sum(number + 1 for number in range(1_000) if number % 10) == stall.used(BUYER)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"intents": []}, 400),
        ({"intents": [{}] * 1_001}, 400),
        ({}, 400),
        ([], 400),
        ("intents", 400),
        ({"intents": "all"}, 400),
    ],
)
def test_a_body_of_another_form_is_refused_whole(stall: Stall, body: Any, status: int) -> None:
    """None at all, too many, or nothing that is an intent."""
    assert (status, "invalid_request") == _refused(stall.post("/v1/netting/intents", body))


@pytest.mark.parametrize(
    "change",
    [
        {"amountLamports": 5},
        {"amountLamports": "05"},
        {"amountLamports": "1e9"},
        {"nonce": "5"},
        {"nonce": 5.5},
        {"nonce": True},
        {"createdAt": None},
        {"from": "0" * 32},
        {"to": "1" * 45},
        {"counterSignature": "0" * 88},
        {"sessionPubkey": ""},
        {"itemId": ""},
        {"itemId": "x" * 129},
        {"itemId": "\ud800"},
        {"intentType": "GIFT"},
        {"signature": "1" * 63},
        {"signature": "1" * 89},
        {"comment": "none"},
    ],
)
def test_a_field_of_another_form_is_refused(stall: Stall, change: dict[str, Any]) -> None:
    """Numbers are numbers, amounts are text in the one way they are written, keys are 32 bytes."""
    assert (400, "invalid_request") == _refused(stall.post("/v1/netting/intents", {**bid(stall), **change}))


@pytest.mark.parametrize("amount", ["0", "-1", "1000000000000"])
def test_an_amount_beyond_its_range_is_no_fault_of_form(stall: Stall, amount: str) -> None:
    """It can be written, and has a code of its own."""
    assert Refusal.BAD_AMOUNT == stall.code(bid(stall, amount_lamports=int(amount)))


def test_a_clock_may_be_off_by_thirty_seconds_and_no_more(stall: Stall) -> None:
    """In both directions; priority cannot be back-dated, nor a place in the future be taken."""
    offsets = (-30_001, -30_000, 30_000, 30_001)

    outcomes = stall.send(*(bid(stall, created_at=stall.now_ms + offset) for offset in offsets))

    assert [Refusal.BAD_TIME, "offered", "offered", Refusal.BAD_TIME] == outcomes


def test_the_same_intent_again_answers_as_before(stall: Stall) -> None:
    """At once, beside itself, an hour later, and after its session was revoked: it is stored and charged once."""
    body = bid(stall)

    outcomes = stall.send(body, body)
    outcomes += stall.send(body)
    stall.clock.advance(3_600)
    stall.change("update netting.session_keys set state = 'revoked'")
    outcomes += stall.send(body)

    assert ["offered"] * 4 == outcomes
    assert ([body["id"]], SOL) == (stall.stored(), stall.used(BUYER))


def test_the_same_fields_with_a_forged_signature_are_not_the_same(stall: Stall) -> None:
    """Nobody but its signer learns what became of an intent by repeating it."""
    body = bid(stall)
    stall.send(body)

    assert Refusal.BAD_SIGNATURE == stall.code({**body, "signature": bid(stall)["signature"]})


def test_what_was_there_before_takes_no_room_from_what_is_new(stall: Stall) -> None:
    """A batch that is sent again with one more intent finds room for that one, up to the last lamport."""
    stall.session(SPARE, max_volume_lamports=2 * SOL)
    first, second = (bid(stall, buyer=SPARE, nonce=nonce) for nonce in (1, 2))
    stall.send(first)

    assert ["offered", "offered"] == stall.send(first, second)
    assert Refusal.VOLUME_EXCEEDED == stall.code(bid(stall, buyer=SPARE, nonce=3, amount_lamports=1))


def test_a_nonce_is_good_once_for_its_session_alone(stall: Stall) -> None:
    """Two intents of one request with one nonce: the first is taken. Another session has nonces of its own."""
    bodies = [bid(stall, nonce=5), bid(stall, nonce=5), bid(stall, nonce=5, buyer=OTHER)]

    assert ["offered", Refusal.NONCE_USED, "offered"] == stall.send(*bodies)


def test_volume_is_given_in_the_order_of_the_request(stall: Stall) -> None:
    """What does not fit is refused by itself; a smaller one after it still fits."""
    stall.session(SPARE, max_volume_lamports=10)
    bodies = [bid(stall, buyer=SPARE, nonce=at, amount_lamports=amount) for at, amount in enumerate((6, 5, 4, 1))]

    assert ["offered", Refusal.VOLUME_EXCEEDED, "offered", Refusal.VOLUME_EXCEEDED] == stall.send(*bodies)


def test_a_session_has_a_thousand_intents_in_a_second(stall: Stall) -> None:
    """Then it waits; what was refused counts for nothing, and half of them are free again half a second later."""
    first = [bid(stall, amount_lamports=1) for _ in range(600)]
    more = [bid(stall, amount_lamports=1) for _ in range(600)]

    assert {"offered"} == set(stall.send(*first))
    assert ["offered"] * 400 + [Refusal.TOO_MANY] * 200 == stall.send(*more)
    stall.clock.advance(1.5)
    assert ["offered"] * 200 == stall.send(*more[400:])
    late = [bid(stall, amount_lamports=1) for _ in range(301)]
    assert ["offered"] * 300 + [Refusal.TOO_MANY] == stall.send(*late)


def test_an_address_has_a_hundred_requests_in_a_second(stall: Stall) -> None:
    """Whatever they hold; another address is not touched, and the next second has room again."""
    body = bid(stall)
    statuses = [stall.post("/v1/netting/intents", body)[0] for _ in range(101)]

    assert [200] * 100 + [429] == statuses
    assert (429, "rate_limited") == _refused(stall.post("/v1/netting/listings", {}))
    assert 200 == stall.post("/v1/netting/intents", body, address="203.0.113.8")[0]
    stall.clock.advance(2)
    assert 200 == stall.post("/v1/netting/intents", body)[0]


def test_without_redis_nothing_is_taken_in_and_everything_is_shown(stall: Stall) -> None:
    """What cannot be counted is not written."""
    body = bid(stall)
    stall.send(body)
    stall.faked.counter.down = True

    word = {"counterSignature": body["signature"]}
    writes = [
        stall.post("/v1/netting/intents", body),
        stall.post(f"/v1/netting/intents/{body['id']}/counter-signature", word),
        stall.post("/v1/netting/listings", stall.listing().signed()),
        stall.call("DELETE", "/v1/netting/listings/ask-1", {"signature": body["signature"]}),
    ]

    assert [(503, "rate_limit_unavailable")] * 4 == [_refused(one) for one in writes]
    assert 200 == stall.call("GET", f"/v1/netting/intents/{body['id']}")[0]
    assert 200 == stall.call("GET", "/v1/netting/listings")[0]


@pytest.mark.parametrize("state", ["requested", "registering", "failed"])
def test_a_key_trades_for_nobody_before_its_registration_has_settled(stall: Stall, state: str) -> None:
    """The chain's word counts, not the request."""
    stall.session(SPARE, state=state)

    assert Refusal.SESSION_UNKNOWN == stall.code(bid(stall, buyer=SPARE, nonce=1))


def test_a_key_that_is_being_revoked_trades_no_more(stall: Stall) -> None:
    """Its owner's word is enough; the chain's comes later."""
    stall.session(SPARE, state="revoking")

    assert Refusal.SESSION_REVOKED == stall.code(bid(stall, buyer=SPARE, nonce=1))


def test_an_offer_ends_with_its_moment(stall: Stall) -> None:
    """At the very millisecond of `expiresAt` a listing is over."""
    listing = stall.listed(expires_at=stall.now_ms + 1_000)

    def buy() -> dict[str, Any]:
        return stall.intent("BUY_NOW", listing_id=listing.id).signed()

    stall.clock.advance(0.999)
    assert ["pending"] == stall.send(buy())
    stall.clock.advance(0.001)
    assert Refusal.LISTING_ENDED == stall.code(buy())


def test_the_payers_volume_is_reserved_whoever_signs_first(stall: Stall) -> None:
    """In a trade the payer counter-signs, and its session's volume decides."""
    stall.session(SPARE, max_volume_lamports=SOL)

    outcomes = stall.send(trade(stall, buyer=SPARE), trade(stall, buyer=SPARE, amount_lamports=1))

    assert ["pending", Refusal.VOLUME_EXCEEDED] == outcomes
    assert 0 == stall.used(SELLER)


def _refused(answer: tuple[int, dict[str, Any]]) -> tuple[int, str]:
    return answer[0], answer[1]["error"]["code"]
