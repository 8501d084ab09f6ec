"""One batch: who is in it, what it reserves, what is published of it."""

import hashlib
import json
from collections.abc import Iterator

import pytest

from functions.netting.core.batch import SettlementEvent, SettlementState
from kernel.pinning import StoreUnavailable
from tests.integration.netting.floor import SOL, Floor, key

pytestmark = pytest.mark.integration


@pytest.fixture
def floor(database_url: str) -> Iterator[Floor]:
    """A trading floor."""
    with Floor.open(database_url) as floor:
        yield floor


def test_a_chain_is_netted_into_one_settlement(floor: Floor) -> None:
    """A to B to C: the item goes to C, and B only earns the difference."""
    floor.own("a", "sword")
    floor.fund(b=100, c=150)
    ids = [floor.intent("sword", "a", "b", 100), floor.intent("sword", "b", "c", 150)]

    floor.net()

    [settlement] = floor.rows("select * from netting.settlements")
    assert {"items": [["sword", key("c")]], "deltas": sorted([[key("a"), 100], [key("b"), 50], [key("c"), -150]])} == (
        settlement["content"]
    )
    assert ["batched", "batched"] == floor.states(*ids)
    assert {("item", "sword"): None, ("wallet", key("c")): 150} == floor.reserved()
    batch = floor.batch()
    assert ("netted", 2, 2, 1, 250, 150) == tuple(
        batch[name] for name in ("state", "intents", "accepted", "transactions", "traded_lamports", "moved_lamports")
    )


def test_what_is_skipped_waits_or_is_dropped(floor: Floor) -> None:
    """Funds may come; an item that is somebody else's will not. What is dropped gives its volume back."""
    floor.own("a", "sword", "shield")
    floor.fund(b=100)
    poor = floor.intent("sword", "a", "b", 101)
    thief = floor.intent("shield", "x", "b", 7)
    unknown = floor.intent("nothing", "a", "b", 5)

    floor.net()

    assert [("pending", "insufficient_funds"), ("dropped", "not_owner"), ("dropped", "unknown_item")] == floor.states(
        poor, thief, unknown
    )
    assert "empty" == floor.batch()["state"]
    assert 101 == floor.used("b")
    assert {} == floor.reserved()


def test_an_intent_ages_out(floor: Floor) -> None:
    """After an hour it is dropped, and its volume is given back; a second before it is netted."""
    floor.own("a", "sword", "shield")
    floor.fund(b=10)
    old = floor.intent("sword", "a", "b", 4, ago_s=3_600)
    young = floor.intent("shield", "a", "b", 3, ago_s=3_599)

    floor.net()

    assert [("dropped", "too_old"), "batched"] == floor.states(old, young)
    assert 3 == floor.used("b")


def test_what_is_reserved_waits_for_its_batch(floor: Floor) -> None:
    """Neither the item nor the buyer's funds are spent again; who is only paid may buy."""
    floor.own("a", "sword", "shield")
    floor.own("c", "helmet")
    floor.fund(a=50, b=100)
    floor.intent("sword", "a", "b", 40)
    floor.net()
    waiting = [floor.intent("sword", "b", "c", 1), floor.intent("shield", "a", "b", 1)]
    paid = floor.intent("helmet", "c", "a", 50)

    floor.net()

    assert ["pending", "pending", "batched"] == floor.states(*waiting, paid)
    assert 2 == len(floor.rows("select from netting.batches"))


def test_later_intents_of_an_item_wait_for_earlier_ones(floor: Floor) -> None:
    """They were signed for what comes before them: they are not dropped because that has to wait."""
    floor.own("a", "sword", "shield")
    floor.fund(b=100, c=100)
    floor.withdraw("b", lamports=1)
    first, second = floor.intent("sword", "a", "b", 10), floor.intent("sword", "b", "c", 20)
    other = floor.intent("shield", "a", "c", 5)

    floor.net()

    assert ["pending", "pending", "batched"] == floor.states(first, second, other)


