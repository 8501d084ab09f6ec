"""http_listings: asks are taken in, shown in pages, and taken back by their sellers alone."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from functions.netting.adapters.refusals import ERRORS
from functions.netting.core.intents import Refusal
from infra.local.netting.wallets import Wallet
from kernel import base58
from tests.handlers.netting.stall import BUYER, ITEM, OTHER, OTHERS_ITEM, SELLER, SOL, Stall

pytestmark = pytest.mark.handlers
PATH = "/v1/netting/listings"


@pytest.fixture
def stall(database_url: str) -> Iterator[Stall]:
    """A deployment, and nothing done yet."""
    with Stall.open(database_url) as stall:
        yield stall


def withdrawal(listing_id: str, seller: Wallet = SELLER, *, of: Wallet | None = None) -> dict[str, str]:
    """A seller's word that an ask is no more; `of` names another seller than the one who signs."""
    text = f'{{"withdrawListingId":"{listing_id}","seller":"{(of or seller).address}"}}'
    return {"signature": base58.encode(seller.signer.sign_message(text.encode()))}


def code(answer: tuple[int, dict[str, Any]]) -> tuple[int, str]:
    """The status and the error's code."""
    return answer[0], answer[1]["error"]["code"]


def taken_nonce(stall: Stall) -> dict[str, Any]:
    """An ask under the nonce of another one."""
    return stall.listing(nonce=stall.listed().nonce).signed()


def taken_id(stall: Stall) -> dict[str, Any]:
    """An ask under the id of another one."""
    return stall.listing(id=stall.listed().id).signed()


def wanted_back(stall: Stall) -> dict[str, Any]:
    """An ask for an item that its owner has asked the program for."""
    stall.change("update netting.item_ownership set requested_at = read_at")
    return stall.listing().signed()


