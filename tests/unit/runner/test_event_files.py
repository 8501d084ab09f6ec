"""The real serverless.yml resolves, and every handler's event file is what the bundle says and what AWS sends."""

import json
from typing import Any

import pytest
from aws_lambda_powertools.utilities.parser.models import (
    APIGatewayProxyEventV2Model,
    APIGatewayWebSocketConnectEventModel,
    APIGatewayWebSocketDisconnectEventModel,
    APIGatewayWebSocketMessageEventModel,
    EventBridgeModel,
    SqsModel,
)
from pydantic import BaseModel

from infra.local.runner.bundle import QueueTrigger, ScheduleTrigger
from infra.local.runner.samples import sample_bundle, samples, text_of
from infra.local.settings import ROOT

pytestmark = pytest.mark.unit
EVENTS = dict(samples(sample_bundle()))
FILES = sorted(path.relative_to(ROOT / "events").as_posix() for path in ROOT.glob("events/*/*.json"))
SOCKET_MODELS: dict[str, type[BaseModel]] = {
    "CONNECT": APIGatewayWebSocketConnectEventModel,
    "MESSAGE": APIGatewayWebSocketMessageEventModel,
    "DISCONNECT": APIGatewayWebSocketDisconnectEventModel,
}


def model_of(event: dict[str, Any]) -> type[BaseModel]:
    if "Records" in event:
        return SqsModel
    if "detail-type" in event:
        return EventBridgeModel
    if "version" in event:
        return APIGatewayProxyEventV2Model
    return SOCKET_MODELS[event["requestContext"]["eventType"]]


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_event_file_is_current(name: str) -> None:
    """The committed file equals what `python -m infra.local.runner.samples` writes."""
    assert text_of(EVENTS[name]) == (ROOT / "events" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "name", sorted(path.relative_to(ROOT / "events").as_posix() for path in ROOT.glob("events/*/*.json"))
)
def test_event_is_genuine(name: str) -> None:
    """Powertools' parser model of its trigger accepts it."""
    event = json.loads((ROOT / "events" / name).read_text(encoding="utf-8"))

    assert isinstance(model_of(event).model_validate(event), BaseModel)


def test_real_bundle_resolves() -> None:
    """Functions and queues of the product, with no variable left."""
    bundle = sample_bundle()

    assert bundle.service == "counterpart"
    assert {"oracle", "ops"} <= {function.service for function in bundle.functions.values()}
    assert "OracleCommitQueue" in bundle.queues
    environments = [function.environment for function in bundle.functions.values()]
    assert [] == [value for environment in environments for value in environment.values() if "${" in value]


def test_triggers_keep_the_rules_of_the_house() -> None:
    """Schedules never retry an old minute; queues report partial failures, and messages outlast their function."""
    bundle = sample_bundle()

    for function in bundle.functions.values():
        for trigger in function.triggers:
            if isinstance(trigger, ScheduleTrigger):
                assert (0, 60) == (trigger.retries_max, trigger.age_max_s), function.name
            if isinstance(trigger, QueueTrigger):
                assert trigger.reports_failures, function.name
                visibility_s = int(bundle.queues[trigger.queue].attributes["VisibilityTimeout"])
                assert visibility_s >= 6 * function.timeout_s, function.name