def test_an_item_that_is_asked_back_is_left_alone(floor: Floor) -> None:
    """Its intents wait: its owner may think again."""
    floor.own("a", "sword", requested_at=floor.clock.now())
    floor.fund(b=100)
    wanted = floor.intent("sword", "a", "b", 10)

    record = floor.net()

    assert ["pending"] == floor.states(wanted)
    assert ("skipped", []) == (record.state, floor.rows("select from netting.batches"))


def test_funds_that_are_asked_back_are_not_counted_on(floor: Floor) -> None:
    """What is locked less what is requested is what can be spent."""
    floor.own("a", "sword", "shield")
    floor.fund(b=100, requested=60)
    ids = [floor.intent("sword", "a", "b", 41), floor.intent("shield", "a", "b", 40)]

    floor.net()

    assert [("pending", "insufficient_funds"), "batched"] == floor.states(*ids)


def test_a_small_market_waits_and_then_settles(floor: Floor) -> None:
    """Fewer than make a batch wait for others, but not for ever."""
    floor.tune(batch_least=10, longest_wait_s=60)
    floor.own("a", "sword")
    floor.fund(b=100)
    wanted = floor.intent("sword", "a", "b", 10, ago_s=59)

    early = floor.net()
    floor.clock.advance(1)
    floor.net()

    assert "skipped" == early.state
    assert ["batched"] == floor.states(wanted)


def test_an_intent_without_funds_calls_for_no_batch_until_its_buyer_is_read_again(floor: Floor) -> None:
    """Or whoever cannot pay would have everybody netted one by one."""
    floor.own("a", "sword")
    wanted = floor.intent("sword", "a", "b", 10)
    floor.net()
    floor.clock.advance(300)
    again = floor.net()
    floor.fund(b=10)

    floor.net()

    assert "skipped" == again.state
    assert ["batched"] == floor.states(wanted)


def test_a_batch_takes_no_more_than_the_most(floor: Floor) -> None:
    """The first in priority; the rest is the next one's."""
    floor.tune(batch_most=2)
    floor.own("a", "i1", "i2", "i3")
    floor.fund(b=100)
    ids = [floor.intent(item, "a", "b", 10) for item in ("i3", "i2", "i1")]

    floor.net()

    assert ["batched", "batched", "pending"] == floor.states(*ids)


def test_fees_and_royalties_go_with_the_seller(database_url: str) -> None:
    """Whoever is paid out of a sale is settled with it, so that each settlement adds up to zero."""
    with Floor.open(database_url, fee_bps=100, fee_wallet=key("fees")) as floor:
        floor.own("a", "sword", creator=key("artist"), royalty_bps=500)
        floor.fund(b=1_000)
        floor.intent("sword", "a", "b", 1_000)

        floor.net()

        [settlement] = floor.rows("select content from netting.settlements")
        moved = {key("a"): 940, key("b"): -1_000, key("artist"): 50, key("fees"): 10}
        assert moved == dict(settlement["content"]["deltas"])


def test_what_was_decided_is_pinned_before_it_is_settled(floor: Floor) -> None:
    """Under the hash that the batch names; and the task that settles it is asked for with the pin."""
    floor.own("a", "sword")
    floor.fund(b=100)
    accepted, dropped = floor.intent("sword", "a", "b", 10), floor.intent("sword", "x", "b", 10)

    floor.net()

    batch = floor.batch()
    pinned = floor.kernel.pinning.read(f"netting:{batch['id']}:metadata")
    told = json.loads(pinned.plain)
    assert hashlib.sha256(pinned.plain).digest() == bytes(batch["da_hash"])
    assert ([accepted], {dropped: "not_owner"}) == (told["accepted"], told["skipped"])
    assert {
        "intents": 2,
        "accepted": 1,
        "skipped": 1,
        "items": 1,
        "wallets": 2,
        "settlements": 1,
        "transactions": 1,
    } == (told["counts"])
    assert bytes(batch["items_root"]).hex() == told["itemsRoot"]
    [task] = floor.rows("select business_key from kernel.tasks where kind = 'netting.settle_batch'")
    assert f"netting:{batch['id']}:settle" == task["business_key"]


