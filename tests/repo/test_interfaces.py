"""The parts of contract interfaces that slices carry are exactly those of the compiled contracts."""

import json
from typing import Any

import pytest

from tests.repo.house import ROOT

pytestmark = pytest.mark.repo

ARTIFACTS = {path.stem: path for path in (ROOT / "infra/contracts/artifacts").rglob("*.json")}
CARRIED = sorted((ROOT / "functions").glob("*/adapters/abi/*.json"))


def canonical(entry: Any) -> Any:
    """The entry without the compiler's own names for types."""
    if isinstance(entry, dict):
        return {key: canonical(value) for key, value in entry.items() if key != "internalType"}
    return [canonical(one) for one in entry] if isinstance(entry, list) else entry


@pytest.mark.parametrize("path", CARRIED, ids=lambda path: path.stem)
def test_a_carried_interface_is_part_of_its_contract(path: Any) -> None:
    """A changed signature is noticed here, not by a revert."""
    compiled = [canonical(entry) for entry in json.loads(ARTIFACTS[path.stem].read_text(encoding="utf-8"))["abi"]]

    carried = [canonical(entry) for entry in json.loads(path.read_text(encoding="utf-8"))]

    assert [entry["name"] for entry in carried if entry not in compiled] == []
    assert carried != []
