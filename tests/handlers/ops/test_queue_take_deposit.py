"""queue_take_deposit: what comes through an inlet is booked and forwarded once, when it is final and not before."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from infra.local.anvil import AnvilNode
from kernel.errors import CacheUnavailable
from tests.handlers.ops.counter import BOX, COLD, CONFIRMATIONS, RESERVE, Counter, event_of, purse_of
from tests.handlers.ops.purse import ETHER, Purse, on_chain

pytestmark = pytest.mark.chain
STRANGER = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"


class Liar:
    """A node with a history of its own: the same box at the same address, and a payment that never was."""

    def __init__(self, node: AnvilNode, box: str, wallet: str) -> None:
        self.node = node
        code = BOX["bytecode"] + bytes(12).hex() + wallet.removeprefix("0x")
        payer = node.rpc("eth_accounts")[0]
        node.rpc("eth_sendTransaction", {"from": payer, "data": code, "gas": hex(1_000_000)})
        node.rpc("eth_sendTransaction", {"from": payer, "to": box, "value": hex(5_000 * ETHER), "gas": hex(100_000)})
        node.mine(20)
        self.event = event_of(node, box)


@pytest.fixture
def purse(anvil: AnvilNode, database_url: str) -> Iterator[Purse]:
    purse = purse_of(anvil, database_url)
    yield purse
    purse.close()


@pytest.fixture
def counter(anvil: AnvilNode, purse: Purse) -> Counter:
    return Counter(anvil, purse)


def news(purse: Purse, word: str) -> list[dict[str, Any]]:
    """What administrators were told of one kind."""
    return [dict(body) for topic, body in purse.kernel.news.published if topic == "admin" and body["news"] == word]


def test_a_deposit_is_booked_forwarded_and_told(counter: Counter, purse: Purse, anvil: AnvilNode) -> None:
    """The wallet keeps what it had, less the fee; books and chain agree to the wei."""
    before = on_chain(anvil, COLD)
    assert counter.open()[0] == 200
    event = counter.pay(2 * ETHER)
    counter.tell(event)
    counter.run()

    ended = purse.transfer(event.identity)
    fee = int(ended["fee_base_units"])
    assert (ended["kind"], ended["state"], ended["recipient"]) == ("forward", "confirmed", COLD)
    assert on_chain(anvil, COLD) - before == int(ended["amount_base_units"]) == 2 * ETHER
    assert purse.balance(counter.wallet) == on_chain(anvil, counter.wallet) == 10 * ETHER - fee
    assert counter.check() == "balanced"
    assert [one["key"] for one in news(purse, "deposit_booked")] == [event.identity]
    assert [(one["key"], one["state"]) for one in news(purse, "transfer_ended")] == [(event.identity, "confirmed")]


def test_who_listens_by_webhooks_is_told_of_both(counter: Counter, purse: Purse) -> None:
    """One message each, with what administrators see; it waits in Postgres for its receiver."""
    purse.deps.webhook_endpoints.create(
        owner="service:ops", url="https://hooks.example.org/", topics=["ops.*"], actor="a test"
    )
    counter.open()
    event = counter.pay(ETHER)
    counter.tell(event, event)
    counter.run()

    with purse.kernel.postgres.transaction() as tx:
        told = tx.all("select topic, business_key, contents::text from kernel.webhook_messages order by topic")
    assert [(row["topic"], row["business_key"]) for row in told] == [
        ("ops.deposit_booked", event.identity),
        ("ops.transfer_ended", event.identity),
    ]
    [booked] = news(purse, "deposit_booked")
    assert json.loads(told[0]["contents"]) == {name: told for name, told in booked.items() if name != "news"}


def test_one_trace_tells_the_whole_way(counter: Counter, purse: Purse) -> None:
    """By the event's identity or by the transfer's key: told, booked, asked for, signed, confirmed, booked."""
    counter.open()
    event = counter.pay(ETHER)
    counter.tell(event, event.retraction())
    counter.run()
    traces = [purse.deps.traces.of(key).moments for key in (event.identity, f"treasury/{event.identity}")]

    told = {(one.room, one.what) for one in traces[0]}
    booked = {one.facts["ledger_key"] for one in traces[0] if one.room == "ledger"}
    assert traces[0] == traces[1]
    assert {("tasks", "enqueued"), ("outbox", "signed"), ("outbox", "confirmed"), ("audit", "act")} <= told
    assert {f"treasury/deposit/{event.identity}", f"treasury/{event.identity}"} <= booked


def test_nothing_moves_before_the_event_is_final(counter: Counter, purse: Purse) -> None:
    """Its own block is the first of its confirmations."""
    counter.open()
    event = counter.pay(ETHER)
    counter.tell(event)
    open_looks = []
    for _ in range(CONFIRMATIONS - 1):
        purse.clock.advance(60)
        open_looks.append((purse.deliver(purse.due()[0]["id"]).state, len(news(purse, "deposit_booked"))))
        counter.node.mine()
    counter.run()

    assert open_looks == [("ready", 0)] * (CONFIRMATIONS - 1)
    assert purse.transfer(event.identity)["state"] == "confirmed"


def test_whoever_tells_it_how_often_it_is_one_deposit(counter: Counter, purse: Purse, anvil: AnvilNode) -> None:
    """Twice, as a retraction that came late, and as an event that came back after a fork."""
    counter.open()
    before, event = on_chain(anvil, COLD), counter.pay(ETHER)
    counter.tell(
        event, event, event.retraction(), replace(event, occurrence=2), replace(event, occurrence=2).retraction()
    )
    counter.run()

    assert set(counter.ends().values()) == {"done"}
    assert len(counter.ends()) == 4
    assert on_chain(anvil, COLD) - before == ETHER
    assert len(news(purse, "deposit_booked")) == 1
    assert counter.check() == "balanced"


def test_an_event_that_a_fork_dropped_moves_nothing_and_is_told(counter: Counter, purse: Purse) -> None:
    """The webhook was true when it came; the event and its retraction end without an effect."""
    counter.open()
    event = counter.pay(ETHER)
    counter.tell(event)
    counter.node.rpc("anvil_reorg", 1, [])
    counter.tell(event.retraction())
    counter.run()

    assert counter.ends() == {event.identity: "skipped", event.retraction().identity: "skipped"}
    assert purse.call("http_treasury.transfer_by_key", path=f"/v1/ops/treasury/transfers/{event.identity}")[0] == 404
    assert [one["key"] for one in news(purse, "event_gone")] == [event.identity]
    assert counter.check() == "balanced"


def test_a_deposit_does_not_wait_for_redis(counter: Counter, purse: Purse) -> None:
    """Nobody can be told: money moves all the same, and what is gone is gone."""
    counter.open()
    purse.kernel.news.failing = CacheUnavailable()
    event = counter.pay(ETHER)
    phantom = replace(event, transaction_hash=bytes(32))
    counter.tell(event, phantom)
    counter.run()

    assert counter.ends() == {event.identity: "done", phantom.identity: "skipped"}
    assert purse.transfer(event.identity)["state"] == "confirmed"


def test_a_deposit_that_moved_to_another_block_counts_there(counter: Counter, purse: Purse, anvil: AnvilNode) -> None:
    """The fork has the same payment in a block of its own: the first telling is gone, the second is the deposit."""
    counter.open()
    before, dropped = on_chain(anvil, COLD), counter.pay(ETHER)
    payment = {"from": anvil.rpc("eth_accounts")[0], "to": counter.box, "value": hex(ETHER), "gas": hex(100_000)}
    anvil.rpc("anvil_reorg", 1, [[payment, 0]])
    stays = counter.newest()
    counter.tell(dropped, stays, dropped.retraction())
    counter.run()

    assert dropped.identity != stays.identity
    assert counter.ends()[dropped.identity] == "skipped"
    assert purse.transfer(stays.identity)["state"] == "confirmed"
    assert on_chain(anvil, COLD) - before == ETHER


def test_a_lie_under_a_true_identity_brings_what_the_chain_says(counter: Counter, purse: Purse) -> None:
    """Somebody with the webhook's secret tells a thousand times the amount, and a height that is final already."""
    counter.open()
    true = counter.pay(ETHER)
    counter.tell(replace(true, data=(1000 * ETHER).to_bytes(32), block_number=1))
    early = purse.deliver(purse.due()[0]["id"])
    counter.run()

    assert early.state == "ready"
    assert purse.transfer(true.identity)["amount_base_units"] == str(ETHER)
    assert counter.check() == "balanced"


