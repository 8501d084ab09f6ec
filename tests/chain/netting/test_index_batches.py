"""What becomes of batches that the program has settled, ours and others', read from a real node."""

import base64
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest

from functions.netting.adapters.program_reading import ProgramReading
from functions.netting.adapters.transfers_seen import KIND as EVENTS
from functions.netting.core.books import CLEARING, OUTSIDE
from functions.netting.core.packing import InParts, Part, Whole
from infra.local.netting.world import World
from kernel import base58
from kernel.jsonrpc.quorum import NoQuorum
from kernel.solana.pool import SolanaPool
from tests.chain.evm.liar import Liar
from tests.chain.netting.listener import Listener

pytestmark = pytest.mark.chain

SOL = 10**9
PRICE = 3 * SOL


@pytest.fixture
def world(start_netting_world: Callable[..., World]) -> World:
    """Two wallets and two items: item-1 is the seller's, item-2 the buyer's."""
    return start_netting_world(wallets=2, items=2, paused=True, royalties=lambda _: 0)


@pytest.fixture
def listener(world: World, database_url: str) -> Iterator[Listener]:
    """A deployment that has read all that happened."""
    listener = Listener(world, database_url)
    listener.listen()
    yield listener
    listener.close()


def sale(world: World) -> Whole:
    """The seller's item goes to the buyer."""
    seller, buyer = world.wallets
    deltas = sorted([(seller.address, PRICE), (buyer.address, -PRICE)])
    return Whole(items=(("item-1", buyer.address),), deltas=tuple(deltas))


def in_parts(world: World) -> InParts:
    """The same, taken in one transaction and given in two more."""
    seller, buyer = world.wallets
    return InParts(
        parts=(
            Part(debits=((buyer.address, PRICE),)),
            Part(credits=((seller.address, PRICE),)),
            Part(items=(("item-1", buyer.address),)),
        )
    )


def planned(listener: Listener, plan: Any, chain_batch: int = 5, **changes: Any) -> UUID:
    """A batch on its way, with its intent at a listing, and another listing of the same item."""
    seller, buyer = listener.world.wallets
    batch = listener.plan(plan, chain_batch, **changes)
    listener.intent(batch, "item-1", seller, buyer, PRICE, listing=listener.listing("item-1", seller))
    return batch


def states(listener: Listener) -> list[str]:
    """Of batch, settlement and intent."""
    found = listener.rows(
        "select batches.state as batch, settlements.state as settlement, intents.state as intent"
        " from netting.batches join netting.settlements on batch = batches.id join netting.intents"
        " on intents.batch = batches.id"
    )
    return [found[0][name] for name in ("batch", "settlement", "intent")]


def test_a_settled_batch_is_indexed_in_one_commit(listener: Listener) -> None:
    """Owners, balances, history, books, intents, listings, reservations, settlement and batch follow."""
    world, (seller, buyer) = listener.world, listener.world.wallets
    other = listener.listing("item-1", seller)
    batch = planned(listener, sale(world))
    [signature] = listener.settle(sale(world), 5)
    listener.listen()
    [settlement] = listener.rows("select * from netting.settlements")
    [passage] = listener.rows("select * from netting.item_history where event = 'settled'")

    assert ["indexed", "indexed", "settled"] == states(listener)
    assert (signature, 0) == (settlement["signature"], listener.count("netting.reservations"))
    assert world.owners() == listener.owners()
    assert world.locked() == listener.balances() == listener.books()
    assert (seller.address, buyer.address, 5) == (passage["from_wallet"], passage["to_wallet"], passage["chain_batch"])
    assert {"sold"} == set(listener.column("netting.listings", "listing_id", "state").values())
    assert other in listener.column("netting.listings", "listing_id", "state")
    assert [f"netting:settlement:{batch}:0"] == [
        row["business_key"]
        for row in listener.rows("select business_key from kernel.ledger_transactions where memo like 'batch 5%%'")
    ]


