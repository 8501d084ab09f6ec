"""What may be asked for, and what is sent about it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from kernel.ids import new_id
from kernel.tasks import Retry, TaskSpec, queue_of
from kernel.tasks.dead_letters import named_task
from kernel.tasks.messages import (
    Pending,
    insurance_for,
    is_due_soon,
    messages_for,
    sweep_after_sending,
    sweep_before_sending,
)

pytestmark = pytest.mark.unit

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"kind": "commit"}, "a kind is"),
        ({"kind": "Oracle.commit"}, "a kind is"),
        ({"kind": "oracle.commit.now"}, "a kind is"),
        ({"business_key": ""}, "business key"),
        ({"business_key": "k" * 201}, "business key"),
        ({"business_key": "a\x00b"}, "business key"),
        ({"run_at": NOW.replace(tzinfo=None)}, "aware"),
        ({"expires_at": at(8).replace(tzinfo=None)}, "aware"),
        ({"expires_at": NOW}, "expires after"),
        ({"attempts_max": 0}, "attempts"),
        ({"attempts_max": 1001}, "attempts"),
        ({"resend_s": (0,)}, "sent again"),
        ({"resend_s": (901,)}, "sent again"),
    ],
)
def test_a_spec_that_makes_no_sense_is_refused(fields: dict[str, Any], words: str) -> None:
    """Where it is written, in words, not later by the database."""
    good: dict[str, Any] = {"kind": "oracle.commit", "business_key": "k" * 200, "payload": {}, "run_at": NOW}
    TaskSpec(**good)
    with pytest.raises(ValueError, match=words):
        TaskSpec(**good | fields)


def test_a_task_is_not_looked_at_again_in_the_past() -> None:
    """Also not at no time at all."""
    for after_s in (-1.0, float("nan")):
        with pytest.raises(ValueError, match="0 s or more"):
            Retry(after_s, "")


def test_queues_are_named_after_kinds() -> None:
    """SQS knows no dots, and the house writes dashes."""
    assert queue_of("oracle.submit_transaction") == "oracle-submit-transaction"


@pytest.mark.parametrize(
    ("due_s", "soon", "before_s", "after_s"),
    [
        (-10, True, 5, 300),
        (0, True, 5, 300),
        (120, True, 5, 420),
        (121, False, 1, 421),
    ],
)
def test_the_sweeper_knows_when_to_look(due_s: float, soon: bool, before_s: float, after_s: float) -> None:
    """A grace for who is about to send; two minutes ahead for the far; five minutes after the due time once sent."""
    assert is_due_soon(at(due_s), NOW) == soon
    assert sweep_before_sending(at(due_s), NOW) == at(before_s)
    assert sweep_after_sending(at(due_s), NOW) == at(after_s)


def test_insurance_goes_along_before_the_first_claim_only() -> None:
    """A retry needs none: it has an owner's attention."""
    task: dict[str, Any] = {
        "id": new_id(),
        "kind": "oracle.reveal",
        "run_at": at(5.9),
        "resend_s": (2,),
        "correlation_id": None,
    }

    assert [message.delay_s for message in messages_for([Pending(**task, fence=0)], NOW)] == [5, 7]
    assert [message.delay_s for message in messages_for([Pending(**task, fence=1)], NOW)] == [5]


def test_insurance_alone_is_what_comes_after_the_first_message() -> None:
    """It goes out before the commit that the first message follows."""
    task = Pending(id=new_id(), kind="oracle.reveal", run_at=NOW, resend_s=(8, 16), fence=0, correlation_id=None)

    assert [message.delay_s for message in insurance_for([task], NOW)] == [8, 16]


@pytest.mark.parametrize(("due_s", "delay_s"), [(-3.0, 0), (899.9, 899), (5000.0, 900)])
def test_delays_are_what_sqs_takes(due_s: float, delay_s: int) -> None:
    """0 to 900 whole seconds."""
    task = Pending(id=new_id(), kind="oracle.reveal", run_at=at(due_s), resend_s=(), fence=0, correlation_id=None)

    assert [message.delay_s for message in messages_for([task], NOW)] == [delay_s]


def test_a_message_names_its_task() -> None:
    """The body is read back as what was sent; anything else names nobody."""
    task = Pending(id=new_id(), kind="oracle.reveal", run_at=NOW, resend_s=(), fence=0, correlation_id="c-1234567")
    [message] = messages_for([task], NOW)

    assert message.attributes == {"correlation_id": "c-1234567"}
    assert named_task(f'{{"task_id": "{message.body["task_id"]}"}}') == task.id
    assert isinstance(task.id, UUID)
    for body in ("", "{}", "null", '{"task_id": 1}', '{"task_id": "x"}', '{"task_id": "' + str(task.id) + '", "x": 1}'):
        assert named_task(body) is None