def test_nothing_is_settled_while_the_bucket_is_away(floor: Floor) -> None:
    """The batch stands; whoever nets next publishes it first."""
    floor.own("a", "sword")
    floor.fund(b=100)
    floor.intent("sword", "a", "b", 10)
    floor.kernel.kept.failure = StoreUnavailable()

    floor.net()
    before = floor.rows("select from kernel.tasks where kind = 'netting.settle_batch'")
    floor.kernel.kept.failure = None
    floor.net()

    assert [] == before
    assert 1 == len(floor.rows("select from kernel.tasks where kind = 'netting.settle_batch'"))
    assert 1 == len(floor.rows("select from netting.batches"))


def test_an_abandoned_settlement_gives_everything_back(floor: Floor) -> None:
    """Its reservations are gone and its intents wait again, with the reason."""
    floor.own("a", "sword")
    floor.fund(b=100)
    wanted = floor.intent("sword", "a", "b", 10)
    floor.net()
    batches, batch = floor.deps.batches, floor.batch()["id"]

    with floor.deps.kernel.postgres.transaction() as tx:
        held = batches.settlement(tx, batch, 0, lock=True)
        gone = batches.abandon(tx, held, "item_gone")

    assert SettlementState.ABANDONED == gone.state
    assert ([("pending", "item_gone")], {}, "abandoned") == (
        floor.states(wanted),
        floor.reserved(),
        floor.batch()["state"],
    )


def test_a_batch_follows_its_settlements_to_the_end(floor: Floor) -> None:
    """Its failures in a row are counted, and a success ends the row."""
    floor.own("a", "sword")
    floor.fund(b=100)
    floor.intent("sword", "a", "b", 10)
    floor.net()
    batches, batch = floor.deps.batches, floor.batch()["id"]
    seen = []

    events = (
        SettlementEvent.SEND,
        SettlementEvent.FAIL,
        SettlementEvent.SEND,
        SettlementEvent.SETTLE,
        SettlementEvent.INDEX,
    )
    for event in events:
        with floor.deps.kernel.postgres.transaction() as tx:
            batches.move(tx, batches.settlement(tx, batch, 0, lock=True), event)
        seen.append((floor.batch()["state"], floor.batch()["failures"]))

    assert [("settling", 0), ("settling", 1), ("settling", 1), ("settled", 0), ("indexed", 0)] == seen


def test_the_database_keeps_no_settlement_that_makes_money(floor: Floor) -> None:
    """Whatever wrote it."""
    floor.own("a", "sword")
    floor.fund(b=SOL)
    floor.intent("sword", "a", "b", SOL)
    floor.net()

    with pytest.raises(Exception, match="settlements_conserve"):
        floor.change("""update netting.settlements set content = jsonb_set(content, '{deltas,0,1}', '7')""")


@pytest.mark.parametrize(
    ("least", "most", "steps"),
    [
        (1_000, 100_000, ((0, 1_000), (5_000, 2_000), (10_000, 5_000))),
        (1, 100_000, ((0, 1), (5_000, 2_000), (10_000, 5_000))),
        (3_000, 100_000, ((0, 3_000), (5_000, 3_000), (10_000, 5_000))),
        (3_000, 50, ((0, 50), (5_000, 50), (10_000, 50))),
    ],
)
def test_sizes_follow_what_is_tuned(floor: Floor, least: int, most: int, steps: tuple[tuple[int, int], ...]) -> None:
    """Never less than the least, never more than the most."""
    floor.tune(batch_least=least, batch_most=most)

    assert (steps, most) == (floor.deps.sizes.steps, floor.deps.sizes.most)