def test_everybody_is_told_after_the_commit(listener: Listener) -> None:
    """Who follows batches, and who follows a wallet of it."""
    planned(listener, sale(listener.world))
    listener.settle(sale(listener.world), 5)
    listener.listen()
    told = [(topic, body["event"]) for topic, body in listener.told() if "delta_lamports" in body or topic == "netting"]

    seller, buyer = (f"netting:{wallet.address}" for wallet in listener.world.wallets)
    assert sorted(told) == sorted(
        [
            ("netting", "settlement_indexed"),
            ("netting", "batch_indexed"),
            (seller, "settlement_indexed"),
            (buyer, "settlement_indexed"),
        ]
    )


def test_a_batch_in_parts_is_booked_part_by_part(listener: Listener) -> None:
    """In between, clearing holds it, and the books are the chain's; the last part settles the batch."""
    world = listener.world
    planned(listener, in_parts(world))
    listener.settle(in_parts(world), 5)
    listener.listen()
    listener.listen()

    assert ["indexed", "indexed", "settled"] == states(listener)
    assert world.locked() == listener.balances() == listener.books()
    assert 0 == listener.booked(CLEARING)
    assert world.owners() == listener.owners()
    assert 0 == listener.count("netting.differences")


def test_parts_that_are_told_backwards_wait_for_their_cover(listener: Listener) -> None:
    """What is given is told before what was taken: it is looked at again, and everything ends up booked."""
    world = listener.world
    planned(listener, in_parts(world))
    sent = listener.settle(in_parts(world), 5)
    world.node.finalize()
    for signature in reversed(sent):
        listener.tell(signature)
        listener.work()
        listener.clock.advance(0.2)
    early = listener.states(EVENTS)
    listener.clock.advance(2)
    listener.work()

    assert world.locked() == listener.balances() == listener.books()
    assert ["indexed", "indexed", "settled"] == states(listener)
    assert "ready" in early
    assert {"done", "skipped"} == set(listener.states(EVENTS))


@pytest.mark.parametrize("state", ["sent", "landed", "settled"])
def test_a_settlement_is_indexed_whatever_its_submit_task_knows(listener: Listener, state: str) -> None:
    """The chain is final: nobody waits."""
    planned(listener, sale(listener.world), state=state)
    listener.settle(sale(listener.world), 5)
    listener.listen()

    assert ["indexed", "indexed", "settled"] == states(listener)


def test_a_batch_that_nobody_here_made(listener: Listener, caplog: pytest.LogCaptureFixture) -> None:
    """Somebody else signs as the authority: the truth is followed, nothing of ours is settled, a person is called."""
    world = listener.world
    [signature] = listener.settle(sale(world), 77)
    listener.listen()
    [kept] = listener.rows("select * from netting.foreign_batches")

    assert (77, signature) == (kept["chain_batch"], kept["signature"])
    assert world.locked() == listener.balances() == listener.books()
    assert world.owners() == listener.owners()
    assert "netting.foreign_batch" in {getattr(record, "alarm", None) for record in caplog.records}


def test_another_hash_under_our_number(listener: Listener) -> None:
    """It is not ours: our settlement stays as it is, with all that it has reserved."""
    world = listener.world
    planned(listener, sale(world))
    listener.settle(sale(world), 5, result_hash=b"\1" * 32)
    listener.listen()
    [kept] = listener.rows("select reason from netting.foreign_batches")

    assert "another hash was settled under our number" == kept["reason"]
    assert ["settling", "sent", "batched"] == states(listener)
    assert 1 == listener.count("netting.reservations")
    assert world.locked() == listener.balances() == listener.books()


def test_other_amounts_under_our_number(listener: Listener) -> None:
    """The same hash and counts, and another price."""
    world, (seller, buyer) = listener.world, listener.world.wallets
    planned(listener, sale(world))
    cheaper = Whole(items=sale(world).items, deltas=tuple(sorted([(seller.address, 1), (buyer.address, -1)])))
    listener.settle(cheaper, 5)
    listener.listen()

    assert "other owners" in listener.rows("select reason from netting.foreign_batches")[0]["reason"]
    assert ["settling", "sent", "batched"] == states(listener)


