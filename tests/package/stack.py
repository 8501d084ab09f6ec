"""A CloudFormation template as its tests ask it: functions, roles, what a role may do, who triggers what."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from infra.local.deployment.parting import Parted


def listed(value: Any) -> list[Any]:
    """IAM and CloudFormation take one for a list of one."""
    return value if isinstance(value, list) else [value]


def text_of(value: Any) -> str:
    """A value as text, with CloudFormation's names left in: the `arn:...${AWS::Region}...` of a Sub, `Queue.Arn`."""
    if isinstance(value, dict) and len(value) == 1:
        ((function, argument),) = value.items()
        if function == "Fn::GetAtt":
            return ".".join(argument)
        if function in ("Fn::Sub", "Ref"):
            return str(argument[0] if isinstance(argument, list) else argument)
    return value if isinstance(value, str) else json.dumps(value)


def lint(*templates: Path) -> str:
    """What cfn-lint says of them.

    W3005 is osls' own habit of naming a dependency that a GetAtt implies already.
    """
    program = str(Path(sys.executable).with_name("cfn-lint"))
    command = [program, "--ignore-checks", "W3005", "--template", *(str(one) for one in templates)]
    ran = subprocess.run(command, check=False, capture_output=True, text=True)
    return ran.stdout + ran.stderr


def lint_parts(parted: Parted, folder: Path) -> str:
    """What it says of each part, as it is deployed: the whole takes twice as long, and nobody deploys it in one."""
    for name, template in {"root": parted.root, **{name: one.template for name, one in parted.parts.items()}}.items():
        (folder / f"{name}.json").write_text(json.dumps(template), encoding="utf-8")
    return lint(*folder.glob("*.json"))


def target_of(value: Any) -> str:
    """The logical id that a Ref or a GetAtt names."""
    return text_of(value).split(".")[0]


@dataclass(frozen=True)
class Permission:
    """One action on one resource that a role's policy allows, and under which condition."""

    action: str
    resource: str
    condition: str


@dataclass(frozen=True)
class Function:
    """One Lambda function of the template."""

    logical_id: str
    properties: Mapping[str, Any]

    @property
    def name(self) -> str:
        """service/handler."""
        return str(self.properties["Handler"]).removeprefix("functions/").removesuffix(".handler")

    @property
    def role(self) -> str:
        return target_of(self.properties["Role"])

    @property
    def environment(self) -> Mapping[str, Any]:
        variables: Mapping[str, Any] = self.properties.get("Environment", {}).get("Variables", {})
        return variables

    @property
    def layers(self) -> list[str]:
        return [target_of(layer) for layer in self.properties["Layers"]]


@dataclass(frozen=True)
class Stack:
    """What is asked of a template."""

    template: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path) -> "Stack":
        return cls(json.loads(path.read_text(encoding="utf-8")))

    @property
    def resources(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.template["Resources"]
        return found

    def of_type(self, kind: str) -> dict[str, Mapping[str, Any]]:
        """Logical id -> properties of every resource of a type."""
        return {key: one.get("Properties", {}) for key, one in self.resources.items() if one["Type"] == kind}

    @cached_property
    def functions(self) -> dict[str, Function]:
        """service/handler -> function."""
        found = [Function(key, one) for key, one in self.of_type("AWS::Lambda::Function").items()]
        return {function.name: function for function in found}

    def permissions(self, role: str) -> Iterator[Permission]:
        """Everything a role may do."""
        for policy in self.resources[role]["Properties"].get("Policies", []):
            for statement in listed(policy["PolicyDocument"]["Statement"]):
                assert statement["Effect"] == "Allow", policy
                for action in listed(statement["Action"]):
                    for resource in listed(statement["Resource"]):
                        yield Permission(action, text_of(resource), json.dumps(statement.get("Condition", {})))

    def sources(self) -> Iterator[tuple[Function, str, Mapping[str, Any]]]:
        """(function, the queue's logical id, the mapping) of every queue that triggers a function."""
        by_id = {function.logical_id: function for function in self.functions.values()}
        for mapping in self.of_type("AWS::Lambda::EventSourceMapping").values():
            yield by_id[target_of(mapping["FunctionName"])], target_of(mapping["EventSourceArn"]), mapping

    def scheduled(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """(the function's logical id, the target) of every rule."""
        for rule in self.of_type("AWS::Events::Rule").values():
            yield from ((target_of(target["Arn"]), target) for target in rule["Targets"])
