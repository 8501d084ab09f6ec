"""Serverless variables resolve from the inside out, and one without a value is named with its file and key."""

from pathlib import Path
from typing import Any

import pytest
from yaml import YAMLError

from infra.local.runner.serverless import BadBundle, Deployment, load_bundle
from infra.local.runner.variables import UnresolvedVariable, Variables

pytestmark = pytest.mark.unit

ROOT = """
service: shop
custom:
  table: {name: "orders-${sls:stage}"}
  part: ${file(part.yml):one}
  loop: ${self:custom.loop}
params:
  default: {size: 3, label: "l-${sls:stage}"}
  live: {size: 30}
functions: {}
"""


def variables(tmp_path: Path, stage: str = "live", **options: Any) -> Variables:
    path = tmp_path / "serverless.yml"
    path.write_text(ROOT, encoding="utf-8")
    (tmp_path / "part.yml").write_text("one: {two: ['a', '${sls:stage}']}\n", encoding="utf-8")
    return Variables(path=path, stage=stage, region="eu-central-1", account="123456789012", **options)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${sls:stage}", "live"),
        ("a-${sls:stage}-b-${aws:region}", "a-live-b-eu-central-1"),
        ("${aws:accountId}", "123456789012"),
        ("${self:custom.table.name}", "orders-live"),
        ("${self:custom.part.two.1}", "live"),
        ("${file(part.yml):one.two}", ["a", "live"]),
        ("${file(part.yml):one.two.1}", "live"),
        ("${param:size}", 30),  # the stage's own before the default
        ("${param:label}", "l-live"),
        ("${param:absent, 'x, y'}", "x, y"),
        ("${param:absent, 7}", 7),
        ("${param:absent, true}", True),
        ("${param:absent, env:HOME_TOWN, 'none'}", "Zug"),
        ("${param:absent, ${sls:stage}}", "live"),
        ("${opt:region, 'us-east-1'}", "eu-central-1"),
        ("${AWS::Region}", "${AWS::Region}"),  # CloudFormation's, not ours
        ("${Name}/${AWS::AccountId}/${sls:stage}", "${Name}/${AWS::AccountId}/live"),
        (["${sls:stage}", {"k": "${param:size}"}], ["live", {"k": 30}]),
        (12, 12),
    ],
)
def test_variables_resolve(tmp_path: Path, text: Any, expected: Any) -> None:
    """Each source, fallbacks in order, and Fn::Sub's own names left alone."""
    assert expected == variables(tmp_path, env={"HOME_TOWN": "Zug"}).resolve(text, "serverless.yml > x")


def test_given_parameter_wins(tmp_path: Path) -> None:
    """What the caller passes comes before params."""
    assert variables(tmp_path, parameters={"size": 5}).resolve("${param:size}", "x") == 5


def test_parameters_may_stand_in_a_file_of_their_own(tmp_path: Path) -> None:
    """Each is resolved when it is asked for: one may be filled from another."""
    path = tmp_path / "serverless.yml"
    path.write_text('params: {default: "${file(sizes.yml)}", live: {size: 30}}\n', encoding="utf-8")
    (tmp_path / "sizes.yml").write_text('size: 3\nlabel: "l-${param:size}"\n', encoding="utf-8")
    known = Variables(path=path, stage="live", region="eu-central-1", account="123456789012")

    assert ["l-30", "none"] == known.resolve(["${param:label}", "${param:absent, 'none'}"], "x")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("${param:absent}", "the parameter absent is neither given nor under params in serverless.yml"),
        ("${env:ABSENT}", "env has no ABSENT"),
        ("${self:custom.nothing}", "serverless.yml has no custom.nothing"),
        ("${file(nowhere.yml)}", "nowhere.yml does not exist"),
        ("${file(part.yml):three}", "part.yml has no three"),
        ("${ssm:/a/b}", "the runner does not know the source ssm"),
        ("x-${self:custom.table}", "a mapping or list cannot stand inside a text"),
        ("${self:custom.loop}", "deep"),
    ],
)
def test_unresolved_variable_is_named(tmp_path: Path, text: str, named: str) -> None:
    """The message says which variable, in which file and key, and why."""
    with pytest.raises(UnresolvedVariable) as unresolved:
        variables(tmp_path).resolve({"b": [text]}, "serverless.yml > a")

    assert named in str(unresolved.value)
    assert "serverless.yml > a > b[0]" in str(unresolved.value) or "self:custom.loop" in str(unresolved.value)


