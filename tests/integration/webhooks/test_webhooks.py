"""Webhooks from the commit that comes true to the receiver that knows them: once each, signed, until it is over."""

import json

import pytest

from kernel.audit import Audit
from kernel.errors import LeaseLost
from kernel.tasks import Done, Retry, Skipped
from kernel.trace import Traces
from kernel.webhooks.decision import LONG_FAILURE, SCHEDULE_S
from kernel.webhooks.publishing import MessageChanged, MessageTooLarge
from tests.integration.webhooks.desk import TOPIC, Desk
from tests.integration.webhooks.receiver import Receiver, verified

pytestmark = pytest.mark.integration

ADA = "person:evm:0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
BOB = "person:evm:0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"


def test_what_comes_true_is_told_and_signed(desk: Desk, receiver: Receiver) -> None:
    """The receiver knows what, when and from whom; and the task and the delivery have ended."""
    issued = desk.endpoint(receiver.url)
    told = desk.publish(contents={"order": "order-1", "amount_wei": "10", "müsli": 'a "quote"'})
    outcomes = desk.work()
    (got,) = receiver.got

    assert (1, [Done({"state": "delivered", "status": 204, "problem": None})]) == (told, outcomes)
    assert verified(got, issued.secret)
    assert {
        "type": TOPIC,
        "timestamp": "2026-01-01T00:00:00+00:00",
        "data": {"order": "order-1", "amount_wei": "10", "müsli": 'a "quote"'},
    } == json.loads(got.body)
    assert str(int(desk.clock.time_s())) == got.headers["webhook-timestamp"]
    assert ("delivered", 1, 204, None) == (
        (one := desk.only(issued)).state,
        one.attempts,
        one.status,
        one.problem,
    )
    assert [] == desk.open()


def test_what_did_not_come_true_is_not_told(desk: Desk, receiver: Receiver) -> None:
    """A transaction that rolls back has published nothing."""
    issued = desk.endpoint(receiver.url)
    with pytest.raises(RuntimeError), desk.slice.transaction() as tx:
        desk.webhooks.publish(tx, TOPIC, "order-1", {})
        raise RuntimeError("the business failed")

    assert ([], [], []) == (desk.work(), receiver.got, desk.deliveries.recent(issued.endpoint_id))


def test_a_business_key_is_told_once_to_each(desk: Desk, receiver: Receiver) -> None:
    """However often its publisher dies and comes again; the same key of another topic is another event."""
    issued = [desk.endpoint(receiver.url, "bridge.*"), desk.endpoint(receiver.url)]
    told = [desk.publish(), desk.publish(), desk.publish(topic="bridge.order_claimed")]
    desk.work()

    assert [2, 0, 1] == told
    assert (3, 2) == (len(receiver.got), len(set(receiver.ids())))
    assert [2, 1] == [len(desk.deliveries.recent(one.endpoint_id)) for one in issued]


def test_a_business_key_keeps_its_contents(desk: Desk, receiver: Receiver) -> None:
    """Another event under an old key is a mistake of the publisher, not something to be lost in silence."""
    desk.endpoint(receiver.url)
    desk.publish(contents={"a": 1, "b": 2})

    assert 0 == desk.publish(contents={"b": 2, "a": 1})
    with pytest.raises(MessageChanged):
        desk.publish(contents={"a": 1, "b": 3})


@pytest.mark.parametrize(
    ("topics", "told"),
    [(("bridge.*",), 1), (("bridge.order_filled", "bridge.*"), 1), (("bridge.order",), 0), (("barter.*",), 0)],
)
def test_a_receiver_hears_what_it_wants_to_hear(
    desk: Desk, receiver: Receiver, topics: tuple[str, ...], told: int
) -> None:
    """And once, though two of its topics fit."""
    desk.endpoint(receiver.url, *topics)

    assert told == desk.publish()


@pytest.mark.parametrize(("about", "told"), [(ADA, [ADA, "service:bridge"]), (None, ["service:bridge"])])
def test_a_person_hears_only_what_concerns_that_person(
    desk: Desk, receiver: Receiver, about: str | None, told: list[str]
) -> None:
    """However its address is capitalised; services hear of everybody."""
    owners = [ADA.lower().replace("0X", "0x"), BOB, "service:bridge"]
    issued = [desk.endpoint(receiver.url, owner=owner) for owner in owners]
    desk.publish(about=about)

    heard = {one.endpoint_id for one in issued if desk.deliveries.recent(one.endpoint_id)}
    assert told == sorted(one.owner for one in desk.endpoints.all() if one.id in heard)


