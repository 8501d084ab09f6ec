"""Webhooks from the commit that comes true to the receiver that knows them: once each, signed, until it is over."""

import base64
import hashlib
import hmac
import json
import logging
from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest

from kernel.audit import Audit
from kernel.errors import LeaseLost
from kernel.tasks import Done, Retry, Skipped
from kernel.webhooks.decision import LONG_FAILURE, SCHEDULE_S
from kernel.webhooks.deliveries import DeliveryPending, DeliveryUnknown
from kernel.webhooks.endpoints import EndpointDisabled, EndpointUnknown
from kernel.webhooks.publishing import MessageChanged, MessageTooLarge
from tests.integration.webhooks.desk import KEY_ID, TOPIC, Desk
from tests.integration.webhooks.receiver import Got, Receiver, receiving

pytestmark = pytest.mark.integration

ADA = "person:evm:0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
BOB = "person:evm:0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"

SWAP = """
update kernel.webhook_endpoints mine set secret = theirs.secret
from kernel.webhook_endpoints theirs where theirs.id = %(of)s and mine.id = %(into)s
"""


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    desk = Desk(database_url)
    yield desk
    desk.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def verified(got: Got, secret: str, *, place: int = 0) -> bool:
    """Whether the signature in this place is by this secret, as a receiver finds out."""
    version, _, given = got.headers["webhook-signature"].split(" ")[place].partition(",")
    signed = f"{got.headers['webhook-id']}.{got.headers['webhook-timestamp']}.".encode() + got.body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return version == "v1" and hmac.compare_digest(base64.b64decode(given), hmac.digest(key, signed, hashlib.sha256))


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
    assert ("disabled", "it took nothing for three days") == (endpoint.state, endpoint.reason)
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
    desk.publish()
    (task_id,) = desk.due()
    first = desk.tasks.claim(task_id, "the first", 30.0)
    desk.later(seconds=31)
    desk.tasks.sweep()
    second = desk.tasks.claim(task_id, "the second", 30.0)
    ids = (desk.only(issued).message_id, issued.endpoint_id)

    with pytest.raises(LeaseLost):
        desk.deliveries.deliver(*ids, first.fence)  # type: ignore[union-attr]
    assert isinstance(desk.deliveries.deliver(*ids, second.fence), Done)  # type: ignore[union-attr]
    assert isinstance(desk.deliveries.deliver(*ids, second.fence), Skipped)  # type: ignore[union-attr]
    assert (2, 1) == (len(receiver.got), len(set(receiver.ids())))
    assert ("delivered", 1) == ((one := desk.only(issued)).state, one.attempts)


def test_a_rotated_secret_signs_beside_the_previous_one_for_a_while(desk: Desk, receiver: Receiver) -> None:
    """The receiver changes in between without losing a message; the one before the previous signs no more."""
    first = desk.endpoint(receiver.url)
    second = desk.endpoints.rotate(first.endpoint_id, overlap=timedelta(hours=1), actor="ada")
    third = desk.endpoints.rotate(first.endpoint_id, overlap=timedelta(hours=1), actor="ada")
    desk.publish("order-1")
    desk.work()
    desk.later(hours=1)
    desk.publish("order-2")
    desk.work()
    during, after = receiver.got

    assert (True, True) == (verified(during, third.secret), verified(during, second.secret, place=1))
    assert (2, 1) == tuple(len(one.headers["webhook-signature"].split(" ")) for one in (during, after))
    assert verified(after, third.secret)
    assert 3 == len({first.secret, second.secret, third.secret})


def test_a_secret_that_others_know_signs_no_more_at_once(desk: Desk, receiver: Receiver) -> None:
    """An overlap of nothing."""
    first = desk.endpoint(receiver.url)
    second = desk.endpoints.rotate(first.endpoint_id, overlap=timedelta(0), actor="ada")
    desk.publish()
    desk.work()

    assert receiver.got[0].headers["webhook-signature"].count("v1,") == 1
    assert (True, False) == (verified(receiver.got[0], second.secret), verified(receiver.got[0], first.secret))


def test_secrets_lie_sealed_and_each_in_its_own_row(desk: Desk, receiver: Receiver) -> None:
    """A blob that was moved to another endpoint does not open there: nobody signs with a neighbour's secret."""
    mine, theirs = desk.endpoint(receiver.url), desk.endpoint(receiver.url, "barter.*")
    with desk.postgres.transaction() as tx:
        blobs = [bytes(row["secret"]) for row in tx.all("select secret from kernel.webhook_endpoints")]
        tx.execute(SWAP, of=theirs.endpoint_id, into=mine.endpoint_id)
    desk.publish()
    (task_id,) = desk.due()

    assert not any(base64.b64decode(mine.secret.removeprefix("whsec_")) in blob for blob in blobs)
    assert mine.secret not in repr(mine)
    with pytest.raises(Exception, match="context"):
        desk.attempt(task_id)
    assert [] == receiver.got


