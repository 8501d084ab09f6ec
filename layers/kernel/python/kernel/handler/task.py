"""Owns task handlers: an SQS message is only a hint that a task is due; the task row in Postgres says what is true.

    1. Claim the task named by the message. Not claimable (done, leased, expired, early): acknowledge.
    2. Up to a second early: wait, since a message's delay counts whole seconds.
    3. Run the handler on the typed payload.
    4. Finish: the outcome, or what went wrong, is recorded under the claim's fencing token.

Only what Postgres could not be told leaves the message in its queue: then nothing has been recorded, and the delivery
is the retry. A lost lease is acknowledged, because the newer worker finishes the task.
"""

import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar, get_args, get_type_hints
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from kernel import strict_json
from kernel.errors import Broken, CounterpartError, LeaseLost
from kernel.handler.deadline import remaining_s
from kernel.handler.entry import Container, Entry, TaskHandlerDeps, UnexpectedFailure, handler_name, report_failure
from kernel.handler.queue import BatchAnswer, Message, each_message
from kernel.handler.telemetry import correlated, count, logger

D = TypeVar("D", bound=TaskHandlerDeps)
#: A message may come this much before its task's moment.
EARLY_S = 1.0
#: A lease outlives the function by this, so that it never ends under a running handler.
LEASE_SLACK_S = 5.0
#: Where the context knows no end (a test, a shell).
DEFAULT_LEASE_S = 60.0


class PayloadUnfit(Broken):
    """A task's payload does not have the form its handler expects."""

    cause = "The code that enqueued the task and the code that runs it disagree, for instance across a deploy."
    remedy = "Compare the fields in details with the payload's type; replay the task once they agree."


class MessageUnreadable(Broken):
    """A message carries no task id."""

    cause = "Something other than kernel.tasks wrote into the queue."
    remedy = "Look at the dead letter, which the message becomes."


def task_handler(build_deps: Callable[[], D]) -> Callable[[Callable[[Any, D], Any]], Entry[D]]:
    """A handler of one kind of task: (task: Task[P], deps) -> Outcome | None, where None means Done().

    P is a frozen dataclass or a pydantic model; the stored payload is validated into it.
    """

    def decorate(function: Callable[[Any, D], Any]) -> Entry[D]:
        payloads: TypeAdapter[Any] = TypeAdapter(payload_type(function))
        kind = kind_served(handler_name(function))

        def act(event: Mapping[str, Any], context: Any, container: Container[D]) -> BatchAnswer:
            def take(message: Message) -> None:
                deps = container.deps()
                task = _claim(message, deps, context, kind)
                if task is None:
                    return
                # The row knows who asked, also when the message is a sweeper's.
                asked = task.correlation_id or message.correlation_id
                ids = {"task_id": str(task.id), "business_key": task.business_key}
                with correlated(asked), logger.append_context_keys(**ids):
                    _finish(task, deps, _run(function, task, deps, payloads))

            return each_message(event, context, take)

        return Entry(handler_name(function), Container(build_deps), act)

    return decorate


def payload_type(function: Callable[..., Any]) -> Any:
    """P of the first parameter's annotation Task[P]; TypeError when it is missing."""
    hints = get_type_hints(function)
    first = function.__code__.co_varnames[0]
    arguments = get_args(hints.get(first))
    if len(arguments) != 1:
        raise TypeError(f"{function.__module__}: the first parameter must be annotated Task[...], a payload's type")
    return arguments[0]


def kind_served(handler: str) -> str | None:
    """ "oracle.commit" of "oracle.queue_commit"; None for a handler that lives elsewhere than in a queue_*.py."""
    service, _, module = handler.partition(".")
    return f"{service}.{module.removeprefix('queue_')}" if module.startswith("queue_") else None


def _claim(message: Message, deps: TaskHandlerDeps, context: Any, kind: str | None) -> Any:
    """The claimed task, its moment come; None when there is nothing to do."""
    from kernel.tasks import NotClaimed

    left_s = remaining_s(context)
    lease_s = DEFAULT_LEASE_S if left_s is None else left_s + LEASE_SLACK_S
    owner = f"{socket.gethostname()}:{os.getpid()}:{getattr(context, 'aws_request_id', '')}"
    claimed = deps.tasks.claim(_task_id(message), owner[:200], lease_s, kind=kind)
    if isinstance(claimed, NotClaimed):
        count("tasks_not_claimed")
        logger.info("Nothing to do for this message: %s.", claimed.reason)
        return None

    early_s = (claimed.run_at - deps.clock.now()).total_seconds()
    if 0 < early_s <= EARLY_S:
        deps.clock.sleep(early_s)
    return claimed


def _run(function: Callable[[Any, Any], Any], task: Any, deps: Any, payloads: TypeAdapter[Any]) -> Any:
    """The handler's outcome, or the error it ended with."""
    from kernel.tasks import Done

    try:
        typed = replace(task, payload=payloads.validate_python(task.payload))
    except ValidationError as unfit:
        return PayloadUnfit(fields=_fields(unfit))
    try:
        return function(typed, deps) or Done()
    except CounterpartError as known:
        report_failure(known, "recorded with the task")
        return known
    except Exception as unknown:
        report_failure(unknown, "the task is tried again")
        return UnexpectedFailure.of(unknown)


def _finish(task: Any, deps: TaskHandlerDeps, ending: Any) -> None:
    if isinstance(ending, LeaseLost):
        return
    try:
        deps.tasks.finish(task.fence, ending)
    except LeaseLost as lost:
        report_failure(lost, "a newer worker has the task")
    count(f"tasks_{type(ending).__name__.lower()}" if not isinstance(ending, Exception) else "tasks_failed")


def _task_id(message: Message) -> UUID:
    try:
        return UUID(strict_json.read(message.body)["task_id"])
    except (ValueError, TypeError, KeyError, AttributeError):
        raise MessageUnreadable(queue=message.queue, message_id=message.message_id) from None


def _fields(unfit: ValidationError) -> list[dict[str, str]]:
    return [
        {"field": ".".join(str(part) for part in error["loc"]), "problem": error["msg"]}
        for error in unfit.errors(include_input=False, include_url=False, include_context=False)
    ]
