"""The committed artifacts are what the committed sources compile to."""

import subprocess
from pathlib import Path

import pytest

from infra.local import programs

pytestmark = pytest.mark.integration

CONTRACTS = Path(__file__).parents[3] / "infra" / "contracts"


def contents(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("*.json"))}


def test_a_rebuild_gives_the_committed_artifacts(tmp_path: Path) -> None:
    """Byte for byte: nobody runs code that the sources do not say, and no artifact is left over."""
    node = programs.node()
    assert node is not None, "Node is absent; run `make doctor`"

    subprocess.run([node.program, CONTRACTS / "build.cjs", tmp_path], check=True, capture_output=True, timeout=110)

    assert contents(tmp_path) == contents(CONTRACTS / "artifacts")