def test_nobody_listens_and_nothing_is_kept(desk: Desk, receiver: Receiver) -> None:
    """A disabled endpoint is nobody; one that comes later hears of what is told later."""
    issued = desk.endpoint(receiver.url)
    desk.endpoints.disable(issued.endpoint_id, actor="ada", reason="a holiday")
    before = desk.publish()
    desk.endpoints.enable(issued.endpoint_id, actor="ada", reason="back")

    assert (0, 1) == (before, desk.publish())


def test_what_is_too_large_is_refused_to_its_publisher(desk: Desk, receiver: Receiver) -> None:
    """By octets, not letters."""
    desk.endpoint(receiver.url)
    fits = {"x": "a" * (65_536 - len('{"x":""}'))}

    assert 1 == desk.publish(contents=fits)
    with pytest.raises(MessageTooLarge):
        desk.publish("order-2", {"x": fits["x"] + "a"})
    with pytest.raises(MessageTooLarge):
        desk.publish("order-3", {"x": "ä" * 40_000})


@pytest.mark.parametrize(
    ("topic", "key"),
    [
        ("Bridge.order_filled", "k"),
        ("bridge", "k"),
        ("bridge.*", "k"),
        (TOPIC, ""),
        (TOPIC, "k" * 201),
        (TOPIC, "a\x00"),
    ],
)
def test_a_mistake_of_the_publisher_shows_before_anybody_listens(desk: Desk, topic: str, key: str) -> None:
    """Not in the transaction of a customer, on the day on which the first endpoint is made."""
    with pytest.raises(ValueError, match=r"a (topic|business key)"):
        desk.publish(key, topic=topic)


@pytest.mark.parametrize("text", ["\x00", "\ud800", "\u2028", "\\u0000", "😀"])
def test_foreign_text_does_not_undo_the_business(desk: Desk, receiver: Receiver, text: str) -> None:
    """Whatever somebody wrote on a chain is told as it is."""
    desk.endpoint(receiver.url)
    desk.publish(contents={"name": text})
    desk.work()

    assert {"name": text} == json.loads(receiver.got[0].body)["data"]


def test_a_failed_attempt_is_made_again_under_the_same_id(desk: Desk, receiver: Receiver) -> None:
    """With the time and the signature of its own attempt, since receivers refuse old ones."""
    issued = desk.endpoint(receiver.url)
    receiver.status(500, 302, 200)
    desk.publish()
    outcomes = desk.work()
    desk.later(seconds=5)
    outcomes += desk.work()
    desk.later(seconds=300)
    outcomes += desk.work()

    assert [Retry(5, "The endpoint answered 500."), Retry(300, "The endpoint answered 302.")] == outcomes[:2]
    assert (3, 1) == (len(receiver.got), len(set(receiver.ids())))
    assert [0, 5, 305] == [int(one.headers["webhook-timestamp"]) - 1_767_225_600 for one in receiver.got]
    assert all(verified(one, issued.secret) for one in receiver.got)
    assert ("delivered", 3) == ((one := desk.only(issued)).state, one.attempts)
    assert (0, None) == ((endpoint := desk.standing(issued)).failures, endpoint.failing_since)


