"""What an intent must be, and when intents become a batch."""

import json
from dataclasses import replace
from typing import Any

import pytest

from functions.netting.core.batching import BatchSizes, batch_size
from functions.netting.core.bounds import POSITION_LIMIT
from functions.netting.core.intents import (
    WINDOW_MS,
    IntentType,
    Listing,
    Refusal,
    Session,
    SignedIntent,
    fits_volume,
    listing_bytes,
    refusal_by_listing,
    refusal_by_session,
    refusal_of_itself,
    signed_bytes,
)

pytestmark = pytest.mark.unit
NOW = 1_700_000_000_000
SELLER, BUYER = "8mfzTdZB1JA43QmNAMWfTfkj5GC9TJxJFveThi9tvK6J", "7d3y2WdzxE7CfsWjkGy3WndkvZcj1EHMkzKJiFPiDecH"
INTENT = SignedIntent(
    id="01ARZ3NDEKTSV4RRFFQ69G5FAV",
    session="Key",
    owner=SELLER,
    item_id="item-7",
    seller=SELLER,
    buyer=BUYER,
    amount_lamports=5_000,
    nonce=2**64 - 1,
    created_at=NOW,
    kind=IntentType.TRADE,
)
PURCHASE = replace(INTENT, kind=IntentType.BUY_NOW, owner=BUYER, listing_id="L1")
SESSION = Session(
    key="Key",
    owner=SELLER,
    max_volume_lamports=10_000,
    used_volume_lamports=4_000,
    allowed=frozenset({IntentType.TRADE}),
    expires_at=NOW + 1,
)
LISTING = Listing(id="L1", item_id="item-7", seller=SELLER, price_lamports=5_000, expires_at=NOW + 1, is_active=True)


def test_the_signed_bytes_are_the_published_fields_in_their_order() -> None:
    """Compact, unescaped, without the signatures; the listing only where there is one."""
    plain = (
        f'{{"id":"01ARZ3NDEKTSV4RRFFQ69G5FAV","sessionPubkey":"Key","ownerPubkey":"{SELLER}","itemId":"item-7",'
        f'"from":"{SELLER}","to":"{BUYER}","amountLamports":"5000","nonce":18446744073709551615,'
        '"createdAt":1700000000000,"intentType":"TRADE"}'
    )

    assert signed_bytes(INTENT) == plain.encode()
    assert signed_bytes(replace(INTENT, item_id="ü✓")) == plain.replace("item-7", "ü✓").encode()
    assert json.loads(signed_bytes(PURCHASE))["listingId"] == "L1"


