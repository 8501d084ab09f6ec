"""The generated CloudFormation: what Lambda, SQS, EventBridge and API Gateway are told."""

import re

import pytest

from tests.package.stack import Stack, target_of, text_of
from tests.repo.house import declared_functions

pytestmark = pytest.mark.integration

ENVIRONMENT_BYTES_MAX = 4096
RECEIVES_MIN, VISIBILITY_FACTOR, CONCURRENCY_MIN, AGE_MAX_S, RETENTION_DAYS_MAX = 5, 6, 2, 60, 90
#: What may stand in an access log. A query, a header or a body may carry a key, a token or a signature.
LOGGED = {
    "requestId", "requestTimeEpoch", "identity.sourceIp", "routeKey", "status", "responseLatency", "responseLength",
    "integrationErrorMessage", "connectionId", "eventType",
}  # fmt: skip


def test_the_template_has_every_function_that_a_slice_declares(stack: Stack) -> None:
    """Nothing is lost on the way from functions.yml."""
    assert set(stack.functions) == set(declared_functions())


def test_every_environment_fits(stack: Stack) -> None:
    """Lambda takes 4 KiB a function, and half a KiB is left for what CloudFormation fills in and operators set."""
    sizes = {
        name: sum(len(key) + len(text_of(value)) for key, value in function.environment.items())
        for name, function in stack.functions.items()
    }

    assert {name: size for name, size in sizes.items() if size > ENVIRONMENT_BYTES_MAX - 512} == {}


def test_queues_are_standard_encrypted_and_end_in_dead_letters(stack: Stack) -> None:
    """FIFO queues have no delay of single messages; the last queue has nowhere to send its own."""
    queues = stack.of_type("AWS::SQS::Queue")
    wrong = [
        name
        for name, queue in queues.items()
        if queue.get("FifoQueue")
        or not queue.get("SqsManagedSseEnabled")
        or (name != "DeadLetters" and queue["RedrivePolicy"]["maxReceiveCount"] < RECEIVES_MIN)
        or (name != "DeadLetters" and target_of(queue["RedrivePolicy"]["deadLetterTargetArn"]) != "DeadLetters")
    ]

    assert wrong == []


def test_every_queue_is_read_by_one_function(stack: Stack) -> None:
    """Two readers of a queue would take each other's messages; a queue without one only fills."""
    read = sorted(queue for _, queue, _ in stack.sources())

    assert read == sorted(stack.of_type("AWS::SQS::Queue"))


def test_queue_triggers_report_parts_and_leave_time_for_a_second_try(stack: Stack) -> None:
    """Six times the time-out, as AWS asks; partial failures; at least two at once."""
    queues = stack.of_type("AWS::SQS::Queue")
    wrong = [
        function.name
        for function, queue, mapping in stack.sources()
        if mapping.get("FunctionResponseTypes") != ["ReportBatchItemFailures"]
        or mapping["ScalingConfig"]["MaximumConcurrency"] < CONCURRENCY_MIN
        or queues[queue]["VisibilityTimeout"] < VISIBILITY_FACTOR * function.properties["Timeout"]
    ]

    assert wrong == []


def test_a_tick_that_is_over_is_not_repeated(stack: Stack) -> None:
    """Neither by EventBridge nor by Lambda's own asynchronous retries."""
    never = {"MaximumEventAgeInSeconds": AGE_MAX_S, "MaximumRetryAttempts": 0}
    by_lambda = {
        target_of(one["FunctionName"]): {key: one[key] for key in never}
        for one in stack.of_type("AWS::Lambda::EventInvokeConfig").values()
    }
    ticked = dict(stack.scheduled())

    assert {name: target.get("RetryPolicy") for name, target in ticked.items()} == dict.fromkeys(ticked, never)
    assert by_lambda == dict.fromkeys(ticked, never)


def test_a_tick_ends_before_the_next_one(stack: Stack) -> None:
    """So a schedule holds one container, two where EventBridge delivers twice."""
    ticked = {name for name, _ in stack.scheduled()}
    slow = [one.name for one in stack.functions.values() if one.logical_id in ticked and one.properties["Timeout"] > 55]

    assert slow == []


def test_both_apis_are_throttled(stack: Stack) -> None:
    """A flood ends at API Gateway, not in the account's concurrency."""
    stages = stack.of_type("AWS::ApiGatewayV2::Stage")
    limits = [stage["DefaultRouteSettings"] for stage in stages.values()]

    assert [(True, True, True)] * 2 == [
        (one["ThrottlingRateLimit"] > 0, one["ThrottlingBurstLimit"] > 0, one["DetailedMetricsEnabled"])
        for one in limits
    ]


def test_access_logs_carry_nothing_that_a_caller_keeps_secret(stack: Stack) -> None:
    """Both APIs log, and only what is listed above."""
    formats = [stage["AccessLogSettings"]["Format"] for stage in stack.of_type("AWS::ApiGatewayV2::Stage").values()]
    named = {name for text in formats for name in re.findall(r"\$context\.([A-Za-z.]+)", text)}

    assert len(formats) == 2
    assert named <= LOGGED


def test_logs_are_not_kept_for_ever(stack: Stack) -> None:
    """Every function and both APIs have a log group of their own, with an end."""
    groups = stack.of_type("AWS::Logs::LogGroup")
    named = {group["LogGroupName"] for group in groups.values()}

    assert [key for key, one in groups.items() if not 0 < one.get("RetentionInDays", 0) <= RETENTION_DAYS_MAX] == []
    assert {f"/aws/lambda/{one.properties['FunctionName']}" for one in stack.functions.values()} <= named


def test_browsers_are_answered_by_the_functions_alone(stack: Stack) -> None:
    """API Gateway's own CORS would answer before the allow-list of kernel.handler.border is asked."""
    apis = stack.of_type("AWS::ApiGatewayV2::Api").values()

    assert [api for api in apis if "CorsConfiguration" in api] == []
    assert {one.environment["COUNTERPART_CORS_ORIGINS"] for one in stack.functions.values()} == {""}


def test_buckets_and_topics_are_encrypted_and_closed(stack: Stack) -> None:
    """What is at rest is encrypted, and no bucket can be opened to the public."""
    open_buckets = [
        key
        for key, bucket in stack.of_type("AWS::S3::Bucket").items()
        if not bucket.get("BucketEncryption")
        or set(bucket.get("PublicAccessBlockConfiguration", {}).values()) != {True}
    ]
    plain_topics = [key for key, topic in stack.of_type("AWS::SNS::Topic").items() if "KmsMasterKeyId" not in topic]

    assert (open_buckets, plain_topics) == ([], [])


def test_every_alarm_reaches_somebody(stack: Stack) -> None:
    """Absent figures are no alarm: a quiet minute is not a fault."""
    alarms = stack.of_type("AWS::CloudWatch::Alarm")
    wrong = [
        key
        for key, alarm in alarms.items()
        if [target_of(action) for action in alarm.get("AlarmActions", [])] != ["Alarms"]
        or alarm.get("TreatMissingData") != "notBreaching"
        or not alarm.get("AlarmDescription")
    ]

    assert (wrong, len(alarms) >= 6) == ([], True)
