"""What a queue function answers, by Lambda's rules."""

import pytest

from infra.local.runner.queues import reported_failures

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("result", "failed"),
    [
        (None, set()),
        ({}, set()),
        ({"batchItemFailures": []}, set()),
        ({"batchItemFailures": None}, set()),
        ({"batchItemFailures": [{"itemIdentifier": "a"}]}, {"a"}),
        ({"batchItemFailures": [{"itemIdentifier": "unknown"}]}, {"a", "b"}),  # a failure of the whole batch
        ({"batchItemFailures": [{"itemIdentifier": ""}]}, {"a", "b"}),
        ({"batchItemFailures": [{"wrong": "a"}]}, {"a", "b"}),
        ("nonsense", {"a", "b"}),
    ],
)
def test_reported_failures_follow_lambdas_rules(result: object, failed: set[str]) -> None:
    """Which answers are a success, which fail messages, and which fail the batch."""
    assert failed == reported_failures(result, {"a", "b"})
