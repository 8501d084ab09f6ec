"""Bids: who may take one up, what the seller's word is worth, and how a bid ends that nobody takes up."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from functions.netting.adapters.refusals import ERRORS
from functions.netting.core.intents import Refusal
from infra.local.netting.wallets import Wallet
from kernel import base58
from tests.handlers.netting.stall import BUYER, OTHER, SELLER, SOL, Answer, Stall, countersigned

pytestmark = pytest.mark.handlers
HOUR_S = 3_600
Word = dict[str, str]


@pytest.fixture
def stall(database_url: str) -> Iterator[Stall]:
    """A deployment, and nothing done yet."""
    with Stall.open(database_url) as stall:
        yield stall


@pytest.fixture
def bid(stall: Stall) -> dict[str, Any]:
    """A bid of the buyer's that waits for the seller."""
    body = stall.intent().signed()
    assert ["offered"] == stall.send(body)
    return body


def word(body: dict[str, Any], wallet: Wallet = SELLER, *, named: bool = True) -> Word:
    """A wallet's session's word to a bid."""
    full = countersigned(body, wallet.session, named=named)
    return {name: full[name] for name in full if name.startswith("counter")}


def take_up(stall: Stall, body: dict[str, Any], given: Word) -> Answer:
    """Post a word to a bid."""
    return stall.post(f"/v1/netting/intents/{body['id']}/counter-signature", given)


def code(answer: Answer) -> tuple[int, str]:
    """The status and the error's code."""
    return answer[0], answer[1]["error"]["code"]


def state(stall: Stall, body: dict[str, Any]) -> tuple[str, str | None]:
    """Where an intent stands, and why."""
    shown = stall.call("GET", f"/v1/netting/intents/{body['id']}")[1]
    return shown["state"], shown["reason"]


@pytest.mark.parametrize("named", [True, False])
def test_the_sellers_word_makes_a_bid_a_trade(stall: Stall, bid: dict[str, Any], *, named: bool) -> None:
    """By a session that is named, or by one of theirs; the buyer's volume was reserved by the bid, once."""
    status, taken = take_up(stall, bid, word(bid, named=named))

    assert (200, "pending", SELLER.session.address) == (status, taken["state"], taken["counterSessionPubkey"])
    assert (SOL, 0) == (stall.used(BUYER), stall.used(SELLER))


def test_the_same_word_again_answers_as_before(stall: Stall, bid: dict[str, Any]) -> None:
    """By either path, whatever became of the trade; another word comes too late."""
    first = take_up(stall, bid, word(bid))
    other = stall.session(SELLER, key=Wallet.named("seller's second").session.address)
    late = word(bid, Wallet.named("seller's second"))

    assert first == take_up(stall, bid, word(bid))
    assert first == stall.post(f"/api/intents/{bid['id']}/counter-signature", word(bid))
    assert other == late["counterSessionPubkey"]
    assert (409, "offer_ended") == code(take_up(stall, bid, late))


def test_a_bid_that_brings_the_sellers_word_is_a_trade_at_once(stall: Stall) -> None:
    """Posted with both signatures."""
    body = stall.intent().signed()

    assert ["pending"] == stall.send(countersigned(body, SELLER.session))
    assert ["pending"] == stall.send(body)


FORGERIES: dict[str, Callable[[Stall, dict[str, Any]], Word]] = {
    "the buyer's own word": lambda _, body: word(body, BUYER),
    "a stranger's word": lambda _, body: word(body, OTHER),
    "a stranger's word in the seller's name": lambda _, body: {
        **word(body, OTHER),
        "counterSessionPubkey": SELLER.session.address,
    },
    "the seller's word to another bid": lambda stall, _: word(stall.intent().signed()),
    "the seller's word to a lower price": lambda _, body: word({**body, "amountLamports": "1"}),
    "the buyer's signature once more": lambda _, body: {"counterSignature": body["signature"]},
    "nobody's word": lambda _, __: {"counterSignature": base58.encode(bytes(64))},
}