def test_another_contract_s_log_brings_nothing(counter: Counter, purse: Purse) -> None:
    """Anybody may deploy a box of our wallet, or a contract that says it is one; only the declared inlet counts."""
    counter.open()
    other = counter.deploy(counter.wallet)
    counter.send({"to": other, "value": hex(ETHER)})
    told = counter.newest(other)
    counter.tell(replace(told, address=counter.box))
    counter.run()

    assert counter.ends() == {told.identity: "skipped"}
    assert news(purse, "deposit_booked") == []
    assert counter.check() == "difference"


def test_one_lying_endpoint_of_two_books_nothing(
    anvil: AnvilNode, start_anvil: Callable[..., AnvilNode], database_url: str
) -> None:
    """It has a chain of its own, on which somebody paid a million; while it is believed nothing is agreed on."""
    purse = purse_of(anvil, database_url)
    counter = Counter(anvil, purse)
    counter.open()
    liar = Liar(start_anvil(chain_id=anvil.chain_id), counter.box, counter.wallet)
    asked = purse_of(anvil, database_url, anvil.url, liar.node.url)
    counter.tell(liar.event)
    anvil.mine(10)
    looks = [_look(asked) for _ in range(3)]

    assert looks == ["ready"] * 3
    assert news(asked, "deposit_booked") == []
    asked.close()
    purse.close()


