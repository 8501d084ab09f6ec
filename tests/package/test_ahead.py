"""Functions that start ahead of their calls, secrets through AWS's extension: parameters of a stage, off at first."""

from pathlib import Path
from typing import Any

import pytest

from infra.local.deployment import osls
from infra.local.deployment.parting import part
from tests.package.conftest import HOST
from tests.package.stack import Function, Stack, lint_parts, target_of
from tests.repo.house import yaml_file

pytestmark = pytest.mark.integration

EXTENSION = "arn:aws:lambda:eu-central-1:187925254637:layer:AWS-Parameters-and-Secrets-Lambda-Extension-Arm64:12"
PRICES = "oracle/http_prices"
ALL = {
    "runtime": "python3.13",
    "snap_start": "true",
    "provisioned_prices": "2",
    "provisioned_submitters": "1",
    "secrets_extension_arn": EXTENSION,
}
LAYERS_MAX = 5
#: As in test_parts.py.
LINT_S_MAX = 600
#: What SnapStart does not take.
OLDEST_SNAPPED, EPHEMERAL_MB_MAX = (3, 12), 512


@pytest.fixture(scope="module")
def ahead(manifest: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """The template of a stage that has everything."""
    assert manifest
    folder = tmp_path_factory.mktemp("ahead")
    osls.template(HOST, folder, parameters=ALL)
    return Stack.read(folder / osls.TEMPLATE)


def is_submitter(name: str) -> bool:
    return name.split("/")[1].startswith("queue_submit_")


def snapped(stack: Stack) -> dict[str, Function]:
    return {name: one for name, one in stack.functions.items() if "SnapStart" in one.properties}


def aliases(stack: Stack) -> dict[str, dict[str, Any]]:
    """Function -> its alias."""
    by_id = {one.logical_id: name for name, one in stack.functions.items()}
    return {by_id[target_of(one["FunctionName"])]: dict(one) for one in stack.of_type("AWS::Lambda::Alias").values()}


def test_at_first_nothing_starts_ahead(stack: Stack) -> None:
    """Both cost money while nobody calls, and a version is one more thing that a deploy has to make."""
    made = [stack.of_type(f"AWS::Lambda::{kind}") for kind in ("Version", "Alias")]
    asked = {one.environment["COUNTERPART_SECRETS_FROM"] for one in stack.functions.values()}

    assert ([{}, {}], {}, {"store"}) == (made, snapped(stack), asked)


def test_what_people_wait_for_starts_from_a_snapshot(ahead: Stack) -> None:
    """Every HTTP function but the one that has provisioned containers: Lambda refuses both for one."""
    http = {name for name in ahead.functions if "/http_" in name}

    assert http - {PRICES} == set(snapped(ahead))
    assert {"PublishedVersions"} == {one.properties["SnapStart"]["ApplyOn"] for one in snapped(ahead).values()}


def test_prices_start_from_a_snapshot_where_none_are_provisioned(manifest: dict[str, Any], tmp_path: Path) -> None:
    """As the others do."""
    assert manifest
    osls.template(HOST, tmp_path, parameters={"runtime": "python3.13", "snap_start": "true"})

    assert PRICES in snapped(Stack.read(tmp_path / osls.TEMPLATE))


def test_a_snapshot_is_asked_for_where_lambda_takes_them(ahead: Stack) -> None:
    """Python 3.12 or later, no file system, no more room than 512 MB, no container image."""
    unfit = [
        name
        for name, one in snapped(ahead).items()
        if tuple(map(int, one.properties["Runtime"].removeprefix("python").split("."))) < OLDEST_SNAPPED
        or "FileSystemConfigs" in one.properties
        or "ImageUri" in one.properties["Code"]
        or one.properties.get("EphemeralStorage", {}).get("Size", 512) > EPHEMERAL_MB_MAX
    ]

    assert [] == unfit


def test_prices_and_submitters_are_kept_started(ahead: Stack) -> None:
    """As many as the stage says, and no more than may run at once."""
    kept = {
        name: alias["ProvisionedConcurrencyConfig"]["ProvisionedConcurrentExecutions"]
        for name, alias in aliases(ahead).items()
        if "ProvisionedConcurrencyConfig" in alias
    }

    assert {PRICES: 2, **{name: 1 for name in ahead.functions if is_submitter(name)}} == kept
    assert kept[PRICES] <= ahead.functions[PRICES].properties["ReservedConcurrentExecutions"]


def test_whoever_calls_a_published_version_calls_its_alias(ahead: Stack) -> None:
    """A snapshot or a provisioned container of a version that nobody calls would be of no use."""
    ids = {ahead.functions[name].logical_id: alias["Name"] for name, alias in aliases(ahead).items()}
    called = [
        (one.get("FunctionName") or one.get("IntegrationUri"), key)
        for kind in ("Lambda::Permission", "Lambda::EventSourceMapping", "ApiGatewayV2::Integration")
        for key, one in ahead.of_type(f"AWS::{kind}").items()
    ]
    past = [
        key
        for where, key in called
        for logical_id, alias in ids.items()
        if logical_id in str(where) and where != {"Fn::Join": [":", [{"Fn::GetAtt": [logical_id, "Arn"]}, alias]]}
    ]

    assert set(aliases(ahead)) == set(snapped(ahead)) | {PRICES} | {one for one in ahead.functions if is_submitter(one)}
    assert ([], True) == (past, len(called) > len(ids))


def test_new_layers_make_a_new_version(ahead: Stack, manifest: dict[str, Any]) -> None:
    """osls publishes one when a function's own properties change, among which a layer is only a name."""
    told = {one.environment["COUNTERPART_LAYERS"] for one in ahead.functions.values()}

    assert {manifest["layers_digest"]} == told


def test_the_extension_is_every_functions_last_layer(ahead: Stack) -> None:
    """And each is told to ask it; without the parameter the sets of layers are the same but for it."""
    sets = yaml_file("infra/layer_sets.yml")
    last = {str(one.properties["Layers"][-1]) for one in ahead.functions.values()}
    asked = {one.environment["COUNTERPART_SECRETS_FROM"] for one in ahead.functions.values()}

    assert ({EXTENSION}, {"extension"}) == (last, asked)
    assert [] == [name for name, one in ahead.functions.items() if len(one.properties["Layers"]) > LAYERS_MAX]
    assert sets["extension"] == {
        name: [*layers, "${param:secrets_extension_arn}"] for name, layers in sets["store"].items()
    }


@pytest.mark.timeout(LINT_S_MAX)
def test_such_a_stage_is_sound_and_parts(ahead: Stack, tmp_path: Path) -> None:
    """cfn-lint has nothing to say, and versions and aliases go with their functions."""
    parted = part(ahead.template)

    assert "" == lint_parts(parted, tmp_path)
    assert set(ahead.resources) >= set(parted.parts["oracle"].template["Resources"])
