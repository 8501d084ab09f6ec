"""The stack in parts, since CloudFormation takes 500 resources a stack: a nested stack for each slice but `ops`.

1. What a slice owns follows from names, so that no resource moves when others come: its functions by their handlers,
   its queues and roles by the slice's name before theirs, and whatever speaks of those (triggers, permissions, routes,
   log groups).
2. All else is shared and stays in the root, and so does `ops`, which is every deployment's: APIs, layers, keys,
   buckets, dead letters, alarms.
3. What a slice names of the root comes to it as a parameter. The root names nothing of a slice, nor one slice of
   another: queues are found by name, so there is no circle.

A deploy is still one: CloudFormation updates the root with its nested stacks, or rolls all of it back.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from infra.local.deployment.references import Named, references, renamed, waits_for
from infra.local.failures import LocalFailure

#: The slice that stays in the root.
ROOT_SLICE = "ops"
FUNCTION, QUEUE, ROLE = "AWS::Lambda::Function", "AWS::SQS::Queue", "AWS::IAM::Role"
LOG_GROUP, NESTED = "AWS::Logs::LogGroup", "AWS::CloudFormation::Stack"
#: What goes where the function is that it speaks of: triggers, permissions, versions, routes.
ATTACHED = ("AWS::Lambda::", "AWS::Events::", "AWS::ApiGatewayV2::Integration", "AWS::ApiGatewayV2::Route")

Resources = Mapping[str, Any]


class CannotPart(LocalFailure):
    """A slice and the rest of the stack name each other's resources."""


@dataclass(frozen=True, slots=True)
class Part:
    """A nested stack: its template, and the value of each of its parameters, as the root says it."""

    template: Mapping[str, Any]
    parameters: Mapping[str, Any]

    @property
    def text(self) -> str:
        """The template as it is stored."""
        return json.dumps(self.template, sort_keys=True)

    @property
    def key(self) -> str:
        """Where it is stored: under its contents' name, so that the root changes when it does."""
        return f"templates/{hashlib.sha256(self.text.encode()).hexdigest()}.json"


@dataclass(frozen=True, slots=True)
class Parted:
    """The root's template, and the part of each slice."""

    root: Mapping[str, Any]
    parts: Mapping[str, Part]


def part(template: Mapping[str, Any]) -> Parted:
    """The template in parts. Raises CannotPart."""
    resources = template["Resources"]
    owners = _owners(resources)
    parts = {name: _part(name, resources, owners) for name in sorted(set(owners.values()))}
    shared = {key: one for key, one in resources.items() if key not in owners}
    # osls tells the address of each published version, which nobody asks for: those of slices are left out.
    outputs = {key: one for key, one in template.get("Outputs", {}).items() if not _strangers(key, one, owners)}
    strangers = _strangers("the root", shared, owners)
    if strangers:
        raise CannotPart(strangers)
    nested = {f"{name.capitalize()}Stack": _nested(one, template) for name, one in parts.items()}
    return Parted({**template, "Resources": {**shared, **nested}, "Outputs": outputs}, parts)


def slice_of(function: Mapping[str, Any]) -> str:
    """The slice of a function's handler."""
    return str(function["Properties"]["Handler"]).split("/")[1]


def _owners(resources: Resources) -> dict[str, str]:
    """Resource -> the slice that owns it; what is shared is not in it."""
    slices = {slice_of(one) for one in resources.values() if one["Type"] == FUNCTION} - {ROOT_SLICE}
    owners: dict[str, str] = {}
    for key, one in resources.items():
        if one["Type"] == FUNCTION and slice_of(one) in slices:
            logs = [name for name in waits_for(one) if resources[name]["Type"] == LOG_GROUP]
            owners |= dict.fromkeys((key, *logs), slice_of(one))
        elif one["Type"] in (QUEUE, ROLE):
            owners.update((key, name) for name in slices if _begins_with(key, name.capitalize()))
    while found := _speakers(resources, owners):
        owners |= found
    return owners


def _begins_with(key: str, word: str) -> bool:
    """`OracleRole` begins with `Oracle`, `Oracleless` does not."""
    return key.startswith(word) and key[len(word) :][:1].isupper()


def _speakers(resources: Resources, owners: Mapping[str, str]) -> dict[str, str]:
    """What is attached to a resource of a slice, and owned by nobody yet."""
    return {
        key: owners[name]
        for key, one in resources.items()
        if key not in owners and one["Type"] != FUNCTION and one["Type"].startswith(ATTACHED)
        for name, _ in references(one)
        if name in owners
    }


def _part(name: str, resources: Resources, owners: Mapping[str, str]) -> Part:
    own = {key: one for key, one in resources.items() if owners.get(key) == name}
    others = {key: owner for key, owner in owners.items() if owner != name}
    strangers = _strangers(name, own, others)
    if strangers:
        raise CannotPart(strangers)
    if any("Condition" in one or "Fn::If" in json.dumps(one) for one in own.values()):
        raise CannotPart(f"A resource of {name} is conditional; conditions are the root's.")
    given: dict[str, Any] = {}

    def rename(named: Named) -> str | None:
        key, attribute = named
        if key in own:
            return None
        parameter = f"{key}{attribute.replace('.', '')}"
        given[parameter] = {"Fn::GetAtt": [key, attribute]} if attribute else {"Ref": key}
        return parameter

    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"The {name} slice",
        "Resources": {key: _moved(one, own, rename) for key, one in own.items()},
        "Parameters": {parameter: {"Type": "String"} for parameter in sorted(given)},
    }
    return Part(template, given)


def _moved(resource: Mapping[str, Any], own: Resources, rename: Callable[[Named], str | None]) -> dict[str, Any]:
    """The resource, which waits for none of the root's: those are there before the nested stack is begun."""
    waits = [name for name in waits_for(resource) if name in own]
    rest = {key: value for key, value in resource.items() if key != "DependsOn"}
    return {**renamed(rest, rename), **({"DependsOn": waits} if waits else {})}


def _nested(one: Part, template: Mapping[str, Any]) -> dict[str, Any]:
    bucket = template["Outputs"]["ServerlessDeploymentBucketName"]["Value"]
    url = f"https://{bucket}.s3.${{AWS::Region}}.${{AWS::URLSuffix}}/{one.key}"
    return {
        "Type": NESTED,
        "Properties": {"TemplateURL": {"Fn::Sub": url}, "Parameters": dict(one.parameters)},
    }


def _strangers(who: str, value: Any, others: Mapping[str, str]) -> str:
    named = sorted({f"{name} of {others[name]}" for name, _ in references(value) if name in others})
    return f"{who} names {', '.join(named)}: say it by its name (Fn::Sub) instead." if named else ""
