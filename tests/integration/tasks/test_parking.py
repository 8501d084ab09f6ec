"""Tasks that cannot succeed: parked after their attempts, visible with the error, replayable; and dead letters."""

import json
from collections.abc import Callable

import pytest

from kernel.errors import Broken, Conflict, NotFound, Transient
from kernel.ids import new_id
from kernel.tasks import DeadLetters, NotClaimed, Task, Tasks, TaskSpec
from kernel.testing import FakeClock, InMemoryQueue

pytestmark = pytest.mark.integration
Spec = Callable[..., TaskSpec]


class Poison(Transient):
    """This payload cannot be worked on."""


@pytest.fixture
def letters(tasks: Tasks) -> DeadLetters:
    return DeadLetters(tasks)


def test_a_poison_message_parks_after_its_attempts(
    tasks: Tasks, queue: InMemoryQueue, clock: FakeClock, spec: Spec
) -> None:
    """Each failure reschedules it; the last one parks it with the error, and nothing is sent any more."""
    [task_id] = tasks.enqueue([spec("poison", attempts_max=3)])
    runs = 0
    while queue.receive("oracle-commit"):
        task = tasks.claim(task_id, "w", 30)
        if isinstance(task, Task):
            runs += 1
            tasks.finish(task.fence, Poison(at="feed 7"))
        clock.advance(2)

    assert runs == 3
    [parked] = tasks.parked()
    assert (parked.id, parked.error_code) == (task_id, "poison")
    assert parked.error == "This payload cannot be worked on. (at: feed 7)"
    assert [attempt.outcome for attempt in parked.attempts] == ["retried", "retried", "parked"]
    clock.advance(86_400)
    assert tasks.sweep() == 0
    assert tasks.claim(task_id, "w", 30) == NotClaimed("already parked")


def test_a_replayed_task_has_all_its_attempts_again(
    tasks: Tasks, queue: InMemoryQueue, clock: FakeClock, spec: Spec
) -> None:
    """Who replayed it is part of its story, and it is sent at once."""
    [task_id] = tasks.enqueue([spec(attempts_max=1)])
    task = tasks.claim(task_id, "w", 30)
    assert isinstance(task, Task)
    tasks.finish(task.fence, ZeroDivisionError())
    clock.advance(60)
    queue.sent.clear()

    tasks.replay(task_id, "ada")

    assert [message.body for message in queue.sent] == [{"task_id": str(task_id)}]
    again = tasks.claim(task_id, "w", 30)
    assert isinstance(again, Task)
    assert (again.attempt, again.fence.token) == (1, 3)
    assert [(a.owner, a.outcome) for a in tasks.get(task_id).attempts] == [
        ("w", "parked"),
        ("ada", "replayed"),
        ("w", None),
    ]


def test_broken_parks_at_once(tasks: Tasks, spec: Spec) -> None:
    """What must hold does not hold: trying again would not help."""
    [task_id] = tasks.enqueue([spec()])
    task = tasks.claim(task_id, "w", 30)
    assert isinstance(task, Task)
    tasks.finish(task.fence, Broken("the books do not balance"))

    assert [(parked.id, parked.error) for parked in tasks.parked()] == [(task_id, "the books do not balance")]


def test_a_task_that_kills_its_workers_parks(tasks: Tasks, clock: FakeClock, spec: Spec) -> None:
    """A worker that dies without a word costs an attempt; when they are used up nobody gets the task any more."""
    [task_id] = tasks.enqueue([spec(attempts_max=3)])
    for _ in range(3):
        assert isinstance(tasks.claim(task_id, "w", 10), Task)
        clock.advance(10)

    answer = tasks.claim(task_id, "w", 10)

    assert isinstance(answer, NotClaimed)
    record = tasks.get(task_id)
    assert (record.state, record.error_code) == ("parked", "attempts_used_up")
    assert [attempt.outcome for attempt in record.attempts] == ["lost", "lost", "lost", "parked"]


def test_an_error_that_postgres_cannot_store_still_parks(tasks: Tasks, spec: Spec) -> None:
    """A vendor's reason with a NUL or half a surrogate pair is kept without them."""
    [task_id] = tasks.enqueue([spec()])
    task = tasks.claim(task_id, "w", 30)
    assert isinstance(task, Task)
    tasks.finish(task.fence, Broken("odd: \x00\ud800!"))

    assert [parked.error for parked in tasks.parked()] == ["odd: ?!"]