def test_a_resend_is_another_round_under_the_same_id(desk: Desk, receiver: Receiver) -> None:
    """With all its attempts, and recorded; not while the last round lasts."""
    issued = desk.endpoint(receiver.url)
    receiver.status(500, 200)
    desk.publish()
    message_id = desk.only(issued).message_id
    with pytest.raises(DeliveryPending):
        desk.deliveries.resend(message_id, issued.endpoint_id, actor="ada")
    desk.until_over()
    begun = desk.deliveries.resend(message_id, issued.endpoint_id, actor="ada")
    again = desk.work()

    assert ("pending", 0, 3) == (begun.state, begun.attempts, len(receiver.got))
    assert (1, [Done]) == (len(set(receiver.ids())), [type(one) for one in again])
    (act, _) = Audit(desk.postgres).newest(subject=f"webhook_endpoint:{issued.endpoint_id}")
    assert ("ada", "webhooks.resend") == (act.actor, act.action)


def test_nothing_is_resent_to_where_nothing_goes(desk: Desk, receiver: Receiver) -> None:
    """A disabled endpoint, one that never had the message, one that there is not."""
    issued, other = desk.endpoint(receiver.url), desk.endpoint(receiver.url, "barter.*")
    desk.publish()
    desk.work()
    message_id = desk.only(issued).message_id
    desk.endpoints.disable(issued.endpoint_id, actor="ada", reason="a holiday")

    with pytest.raises(EndpointDisabled):
        desk.deliveries.resend(message_id, issued.endpoint_id, actor="ada")
    with pytest.raises(DeliveryUnknown):
        desk.deliveries.resend(message_id, other.endpoint_id, actor="ada")
    for act in (desk.endpoints.enable, desk.endpoints.disable):
        with pytest.raises(EndpointUnknown):
            act(message_id, actor="ada", reason="none")
    with pytest.raises(EndpointUnknown):
        desk.endpoints.rotate(message_id, overlap=timedelta(0), actor="ada")
    with pytest.raises(EndpointUnknown):
        desk.deliveries.recent(message_id)


def test_deliveries_are_read_page_by_page(desk: Desk, receiver: Receiver) -> None:
    """Newest message first, none left out, none twice."""
    issued = desk.endpoint(receiver.url)
    for number in range(5):
        desk.publish(f"order-{number}")
    pages, below = [], None
    while page := desk.deliveries.recent(issued.endpoint_id, limit=2, below=below):
        pages.append([one.business_key for one in page])
        below = page[-1].message_id

    assert [["order-4", "order-3"], ["order-2", "order-1"], ["order-0"]] == pages


def test_old_messages_are_removed_once_they_have_ended(desk: Desk, receiver: Receiver) -> None:
    """With their deliveries; what is still on its way to anybody stays."""
    issued = desk.endpoint(receiver.url)
    desk.publish("ended")
    desk.work()
    receiver.status(500)
    desk.publish("pending")
    desk.work()
    desk.later(days=31)
    desk.publish("young")

    assert (1, 0) == tuple(desk.deliveries.remove_ended(desk.clock.now() - timedelta(days=30), 10) for _ in range(2))
    assert ["young", "pending"] == [one.business_key for one in desk.deliveries.recent(issued.endpoint_id)]


@pytest.mark.parametrize(
    "statement",
    [
        "select secret from kernel.webhook_endpoints",
        "select url from kernel.webhook_endpoints",
        "update kernel.webhook_endpoints set state = 'disabled', reason = 'x'",
        "update kernel.webhook_deliveries set state = 'delivered', ended_at = now()",
        "update kernel.webhook_messages set contents = '{}'",
        "delete from kernel.webhook_messages",
    ],
)
def test_a_slice_publishes_and_nothing_else(desk: Desk, statement: str) -> None:
    """It sees who listens to what, and neither address nor secret."""
    with pytest.raises(psycopg.errors.InsufficientPrivilege), desk.slice.transaction() as tx:
        tx.execute(statement)


def test_no_secret_is_logged(desk: Desk, receiver: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    """Neither when it works nor when it fails."""
    caplog.set_level(logging.DEBUG)
    issued = desk.endpoint(receiver.url)
    receiver.status(200, 410)
    for key in ("order-1", "order-2"):
        desk.publish(key)
        desk.work()

    said = "".join(str(vars(record)) for record in caplog.records)
    assert [] == [word for word in (issued.secret, issued.secret[6:], receiver.url) if word in said]
    assert KEY_ID not in receiver.got[0].headers.values()
