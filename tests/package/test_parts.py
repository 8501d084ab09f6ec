"""The stack in parts: nothing is lost or made twice, each part is whole in itself, and five services fit."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from infra.local.deployment.parting import NESTED, CannotPart, Parted, part
from infra.local.deployment.references import references, waits_for
from tests.package.stack import Stack, lint_parts
from tests.repo.house import SERVICES

pytestmark = pytest.mark.integration

#: AWS refuses a stack of more than 500 resources, 200 parameters, or a megabyte.
RESOURCES_MAX, PARAMETERS_MAX, TEXT_BYTES_MAX = 450, 150, 900_000
#: cfn-lint reads for 20 s, and for minutes on a machine with other programs.
LINT_S_MAX = 600
#: The markets of the bundle, of which each gets a part.
MARKETS = ("oracle", "bridge", "netting", "contests", "barter")


@pytest.fixture(scope="module")
def parted(stack: Stack) -> Parted:
    return part(stack.template)


def templates(parted: Parted) -> dict[str, Mapping[str, Any]]:
    return {"root": parted.root, **{name: one.template for name, one in parted.parts.items()}}


def test_each_slice_but_ops_has_a_part(parted: Parted) -> None:
    """A new slice needs no word here."""
    assert set(SERVICES) - {"ops"} == set(parted.parts)


def test_every_resource_is_in_one_part(stack: Stack, parted: Parted) -> None:
    """Nothing is lost, nothing is made twice, and the root has its nested stacks besides."""
    placed = [key for one in templates(parted).values() for key, it in one["Resources"].items() if it["Type"] != NESTED]

    assert sorted(stack.resources) == sorted(placed)


def test_a_part_names_what_it_has_or_is_given(parted: Parted) -> None:
    """Each reference leads somewhere, and each parameter is asked for once and given once."""
    for name, one in templates(parted).items():
        known = set(one["Resources"]) | set(one.get("Parameters", {}))
        named = {key for key, _ in references([one["Resources"], one.get("Outputs", {})])}
        waited = {key for it in one["Resources"].values() for key in waits_for(it)}

        assert (name, set()) == (name, (named | waited) - known)

    for nested in parted.parts.values():
        assert set(nested.template["Parameters"]) == set(nested.parameters)


def test_no_part_comes_near_what_aws_refuses(parted: Parted) -> None:
    """A part that does is a slice that has grown into two."""
    sizes = {
        name: (len(one["Resources"]), len(one.get("Parameters", {})), len(json.dumps(one)))
        for name, one in templates(parted).items()
    }
    wide = {
        name: size
        for name, size in sizes.items()
        if size[0] > RESOURCES_MAX or size[1] > PARAMETERS_MAX or size[2] > TEXT_BYTES_MAX
    }

    assert {} == wide


def test_five_markets_cost_the_root_one_resource_each(stack: Stack, parted: Parted) -> None:
    """The root is what ops and the shared edges are, however many markets there are."""
    again = part({**stack.template, "Resources": {**stack.resources, **copies(stack.resources)}})

    assert set(MARKETS) <= set(again.parts)
    assert len(again.root["Resources"]) - len(again.parts) <= len(parted.root["Resources"]) - len(parted.parts)
    assert len(again.root["Resources"]) <= RESOURCES_MAX


def copies(resources: Mapping[str, Any]) -> dict[str, Any]:
    """What the oracle has, once more for each market that there is not yet."""
    oracle = set(part_of_oracle(resources))
    made: dict[str, Any] = {}
    for market in set(MARKETS) - set(SERVICES):
        names = {key: re.sub("^Oracle", "", key).join((market.capitalize(), "X")) for key in oracle}
        text = json.dumps({key: resources[key] for key in oracle})
        for key in sorted(oracle, key=len, reverse=True):
            text = re.sub(rf"\b{key}\b", names[key], text)
        made |= json.loads(text.replace("functions/oracle/", f"functions/{market}/"))
    return made


def part_of_oracle(resources: Mapping[str, Any]) -> list[str]:
    outputs = {"ServerlessDeploymentBucketName": {"Value": "none"}}
    return list(part({"Resources": resources, "Outputs": outputs}).parts["oracle"].template["Resources"])


@pytest.mark.timeout(LINT_S_MAX)
def test_cfn_lint_has_nothing_to_say_about_any_part(parted: Parted, tmp_path: Path) -> None:
    """As each is deployed."""
    assert "" == lint_parts(parted, tmp_path)


def test_another_template_is_another_key(parted: Parted) -> None:
    """So the root changes when a part does, and CloudFormation looks at it."""
    [first, *_] = parted.parts.values()
    changed = {**first.template, "Description": "another"}
    stacks = [one for one in parted.root["Resources"].values() if one["Type"] == NESTED]
    keys = {json.dumps(one["Properties"]["TemplateURL"]) for one in stacks}

    assert first.key != type(first)(changed, first.parameters).key
    assert len(keys) == len(parted.parts)
    assert any(first.key in key for key in keys)


@pytest.mark.parametrize(
    ("who", "what"),
    [
        ("Alarms", {"Ref": "OracleCommitQueue"}),  # the root names a slice's
        ("OracleRole", {"Fn::GetAtt": ["NettingQueue", "Arn"]}),  # one slice another's
        ("OracleRole", {"Fn::Sub": "${NettingQueue.Arn}/more"}),
    ],
)
def test_a_circle_between_parts_is_refused(stack: Stack, who: str, what: Any) -> None:
    """With the names of both, and how to say it instead."""
    netting = {"NettingQueue": {"Type": "AWS::SQS::Queue"}}
    function = {"Type": "AWS::Lambda::Function", "Properties": {"Handler": "functions/netting/queue_net.handler"}}
    resources = {**stack.resources, **netting, "QueueNetLambdaFunction": function}
    named = {**resources[who], "Properties": {**resources[who]["Properties"], "Tags": what}}
    with pytest.raises(CannotPart, match="by its name"):
        part({**stack.template, "Resources": {**resources, who: named}})