BUNDLE = """
service: shop
provider: {name: aws, environment: {PLAIN: "1", KEY: !Ref Key, URL: !Ref Jobs}}
functions: ["${file(functions.yml)}"]
resources: ["${file(resources.yml)}"]
"""
FUNCTIONS = """
queue_work:
  handler: functions/shop/queue_work.handler
  environment: {NEEDED: "${param:needed}", ACTIVE: true}
  events: [{sqs: {arn: !GetAtt Jobs.Arn, batchSize: 3, functionResponseType: ReportBatchItemFailures}}]
"""
RESOURCES = """
Resources:
  Key: {Type: AWS::KMS::Key}
  Dead: {Type: AWS::SQS::Queue, Properties: {QueueName: "shop-${sls:stage}-dead"}}
  Jobs:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: !Sub "shop-${sls:stage}-${AWS::Region}"
      VisibilityTimeout: 60
      RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 5}
"""


def write_bundle(tmp_path: Path, functions: str = FUNCTIONS) -> Path:
    for name, text in (("serverless.yml", BUNDLE), ("functions.yml", functions), ("resources.yml", RESOURCES)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path / "serverless.yml"


def test_bundle_is_typed(tmp_path: Path) -> None:
    """Queues, redrive and triggers come out as values; an override replaces what cannot be known locally."""
    deployment = Deployment(stage="t", sqs_url="http://sqs", overrides={"KEY": "k-1"}, parameters={"needed": "yes"})
    bundle = load_bundle(write_bundle(tmp_path), deployment)

    function, queue = bundle.functions["queue_work"], bundle.queues["Jobs"]
    assert {
        "PLAIN": "1",
        "KEY": "k-1",
        "URL": "http://sqs/123456789012/shop-t-eu-central-1",
        "NEEDED": "yes",
        "ACTIVE": "true",
    } == function.environment
    assert (function.service, function.module, function.attribute) == ("shop", "functions.shop.queue_work", "handler")
    assert (queue.name, queue.attributes) == ("shop-t-eu-central-1", {"VisibilityTimeout": "60"})
    assert queue.redrive is not None
    assert (queue.redrive.target, queue.redrive.receives_max) == ("Dead", 5)
    assert {"queue_work"} == set(bundle.missing_handlers())


def test_unknown_queue_is_named(tmp_path: Path) -> None:
    """A trigger on a queue that no resource declares is refused with its place."""
    functions = FUNCTIONS.replace("Jobs", "Nobody")
    deployment = Deployment(stage="t", overrides={"KEY": "k"}, parameters={"needed": "yes"})

    with pytest.raises(BadBundle, match=r"functions\.yml > queue_work > events\[0\] > arn refers to Nobody"):
        load_bundle(write_bundle(tmp_path, functions), deployment)


def test_reference_without_local_meaning_asks_for_an_override(tmp_path: Path) -> None:
    """A Ref to a KMS key names the variable and the remedy."""
    with pytest.raises(BadBundle, match=r"provider > environment > KEY refers to Key.*override"):
        load_bundle(write_bundle(tmp_path), Deployment(stage="t", parameters={"needed": "yes"}))


def test_unresolved_environment_variable_is_named(tmp_path: Path) -> None:
    """The slice's file and the variable's key are in the message."""
    with pytest.raises(UnresolvedVariable, match=r"functions\.yml > queue_work > environment > NEEDED"):
        load_bundle(write_bundle(tmp_path), Deployment(stage="t", overrides={"KEY": "k"}))


def test_function_declared_twice_is_refused(tmp_path: Path) -> None:
    """Keys are unique across the bundle."""
    path = write_bundle(tmp_path)
    path.write_text(BUNDLE.replace('yml)}"]\nres', 'yml)}", "${file(more.yml)}"]\nres'), encoding="utf-8")
    (tmp_path / "more.yml").write_text("queue_work: {handler: functions/other/queue_work.handler}\n", encoding="utf-8")

    with pytest.raises(BadBundle, match=r"more\.yml declares queue_work again; functions\.yml has it already"):
        load_bundle(path, Deployment(stage="t", overrides={"KEY": "k"}, parameters={"needed": "yes"}))


def test_key_that_stands_twice_is_refused(tmp_path: Path) -> None:
    """A mapping with one key twice, which PyYAML alone would let pass."""
    functions = FUNCTIONS.replace("  handler:", "  timeout: 1\n  timeout: 2\n  handler:")

    with pytest.raises(YAMLError, match=r"'timeout'\] stand twice"):
        load_bundle(write_bundle(tmp_path, functions), Deployment(stage="t"))


def test_missing_slice_file_is_named(tmp_path: Path) -> None:
    """A ${file(...)} under functions that does not exist."""
    path = write_bundle(tmp_path)
    (tmp_path / "functions.yml").unlink()

    with pytest.raises(UnresolvedVariable, match=r"functions\.yml does not exist"):
        load_bundle(path, Deployment(stage="t"))
