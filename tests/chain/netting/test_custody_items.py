"""Items into escrow and out of it, by their owners, under the authority's numbers; and everybody who tries more."""

import base64

import pytest

from functions.netting.adapters.obligations import SUBMIT
from infra.local.netting.minting import mint_one
from infra.local.netting.wallets import Wallet
from infra.local.netting.world import Piece
from tests.chain.netting.till import Till, message_of, sign

pytestmark = pytest.mark.chain

NEW = "a new item"


@pytest.fixture
def piece(till: Till) -> Piece:
    return till.world.pieces[0]


@pytest.fixture
def fresh(till: Till) -> str:
    """An item that is registered, minted for wallet 0, and nowhere in the program yet; its mint."""
    mint = Wallet.named("a new mint").address
    mint_one(till.world.node, mint, till.world.wallets[0].address)
    till.change(
        "insert into netting.item_ownership (item_id, mint, read_at) values (%(id)s, %(mint)s, now())",
        id=NEW,
        mint=mint,
    )
    return mint


def owner(till: Till, item: str) -> str | None:
    [row] = till.rows("select owner from netting.item_ownership where item_id = %(item)s", item=item)
    return str(row["owner"]) if row["owner"] is not None else None


def test_an_item_is_deposited_under_its_number_and_withdrawn(till: Till, fresh: str) -> None:
    """Both co-signed; the escrow's account is made on the way, and the token comes home."""
    wallet = till.world.wallets[0]
    deposit = till.sent("items/deposit", wallet, item_id=NEW)
    till.work()
    till.follow()
    inside = owner(till, NEW)
    withdrawal = till.sent("items/withdraw", wallet, item_id=NEW)
    held = till.reserved()
    till.work()
    till.follow()

    assert [("settled", None)] * 2 == [till.standing(one) for one in (deposit, withdrawal)]
    assert (wallet.address, [NEW], None, []) == (inside, held, owner(till, NEW), till.reserved())
    history = till.rows("select event from netting.item_history where item_id = %(item)s order by slot, id", item=NEW)
    assert ["deposited", "withdrawn"] == [row["event"] for row in history]


def test_nobody_deposits_what_another_holds(till: Till, fresh: str) -> None:
    """Nor what is in escrow already, nor what is not registered."""
    thief, piece = till.world.wallets[1], till.world.pieces[0]

    assert "transaction_would_fail" == till.refused("items/deposit", thief, item_id=NEW)
    assert "item_in_escrow" == till.refused("items/deposit", piece.owner, item_id=piece.item_id)
    assert "unknown_item" == till.refused("items/deposit", thief, item_id="nothing")


def test_nobody_withdraws_anothers_item(till: Till, piece: Piece) -> None:
    """Neither offered to a thief, nor taken with the owner's offer."""
    thief = till.world.wallets[1]
    assert thief != piece.owner
    offer = till.offered("items/withdraw", piece.owner, item_id=piece.item_id)
    raw = bytearray(base64.b64decode(offer["transaction"]))
    raw[1:65] = thief.signer.sign_message(message_of(offer["transaction"]))
    status, answer = till.confirm(offer, transaction=base64.b64encode(bytes(raw)).decode())

    assert "item_not_held" == till.refused("items/withdraw", thief, item_id=piece.item_id)
    assert (401, "wallet_signature_refused") == (status, answer["error"]["code"])


def test_an_item_that_a_batch_counts_on_stays(till: Till, piece: Piece) -> None:
    """Reserved between offer and signature: the offer is signed by nobody of ours."""
    offer = till.offered("items/withdraw", piece.owner, item_id=piece.item_id)
    other = till.offered("items/withdraw", piece.owner, item_id=piece.item_id)
    first, _ = till.confirm(offer, piece.owner)
    status, answer = till.confirm(other, piece.owner)

    assert (202, 409, "held_for_batch") == (first, status, answer["error"]["code"])
    assert [] == till.payloads(other)
    assert "held_for_batch" == till.refused("items/withdraw", piece.owner, item_id=piece.item_id)


def test_an_item_that_was_sold_meanwhile_stays(till: Till, piece: Piece) -> None:
    """The new owner of record withdraws, not the one who was offered it."""
    buyer = till.world.wallets[1]
    offer = till.offered("items/withdraw", piece.owner, item_id=piece.item_id)
    till.change(
        "update netting.item_ownership set owner = %(o)s where item_id = %(i)s", o=buyer.address, i=piece.item_id
    )
    status, answer = till.confirm(offer, piece.owner)

    assert (409, "item_not_held") == (status, answer["error"]["code"])
    assert [] == till.reserved()


def test_where_the_mirror_is_behind_the_authority_signs_nothing(till: Till, piece: Piece) -> None:
    """Its owner took it out alone in the meantime: our signature would only cost a fee, and is not given."""
    offer = till.offered("items/withdraw", piece.owner, item_id=piece.item_id)
    world, program = till.world, till.world.program
    program_call = program.withdraw_item(piece.number, piece.owner.address, piece.mint, world.authority.address)
    world.do([program_call], piece.owner, world.authority)
    till.confirm(offer, piece.owner)
    till.step(SUBMIT)
    held = (till.payloads(offer), till.reserved())
    world.node.expire()
    till.work()

    assert ([], [piece.item_id]) == held
    assert (("expired", "expired"), []) == (till.standing(offer), till.reserved())
    assert None is owner(till, piece.item_id)


def test_the_way_out_without_us(till: Till, piece: Piece) -> None:
    """What was asked back from the program is no longer offered for a batch; and may still be withdrawn with us."""
    world = till.world
    world.do([world.program.request_item(piece.number, piece.owner.address)], piece.owner)
    till.follow()
    [row] = till.rows("select requested_at from netting.item_ownership where item_id = %(i)s", i=piece.item_id)
    offer = till.offered("items/withdraw", piece.owner, item_id=piece.item_id)
    status, _ = till.confirm(offer, transaction=sign(offer["transaction"], piece.owner))

    assert row["requested_at"] is not None
    assert 202 == status
