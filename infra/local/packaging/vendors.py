"""The dependency layers: `base` for every function, and one for each dependency group of pyproject.toml but `dev`."""

import re
import shutil
import subprocess
import tomllib
from collections.abc import Mapping
from pathlib import Path

from infra.local import programs, settings
from infra.local.failures import LocalFailure
from infra.local.packaging.targets import Target

BASE = "base"
#: The Lambda runtimes for Python have these, with all that they need and nothing else does.
IN_RUNTIME = ("boto3", "botocore")
#: A wheel's own tests, stubs for type checkers, headers and start scripts are of no use to a function.
SUPERFLUOUS = ("tests", "test", "testing", "SelfTest", "bin", "include", "__pycache__")
#: ... but these are imported by the code beside them.
NEEDED = frozenset({"numpy/testing", "sklearn/externals/array_api_extra/testing"})
USELESS_SUFFIXES = (".pyi", ".pyx", ".pxd", ".c", ".h", ".hpp", ".cpp", ".a", ".pyc")
#: Where a wheel came from and when: of this machine, and different on the next.
MACHINE_OWN = ("INSTALLER", "REQUESTED", "RECORD", "direct_url.json", "uv_cache.json", "uv_build.json")
_REQUIREMENT = re.compile(r"^([a-z0-9._-]+)==", re.MULTILINE)


class UvFailed(LocalFailure):
    """uv could not export the lock or install a layer's wheels."""


def layer_names() -> tuple[str, ...]:
    """The layers, the first of them for every function."""
    project = tomllib.loads((settings.ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return (BASE, *(group for group in project["dependency-groups"] if group != "dev"))


def requirements() -> Mapping[str, str]:
    """Layer -> its pinned and hashed requirements, those of `base` in no other."""
    exported = {layer: _export(layer) for layer in layer_names()}
    in_base = set(_REQUIREMENT.findall(exported[BASE]))
    return {
        layer: text if layer == BASE else "".join(entry for entry in _entries(text) if _name(entry) not in in_base)
        for layer, text in exported.items()
    }


def install(requirements_text: str, target: Target, folder: Path) -> None:
    """Install wheels for ``target`` into ``folder``, by their hashes, and leave out what no function needs."""
    folder.mkdir(parents=True)
    listing = folder.with_suffix(".txt")
    listing.write_text(requirements_text, encoding="utf-8")
    where = ["--python-platform", target.platform] if target.platform else []
    what = ["--only-binary", ":all:", "--no-deps", "--require-hashes", "-r", str(listing)]
    how = ["--quiet", "--link-mode", "copy", "--target", str(folder), "--python-version", target.python]
    uv(["pip", "install", *how, *where, *what])
    listing.unlink()
    _prune(folder)


def _export(layer: str) -> str:
    chosen = ["--no-default-groups"] if layer == BASE else ["--only-group", layer]
    pruned = [option for package in IN_RUNTIME for option in ("--prune", package)]
    return uv(["export", "--frozen", "--no-emit-project", "--no-header", "--no-annotate", *chosen, *pruned])


def _entries(text: str) -> list[str]:
    """A requirement with the lines of its hashes, each."""
    return re.split(r"(?m)^(?=[a-z0-9])", text)[1:]


def _name(entry: str) -> str:
    match = _REQUIREMENT.match(entry)
    assert match is not None, entry
    return match[1]


def _prune(folder: Path) -> None:
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_dir() and path.name in SUPERFLUOUS and name not in NEEDED:
            shutil.rmtree(path)
        elif path.is_file() and (path.suffix in USELESS_SUFFIXES or _is_machine_own(path)):
            path.unlink()


def _is_machine_own(path: Path) -> bool:
    return path.parent.suffix == ".dist-info" and path.name in MACHINE_OWN


def uv(arguments: list[str]) -> str:
    program = programs.uv()
    if program is None:
        raise UvFailed("uv is neither on PATH nor in .local/uv; `make ready` brings it.")
    ran = subprocess.run(
        [str(program), *arguments],
        cwd=settings.ROOT,
        check=False,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env=settings.whole_environment({"UV_PYTHON_DOWNLOADS": "never"}),
    )
    if ran.returncode != 0:
        raise UvFailed(f"uv {arguments[0]} failed:\n{ran.stderr.strip()}")
    return ran.stdout