def test_a_number_that_no_column_holds(listener: Listener) -> None:
    """Whoever signs as the authority may give any u64."""
    listener.settle(sale(listener.world), 2**64 - 1)
    listener.listen()

    assert [2**64 - 1] == [row["chain_batch"] for row in listener.rows("select * from netting.foreign_batches")]
    assert listener.world.locked() == listener.books()


def test_a_batch_is_indexed_once_however_often_it_is_told(listener: Listener) -> None:
    """Hints twice, then the cursor: one task each, one history, one posting."""
    planned(listener, sale(listener.world))
    [signature] = listener.settle(sale(listener.world), 5)
    listener.world.node.finalize()
    for slot in (1, 2):
        listener.tell(signature, slot=slot)
        listener.work()
    listener.listen()

    assert ["done"] == listener.states("netting.index_batch")
    assert 1 == len([one for one in listener.history("item-1") if one[0] == "settled"])
    assert listener.world.locked() == listener.books()


def test_no_webhook_and_a_long_gap(listener: Listener) -> None:
    """Nobody listened while a batch, a deposit and an exit happened: a fresh process reads all of it."""
    world, (seller, buyer) = listener.world, listener.world.wallets
    planned(listener, sale(world))
    listener.settle(sale(world), 5)
    world.do([world.program.deposit(buyer.address, SOL)], buyer)
    world.do([world.program.withdraw(seller.address, SOL, world.authority.address)], seller, world.authority)
    world.node.mine(200)
    listener.listen_through([world.node.url])
    listener.listen()

    assert ["indexed", "indexed", "settled"] == states(listener)
    assert world.locked() == listener.balances() == listener.books()


def test_later_readings_win_over_earlier_events(listener: Listener) -> None:
    """The item was sold twice; the second sale is told first: its owner is the last one, its history whole."""
    world, (seller, buyer) = listener.world, listener.world.wallets
    planned(listener, sale(world))
    listener.settle(sale(world), 5)
    back = Whole(
        items=(("item-1", seller.address),),
        deltas=tuple(sorted([(seller.address, -SOL), (buyer.address, SOL)])),
    )
    [second] = listener.settle(back, 6)
    world.node.finalize()
    listener.tell(second)
    listener.work()
    early = listener.owners()["item-1"]
    listener.listen()

    assert (seller.address, seller.address) == (early, listener.owners()["item-1"])
    assert world.locked() == listener.balances() == listener.books()
    assert [("settled", seller.address, buyer.address), ("settled", None, seller.address)] == listener.history(
        "item-1"
    )[1:]


def test_an_endpoint_that_lies_about_accounts_moves_nothing(listener: Listener) -> None:
    """One of two tells a richer ledger: no quorum, so nothing is kept of it; healed, everything is."""
    world, (_, buyer) = listener.world, listener.world.wallets

    def richer(_params: list[Any], told: Any) -> Any:
        for one in filter(None, told["value"]):
            one["lamports"] += 1
        return told

    liar = Liar(world.node.url, getMultipleAccounts=richer)
    listener.listen_through([world.node.url, liar.url])
    before = listener.balances()[buyer.address]
    world.do([world.program.deposit(buyer.address, SOL)], buyer)
    world.node.finalize()
    listener.deps.listening.follow(20)
    listener.work()
    during = listener.balances()[buyer.address]
    liar.lies.clear()
    listener.clock.advance(60)
    listener.work()
    liar.close()

    assert (before, before + SOL) == (during, listener.balances()[buyer.address])
    assert world.locked() == listener.books()


def test_an_endpoint_that_lies_about_an_instruction_moves_nothing(listener: Listener) -> None:
    """One of two tells a deposit of a thousand times as much, its balances and its log as they are: no quorum."""
    world, (_, buyer) = listener.world, listener.world.wallets

    def richer(_params: list[Any], told: Any) -> Any:
        for one in told["transaction"]["message"]["instructions"]:
            content = base58.decode(one["data"])
            one["data"] = base58.encode(content[:-8] + (1_000 * SOL).to_bytes(8, "little"))
        return told

    liar = Liar(world.node.url, getTransaction=richer)
    listener.listen_through([world.node.url, liar.url])
    listener.tell(world.do([world.program.deposit(buyer.address, SOL)], buyer))
    world.node.finalize()
    listener.work()
    during = listener.books()[buyer.address]
    liar.lies.clear()
    listener.clock.advance(400)
    listener.work()
    liar.close()

    assert (10 * SOL, 11 * SOL) == (during, listener.books()[buyer.address])


