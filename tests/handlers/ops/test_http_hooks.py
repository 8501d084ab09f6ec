"""Webhooks over HTTP: genuine deliveries become each task once; what nobody watches is dropped."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from functions.ops.adapters.hooks import BODY_MAX_BYTES
from infra.local.notices import Alchemy
from kernel.chain_events import Delivery
from kernel.evm.blocks import Log
from kernel.evm.log_cursor.reorganisation import Link, Step
from kernel.evm.log_cursor.spans import Span
from kernel.evm.log_cursor.store import CursorStore
from kernel.solana.program_cursor import ProgramWatch, Wanted
from kernel.testing.queue import InMemoryQueue
from tests.handlers.ops.postbox import (
    ALCHEMY,
    HELIUS,
    KIND,
    QUICKNODE,
    WATCH,
    Postbox,
    block,
    identity,
)
from tests.unit.hooks.payloads import PAYER, PROGRAM, SIGNATURE, altered, log, transaction

pytestmark = pytest.mark.handlers
STRANGER = "0x" + "99" * 20


def test_a_watched_event_becomes_a_task_and_a_message(postbox: Postbox) -> None:
    """200 says that it is stored; the payload is a cursor's, with no sequence and the checksum of the address."""
    answer = postbox.post(block())
    stored = postbox.tasks()
    delivery = Delivery.from_json(stored[identity(log())])

    assert answer == (200, {"events": 1, "tasks": 1})
    assert list(stored) == [identity(log())]
    assert (delivery.watch, delivery.sequence, delivery.event.identity) == ("orders", 0, identity(log()))
    assert stored[identity(log())]["event"]["address"] == WATCH.addresses[0]
    assert isinstance(postbox.kernel.queue, InMemoryQueue)
    assert [message.queue for message in postbox.kernel.queue.sent] == ["bridge-chain-events"]


def test_all_three_providers_and_every_shape_name_one_event_alike(postbox: Postbox) -> None:
    """A custom webhook, an activity, a stream and an alert about one log are one task."""
    letters = [
        block(),
        ALCHEMY.activity([log()]),
        QUICKNODE.stream([[{"logs": [log()]}]], postbox.clock.time_s()),
        QUICKNODE.stream([[log()]], postbox.clock.time_s(), dataset="logs"),
        QUICKNODE.signed({"matchedReceipts": [{"logs": [log()]}]}, postbox.clock.time_s()),
    ]

    assert postbox.post_all(letters) == {200}
    assert list(postbox.tasks()) == [identity(log())]


def test_the_same_delivery_ten_times_is_one_task(postbox: Postbox) -> None:
    """Duplicated by the provider, replayed by a thief: nothing is to be had by it."""
    letter = block(log(index=1), log(index=2), log(index=2))

    assert [postbox.post(letter) for _ in range(10)] == [(200, {"events": 3, "tasks": 2})] * 10
    assert list(postbox.tasks()) == [identity(log(index=1)), identity(log(index=2))]


def test_deliveries_at_the_same_moment_are_one_task_each(postbox: Postbox) -> None:
    """Two containers, the same logs in opposite orders: nobody waits for ever, and nothing is stored twice."""
    logs = [log(index=index) for index in range(40)]
    boxes = [Postbox(postbox.database_url) for _ in range(4)]
    letters = [block(*(logs if number % 2 else logs[::-1])) for number in range(len(boxes))]
    with ThreadPoolExecutor(len(boxes)) as pool:
        answers = [
            answer
            for _ in range(5)
            for answer in pool.map(lambda box, letter: box.post(letter), boxes, letters, timeout=60)
        ]
    for box in boxes:
        box.close()

    assert {status for status, _ in answers} == {200}
    assert sorted(postbox.tasks()) == sorted(identity(one) for one in logs)


def test_a_cursor_and_a_webhook_make_one_task(postbox: Postbox) -> None:
    """Whoever is first; the cursor's move is not disturbed by it."""
    store = CursorStore(postbox.kernel.postgres, postbox.kernel.tasks, WATCH)
    early, late = log(block=1, index=0), log(block=1, index=1)
    read = [Log.from_rpc(early), Log.from_rpc(late)]
    link = Link(1, read[0].block_hash, bytes(32))
    place = store.place(postbox.clock.now())

    postbox.post(block(early))
    moved = store.move(place, Step(dropped=(), taken=(link,), is_too_deep=False), read, Span(), postbox.clock.now())
    postbox.post(block(late))
    stored = postbox.tasks()

    assert moved is not None
    assert list(stored) == [identity(early), identity(late)]
    assert [stored[identity(one)]["sequence"] for one in (early, late)] == [0, 2]


def test_a_retraction_is_a_task_of_its_own_whichever_comes_first(postbox: Postbox) -> None:
    """A block is dropped: the event and its retraction are two tasks, in either order, each once."""
    told, other = log(block=7), log(block=8)
    postbox.post_all([block(told), block(told, removed=True), block(told, removed=True)])
    postbox.post_all([block(other, removed=True), block(other), block(other, removed=True)])

    assert sorted(postbox.tasks()) == sorted(
        [identity(told), identity(told, ":removed"), identity(other), identity(other, ":removed")]
    )


