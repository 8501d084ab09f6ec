"""serverless.yml to a Bundle: variables, merged slices, and the CloudFormation functions that name queues."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.local.runner.bundle import (
    Bundle,
    Function,
    HttpTrigger,
    Queue,
    QueueTrigger,
    Redrive,
    ScheduleTrigger,
    Trigger,
    WebSocketTrigger,
)
from infra.local.runner.variables import UnresolvedVariable, Variables, load_yaml

ACCOUNT = "123456789012"  # moto's
REGION = "eu-central-1"
SUB_NAME = re.compile(r"\$\{([A-Za-z0-9:.]+)\}")
INTRINSICS = frozenset({"Ref", "Fn::GetAtt", "Fn::Sub", "Fn::Join"})
QUEUE_ATTRIBUTES = (
    "DelaySeconds",
    "KmsDataKeyReusePeriodSeconds",
    "KmsMasterKeyId",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "ReceiveMessageWaitTimeSeconds",
    "SqsManagedSseEnabled",
    "VisibilityTimeout",
)
DEFAULT_MEMORY_MB = 1024
DEFAULT_TIMEOUT_S = 6.0


class BadBundle(Exception):
    """serverless.yml declares something that the runner, and AWS, would refuse."""


@dataclass(frozen=True)
class Deployment:
    """Where a bundle is resolved for: ``overrides`` replace environment variables before they are resolved."""

    stage: str
    region: str = REGION
    account: str = ACCOUNT
    sqs_url: str = ""
    overrides: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)


def load_bundle(path: Path, deployment: Deployment) -> Bundle:
    """Resolve serverless.yml at ``path``; UnresolvedVariable and BadBundle name the file and key at fault."""
    variables = Variables(
        path=path,
        stage=deployment.stage,
        region=deployment.region,
        account=deployment.account,
        env=deployment.env,
        parameters=deployment.parameters,
    )
    root = variables.root
    scope = _Scope(deployment, _resources(root, variables), variables)
    functions: dict[str, Function] = {}
    for declared_in, name, raw in _declarations(root, variables):
        if name in functions:
            raise BadBundle(f"{declared_in} declares {name} again; {functions[name].declared_in} has it already.")
        functions[name] = _function(name, raw, declared_in, scope)
    service = variables.resolve(root["service"], f"{path.name} > service")
    return Bundle(service, deployment.stage, path.parent.resolve(), functions, scope.queues())


def service_name(path: Path) -> str:
    """The bundle's name, which every queue's name begins with."""
    return str(load_yaml(path)["service"])


def _declarations(root: Any, variables: Variables) -> Iterable[tuple[str, str, dict[str, Any]]]:
    """(file, key, unresolved function) of every entry under ``functions``, whether a list of files or a mapping."""
    parts = root.get("functions") or {}
    for part in parts if isinstance(parts, list) else [parts]:
        match = re.fullmatch(r"\$\{file\(([^)]+)\)\}", part) if isinstance(part, str) else None
        file = match[1].strip() if match else variables.path.name
        if match and not (variables.path.parent / file).is_file():
            raise UnresolvedVariable(f"file({file})", f"{variables.path.name} > functions", f"{file} does not exist")
        mapping = load_yaml(variables.path.parent / file) if match else part
        for name, raw in (mapping or {}).items():
            yield file, name, raw


def _resources(root: Any, variables: Variables) -> dict[str, dict[str, Any]]:
    parts = root.get("resources") or {}
    resources: dict[str, dict[str, Any]] = {}
    for index, part in enumerate(parts if isinstance(parts, list) else [parts]):
        resolved = variables.resolve(part, f"{variables.path.name} > resources[{index}]")
        resources.update(resolved.get("Resources") or {})
    return resources


@dataclass
class _Scope:
    """CloudFormation's view: what Ref, GetAtt, Sub and Join mean for the queues of one deployment."""

    deployment: Deployment
    resources: Mapping[str, dict[str, Any]]
    variables: Variables

    def evaluate(self, node: Any, place: str) -> Any:
        if isinstance(node, list):
            return [self.evaluate(value, place) for value in node]
        if not isinstance(node, dict):
            return node
        if len(node) == 1 and next(iter(node)) in INTRINSICS:
            return self._intrinsic(*next(iter(node.items())), place)
        return {key: self.evaluate(value, f"{place} > {key}") for key, value in node.items()}

    def _intrinsic(self, function: str, argument: Any, place: str) -> str:
        match function:
            case "Ref":
                return self.reference(argument, place)
            case "Fn::GetAtt":
                logical_id, attribute = argument if isinstance(argument, list) else argument.split(".", 1)
                return self.attribute(logical_id, attribute, place)
            case "Fn::Join":
                return str(argument[0]).join(str(self.evaluate(part, place)) for part in argument[1])
        template, names = argument if isinstance(argument, list) else (argument, {})
        return SUB_NAME.sub(lambda match: self._substitute(match[1], names, place), template)

    def _substitute(self, name: str, names: Mapping[str, Any], place: str) -> str:
        if name in names:
            return str(self.evaluate(names[name], place))
        logical_id, dot, attribute = name.partition(".")
        return self.attribute(logical_id, attribute, place) if dot else self.reference(name, place)

    def reference(self, name: str, place: str) -> str:
        pseudo = {
            "AWS::Region": self.deployment.region,
            "AWS::AccountId": self.deployment.account,
            "AWS::Partition": "aws",
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::StackName": f"local-{self.deployment.stage}",
        }
        if name in pseudo:
            return pseudo[name]
        queue = self._queue_name(name, place)
        return f"{self.deployment.sqs_url}/{self.deployment.account}/{queue}"

    def attribute(self, logical_id: str, attribute: str, place: str) -> str:
        queue = self._queue_name(logical_id, place)
        match attribute:
            case "Arn":
                return f"arn:aws:sqs:{self.deployment.region}:{self.deployment.account}:{queue}"
            case "QueueName":
                return queue
            case "QueueUrl":
                return self.reference(logical_id, place)
        raise BadBundle(f"{place}: a queue has no attribute {attribute}.")

    def _queue_name(self, logical_id: str, place: str) -> str:
        resource = self.resources.get(logical_id)
        if resource is None:
            raise BadBundle(f"{place} refers to {logical_id}, which no file under resources declares.")
        if resource["Type"] != "AWS::SQS::Queue":
            raise BadBundle(
                f"{place} refers to {logical_id}, a {resource['Type']}: the local cloud has no name for it. "
                "Give the stack's environment an override for that variable."
            )
        name = self.evaluate((resource.get("Properties") or {}).get("QueueName"), f"resources > {logical_id}")
        return str(name or f"{self.deployment.stage}-{logical_id}")

    def logical_id_of(self, arn: str, place: str) -> str:
        """The queue resource behind an ARN."""
        for logical_id, resource in self.resources.items():
            if resource["Type"] == "AWS::SQS::Queue" and self.attribute(logical_id, "Arn", place) == arn:
                return logical_id
        raise BadBundle(f"{place}: no queue under resources has the ARN {arn}.")

    def queues(self) -> dict[str, Queue]:
        return {
            logical_id: self._queue(logical_id, resource.get("Properties") or {})
            for logical_id, resource in self.resources.items()
            if resource["Type"] == "AWS::SQS::Queue"
        }

    def _queue(self, logical_id: str, properties: Mapping[str, Any]) -> Queue:
        place = f"resources > {logical_id}"
        evaluated = {key: self.evaluate(value, f"{place} > {key}") for key, value in properties.items()}
        redrive = evaluated.get("RedrivePolicy")
        return Queue(
            logical_id=logical_id,
            name=self._queue_name(logical_id, place),
            attributes={key: _text(evaluated[key]) for key in QUEUE_ATTRIBUTES if key in evaluated},
            redrive=redrive
            and Redrive(
                self.logical_id_of(redrive["deadLetterTargetArn"], f"{place} > RedrivePolicy"),
                int(redrive["maxReceiveCount"]),
            ),
        )


