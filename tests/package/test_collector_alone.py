"""The collector of another region: a stage of its own with two functions, and no key, no API and no other function."""

import json
from pathlib import Path
from typing import Any

import pytest

from infra.local.deployment import osls
from infra.local.deployment.choosing import UnknownFunction, only
from infra.local.deployment.references import references
from tests.package.conftest import HOST
from tests.package.rooms import Rooms
from tests.package.stack import Stack, lint, target_of, text_of

pytestmark = pytest.mark.integration

STAGE, REGION = "prod-ap", "ap-southeast-1"
COLLECTOR = ("oracle/cron_collect", "oracle/queue_collect")


@pytest.fixture(scope="module")
def alone(manifest: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """What `make deploy STAGE=prod-ap ARGS="--only …"` deploys, but for its target."""
    assert manifest["target"] == HOST.name
    whole = osls.template(HOST, tmp_path_factory.mktemp("alone"), stage=STAGE, region=REGION)
    return Stack(only(whole, COLLECTOR))


def test_it_has_its_two_functions_with_their_schedule_and_queue(alone: Stack) -> None:
    """Triggered as in the whole stack, and with dead letters."""
    assert set(COLLECTOR) == set(alone.functions)
    assert {"OracleCollectQueue", "DeadLetters"} == set(alone.of_type("AWS::SQS::Queue"))
    assert [("oracle/queue_collect", "OracleCollectQueue")] == [(one.name, queue) for one, queue, _ in alone.sources()]
    assert [alone.functions["oracle/cron_collect"].logical_id] == [key for key, _ in alone.scheduled()]


@pytest.mark.parametrize(
    ("name", "modules"), [("oracle/cron_collect", "eth_abi.abi, sha3"), ("oracle/queue_collect", "ccxt.async_support")]
)
def test_it_has_what_it_imports_only_when_it_asks(name: str, modules: str, alone: Stack, rooms: Rooms) -> None:
    """The chain for its feeds, the venues for their prices: no import at the start would tell that a layer lacks."""
    ran = rooms.run(alone.functions[name], f"import {modules}")

    assert ("", 0) == (ran.stderr, ran.returncode)


def test_nothing_in_it_can_sign_or_be_called(alone: Stack) -> None:
    """One role, which opens no key and reads no secret of one; no API; the one KMS key is that of the alarms' topic."""
    secrets = {one.resource for one in alone.permissions("OracleCollectorRole") if one.action.startswith("secrets")}
    kinds = {one["Type"].split("::")[1] for one in alone.resources.values()}

    assert ["OracleCollectorRole"] == list(alone.of_type("AWS::IAM::Role"))
    assert {"database-url-*", "redis-rest-token-*", "jwt-secret-*", "rpc-urls-*"} == {
        one.rsplit("/", 1)[1] for one in secrets
    }
    assert not [one for one in alone.permissions("OracleCollectorRole") if one.action.startswith("kms")]
    assert "AlarmsKey" == "".join(alone.of_type("AWS::KMS::Key"))
    assert not kinds & {"ApiGatewayV2", "S3", "CloudFront"}


def test_it_is_of_its_own_stage(alone: Stack) -> None:
    """Names, secrets and queues, so that it stands beside another stage, in the same account or another."""
    told = json.dumps(alone.template)

    assert "counterpart-prod-ap-" in told and "counterpart/prod-ap/" in told
    assert "counterpart-dev" not in told and "counterpart/dev" not in told
    assert {"prod-ap"} == {one.environment["COUNTERPART_STAGE"] for one in alone.functions.values()}


def test_what_it_is_told_and_may_do_names_only_what_is_there(alone: Stack) -> None:
    """No address of an API, no key; only its own queue to send to."""
    known = set(alone.resources) | set(alone.template["Parameters"])
    sends = [one.resource for one in alone.permissions("OracleCollectorRole") if one.action == "sqs:SendMessage"]

    assert {name for name, _ in references([alone.resources, alone.template["Outputs"]])} <= known
    assert all(":counterpart-prod-ap-oracle-" in text_of(one) for one in sends)
    for function in alone.functions.values():
        assert not {"COUNTERPART_KMS_KEY_ID", "COUNTERPART_REALTIME_URL"} & set(function.environment)


def test_alarms_wake_somebody_there_too(alone: Stack) -> None:
    """All but those about an API that is not there."""
    alarms = alone.of_type("AWS::CloudWatch::Alarm")

    assert {"OldMessagesAlarm", "LostInvocationsAlarm", "OurFailuresAlarm"} <= set(alarms)
    assert {"Alarms"} == {target_of(action) for one in alarms.values() for action in one["AlarmActions"]}


def test_cfn_lint_has_nothing_to_say_about_it(alone: Stack, tmp_path: Path) -> None:
    """No parameter, condition or output is left over."""
    (tmp_path / "alone.json").write_text(json.dumps(alone.template), encoding="utf-8")

    assert "" == lint(tmp_path / "alone.json")


def test_an_http_function_alone_brings_its_api(stack: Stack) -> None:
    """With its own routes and the stage that throttles them, and no other function's."""
    prices = Stack(only(stack.template, ["oracle/http_prices"]))

    assert ["oracle/http_prices"] == list(prices.functions)
    assert {"HttpApi", "HttpApiStage"} <= set(prices.resources)
    assert 8 == len(prices.of_type("AWS::ApiGatewayV2::Route"))


def test_a_function_that_is_not_there_is_named(stack: Stack) -> None:
    """A typing error deploys nothing."""
    with pytest.raises(UnknownFunction, match="oracle/cron_colect"):
        only(stack.template, ["oracle/cron_colect"])