def test_the_same_transaction_in_the_next_block_is_another_event(postbox: Postbox) -> None:
    """After a reorganisation the transaction lands again: its log is told with another block's hash."""
    first, again = log(block=7, fork=0), log(block=7, fork=1)

    assert postbox.post_all([block(first), block(first, removed=True), block(again)]) == {200}
    assert sorted(postbox.tasks()) == sorted([identity(first), identity(first, ":removed"), identity(again)])


def test_what_nobody_watches_is_dropped_and_acknowledged(postbox: Postbox) -> None:
    """Another contract, another chain, a block before the watch begins, a topic that it does not want."""
    topic = bytes([0xAA]) * 32
    postbox.watch(replace(WATCH, topics=(topic,), start_block=100))
    unwatched = [
        block(log(address=STRANGER)),
        Alchemy(key=ALCHEMY.key, network="OPT_MAINNET").block(100, log()["blockHash"], [log()]),
        block(log(block=99)),
        block(log(topics=["0x" + "ab" * 32])),
        block(log(topics=[])),
    ]

    assert [postbox.post(letter) for letter in unwatched] == [(200, {"events": 1, "tasks": 0})] * 5
    assert postbox.post(block(log(block=100)))[1] == {"events": 1, "tasks": 1}
    assert postbox.count() == 1


def test_two_watches_of_one_kind_share_a_task_and_another_kind_has_its_own(postbox: Postbox) -> None:
    """As two cursors would have it."""
    postbox.watch(replace(WATCH, name="orders-too"), replace(WATCH, name="audit", kind="ops.chain_events"))

    assert postbox.post(block())[1] == {"events": 1, "tasks": 2}
    assert sorted(key.split(" ")[0] for key in postbox.tasks()) == [KIND, "ops.chain_events"]


def test_what_a_program_said_becomes_a_task(postbox: Postbox) -> None:
    """With its instruction's path, as the program cursor reads it out of the same log."""
    answer = postbox.post(HELIUS.raw([transaction()]))
    stored = postbox.tasks()

    assert answer == (200, {"events": 1, "tasks": 1})
    assert list(stored) == [f"solana:mainnet:{SIGNATURE}:0:0"]
    assert next(iter(stored.values()))["event"]["data"] == "AQI="


def test_an_address_is_watched_for_every_transaction_that_names_it(postbox: Postbox) -> None:
    """Those of lookup tables too; failed ones only on request."""
    named = ProgramWatch(
        name="wallet", cluster="mainnet", address=PAYER, kind="contests.chain_events", wanted=Wanted.TRANSACTIONS
    )
    postbox.watch(named)
    postbox.post(HELIUS.raw([transaction(), altered(transaction(err="x"), "transaction.signatures", ["4" * 88])]))
    postbox.watch(replace(named, name="wallet-failures", kind="contests.failures", with_failed=True))
    postbox.post(HELIUS.raw([altered(transaction(err="x"), "transaction.signatures", ["3" * 88])]))

    assert sorted(postbox.tasks()) == [
        f"solana:mainnet:{'3' * 88}::0",
        f"solana:mainnet:{SIGNATURE}:0:0",
        f"solana:mainnet:{SIGNATURE}::0",
    ]


@pytest.mark.parametrize(
    "logs",
    [
        None,
        [],
        [f"Program {PAYER} invoke [1]", f"Program {PAYER} success"],
        ["Program data: AQI="],
        [f"Program {PROGRAM} invoke [1]", "Program data: ???", f"Program {PROGRAM} success"],
    ],
)
def test_logs_that_do_not_fit_are_left_to_the_cursor(postbox: Postbox, logs: Any) -> None:
    """It asks several nodes. What the other transactions of the delivery said is taken."""
    odd = altered(transaction(logMessages=logs), "transaction.signatures", ["4" * 88])

    assert postbox.post(HELIUS.raw([odd, transaction()])) == (200, {"events": 2, "tasks": 1})
    assert list(postbox.tasks()) == [f"solana:mainnet:{SIGNATURE}:0:0"]


def test_what_came_before_a_cut_is_taken(postbox: Postbox) -> None:
    """A node cuts long logs off; the cursor asks another for the rest."""
    cut = transaction(logMessages=[f"Program {PROGRAM} invoke [1]", "Program data: AQI=", "Log truncated"])

    assert postbox.post(HELIUS.raw([cut]))[1] == {"events": 1, "tasks": 1}


COUNTED = """
create table statements (at timestamptz not null default clock_timestamp());
create function count_statement() returns trigger language plpgsql security definer set search_path = public as $$
begin insert into statements default values; return null; end $$;
create trigger counted after insert on kernel.tasks for each statement execute function count_statement();
"""


def test_a_mebibyte_of_logs_is_stored_in_one_statement(postbox: Postbox) -> None:
    """Thousands of them: one statement, one commit, every task."""
    letter = block(*[log(index=index, data="0x") for index in range(3_000)])
    with psycopg.connect(postbox.database_url) as owner:
        owner.execute(COUNTED)
    answer = postbox.post(letter)
    with psycopg.connect(postbox.database_url) as owner:
        counted = owner.execute("select count(*) from statements").fetchone()

    assert 1_000_000 < len(letter.body) <= BODY_MAX_BYTES
    assert (answer, counted) == ((200, {"events": 3_000, "tasks": 3_000}), (1,))
    assert postbox.count() == 3_000