def _function(name: str, raw: dict[str, Any], declared_in: str, scope: _Scope) -> Function:
    place = f"{declared_in} > {name}"
    root_name, shared = scope.variables.path.name, scope.variables.root.get("provider") or {}
    settled = scope.variables.resolve({key: value for key, value in raw.items() if key != "environment"}, place)
    if "handler" not in settled:
        raise BadBundle(f"{place} has no handler.")
    environment = {
        **_environment(shared.get("environment") or {}, f"{root_name} > provider > environment", scope),
        **_environment(raw.get("environment") or {}, f"{place} > environment", scope),
        **scope.deployment.overrides,
    }
    return Function(
        name=name,
        service=Path(settled["handler"]).parent.name,
        handler=settled["handler"],
        declared_in=declared_in,
        memory_mb=int(settled.get("memorySize") or shared.get("memorySize") or DEFAULT_MEMORY_MB),
        timeout_s=float(settled.get("timeout") or shared.get("timeout") or DEFAULT_TIMEOUT_S),
        reserved_concurrency=settled.get("reservedConcurrency"),
        environment=environment,
        triggers=tuple(
            trigger
            for index, event in enumerate(settled.get("events") or [])
            for trigger in _triggers(event, f"{place} > events[{index}]", scope)
        ),
    )