@pytest.mark.parametrize("case", FORGERIES)
def test_nobody_sells_without_having_signed(stall: Stall, bid: dict[str, Any], case: str) -> None:
    """Neither by the path of counter-signatures nor by posting it with both signatures."""
    given = FORGERIES[case](stall, bid)
    again = stall.intent().signed()

    refused = code(take_up(stall, bid, given))
    at_once = stall.code({**again, **FORGERIES[case](stall, again)})

    wanted = {Refusal.BAD_COUNTER_SIGNATURE, Refusal.SESSION_UNKNOWN}  # a true word of a session of somebody else
    assert {refused[1], at_once} <= wanted
    assert 422 == refused[0]
    assert ("offered", None) == state(stall, bid)
    assert [bid["id"]] == stall.stored()


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ("state = 'revoked' where owner = %(seller)s", Refusal.SESSION_REVOKED),
        ("expires_at = requested_at where owner = %(seller)s", Refusal.SESSION_EXPIRED),
        ("allowed_actions = '{BID}' where owner = %(seller)s", Refusal.ACTION_NOT_ALLOWED),
        ("state = 'registering' where owner = %(seller)s", Refusal.SESSION_UNKNOWN),
        ("state = 'revoked' where owner = %(buyer)s", Refusal.SESSION_REVOKED),
        ("expires_at = requested_at where owner = %(buyer)s", Refusal.SESSION_EXPIRED),
    ],
)
def test_both_sessions_must_still_stand_when_a_bid_is_taken_up(
    stall: Stall, bid: dict[str, Any], change: str, refusal: Refusal
) -> None:
    """A buyer who revoked the session pays for none of its bids."""
    parties = {"seller": SELLER.address, "buyer": BUYER.address}
    stall.change(f"update netting.session_keys set {change}", **parties)

    assert (ERRORS[refusal].status, refusal) == code(take_up(stall, bid, word(bid)))
    assert ("offered", None) == state(stall, bid)


def test_the_ask_that_a_bid_names_must_still_be_open(stall: Stall) -> None:
    """Whoever withdrew it takes up no bid at it."""
    listing = stall.listed()
    body = stall.intent(listing_id=listing.id, amount_lamports=SOL // 2).signed()
    stall.send(body)
    stall.change("update netting.listings set state = 'withdrawn'")

    assert (409, "listing_ended") == code(take_up(stall, body, word(body)))


def test_what_is_no_bid_cannot_be_taken_up(stall: Stall) -> None:
    """A trade, a purchase, what was dropped, and what never was."""
    listing = stall.listed()
    trade, dropped = stall.intent("TRADE").signed(), stall.intent().signed()
    purchase = stall.intent("BUY_NOW", listing_id=listing.id).signed()
    stall.send(trade, purchase, dropped)
    statement = "update netting.intents set state = 'dropped', reason = 'unknown_item' where id = %(id)s"
    stall.change(statement, id=dropped["id"])
    never = {**trade, "id": stall.pen.ulid(0)}

    refused = [code(take_up(stall, body, word(body))) for body in (trade, purchase, dropped, never)]

    assert [(409, "offer_ended")] * 3 + [(404, "intent_unknown")] == refused


def test_a_bid_that_nobody_takes_up_ends_after_an_hour(stall: Stall, bid: dict[str, Any]) -> None:
    """To the millisecond; its volume is free again, once, and it does not come back."""
    stall.clock.advance(HOUR_S)
    assert 0 == stall.deps.offers.end_stale()
    assert 200 == take_up(stall, bid, word(bid))[0]

    stale = stall.intent().signed()
    stall.send(stale)
    stall.clock.advance(HOUR_S + 0.001)

    assert (409, "offer_ended") == code(take_up(stall, stale, word(stale)))
    assert (1, 0) == (stall.deps.offers.end_stale(), stall.deps.offers.end_stale())
    assert ("dropped", "offer_ended") == state(stall, stale)
    assert SOL == stall.used(BUYER)
    assert ["dropped"] == stall.send(stale)


def test_an_old_bid_keeps_the_place_that_its_buyer_signed(stall: Stall, bid: dict[str, Any]) -> None:
    """Taken up late, its priority is still the bid's: `createdAt` is in the signed bytes."""
    stall.clock.advance(timedelta(minutes=30).total_seconds())

    taken = take_up(stall, bid, word(bid))[1]

    assert bid["createdAt"] == taken["createdAt"]


@pytest.mark.parametrize(
    "change",
    [
        "state = 'pending'",
        "kind = 'TRADE'",
        "state = 'pending', counter_signature = '\\x00'",
        "state = 'pending', counter_session = session",
    ],
)
def test_the_database_nets_nothing_that_one_party_has_not_signed(
    stall: Stall, bid: dict[str, Any], change: str
) -> None:
    """Whatever the code forgets."""
    with pytest.raises(psycopg.errors.CheckViolation):
        stall.change(f"update netting.intents set {change} where id = %(id)s", id=bid["id"])