def _look(purse: Purse) -> str:
    purse.clock.advance(60)
    task = next(one for one in purse.due())
    return purse.deliver(task["id"]).state


@pytest.mark.parametrize("terms", [{"forward_to": None}, {"least": 3 * ETHER}])
def test_a_deposit_stays_where_it_is(counter: Counter, purse: Purse, terms: dict[str, Any]) -> None:
    """Nowhere to forward it to, or less than is worth a fee: booked, and kept."""
    counter.open(**terms)
    event = counter.pay(2 * ETHER)
    counter.tell(event)
    counter.run()

    assert counter.ends() == {event.identity: "done"}
    assert purse.balance(counter.wallet) == 12 * ETHER
    assert counter.check() == "balanced"


def test_what_was_booked_as_a_difference_before_is_not_booked_again(counter: Counter, purse: Purse) -> None:
    """An inlet begins at the final block of its declaration; older payments have been a person's business."""
    event = counter.pay(ETHER)
    counter.node.mine(CONFIRMATIONS)
    counter.open()
    counter.tell(event)
    counter.run()

    assert counter.ends() == {event.identity: "skipped"}
    assert news(purse, "deposit_booked") == []


def test_what_the_books_began_with_is_not_booked_again(counter: Counter, purse: Purse) -> None:
    """A wallet whose books begin after its inlet saw the payment: the opening balance holds it."""
    counter.open()
    event = counter.pay(ETHER)
    counter.node.mine(CONFIRMATIONS)
    with purse.kernel.postgres.transaction() as tx:
        tx.execute("update kernel.treasury_wallets set opened_block = %(block)s", block=event.block_number)
    counter.tell(event)
    counter.run()

    assert counter.ends() == {event.identity: "done"}
    assert news(purse, "deposit_booked") == []