def test_an_endpoint_that_takes_nothing_for_three_days_is_disabled(
    desk: Desk, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    """After ten attempts; administrators are told by an alarm, the list and the record of acts."""
    issued = desk.endpoint(receiver.url)
    receiver.status(500)
    began = desk.clock.now()
    desk.publish()
    desk.until_over()
    endpoint, delivery = desk.standing(issued), desk.only(issued)

    assert (10, LONG_FAILURE) == (len(receiver.got), delivery.ended_at - began if delivery.ended_at else None)
    assert ("failed", 10, 500) == (delivery.state, delivery.attempts, delivery.status)
    assert ("service:ops", "it took nothing for three days") == (endpoint.disabled_by, endpoint.reason)
    assert ["webhooks.disabled"] == [record.alarm for record in caplog.records if hasattr(record, "alarm")]
    (act, _) = Audit(desk.postgres).newest(subject=f"webhook_endpoint:{issued.endpoint_id}")
    assert ("service:ops", "webhooks.disable") == (act.actor, act.action)
    assert 0 == desk.publish("order-2")


def test_one_bad_message_does_not_disable_an_endpoint_that_takes_others(desk: Desk, receiver: Receiver) -> None:
    """It fails alone."""
    issued = desk.endpoint(receiver.url)
    receiver.status(*[400] * len(SCHEDULE_S), 200, 400)
    desk.publish()
    for seconds in SCHEDULE_S:
        desk.work()
        desk.later(seconds=seconds)
    desk.publish("order-2")
    desk.attempt(max(desk.due()))
    desk.until_over()
    states = {one.business_key: one.state for one in desk.deliveries.recent(issued.endpoint_id)}

    assert {"order-1": "failed", "order-2": "delivered"} == states
    assert "enabled" == desk.standing(issued).state


def test_gone_disables_at_once(desk: Desk, receiver: Receiver) -> None:
    """And what else was on its way to it is not sent."""
    issued = desk.endpoint(receiver.url)
    receiver.status(410)
    desk.publish("order-1")
    desk.publish("order-2")
    desk.work()

    assert 1 == len(receiver.got)
    assert ("disabled", "it answered 410 Gone") == ((one := desk.standing(issued)).state, one.reason)
    assert [("failed", None, "endpoint_disabled", 0), ("failed", 410, None, 1)] == [
        (one.state, one.status, one.problem, one.attempts) for one in desk.deliveries.recent(issued.endpoint_id)
    ]
    assert [] == desk.open()


def test_an_endpoint_that_is_away_holds_up_nobody(desk: Desk, receiver: Receiver) -> None:
    """After five failures in a row its deliveries wait without an attempt."""
    desk.endpoint(receiver.url)
    receiver.status(500)
    for number in range(8):
        desk.publish(f"order-{number}")
    outcomes = desk.work()

    assert 5 == len(receiver.got)
    assert [Retry(5.0, "The endpoint is left alone for a while.")] * 3 == outcomes[5:]
    desk.later(seconds=5)
    receiver.status(204)
    assert [Done] * 8 == [type(one) for one in desk.work()]


def test_a_worker_that_died_after_sending_is_followed_by_one_that_sends_again(desk: Desk, receiver: Receiver) -> None:
    """At least once: the receiver knows the message by its id; the first worker can record nothing any more."""
    issued = desk.endpoint(receiver.url)
    receiver.status(500, 204)
    desk.publish()
    (task_id,) = desk.due()
    first = desk.tasks.claim(task_id, "the first", 30.0)
    desk.later(seconds=31)
    desk.tasks.sweep()
    second = desk.tasks.claim(task_id, "the second", 30.0)
    ids = (desk.only(issued).message_id, issued.endpoint_id)

    with pytest.raises(LeaseLost):
        desk.deliveries.deliver(*ids, first.fence)  # type: ignore[union-attr]  # both were claimed
    assert isinstance(desk.deliveries.deliver(*ids, second.fence), Done)  # type: ignore[union-attr]  # both were claimed
    assert isinstance(desk.deliveries.deliver(*ids, second.fence), Skipped)  # type: ignore[union-attr]  # both were claimed
    assert (2, 1) == (len(receiver.got), len(set(receiver.ids())))
    assert ("delivered", 1) == ((one := desk.only(issued)).state, one.attempts)


def test_a_trace_tells_who_was_told(desk: Desk, receiver: Receiver) -> None:
    """Of everything under its business key, and where it does not go."""
    issued = [desk.endpoint(receiver.url), desk.endpoint(receiver.url)]
    receiver.status(204, 410)
    desk.publish()
    desk.later(seconds=1)
    desk.work()
    found = Traces(desk.postgres).of("order-1").moments

    assert ["delivered", "failed", "published", "published"] == sorted(one.what for one in found)
    assert ["published"] * 2 == [one.what for one in found[:2]]
    assert {str(one.endpoint_id) for one in issued} == {one.facts["endpoint_id"] for one in found}
    assert receiver.url not in str(found)
