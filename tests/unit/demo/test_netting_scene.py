"""Netting's scene, as far as it decides alone: its traders, its own telling of the clearing rule, its picture."""

from collections import Counter
from dataclasses import dataclass
from random import Random
from xml.etree import ElementTree

import pytest

from functions.netting.core.intents import IntentType, SignedIntent, signed_bytes
from functions.netting.core.netting import Royalty, clear
from infra.local.demo.netting_crowd import REFUSED_AS, SHARES, Crowd, Kind, Planned, circles, funds
from infra.local.demo.netting_picture import CashGraph, draw
from infra.local.demo.netting_slow import expect
from infra.local.netting.client import Intent
from infra.local.netting.wallets import Wallet
from infra.local.netting.world import Piece
from kernel import base58
from kernel.keys.solana import verify_message

pytestmark = pytest.mark.unit

SVG = "{http://www.w3.org/2000/svg}"
FEES = Wallet.named("fees").address
STARTED_MS = 1_800_000_000_000


@dataclass(frozen=True)
class Place:
    """A world without a node."""

    wallets: tuple[Wallet, ...]
    pieces: tuple[Piece, ...]


def place(wallets: int, items: int) -> Place:
    people = tuple(Wallet.named(f"wallet {number}") for number in range(wallets))
    creator = Wallet.named("creator 0").address
    pieces = tuple(
        Piece(
            item_id=f"item-{number}",
            number=number,
            mint="",
            owner=people[number % wallets],
            creator=creator if number % 3 == 0 else None,
            royalty_bps=250 if number % 3 == 0 else 0,
        )
        for number in range(items)
    )
    return Place(people, pieces)


def planned(seed: int, count: int = 300, at: Place | None = None) -> list[Planned]:
    return Crowd(at or place(30, 60), seed=seed, started_ms=STARTED_MS).plan(count)  # type: ignore[arg-type]  # as far as it is used


def as_core(intent: Intent) -> SignedIntent:
    return SignedIntent(
        id=intent.id,
        session=intent.owner.session.address,
        owner=intent.owner.address,
        item_id=intent.item_id,
        seller=intent.seller.address,
        buyer=intent.buyer.address,
        amount_lamports=intent.amount_lamports,
        nonce=intent.nonce,
        created_at=intent.created_at,
        kind=IntentType(intent.kind),
        listing_id=intent.listing_id,
    )


@pytest.mark.parametrize("seed", range(5))
def test_the_slow_telling_and_the_service_come_to_the_same(seed: int) -> None:
    """Owners, funds, who was accepted, and why the others were not; with a fee and royalties, in any order."""
    at = place(30, 60)
    intents = [one.intent for one in planned(seed, at=at) if one.refusal is None]
    creator = Wallet.named("creator 0").address
    locked = {wallet.address: funds(number) for number, wallet in enumerate(at.wallets)} | {FEES: 0, creator: 0}
    expected = expect(intents, at.pieces, locked, fee_bps=30, fee_wallet=FEES)
    told = [as_core(one) for one in intents]
    Random(seed).shuffle(told)
    owners = {piece.item_id: piece.owner.address for piece in at.pieces}
    royalties = {
        one.item_id: Royalty(creator=one.creator, bps=one.royalty_bps) for one in at.pieces if one.creator is not None
    }
    clearing = clear(told, owners, locked, fee_bps=30, treasury=FEES, royalties=royalties)

    assert expected.accepted == set(clearing.accepted)
    assert expected.skipped == clearing.skipped
    assert expected.owners == owners | clearing.final_owners
    assert expected.locked == {wallet: locked[wallet] + clearing.deltas.get(wallet, 0) for wallet in locked}


def test_a_client_signs_the_bytes_that_the_service_verifies() -> None:
    """Both have written them from the published form."""
    honest = [one for one in planned(1, count=20) if one.kind is Kind.HONEST]
    for one in honest:
        content, signature = signed_bytes(as_core(one.intent)), base58.decode(one.body["signature"])
        verify_message(content, signature, one.intent.owner.session.address)

    assert len(honest) > 10


def test_the_crowd_has_every_kind_and_ends_where_it_should() -> None:
    """Two thousand intents have all kinds in about their shares; ids are new, only a replay has an old nonce."""
    made = planned(7, count=2_000, at=place(100, 300))
    kinds = Counter(one.kind for one in made)
    nonces = Counter((one.intent.owner.name, one.intent.nonce) for one in made if one.kind is not Kind.REPLAYED)

    assert 2_000 == len(made)
    assert set(Kind) == set(kinds)
    assert all(kinds[Kind(name)] >= 2_000 * share // 200 for name, share in SHARES.items())
    assert {1} == set(nonces.values())
    assert len({one.intent.id for one in made}) == len(made)
    assert {None} == {one.refusal for one in made if one.kind not in REFUSED_AS}


def test_the_same_seed_makes_the_same_intents() -> None:
    assert planned(3) == planned(3)
    assert planned(3) != planned(4)


def test_circles_take_everybody_once() -> None:
    """Nobody is left alone."""
    for count in (2, 3, 25, 49, 100, 101):
        people = [Wallet.named(str(number)) for number in range(count)]
        made = circles(people)

        assert people == [one for circle in made for one in circle]
        assert min(map(len, made)) > 1


def test_the_picture_stands_alone_and_leaves_nothing_out() -> None:
    """A ribbon a pair of traders, a bar a delta, two dots a wallet; nothing is fetched from anywhere."""
    graph = CashGraph(
        trades={("a", "b"): 500, ("b", "c"): 100, ("d", "e"): 7},
        deltas={"a": -500, "b": 400, "c": 100, "d": -7, "e": 7},
        groups=[["a", "b", "c"], ["d", "e"]],
        transfers=12,
        transactions=2,
        traded_lamports=607,
        moved_lamports=507,
    )
    text = draw(graph)
    root = ElementTree.fromstring(text)
    bars = [one.get("stroke") for one in root.iter(f"{SVG}line")]

    assert 3 == len(list(root.iter(f"{SVG}path")))
    assert {"#ff8a5c": 2, "#4fd1a5": 3} == Counter(bars)
    assert 2 + 2 * 5 == len(list(root.iter(f"{SVG}circle")))
    assert "16 %" in text
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")


def test_an_empty_batch_has_a_picture() -> None:
    """Nothing traded, nothing moved."""
    empty = CashGraph(trades={}, deltas={}, groups=[], transfers=0, transactions=0, traded_lamports=0, moved_lamports=0)

    assert "0 %" in draw(empty)
