"""The decorators of schedules, raw queues and WebSockets, and the container they share."""

import json
import signal
import threading
import time
import traceback
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from kernel import correlation
from kernel.errors import Conflict, DatabaseUnavailable, DeadlineExceeded, KeyUnavailable, PendingMigration, Rejected
from kernel.handler import Message, SocketCall, SocketReply, Tick, count, logger, queue_handler, scheduled, websocket
from kernel.handler.deadline import deadline_guard
from kernel.handler.entry import Container, UnexpectedFailure
from kernel.testing import FakeClock

pytestmark = pytest.mark.unit

CANARY = "canary-7f3a9c"
TICK = {
    "time": "2026-11-20T12:00:00Z",
    "resources": ["arn:aws:events:eu-central-1:123456789012:rule/counterpart-dev-cron_plan_rounds-rule-1"],
}


@dataclass
class Deps:
    clock: FakeClock = field(default_factory=FakeClock)
    seen: list[Any] = field(default_factory=list)
    failure: Exception | None = None


@scheduled(Deps)
def every_minute(tick: Tick, deps: Deps) -> None:
    deps.seen.append(tick)
    count("rounds_planned", 2)
    if deps.failure is not None:
        raise deps.failure


@queue_handler(Deps)
def each(message: Message, deps: Deps) -> None:
    deps.seen.append(message)
    if message.body == "fail" and deps.failure is not None:
        raise deps.failure


@websocket(Deps)
def socket(call: SocketCall, deps: Deps) -> SocketReply:
    deps.seen.append(call)
    if deps.failure is not None:
        raise deps.failure
    return SocketReply(body={"type": "ack"})


def records(*bodies: str) -> dict[str, Any]:
    return {
        "Records": [
            {
                "messageId": f"m{i}",
                "body": body,
                "eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:counterpart-dev-dead-letters",
                "attributes": {"ApproximateReceiveCount": "6", "SentTimestamp": "1795176000000"},
                "messageAttributes": {
                    "correlation_id": {"stringValue": "correlation-1", "dataType": "String"},
                    "blob": {"binaryValue": "AA==", "dataType": "Binary"},
                },
            }
            for i, body in enumerate(bodies)
        ]
    }


SOCKET_EVENT: dict[str, Any] = {
    "requestContext": {
        "routeKey": "$default",
        "connectionId": "c1",
        "connectedAt": 1795176000000,
        "identity": {"sourceIp": "203.0.113.7"},
        "domainName": "ws.example",
        "stage": "dev",
        "requestId": "r1",
    },
    "body": '{"action": "subscribe", "topic": "prices"}',
}


def test_a_tick_tells_its_minute_and_rule() -> None:
    """The event's time, not the moment of delivery."""
    deps = Deps()
    answer = every_minute.bind(deps)(TICK, None)

    expected = Tick(time=datetime(2026, 11, 20, 12, tzinfo=UTC), name="counterpart-dev-cron_plan_rounds-rule-1")
    assert (answer, deps.seen) == ({"status": "done"}, [expected])


def test_a_tick_with_a_dependency_away_is_given_up() -> None:
    """The next minute makes up for it."""
    answer = every_minute.bind(Deps(failure=DatabaseUnavailable()))(TICK, None)

    assert answer == {"status": "given_up", "code": "database_unavailable"}


@pytest.mark.parametrize(
    ("failure", "told"),
    [(ValueError(CANARY), UnexpectedFailure), (KeyUnavailable(), KeyUnavailable), (Rejected(), Rejected)],
)
def test_a_tick_that_breaks_fails_the_invocation(failure: Exception, told: type[Exception]) -> None:
    """Lambda counts it, and an alarm rings; the text of an unforeseen failure is not given to Lambda's own log."""
    with pytest.raises(told) as raised:
        every_minute.bind(Deps(failure=failure))(TICK, None)

    assert CANARY not in "".join(traceback.format_exception(raised.value))


