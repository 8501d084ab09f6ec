"""What administrators keep of webhooks: secrets that are sealed and change, deliveries that are seen and resent."""

import base64
import logging
from datetime import timedelta

import psycopg
import pytest

from kernel.audit import Audit
from kernel.keys.envelope import Envelope
from kernel.keys.kms import WrongContext
from kernel.tasks import Done
from kernel.webhooks.deliveries import DeliveryPending, DeliveryUnknown
from kernel.webhooks.endpoints import EndpointDisabled, Endpoints, EndpointUnknown
from tests.integration.webhooks.desk import KEY_ID, Desk
from tests.integration.webhooks.receiver import Receiver, verified

pytestmark = pytest.mark.integration

SWAP = """
update kernel.webhook_endpoints mine set secret = theirs.secret
from kernel.webhook_endpoints theirs where theirs.id = %(of)s and mine.id = %(into)s
"""


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
    with pytest.raises(WrongContext):
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


def test_secrets_move_under_another_wrapping_key_while_they_are_used(desk: Desk, receiver: Receiver) -> None:
    """Afterwards the old one can be disabled, and both secrets sign as before; a second time changes nothing."""
    first = desk.endpoint(receiver.url)
    second = desk.endpoints.rotate(first.endpoint_id, overlap=timedelta(hours=1), actor="ada")
    desk.kms.add("newer")
    newer = Endpoints(desk.postgres, Envelope(desk.kms, "newer"), desk.clock)
    moved = [newer.reseal(10), newer.reseal(10)]
    desk.kms.disable(KEY_ID)
    desk.publish()
    desk.work()
    (got,) = receiver.got

    assert [1, 0] == moved
    assert (True, True) == (verified(got, second.secret), verified(got, first.secret, place=1))


def test_a_secret_that_does_not_open_holds_up_no_other(
    desk: Desk, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    """It is left as it is, and alarmed."""
    broken, well = desk.endpoint(receiver.url), desk.endpoint(receiver.url)
    with desk.postgres.transaction() as tx:
        tx.execute(SWAP, of=well.endpoint_id, into=broken.endpoint_id)
    desk.kms.add("newer")

    assert 1 == Endpoints(desk.postgres, Envelope(desk.kms, "newer"), desk.clock).reseal(10)
    assert ["keys.unopened"] == [record.alarm for record in caplog.records if hasattr(record, "alarm")]


def test_a_secret_that_is_replaced_meanwhile_stays_replaced(desk: Desk, receiver: Receiver) -> None:
    """The later one counts, whoever writes last."""
    first = desk.endpoint(receiver.url)
    desk.kms.add("newer")
    slow = Envelope(desk.kms, "newer")
    replaced = []

    class Interrupted(Envelope):
        def seal(self, plaintext: bytes, *, purpose: str, chain: str, address: str) -> bytes:
            sealed = slow.seal(plaintext, purpose=purpose, chain=chain, address=address)
            replaced.append(desk.endpoints.rotate(first.endpoint_id, overlap=timedelta(0), actor="ada"))
            return sealed

    moved = Endpoints(desk.postgres, Interrupted(desk.kms, "newer"), desk.clock).reseal(10)
    desk.publish()
    desk.work()

    assert 0 == moved
    assert verified(receiver.got[0], replaced[0].secret)
