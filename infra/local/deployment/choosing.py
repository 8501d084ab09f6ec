"""A few functions of the bundle as a stack of their own: the collector of another region, and nothing beside it.

1. The functions, and all that they refer to: roles, layers.
2. What triggers them, and what that refers to: queues with their dead letters, rules, APIs with their stages.
3. Alarms that speak of what is there.
4. What a role may do and what a function is told, as far as it names what is there: a grant on a queue that nobody
   reads in this stack, or the address of an API that is not in it, falls away.
"""

from collections.abc import Collection, Mapping
from typing import Any

from infra.local.deployment.parting import FUNCTION, LOG_GROUP, ROLE
from infra.local.deployment.references import references, waits_for
from infra.local.failures import LocalFailure

ALARMS = "Alarms"
#: What stands for a function where it is triggered.
PUBLISHED = ("AWS::Lambda::Version", "AWS::Lambda::Alias")
#: What comes along as soon as all that it speaks of is there, with a log group of its own.
FOLLOWERS = ("AWS::ApiGatewayV2::Route", "AWS::ApiGatewayV2::Stage", "AWS::CloudWatch::Alarm", "AWS::SNS::Subscription")


class UnknownFunction(LocalFailure):
    """The bundle has no function of this name."""


def only(template: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    """The template with these functions ("oracle/cron_collect") alone. Raises UnknownFunction."""
    resources = template["Resources"]
    chosen = _functions(resources, names)
    while more := _naming(chosen, resources, PUBLISHED) - chosen:
        chosen |= more
    seeds = chosen | _naming(chosen, resources)
    kept = _closed(seeds | {ALARMS}, resources)
    while more := {key for key, one in resources.items() if key not in kept and _follows(one, resources, kept)}:
        kept = _closed(kept | more, resources)
    left = {
        key: _without_grants(one, kept | {*template.get("Parameters", {})})
        for key, one in resources.items()
        if key in kept
    }
    return _trimmed({**template, "Resources": left}, kept)


def _functions(resources: Mapping[str, Any], names: Collection[str]) -> set[str]:
    handlers = {f"functions/{name}.handler": name for name in names}
    found = {
        key: handlers[one["Properties"]["Handler"]]
        for key, one in resources.items()
        if one["Type"] == FUNCTION and one["Properties"]["Handler"] in handlers
    }
    unknown = sorted(set(names) - set(found.values()))
    if unknown:
        raise UnknownFunction(f"serverless.yml has no function {', '.join(unknown)}.")
    return set(found)


def _naming(keys: set[str], resources: Mapping[str, Any], kinds: Collection[str] = ()) -> set[str]:
    """What names one of them, of these kinds or of any but functions."""
    return {
        key
        for key, one in resources.items()
        if (one["Type"] in kinds if kinds else one["Type"] != FUNCTION) and keys & _named(one, resources)
    }


def _named(resource: Mapping[str, Any], resources: Mapping[str, Any]) -> set[str]:
    """The resources without which it cannot be made. Grants are not among them."""
    told = {
        key: value for key, value in resource.get("Properties", {}).items() if key not in ("Policies", "Environment")
    }
    return {name for name, _ in references(told) if name in resources} | set(waits_for(resource))


def _closed(keys: set[str], resources: Mapping[str, Any]) -> set[str]:
    """With all that they refer to, and so on."""
    while more := {name for key in keys for name in _named(resources[key], resources)} - keys:
        keys = keys | more
    return keys


def _follows(resource: Mapping[str, Any], resources: Mapping[str, Any], kept: set[str]) -> bool:
    others = {name for name in _named(resource, resources) if resources[name]["Type"] != LOG_GROUP}
    return resource["Type"] in FOLLOWERS and others <= kept


def _without_grants(resource: Mapping[str, Any], known: set[str]) -> dict[str, Any]:
    """The resource without what it grants on, or is told of, resources that are not there."""
    properties = dict(resource.get("Properties", {}))
    if resource["Type"] == ROLE:
        policies = [_narrowed(policy, known) for policy in properties.get("Policies", [])]
        properties["Policies"] = [policy for policy in policies if policy["PolicyDocument"]["Statement"]]
    if resource["Type"] == FUNCTION:
        told = properties.get("Environment", {}).get("Variables", {})
        properties["Environment"] = {
            "Variables": {key: value for key, value in told.items() if _is_there(value, known)}
        }
    return {**resource, "Properties": properties} if properties else dict(resource)


def _narrowed(policy: Mapping[str, Any], known: set[str]) -> dict[str, Any]:
    document = policy["PolicyDocument"]
    statements = []
    for statement in document["Statement"]:
        granted = statement["Resource"]
        left = [one for one in (granted if isinstance(granted, list) else [granted]) if _is_there(one, known)]
        if left:
            statements.append({**statement, "Resource": left})
    return {**policy, "PolicyDocument": {**document, "Statement": statements}}


def _is_there(value: Any, known: set[str]) -> bool:
    return {name for name, _ in references(value)} <= known


def _trimmed(template: Mapping[str, Any], kept: set[str]) -> dict[str, Any]:
    """Without outputs, conditions and parameters that nothing speaks of any more."""
    resources = template["Resources"]
    outputs = {key: one for key, one in template.get("Outputs", {}).items() if _is_there(one, kept)}
    asked = {one["Condition"] for one in resources.values() if "Condition" in one}
    conditions = {key: one for key, one in template.get("Conditions", {}).items() if key in asked}
    named = {name for name, _ in references([resources, outputs, conditions])}
    parameters = {key: one for key, one in template.get("Parameters", {}).items() if key in named}
    rest = {"Outputs": outputs, "Conditions": conditions, "Parameters": parameters}
    whole = {key: value for key, value in template.items() if key not in rest}
    return whole | {key: value for key, value in rest.items() if value}