def test_an_invocation_writes_its_metrics_by_handler(capsys: pytest.CaptureFixture[str]) -> None:
    """EMF in one line: namespace, dimension, and what was counted; nothing of the caller's as a dimension."""
    every_minute.bind(Deps())(TICK, None)
    [line] = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]

    assert line["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Counterpart"
    assert set(line["_aws"]["CloudWatchMetrics"][0]["Dimensions"][0]) == {"handler", "service"}
    assert (line["rounds_planned"], line["invocations"]) == ([2.0], [1.0])


def test_counting_outside_of_a_handler_is_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """A script may use the same code; it writes no metric."""
    count("anything")

    assert capsys.readouterr().out == ""


def test_a_message_is_told_fully() -> None:
    """Queue, body, text attributes, age and deliveries."""
    deps = Deps()
    answer = each.bind(deps)(records('{"a": 1}'), None)
    [message] = deps.seen

    assert answer == {"batchItemFailures": []}
    assert (message.queue, message.json(), message.receive_count) == ("counterpart-dev-dead-letters", {"a": 1}, 6)
    assert (message.attributes, message.correlation_id) == ({"correlation_id": "correlation-1"}, "correlation-1")
    assert message.sent_at == datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("failure", "handed_back"),
    [(Conflict(), []), (DatabaseUnavailable(), ["m1"]), (KeyUnavailable(), ["m1"]), (ValueError(), ["m1"])],
    ids=["rejected", "transient", "broken", "unforeseen"],
)
def test_one_bad_message_never_takes_its_batch_along(failure: Exception, handed_back: list[str]) -> None:
    """A refused one is dropped with a record, any other failure hands back that message alone."""
    deps = Deps(failure=failure)
    answer = each.bind(deps)(records("ok", "fail", "ok"), None)

    assert [item["itemIdentifier"] for item in answer["batchItemFailures"]] == handed_back
    assert len(deps.seen) == 3


def test_a_refused_start_hands_every_message_back() -> None:
    """Nothing is lost to a pending migration."""

    class Outdated(Deps):
        def check(self) -> None:
            raise PendingMigration

    @queue_handler(Outdated)
    def handler(message: Message, deps: Outdated) -> None:
        deps.seen.append(message)

    answer = handler(records("a", "b"), None)

    assert [item["itemIdentifier"] for item in answer["batchItemFailures"]] == ["m0", "m1"]


def test_a_socket_call_is_told_fully() -> None:
    """Route, connection, action and body."""
    deps = Deps()
    answer = socket.bind(deps)(SOCKET_EVENT, None)
    [call] = deps.seen

    assert answer == {"statusCode": 200, "body": '{"type": "ack"}'}
    assert (call.route, call.connection_id, call.action) == ("$default", "c1", "subscribe")
    assert (call.body["topic"], call.source_ip, call.callback_url) == (
        "prices",
        "203.0.113.7",
        "https://ws.example/dev",
    )


@pytest.mark.parametrize(
    ("failure", "status", "code", "message"),
    [
        (Conflict("Subscribed already."), 409, "conflict", "Subscribed already."),
        (DatabaseUnavailable(reason=CANARY), 503, "database_unavailable", "The database does not answer."),
        (KeyUnavailable(CANARY), 500, "key_unavailable", "Counterpart could not do what was asked."),
        (ValueError(CANARY), 500, "internal_error", "Counterpart could not do what was asked."),
    ],
    ids=["rejected", "transient", "broken", "unforeseen"],
)
def test_a_failing_socket_call_is_answered_with_an_error(
    failure: Exception, status: int, code: str, message: str
) -> None:
    """A message of type error in the house's shape; what is ours is told by code alone."""
    answer = socket.bind(Deps(failure=failure))(SOCKET_EVENT, None)

    error = {"code": code, "message": message, "details": {}, "request_id": "r1"}
    assert (answer["statusCode"], json.loads(answer["body"])) == (status, {"type": "error", "error": error})


