"""What one part of a template says of another, in each way that CloudFormation has to say it."""

from typing import Any

import pytest

from infra.local.deployment.publishing import spelt_out
from infra.local.deployment.references import references, renamed, waits_for

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ({"Ref": "Queue"}, [("Queue", "")]),
        ({"Ref": "AWS::Region"}, []),
        ({"Fn::GetAtt": ["Queue", "Arn"]}, [("Queue", "Arn")]),
        ({"Fn::GetAtt": "Queue.Arn"}, [("Queue", "Arn")]),
        ({"Fn::Sub": "arn:${AWS::Partition}:${Queue.Arn}/${Bucket}"}, [("Queue", "Arn"), ("Bucket", "")]),
        ({"Fn::Sub": ["${Own}/${Bucket}", {"Own": {"Ref": "Queue"}}]}, [("Bucket", ""), ("Queue", "")]),
        ({"Fn::Join": ["/", ["integrations", {"Ref": "Integration"}]]}, [("Integration", "")]),
        ([{"a": {"b": [{"Ref": "Deep"}]}}, "Ref", 1, None], [("Deep", "")]),
        ("${Queue}", []),  # a text that nobody substitutes
    ],
)
def test_every_way_to_name_a_resource_is_known(value: Any, named: list[tuple[str, str]]) -> None:
    """And nothing of AWS's own is taken for one."""
    assert named == list(references(value))


@pytest.mark.parametrize(
    ("value", "given"),
    [
        ({"Ref": "Queue"}, {"Ref": "QueueGiven"}),
        ({"Fn::GetAtt": ["Queue", "Arn"]}, {"Ref": "QueueArnGiven"}),
        ({"Fn::Sub": "a/${Queue.Arn}/${Kept}"}, {"Fn::Sub": "a/${QueueArnGiven}/${Kept}"}),
        ({"Fn::Sub": ["${Queue}", {"Queue": "own"}]}, {"Fn::Sub": ["${Queue}", {"Queue": "own"}]}),
        ({"Ref": "Kept"}, {"Ref": "Kept"}),
    ],
)
def test_what_is_given_from_outside_becomes_a_parameter(value: Any, given: Any) -> None:
    """Whatever it was asked by; what a part has itself stays as it is."""
    told = renamed(value, lambda named: None if named[0] == "Kept" else f"{''.join(named)}Given")

    assert given == told


@pytest.mark.parametrize(
    ("resource", "names"), [({}, []), ({"DependsOn": "One"}, ["One"]), ({"DependsOn": ["One", "Two"]}, ["One", "Two"])]
)
def test_what_a_resource_waits_for_is_a_list(resource: dict[str, Any], names: list[str]) -> None:
    """CloudFormation takes one name for a list of one."""
    assert names == waits_for(resource)


def test_a_state_says_everything_where_it_stands() -> None:
    """osls writes a thing once and points to it from everywhere else, also through another pointer."""
    state = {
        "template": {"Layers": [{"Ref": "Base"}]},
        "functions": {
            "one": {"layers": {"$ref": '$["template"]["Layers"]'}, "first": {"$ref": '$["template"]["Layers"][0]'}}
        },
        "again": {"$ref": '$["functions"]["one"]["layers"]'},
    }
    layers = [{"Ref": "Base"}]

    assert {
        "template": {"Layers": layers},
        "functions": {"one": {"layers": layers, "first": layers[0]}},
        "again": layers,
    } == spelt_out(state)
