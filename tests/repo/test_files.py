"""Rules about files: their place, their size, their names, what they may say."""

import ast
import re
import subprocess

import pytest

from tests.repo.house import KERNEL, ROOT, SERVICES, handlers, is_handler, sources

pytestmark = pytest.mark.repo

TOP_LEVEL_FOLDERS = {"functions", "layers", "gpu", "infra", "tests", "events", ".ci"}
LINES_MAX_FUNCTION, LINES_MAX_FILE, LINES_MAX_HANDLER = 70, 400, 25
SLICE = {"core", "adapters", "wiring.py", "functions.yml", "README.md", "__init__.py", "__pycache__"}
VAGUE = {"utils", "util", "helpers", "helper", "common", "misc", "shared", "manager", "data", "info"}
# The rules themselves, and the little bundle that the runner's tests deploy: its handlers show their environment.
EXEMPT = {ROOT / "tests/repo", ROOT / "tests/integration/runner/bundle"}
# Spelled in pieces, so that this file does not break its own rule.
REGISTRIES = ("pypi" + ".org", "files.python" + "hosted", "registry.npm" + "js", "deb." + "debian", "npm" + "js.com")


def tracked() -> list[str]:
    return subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")[
        :-1
    ]


def test_top_level_is_fixed() -> None:
    """A new room at the top level is an architectural decision, not an accident."""
    folders = {name.split("/")[0] for name in tracked() if "/" in name}

    assert folders - TOP_LEVEL_FOLDERS == set()


def test_functions_are_short() -> None:
    """A function fits on one screen."""
    long = [
        f"{source.name}:{function.lineno} {function.name}"
        for source in sources()
        for function in source.functions()
        if (function.end_lineno or 0) - function.lineno + 1 > LINES_MAX_FUNCTION
    ]

    assert long == []


def test_files_tell_one_story() -> None:
    """A file is at most 400 lines."""
    long = [source.name for source in sources() if source.text.count("\n") > LINES_MAX_FILE]

    assert long == []


def test_no_vague_module_names() -> None:
    """A module is named for its one job."""
    vague = [source.name for source in sources() if VAGUE & {*source.path.relative_to(ROOT).with_suffix("").parts}]

    assert vague == []


def test_every_module_says_what_it_owns() -> None:
    """Each module that holds code opens with a docstring."""
    silent = [source.name for source in sources() if source.tree.body and not ast.get_docstring(source.tree)]

    assert silent == []


def test_environment_is_read_in_settings_and_wiring_only() -> None:
    """Configuration enters through one frozen object a slice."""
    allowed = {"settings.py", "wiring.py", "conftest.py"}
    leaks = [
        f"{source.name}:{line}"
        for source in sources()
        if source.path.name not in allowed and not set(source.path.parents) & EXEMPT
        for line, text in enumerate(source.text.splitlines(), 1)
        if re.search(r"\bos\.(environ|getenv)\b|from os import .*environ", text)
    ]

    assert leaks == []


def test_handlers_are_sentences() -> None:
    """A handler or route has at most 25 lines and no try: what a failure means is the kernel's policy."""
    wordy = [
        f"{source.name}:{function.lineno} {function.name}"
        for source in handlers()
        for function in source.functions()
        if (function.end_lineno or 0) - function.lineno + 1 > LINES_MAX_HANDLER
        or any(isinstance(node, ast.Try) for node in ast.walk(function))
    ]

    assert wordy == []


def test_slices_hold_handlers_core_adapters_and_nothing_else() -> None:
    """A newcomer knows where everything of a slice is."""
    strangers = []
    for service in SERVICES:
        for path in sorted((ROOT / "functions" / service).iterdir()):
            known = path.name in SLICE
            if not known and not is_handler(path):
                strangers.append(str(path.relative_to(ROOT)))

    assert strangers == []


def test_no_registry_host_is_named() -> None:
    """Packages are named, the places they come from are configuration (locks excepted: they are generated)."""
    named = [
        name
        for name in tracked()
        if name not in {"uv.lock", "package-lock.json"} and (ROOT / name).is_file()
        for host in REGISTRIES
        if host.encode() in (ROOT / name).read_bytes()
    ]

    assert named == []


def test_nothing_is_left_for_later() -> None:
    """Main carries no reminder notes: what is not there is said in the README."""
    marker = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError)\b")
    left = [
        source.name for source in sources() if source.path.parent != ROOT / "tests/repo" and marker.search(source.text)
    ]

    assert left == []


def test_kernel_rooms_are_listed_in_its_readme() -> None:
    """layers/kernel/README.md has a row for each room of the kernel."""
    readme = (ROOT / "layers/kernel/README.md").read_text(encoding="utf-8")
    rooms = {path.stem for path in KERNEL.iterdir() if path.is_dir() or path.suffix == ".py"} - {
        "__init__",
        "__pycache__",
    }

    assert sorted(room for room in rooms if f"`{room}`" not in readme) == []


def test_every_handler_is_explained_in_its_slices_readme() -> None:
    """functions/<service>/README.md has a row for each handler."""
    unexplained = [
        source.name
        for source in handlers()
        if f"`{source.path.stem}`" not in (source.path.parent / "README.md").read_text(encoding="utf-8")
    ]

    assert unexplained == []
