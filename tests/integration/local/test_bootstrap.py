"""The bootstrap installs what the locks name, once, and every failure says what to do. Installers are stood in for."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from infra.local import settings

pytestmark = pytest.mark.integration

NEEDED = ("infra/__init__.py", "pyproject.toml", "uv.lock", "package.json", "package-lock.json")
# Installers that only leave a trace, and what the bootstrap looks for afterwards.
UV = 'echo "uv $@" >> "$TRACE"; mkdir -p .venv/bin; touch .venv/bin/python'
NPM = 'echo "npm $@" >> "$TRACE"; mkdir -p node_modules; touch node_modules/.package-lock.json'
NODE = "echo v20.1.0"


class Machine:
    """A copy of the tree without anything installed, in a folder with a space, and a PATH of our own."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "a fresh clone"
        self.bin = folder / "bin"
        self.trace = folder / "trace"
        self.bin.mkdir()
        self.trace.touch()
        shutil.copytree(
            settings.ROOT / "infra/local", self.root / "infra/local", ignore=shutil.ignore_patterns("__*__")
        )
        for name in NEEDED:
            shutil.copy(settings.ROOT / name, self.root / name)
        shutil.copy(settings.ROOT / "infra/local/__init__.py", self.root / "infra/local/__init__.py")

    def has(self, name: str, script: str) -> None:
        """Put a program on PATH."""
        program = self.bin / name
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)

    def bootstrap(self, python_path: Path | None = None) -> "subprocess.CompletedProcess[str]":
        """Run the bootstrap; python_path: modules that shadow the standard library's."""
        environment = {
            "PATH": f"{self.bin}{os.pathsep}/bin{os.pathsep}/usr/bin" if python_path is None else str(self.bin),
            "TRACE": str(self.trace),
            "HOME": str(self.root),
        }
        if python_path is not None:
            environment["PYTHONPATH"] = str(python_path)
        return subprocess.run(
            [sys.executable, "-m", "infra.local.bootstrap"],
            cwd=self.root,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.fixture
def whole(machine: Machine) -> Machine:
    """A machine with uv, Node and npm on PATH."""
    for name, script in (("uv", UV), ("npm", NPM), ("node", NODE)):
        machine.has(name, script)
    return machine


def test_the_locks_are_installed_frozen_and_without_scripts(whole: Machine) -> None:
    """uv may change no lock and fetch no Python, npm may run no package's script."""
    ran = whole.bootstrap()

    assert ran.returncode == 0, ran.stdout + ran.stderr
    calls = sorted(whole.trace.read_text().splitlines())
    assert len(calls) == 2
    assert calls[0].startswith("npm ci --ignore-scripts")
    assert calls[1].startswith("uv sync --frozen")


def test_a_second_run_installs_nothing(whole: Machine) -> None:
    """Stamps tell that the locks are as they were."""
    whole.bootstrap()
    whole.trace.write_text("")
    ran = whole.bootstrap()

    assert (ran.returncode, ran.stdout, whole.trace.read_text()) == (0, "", "")


def test_a_changed_lock_is_installed_again_alone(whole: Machine) -> None:
    """Only what the changed lock names is installed."""
    whole.bootstrap()
    whole.trace.write_text("")
    with (whole.root / "package-lock.json").open("a") as lock:
        lock.write("\n")
    whole.bootstrap()

    assert [line.split()[0] for line in whole.trace.read_text().splitlines()] == ["npm"]


def test_a_lost_environment_is_installed_again(whole: Machine) -> None:
    """A stamp does not hide that the folder it speaks of is gone."""
    whole.bootstrap()
    shutil.rmtree(whole.root / ".venv")
    whole.bootstrap()

    assert (whole.root / ".venv/bin/python").exists()


@pytest.mark.parametrize(("program", "remedy"), [("uv", "package index"), ("npm", "npm registry")])
def test_a_failed_download_shows_the_installers_words_and_the_remedy(whole: Machine, program: str, remedy: str) -> None:
    """The end of the installer's own output, then what to do; nothing is stamped."""
    whole.has(program, "echo connection refused by the mirror >&2; exit 2")
    ran = whole.bootstrap()

    assert ran.returncode == 1
    assert "connection refused by the mirror" in ran.stdout
    assert remedy in ran.stdout
    assert not (whole.root / ".local" / ("python.stamp" if program == "uv" else "node.stamp")).exists()


def test_without_venv_and_pip_the_packages_are_named(machine: Machine, tmp_path: Path) -> None:
    """A Debian Python without its companions hears which packages bring them."""
    shadows = tmp_path / "shadows"
    shadows.mkdir()
    (shadows / "venv.py").write_text("raise SystemExit('ensurepip is not available')")
    (shadows / "pip.py").write_text("raise SystemExit('No module named pip')")
    ran = machine.bootstrap(shadows)

    assert ran.returncode == 1
    assert "apt-get install -y python3-venv python3-pip" in ran.stdout


def test_an_old_node_is_not_taken(whole: Machine) -> None:
    """Node 18 on PATH counts as none; without the wheel's the remedy is told."""
    whole.has("node", "echo v18.19.0")
    ran = whole.bootstrap()

    assert ran.returncode == 1
    assert "no Node of version 20" in ran.stdout
    assert "apt-get install -y nodejs npm" in ran.stdout
