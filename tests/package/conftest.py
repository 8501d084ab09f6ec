"""The bundle, packaged for this machine, and the CloudFormation that osls makes of it."""

from pathlib import Path
from typing import Any

import pytest

from infra.local.deployment import osls
from infra.local.packaging.packages import DIST, package
from infra.local.packaging.targets import TARGETS
from tests.package.rooms import Rooms
from tests.package.stack import Stack

HOST = TARGETS["host"]
#: The first tests wait for the package, which on a fresh machine starts with its layers' installation.
LIMIT_S = 900


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whichever comes first pays for the fixtures."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.timeout(LIMIT_S))


@pytest.fixture(scope="session")
def manifest() -> dict[str, Any]:
    """What `make package TARGET=host` wrote; its zips lie in dist/host."""
    return package(HOST)


@pytest.fixture(scope="session")
def dist(manifest: dict[str, Any]) -> Path:
    """Where the zips of this machine's package are."""
    assert manifest["target"] == HOST.name
    return DIST / HOST.name


@pytest.fixture(scope="session")
def template_file(manifest: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template, written without credentials."""
    folder = tmp_path_factory.mktemp("template")
    osls.template(HOST, folder)
    return folder / osls.TEMPLATE


@pytest.fixture(scope="session")
def stack(template_file: Path) -> Stack:
    """The template, to be asked."""
    return Stack.read(template_file)


@pytest.fixture(scope="session")
def rooms(dist: Path, manifest: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Rooms:
    """The package, unpacked as Lambda would."""
    return Rooms(tmp_path_factory.mktemp("rooms"), dist, manifest)
