"""Rules about the deployed functions: every handler has its key, event and test; triggers have safe limits."""

import json

import pytest

from tests.repo.house import ROOT, SERVICES, declared_functions, events_of, handlers, resources

pytestmark = pytest.mark.repo

RECEIVES_MIN, CONCURRENCY_MIN, AGE_MAX_S, VISIBILITY_FACTOR = 5, 2, 60, 6


def names() -> list[str]:
    return [f"{source.path.parent.name}/{source.path.stem}" for source in handlers()]


def test_every_handler_is_declared_under_its_own_name() -> None:
    """Module, key and entry point are one name."""
    declared = {name: entry["handler"] for name, entry in declared_functions().items()}

    assert declared == {name: f"functions/{name}.handler" for name in names()}


def test_every_service_is_in_the_bundle() -> None:
    """serverless.yml includes each slice and stays under 150 lines."""
    root = (ROOT / "serverless.yml").read_text(encoding="utf-8")

    assert [service for service in SERVICES if f"${{file(functions/{service}/functions.yml)}}" not in root] == []
    assert root.count("\n") < 150


def test_every_handler_has_a_genuine_event() -> None:
    """events/<service>/<handler>.json exists and is JSON."""
    missing = [name for name in names() if not (ROOT / f"events/{name}.json").is_file()]

    assert missing == []
    for path in (ROOT / "events").rglob("*.json"):
        json.loads(path.read_text(encoding="utf-8"))


def test_every_event_belongs_to_a_handler() -> None:
    """No event outlives its handler."""
    orphans = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "events").rglob("*.json")
        if f"{path.parent.name}/{path.name.split('.')[0]}" not in names()
    ]

    assert orphans == []


def test_every_handler_has_a_test_of_its_name() -> None:
    """tests/handlers/<service>/test_<handler>.py exists."""
    untested = [
        name for name in names() if not (ROOT / f"tests/handlers/{name.replace('/', '/test_', 1)}.py").is_file()
    ]

    assert untested == []


def test_queue_triggers_report_partial_failures_and_scale_at_least_two_wide() -> None:
    """One bad message never takes its batch along."""
    wrong = [
        name
        for name, sqs in events_of("sqs")
        if sqs.get("functionResponseType") != "ReportBatchItemFailures"
        or sqs.get("maximumConcurrency", 0) < CONCURRENCY_MIN
    ]

    assert wrong == []


def test_every_queue_handler_has_a_queue() -> None:
    """A queue_ handler is triggered by SQS, a cron_ by a schedule, an http_ by HTTP, a ws_ by the WebSocket API."""
    kinds = {"queue": "sqs", "cron": "eventBridge", "http": "httpApi", "ws": "websocket"}
    wrong = [
        name
        for name, entry in declared_functions().items()
        if {kind for event in entry["events"] for kind in event} != {kinds[name.split("/")[1].split("_")[0]]}
    ]

    assert wrong == []


def test_every_queue_has_a_dead_letter_queue() -> None:
    """A message is tried at least five times, then kept where an operator sees it."""
    queues = {key: entry["Properties"] for key, entry in resources().items() if entry["Type"] == "AWS::SQS::Queue"}
    careless = [
        key
        for key, properties in queues.items()
        if "RedrivePolicy" in properties and properties["RedrivePolicy"]["maxReceiveCount"] < RECEIVES_MIN
    ]
    sinks = [key for key, properties in queues.items() if "RedrivePolicy" not in properties]

    assert careless == []
    assert len(sinks) == 1, f"only the last dead-letter queue may have none of its own: {sinks}"


def test_queues_outlast_their_function() -> None:
    """A message stays invisible for at least six times the function's time-out."""
    short = []
    for name, sqs in events_of("sqs"):
        queue = resources()[_logical_id(sqs["arn"])]["Properties"]
        if queue["VisibilityTimeout"] < VISIBILITY_FACTOR * declared_functions()[name]["timeout"]:
            short.append(name)

    assert short == []


def test_schedules_never_retry_a_minute_that_is_over() -> None:
    """The next minute is the retry of a schedule."""
    wrong = [name for name, schedule in events_of("eventBridge") if _retry_policy(schedule) != (0, AGE_MAX_S)]

    assert wrong == []


def _logical_id(arn: object) -> str:
    assert isinstance(arn, dict)
    value = arn.get("Fn::GetAtt") or arn["GetAtt"]
    return str(value[0] if isinstance(value, list) else value.split(".")[0])


def _retry_policy(schedule: object) -> tuple[int, int] | None:
    if not isinstance(schedule, dict) or "retryPolicy" not in schedule:
        return None
    policy = schedule["retryPolicy"]
    return policy["maximumRetryAttempts"], policy["maximumEventAge"]