REFUSALS: dict[str, tuple[Refusal, Callable[[Stall], dict[str, Any]]]] = {
    "the id is none": (Refusal.BAD_ID, lambda stall: stall.listing(id="a/b").signed()),
    "the price is zero": (Refusal.BAD_AMOUNT, lambda stall: stall.listing(price_lamports=0).signed()),
    "the price is too high": (Refusal.BAD_AMOUNT, lambda stall: stall.listing(price_lamports=10**12).signed()),
    "the nonce is no u64": (Refusal.BAD_NONCE, lambda stall: stall.listing(nonce=2**64).signed()),
    "it is over already": (Refusal.LISTING_ENDED, lambda stall: stall.listing(expires_at=stall.now_ms).signed()),
    "the price was changed": (Refusal.BAD_SIGNATURE, lambda stall: {**stall.listing().signed(), "priceLamports": "1"}),
    "another one's item": (Refusal.ITEM_NOT_OWNED, lambda stall: stall.listing(item_id=OTHERS_ITEM).signed()),
    "in another one's name": (
        Refusal.BAD_SIGNATURE,
        lambda stall: {**stall.listing().signed(), "seller": OTHER.address},
    ),
    "an item that is wanted back": (Refusal.ITEM_NOT_OWNED, wanted_back),
    "no such item": (Refusal.UNKNOWN_ITEM, lambda stall: stall.listing(item_id="nobody's").signed()),
    "the nonce is used": (Refusal.NONCE_USED, taken_nonce),
    "the id is used": (Refusal.ID_USED, taken_id),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_an_ask_that_lacks_something_is_refused_by_name(stall: Stall, case: str) -> None:
    """And nothing of it is kept."""
    refusal, make = REFUSALS[case]
    body = make(stall)
    before = stall.rows("select * from netting.listings")

    refused = code(stall.post(PATH, body))

    assert (ERRORS[refusal].status, refusal) == refused
    assert before == stall.rows("select * from netting.listings")


def test_an_ask_is_shown_as_it_was_signed(stall: Stall) -> None:
    """The paths of the specification answer the same."""
    listing = stall.listing()
    posted = stall.post("/api/listings", listing.signed())

    shown = stall.call("GET", f"{PATH}/{listing.id}")

    assert posted == shown == stall.call("GET", f"/api/listings/{listing.id}")
    assert listing.signed() == {name: shown[1][name] for name in listing.signed()}
    assert ("active", True, "2026-11-21T00:00:00Z") == tuple(shown[1][n] for n in ("state", "isOpen", "listedAt"))
    assert (404, "listing_unknown") == code(stall.call("GET", f"{PATH}/nobodys"))


def test_the_same_ask_again_finds_itself(stall: Stall) -> None:
    """Also when it is over or was withdrawn: it does not come back to life."""
    listing = stall.listed()
    stall.call("DELETE", f"{PATH}/{listing.id}", withdrawal(listing.id))
    stall.clock.advance(4_000)

    status, again = stall.post(PATH, listing.signed())

    assert (200, "withdrawn", False) == (status, again["state"], again["isOpen"])
    assert 1 == len(stall.rows("select * from netting.listings"))


def test_asks_are_paged_the_newest_first_and_each_once(stall: Stall) -> None:
    """Also where several came at one moment."""
    ids = [stall.listed().id for _ in range(3)]
    stall.clock.advance(1)
    ids += [stall.listed().id for _ in range(2)]

    first = stall.call("GET", PATH, query="limit=3")[1]
    rest = stall.call("GET", PATH, query=f"limit=3&cursor={first['next_cursor']}")[1]

    assert sorted(ids, reverse=True) == [one["listingId"] for one in first["listings"] + rest["listings"]]
    assert rest["next_cursor"] is None
    assert (400, "invalid_request") == code(stall.call("GET", PATH, query="cursor=yesterday"))


def test_asks_are_found_by_item_seller_and_state(stall: Stall) -> None:
    """Those at which anybody may buy now are neither withdrawn nor over."""
    over, withdrawn, standing = stall.listed(expires_at=stall.now_ms + 1), stall.listed(), stall.listed()
    others = stall.listed(item_id=OTHERS_ITEM, seller=OTHER)
    stall.clock.advance(1)
    stall.call("DELETE", f"{PATH}/{withdrawn.id}", withdrawal(withdrawn.id))

    def ids(query: str) -> set[str]:
        return {one["listingId"] for one in stall.call("GET", PATH, query=query)[1]["listings"]}

    assert {standing.id, others.id} == ids("open=true")
    assert {over.id, withdrawn.id, standing.id} == ids(f"item_id={ITEM}")
    assert {others.id} == ids(f"seller={OTHER.address}")
    assert {withdrawn.id} == ids("state=withdrawn")


def test_only_its_seller_takes_an_ask_back(stall: Stall) -> None:
    """By the wallet's own signature over this very listing."""
    listing, other = stall.listed(), stall.listed()
    path = f"{PATH}/{listing.id}"
    attempts = [
        withdrawal(listing.id, OTHER),
        withdrawal(listing.id, OTHER, of=SELLER),
        withdrawal(other.id),
        {"signature": listing.signed()["signature"]},
    ]

    refused = [code(stall.call("DELETE", path, one)) for one in attempts]
    status, withdrawn = stall.call("DELETE", path, withdrawal(listing.id))
    again = stall.call("DELETE", f"/api/listings/{listing.id}", withdrawal(listing.id))

    assert [(422, "bad_signature")] * 4 == refused
    assert (200, "withdrawn") == (status, withdrawn["state"])
    assert (200, withdrawn) == again
    assert (404, "listing_unknown") == code(stall.call("DELETE", f"{PATH}/nobodys", withdrawal("nobodys")))


def test_a_sold_ask_cannot_be_taken_back(stall: Stall) -> None:
    """What was bought is bought."""
    listing = stall.listed()
    stall.change("update netting.listings set state = 'sold'")

    refused = code(stall.call("DELETE", f"{PATH}/{listing.id}", withdrawal(listing.id)))

    assert (409, "listing_ended") == refused


def test_purchases_that_wait_at_an_ask_end_with_it(stall: Stall) -> None:
    """Their payers' volume is free again; a bid that names the ask, and what is in a batch, go on."""
    listing = stall.listed()
    purchases = [
        stall.intent("BUY_NOW", listing_id=listing.id, buyer=buyer, nonce=nonce).signed()
        for buyer in (BUYER, OTHER)
        for nonce in (1, 2)
    ]
    bid = stall.intent(listing_id=listing.id, nonce=9).signed()
    stall.send(*purchases, bid)
    stall.netted(purchases[0]["id"])

    stall.call("DELETE", f"{PATH}/{listing.id}", withdrawal(listing.id))
    stall.call("DELETE", f"{PATH}/{listing.id}", withdrawal(listing.id))

    found = {row["id"]: (row["state"], row["reason"]) for row in stall.rows("select * from netting.intents")}
    assert [("batched", None), *[("dropped", "listing_ended")] * 3] == [found[one["id"]] for one in purchases]
    assert ("offered", None) == found[bid["id"]]
    assert (2 * SOL, 0) == (stall.used(BUYER), stall.used(OTHER))