def test_a_difference_that_the_deposit_explains_is_none_any_more(counter: Counter, purse: Purse) -> None:
    """The check was first; the deposit's booking ends what it found, and nobody can book it a second time."""
    counter.open()
    event = counter.pay(ETHER)
    counter.node.mine(CONFIRMATIONS)
    found = counter.check()
    counter.tell(event)
    counter.run()
    body = {"difference_base_units": str(ETHER), "reason": "a test"}
    path = f"/v1/ops/treasury/wallets/{counter.chain}/{counter.wallet}/differences"
    refused = purse.call("http_treasury.difference", key="twice", path=path, body=body)

    assert found == "difference"
    assert (refused[0], refused[1]["error"]["code"]) == (409, "difference_changed")
    assert purse.transfer(event.identity)["state"] == "confirmed"
    assert counter.check() == "balanced"


def test_nothing_is_forwarded_while_books_and_chain_differ(counter: Counter, purse: Purse, anvil: AnvilNode) -> None:
    """The deposit is booked; money that nobody can explain came beside it, and waits for a person."""
    counter.open()
    counter.send({"to": counter.wallet, "value": hex(7)})
    anvil.mine(CONFIRMATIONS)
    found = counter.check()
    event = counter.pay(ETHER)
    counter.tell(event)
    anvil.mine(CONFIRMATIONS)
    waiting = purse.deliver(purse.due()[0]["id"])
    path = f"/v1/ops/treasury/wallets/{counter.chain}/{counter.wallet}/differences"
    counter.check()
    body = {"difference_base_units": "7", "reason": "a test"}
    assert purse.call("http_treasury.difference", key="seven", path=path, body=body)[0] == 200
    counter.run()

    assert (found, waiting.state) == ("difference", "ready")
    assert purse.transfer(event.identity)["state"] == "confirmed"
    assert counter.check() == "balanced"


def test_a_halted_treasury_books_and_forwards_later(counter: Counter, purse: Purse, anvil: AnvilNode) -> None:
    """What came is true, halted or not; what goes out waits."""
    counter.open()
    event = counter.pay(ETHER)
    counter.tell(event)
    anvil.mine(CONFIRMATIONS)
    purse.call("http_treasury.halt", path="/v1/ops/services/ops/halt")
    waiting = purse.deliver(purse.due()[0]["id"])
    purse.call("http_treasury.halt", path="/v1/ops/services/ops/resume")
    booked = purse.balance(counter.wallet)
    counter.run()

    assert (waiting.state, booked) == ("ready", 11 * ETHER)
    assert purse.transfer(event.identity)["state"] == "confirmed"


def test_a_wallet_that_lacks_the_fee_forwards_when_it_has_it(counter: Counter, purse: Purse, anvil: AnvilNode) -> None:
    """The deposit is not cut to pay for its own way."""
    counter.open()
    purse.send("drain", counter.chain, counter.wallet, STRANGER, 10 * ETHER - RESERVE)
    counter.run()
    event = counter.pay(ETHER)
    counter.tell(event)
    anvil.mine(CONFIRMATIONS)
    waiting = purse.deliver(purse.due()[0]["id"])
    again = counter.pay(RESERVE + 1)
    counter.tell(again)
    counter.run()

    assert waiting.state == "ready"
    assert purse.transfer(event.identity)["state"] == "confirmed"
    assert counter.check() == "balanced"


def test_a_check_between_block_and_booking_is_exact(counter: Counter, purse: Purse, anvil: AnvilNode) -> None:
    """A chain that is read before the deposit, by books that hold it already: what came later is taken back."""
    counter.open(forward_to=None)
    before = purse.deps.chains.desk(counter.chain).sight(counter.wallet, 0)
    counter.tell(counter.pay(ETHER))
    counter.run()
    wallet = purse.deps.treasury.wallet(counter.chain, counter.wallet)
    with purse.kernel.postgres.transaction() as tx:
        books = purse.deps.chains.desk(counter.chain).books(tx, wallet, before)

    assert (books.account, books.expected) == (11 * ETHER, before.balance)
