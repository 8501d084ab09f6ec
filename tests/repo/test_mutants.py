"""Every core module is broken in at least five committed ways."""

import tomllib
from collections import Counter

import pytest

from tests.mutants import catalogue
from tests.repo.house import KERNEL, ROOT, sources

pytestmark = pytest.mark.repo

MUTANTS_MIN = 5
PURE_ROOMS = ("amounts", "hashes", "ids", "merkle", "siwe", "siws")


def test_every_mutant_can_be_applied() -> None:
    """One line of a file that is there, found once; or `make mutants` would not begin."""
    assert catalogue.load()


def test_every_core_module_has_five_mutants() -> None:
    """`make mutants` names the test that notices each."""
    broken = Counter(
        mutant["file"]
        for path in (ROOT / "tests/mutants").glob("*.toml")
        for mutant in tomllib.loads(path.read_text(encoding="utf-8"))["mutant"]
    )
    cores = [source.name for source in sources("functions") if "core" in source.path.parts and list(source.functions())]
    rooms = [str((KERNEL / f"{room}.py").relative_to(ROOT)) for room in PURE_ROOMS]

    assert {name: broken[name] for name in (*cores, *rooms) if broken[name] < MUTANTS_MIN} == {}