def test_no_failure_writes_what_a_caller_sent(capsys: pytest.CaptureFixture[str]) -> None:
    """Neither a message's body nor an exception's text reaches the log, whatever the trigger."""
    failure = ValueError(CANARY)
    failure.__cause__ = KeyError(CANARY)
    with pytest.raises(UnexpectedFailure):
        every_minute.bind(Deps(failure=failure))(TICK, None)
    each.bind(Deps(failure=failure))(records("fail", CANARY), None)
    socket.bind(Deps(failure=failure))({**SOCKET_EVENT, "body": json.dumps({"action": CANARY})}, None)
    written = "".join(capsys.readouterr())

    assert "ValueError" in written
    assert CANARY not in written


def test_every_trigger_carries_an_id_from_outside(capsys: pytest.CaptureFixture[str]) -> None:
    """EventBridge's event id, the message's attribute, the gateway's request id; afterwards it is gone."""
    carried: list[str | None] = []

    class Noting(Deps):
        @property
        def failure(self) -> None:
            carried.append(correlation.current())

        @failure.setter
        def failure(self, _: object) -> None:
            """Nothing fails here."""

    every_minute.bind(Noting())({**TICK, "id": "event-id-1"}, None)
    each.bind(Noting())(records("fail"), None)
    socket.bind(Noting())(
        {**SOCKET_EVENT, "requestContext": {**SOCKET_EVENT["requestContext"], "requestId": "request-1"}}, None
    )
    logger.info("outside")

    assert carried == ["event-id-1", "correlation-1", "request-1"]
    assert correlation.current() is None
    assert "correlation_id" not in json.loads(capsys.readouterr().out.splitlines()[-1])


def test_a_container_builds_and_checks_once() -> None:
    """Two calls, one set of dependencies."""
    built: list[Deps] = []

    def build() -> Deps:
        built.append(Deps())
        return built[-1]

    container = Container(build)

    assert container.deps() is container.deps()
    assert len(built) == 1


def test_a_refused_container_tries_anew() -> None:
    """It recovers by itself once the remedy was applied, and never serves unchecked dependencies."""
    refusals = [PendingMigration(), KeyUnavailable()]

    class Checked(Deps):
        def check(self) -> None:
            if refusals:
                raise refusals.pop()

    container = Container(Checked)
    for refusal in (KeyUnavailable, PendingMigration):
        with pytest.raises(refusal):
            container.deps()

    assert isinstance(container.deps(), Checked)


class Context:
    def __init__(self, left_ms: int) -> None:
        self._left_ms = left_ms

    def get_remaining_time_in_millis(self) -> int:
        return self._left_ms


def test_the_guard_stops_work_before_the_end() -> None:
    """The alarm of others goes on."""
    with pytest.raises(DeadlineExceeded), deadline_guard(Context(400)):
        time.sleep(60)

    assert signal.getitimer(signal.ITIMER_REAL)[0] > 10  # pytest's own timeout


@pytest.mark.parametrize(("left_s", "rest_s"), [(80, 1.5), (2, 0.5)])
def test_the_alarm_leaves_time_to_tell_of_it(left_s: int, rest_s: float) -> None:
    """A second and a half, or a quarter of a short time."""
    with deadline_guard(Context(left_s * 1000)):
        alarm_s, _ = signal.getitimer(signal.ITIMER_REAL)

    assert 0 < alarm_s <= left_s - rest_s


@pytest.mark.parametrize("context", [None, Context(0), Context(60_000)])
def test_work_in_time_is_left_alone(context: Context | None) -> None:
    """No end known, none left, or plenty."""
    before = signal.getsignal(signal.SIGALRM)

    with deadline_guard(context):
        time.sleep(0.01)

    assert signal.getsignal(signal.SIGALRM) == before


def test_the_guard_is_harmless_outside_the_main_thread() -> None:
    """Signals belong to the main thread; elsewhere the work just runs."""
    done: list[bool] = []

    def work() -> None:
        with deadline_guard(Context(100)):
            done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()

    assert done == [True]