def test_parked_tasks_are_listed_page_by_page(tasks: Tasks, spec: Spec) -> None:
    """Newest first, of one kind or all; a page continues below the last id of the one before."""
    ids = tasks.enqueue([spec(f"k{i}", kind=f"oracle.{'commit' if i % 2 else 'reveal'}") for i in range(6)])
    for task_id in ids:
        task = tasks.claim(task_id, "w", 30)
        assert isinstance(task, Task)
        tasks.finish(task.fence, Broken())

    first = tasks.parked(limit=4)
    rest = tasks.parked(limit=4, below=first[-1].id)

    assert [parked.id for parked in [*first, *rest]] == ids[::-1]
    assert [parked.id for parked in tasks.parked("oracle.commit")] == [ids[5], ids[3], ids[1]]
    assert tasks.parked_by_kind() == {"oracle.commit": 3, "oracle.reveal": 3}


def test_a_dead_letter_parks_a_task_whose_workers_died(
    tasks: Tasks, letters: DeadLetters, clock: FakeClock, spec: Spec
) -> None:
    """SQS gave the message up after its containers died; the task waits for an operator, who can replay it."""
    [task_id] = tasks.enqueue([spec()])
    assert isinstance(tasks.claim(task_id, "w", 30), Task)
    clock.advance(30)

    verdict = letters.bury(queue="dead-letters", message_id="m1", body=json.dumps({"task_id": str(task_id)}))
    letters.bury(queue="dead-letters", message_id="m1", body=json.dumps({"task_id": str(task_id)}))

    record = tasks.get(task_id)
    assert (verdict, record.state, record.error_code) == ("parked", "parked", "workers_died")
    [letter] = letters.list()
    assert (task_id, "parked") == (letter.task_id, letter.verdict)
    letters.replay(letter.id, "ada")
    assert tasks.get(task_id).state == "ready"
    assert letters.list()[0].replayed_by == "ada"


def test_a_dead_letter_of_a_task_that_goes_on_parks_nothing(
    tasks: Tasks, letters: DeadLetters, clock: FakeClock, spec: Spec
) -> None:
    """The database was away (never claimed), another worker holds it, or it is finished: recorded, left alone."""
    ready, held, done = tasks.enqueue([spec("ready"), spec("held"), spec("done")])
    for task_id in (held, done):
        assert isinstance(tasks.claim(task_id, "w", 30), Task)
    task = tasks.get(done)
    clock.advance(31)
    finisher = tasks.claim(done, "w", 30)
    assert isinstance(finisher, Task)
    assert isinstance(tasks.claim(held, "w", 30), Task)
    with tasks.postgres.transaction() as tx:
        tasks.complete(tx, finisher.fence)

    verdicts = [
        letters.bury(queue="q", message_id=str(i), body=json.dumps({"task_id": str(task_id)}))
        for i, task_id in enumerate((ready, held, done))
    ]

    assert verdicts == ["still_open", "still_open", "already_finished"]
    assert [tasks.get(task_id).state for task_id in (ready, held, task.id)] == ["ready", "leased", "done"]
    assert len(letters.list()) == 3


@pytest.mark.parametrize(
    "body",
    [
        "",
        "not json",
        "[1, 2]",
        '{"task_id": 7}',
        '{"task_id": "nonsense"}',
        '{"task_id": null}',
        '{"order": "77"}',
        '{"task_id": "01a1fbbb-0998-7000-af4e-226e358d9c20", "more": 1}',
        '{"task_id": "01a1fbbb-0998-7000-af4e-226e358d9c20"}',  # well formed, but nobody's
        "[" * 100_000,
        "nul \x00 byte and half a pair \ud800",
    ],
)
def test_a_body_that_is_no_task_is_recorded(letters: DeadLetters, body: str) -> None:
    """Whatever somebody put into the queue, it ends as a record, not as a loop."""
    verdict = letters.bury(queue="dead-letters", message_id="m", body=body, attributes={"correlation_id": "\x00"})

    assert verdict == "no_task"
    assert [letter.verdict for letter in letters.list()] == ["no_task"]


def test_a_body_that_is_no_task_can_be_sent_again(letters: DeadLetters, queue: InMemoryQueue) -> None:
    """To a queue the operator names; without one, or with a body no handler could read, it is refused."""
    letters.bury(
        queue="dead-letters", message_id="1", body='{"order": "77"}', attributes={"correlation_id": "c-77777777"}
    )
    letters.bury(queue="dead-letters", message_id="2", body="garbage")
    garbage, order = letters.list()

    letters.replay(order.id, "ada", queue="ops-webhooks")

    [message] = queue.sent
    assert (message.queue, message.body) == ("ops-webhooks", {"order": "77"})
    assert dict(message.attributes) == {"correlation_id": "c-77777777"}
    for letter, target in ((garbage, "ops-webhooks"), (order, None)):
        with pytest.raises(Conflict):
            letters.replay(letter.id, "ada", queue=target)
    with pytest.raises(NotFound):
        letters.replay(new_id(), "ada")