def test_an_ask_is_signed_field_by_field() -> None:
    """In the order of the API."""
    told = listing_bytes(LISTING, 3)

    plain = (
        f'{{"listingId":"L1","itemId":"item-7","seller":"{SELLER}","priceLamports":"5000",'
        '"expiresAt":1700000000001,"nonce":3}'
    )
    assert told == plain.encode()


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({}, None),
        ({"id": "01ARZ3NDEKTSV4RRFFQ69G5FA"}, Refusal.BAD_ID),
        ({"id": "81ARZ3NDEKTSV4RRFFQ69G5FAV"}, Refusal.BAD_ID),
        ({"id": "01ARZ3NDEKTSV4RRFFQ69G5FAU"}, Refusal.BAD_ID),
        ({"id": "01arz3ndektsv4rrffq69g5fav"}, Refusal.BAD_ID),
        ({"buyer": "Buyer"}, Refusal.BAD_ADDRESS),
        ({"seller": "1" * 33}, Refusal.BAD_ADDRESS),
        ({"buyer": SELLER}, Refusal.SELF_TRADE),
        ({"amount_lamports": 0}, Refusal.BAD_AMOUNT),
        ({"amount_lamports": -1}, Refusal.BAD_AMOUNT),
        ({"amount_lamports": POSITION_LIMIT}, Refusal.BAD_AMOUNT),
        ({"amount_lamports": POSITION_LIMIT - 1}, None),
        ({"nonce": -1}, Refusal.BAD_NONCE),
        ({"nonce": 2**64}, Refusal.BAD_NONCE),
        ({"created_at": NOW - WINDOW_MS}, None),
        ({"created_at": NOW - WINDOW_MS - 1}, Refusal.BAD_TIME),
        ({"created_at": NOW + WINDOW_MS + 1}, Refusal.BAD_TIME),
        ({"owner": BUYER}, Refusal.NOT_A_PARTY),
        ({"kind": IntentType.BID}, Refusal.NOT_A_PARTY),
        ({"kind": IntentType.BID, "owner": BUYER}, None),
        ({"kind": IntentType.BUY_NOW, "owner": BUYER}, Refusal.LISTING_MISSING),
        ({"kind": IntentType.BUY_NOW, "owner": BUYER, "listing_id": "L1"}, None),
    ],
)
def test_an_intent_by_itself(change: dict[str, Any], refusal: Refusal | None) -> None:
    """Every bound, at it and past it."""
    assert refusal_of_itself(replace(INTENT, **change), NOW) == refusal


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({}, None),
        ({"owner": BUYER}, Refusal.SESSION_UNKNOWN),
        ({"is_revoked": True}, Refusal.SESSION_REVOKED),
        ({"expires_at": NOW}, Refusal.SESSION_EXPIRED),
        ({"allowed": frozenset({IntentType.BID})}, Refusal.ACTION_NOT_ALLOWED),
    ],
)
def test_an_intent_by_its_session(change: dict[str, Any], refusal: Refusal | None) -> None:
    """Another's session is as unknown as none."""
    assert refusal_by_session(INTENT, replace(SESSION, **change), NOW) == refusal
    assert refusal_by_session(INTENT, None, NOW) == Refusal.SESSION_UNKNOWN


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({}, None),
        ({"is_active": False}, Refusal.LISTING_ENDED),
        ({"expires_at": NOW}, Refusal.LISTING_ENDED),
        ({"item_id": "item-8"}, Refusal.LISTING_DIFFERS),
        ({"seller": "Another"}, Refusal.LISTING_DIFFERS),
        ({"price_lamports": 5_001}, Refusal.PRICE_DIFFERS),
        ({"price_lamports": 4_999}, Refusal.PRICE_DIFFERS),
    ],
)
def test_a_purchase_by_its_listing(change: dict[str, Any], refusal: Refusal | None) -> None:
    """The seller has signed one price: neither is the buyer charged more, nor the seller paid less."""
    assert refusal_by_listing(PURCHASE, replace(LISTING, **change), NOW) == refusal
    assert refusal_by_listing(PURCHASE, None, NOW) == Refusal.LISTING_UNKNOWN


def test_a_bid_may_be_lower() -> None:
    """The seller decides."""
    bid = replace(PURCHASE, kind=IntentType.BID, amount_lamports=1)

    assert refusal_by_listing(bid, LISTING, NOW) is None


def test_a_session_pays_its_volume_and_no_lamport_more() -> None:
    """Together with what is used of it."""
    assert fits_volume(SESSION, 6_000)
    assert not fits_volume(SESSION, 6_001)


@pytest.mark.parametrize(
    ("waiting", "oldest_wait_s", "size"),
    [
        (0, 1_000, 0),
        (999, 0, 0),
        (1_000, 0, 1_000),
        (5_000, 0, 5_000),
        (5_001, 0, 5_001),
        (250_000, 0, 100_000),
        (1, 119.9, 0),
        (1, 120, 1),
    ],
)
def test_when_intents_become_a_batch(waiting: int, oldest_wait_s: float, size: int) -> None:
    """Enough of them, or a wait that was long enough; never more than the most."""
    assert batch_size(waiting, oldest_wait_s, BatchSizes()) == size


def test_a_longer_queue_wants_a_larger_batch() -> None:
    """By the last step that it exceeds."""
    sizes = BatchSizes(steps=((0, 10), (20, 50), (100, 400)))

    assert [batch_size(waiting, 0, sizes) for waiting in (9, 10, 20, 21, 50, 100, 101, 400)] == [
        0, 10, 20, 0, 50, 100, 0, 400,
    ]  # fmt: skip


@pytest.mark.parametrize("steps", [(), ((1, 5),), ((0, 5), (0, 6)), ((0, 5), (9, 6), (7, 8)), ((0, 200_000),)])
def test_unfit_steps_are_refused(steps: tuple[tuple[int, int], ...]) -> None:
    """At the start, not in the middle of a market."""
    with pytest.raises(ValueError, match="steps begin at 0"):
        BatchSizes(steps=steps)