def test_an_endpoint_that_hides_a_transaction_is_found_out(listener: Listener) -> None:
    """It leaves the deposit out of the program's history; the other one tells it, and a quorum calls it final."""
    world, (_, buyer) = listener.world, listener.world.wallets
    signature = world.do([world.program.deposit(buyer.address, SOL)], buyer)
    world.node.finalize()

    def hidden(_params: list[Any], told: Any) -> Any:
        return [one for one in told if one["signature"] != signature]

    liar, honest = Liar(world.node.url, getSignaturesForAddress=hidden), Liar(world.node.url)
    listener.listen_through([liar.url, world.node.url, honest.url])
    listener.listen()
    for one in (liar, honest):
        one.close()

    assert world.locked() == listener.balances() == listener.books()


def test_an_account_that_moved_untold_is_a_difference(listener: Listener, caplog: pytest.LogCaptureFixture) -> None:
    """All endpoints hide it, or the program was broken: seen twice it is stored and told, and over when it is over."""
    world, (_, buyer) = listener.world, listener.world.wallets
    address = world.program.ledger(buyer.address)
    told = world.node.rpc("getAccountInfo", address, {"encoding": "base64"})["value"]
    content = base64.b64decode(told["data"][0])
    taken = content[:40] + (9 * SOL).to_bytes(8, "little") + content[48:]
    lamports, owner = told["lamports"] - SOL, world.program.address
    world.node.set_account(address, lamports=lamports, owner=owner, content=taken)
    turns = []
    for _ in range(4):
        listener.clock.advance(60)
        listener.listen()
        found = listener.rows("select * from netting.differences where ended_at is null order by subject")
        turns.append([(row["subject"], row["confirmed_at"] is not None) for row in found])
    told_once = [record for record in caplog.records if getattr(record, "alarm", None) == "netting.difference"]
    world.node.set_account(address, lamports=told["lamports"], owner=owner, content=content)
    listener.listen()
    listener.listen()

    both = sorted(["outside", buyer.address])
    assert [[], [(one, False) for one in both], *[[(one, True) for one in both]] * 2] == [sorted(one) for one in turns]
    assert 2 == len(told_once)
    assert [] == listener.rows("select * from netting.differences where ended_at is null")
    assert 0 != listener.booked(OUTSIDE)


def test_accounts_are_told_by_a_quorum_as_of_their_lowest_slot(world: World) -> None:
    """A liar who is alone moves neither contents nor slot; one that has not come so far has no vote."""

    def later(_params: list[Any], told: Any) -> Any:
        return {**told, "context": {**told["context"], "slot": told["context"]["slot"] + 10**9}}

    def earlier(_params: list[Any], told: Any) -> Any:
        return {**told, "context": {**told["context"], "slot": 1}}

    wallet = world.wallets[0].address
    for lie, as_of_slot, is_told in ((later, 0, True), (earlier, 0, True), (earlier, 2, False)):
        liar = Liar(world.node.url, getMultipleAccounts=lie)
        pool = SolanaPool([world.node.url, liar.url], "localnet", survey_ttl_s=0.0)
        reading = ProgramReading(pool, world.program.address)
        asked = [reading.addresses.ledger(wallet), reading.addresses.item(99)]
        if is_told:
            held = reading.accounts(asked, as_of_slot=as_of_slot)
            ledger, nothing = (held[one] for one in asked)

            assert ledger.slot == (1 if lie is earlier else ledger.slot) <= world.node.slot()
            assert getattr(ledger.account, "wallet", None) == wallet
            assert nothing.account is None
        else:
            with pytest.raises(NoQuorum):
                reading.accounts(asked, as_of_slot=as_of_slot)
        pool.close()
        liar.close()