def _environment(raw: Any, place: str, scope: _Scope) -> dict[str, str]:
    variables = scope.variables
    mapping = variables.resolve(raw, place) if isinstance(raw, str) else raw
    overrides = scope.deployment.overrides
    return {
        key: _text(scope.evaluate(variables.resolve(value, f"{place} > {key}"), f"{place} > {key}"))
        for key, value in mapping.items()
        if key not in overrides
    }


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value) if isinstance(value, dict | list) else str(value)


def _triggers(event: Any, place: str, scope: _Scope) -> Iterable[Trigger]:
    kind, detail = (event, {}) if isinstance(event, str) else next(iter(event.items()))
    match kind:
        case "httpApi":
            yield _http(detail)
        case "websocket":
            route = detail if isinstance(detail, str) else detail["route"]
            answers = not isinstance(detail, str) and "routeResponseSelectionExpression" in detail
            yield WebSocketTrigger(route, answers)
        case "schedule":
            rates = [detail] if isinstance(detail, str) else detail["rate"]
            yield from (ScheduleTrigger(rate, None, None) for rate in rates)
        case "eventBridge":
            policy = detail.get("retryPolicy") or {}
            yield ScheduleTrigger(detail["schedule"], policy.get("maximumRetryAttempts"), policy.get("maximumEventAge"))
        case "sqs":
            yield _queue_trigger(detail, place, scope)
        case _:
            raise BadBundle(f"{place}: the local cloud has no trigger {kind}.")


def _http(detail: Any) -> HttpTrigger:
    if isinstance(detail, str):
        method, _, path = detail.strip().partition(" ")
        return HttpTrigger("*", "*") if detail.strip() == "*" else HttpTrigger(method.upper(), path.strip())
    return HttpTrigger(str(detail.get("method", "*")).upper(), detail["path"])


def _queue_trigger(detail: Any, place: str, scope: _Scope) -> QueueTrigger:
    mapping: dict[str, Any] = {"arn": detail} if isinstance(detail, str) else detail
    return QueueTrigger(
        queue=scope.logical_id_of(str(scope.evaluate(mapping["arn"], f"{place} > arn")), f"{place} > arn"),
        batch_size=int(mapping.get("batchSize", 10)),
        concurrency_max=mapping.get("maximumConcurrency"),
        reports_failures=mapping.get("functionResponseType") == "ReportBatchItemFailures",
    )
