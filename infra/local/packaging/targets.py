"""Where a package is to run: an architecture and a Python, or this machine."""

import platform
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from infra.local import programs

HERE = "{}.{}".format(*sys.version_info)


@dataclass(frozen=True, slots=True)
class Target:
    """``arm64-python3.13``: wheels for that platform; ``host``: whatever this interpreter would install."""

    name: str
    architecture: str
    python: str
    #: What uv calls the platform; None is this machine's own.
    platform: str | None

    @property
    def compression(self) -> int:
        """What stays on this machine is packed fast, what is uploaded is packed well."""
        return 6 if self.platform else 1

    @property
    def runtime(self) -> str:
        """As Lambda calls it."""
        return f"python{self.python}"

    def compiler(self) -> Path | None:
        """An interpreter whose bytecode the target can read; None where this machine has none of that version.

        Lambda's /opt and /var/task are read-only: without shipped bytecode every cold start compiles all it imports.
        """
        if self.python == HERE:
            return Path(sys.executable)
        found = programs.find(f"python{self.python}")
        # A version manager's shim is found and runs nothing.
        return found if found is not None and programs.version_of(found).startswith(f"{self.python}.") else None


# cbor2 and others have no wheels for manylinux2014 any more; Amazon Linux 2023 has glibc 2.34.
PLATFORMS = {"arm64": "aarch64-manylinux_2_28", "x86_64": "x86_64-manylinux_2_28"}
PYTHONS = ("3.13", "3.12")


def _here() -> str:
    return {"aarch64": "arm64"}.get(platform.machine(), platform.machine())


TARGETS = {
    target.name: target
    for target in (
        *(Target(f"{arch}-python{py}", arch, py, wheels) for arch, wheels in PLATFORMS.items() for py in PYTHONS),
        Target("host", _here(), HERE, None),
    )
}


def compile_tree(compiler: Path, folder: Path, shown_as: str) -> None:
    """Write bytecode beside every source, checked against nothing, so that no mtime makes it stale.

    The hash seed is fixed because a set in the source becomes bytes in the order of its hashes.
    """
    how = ["-q", "-j", "0", "--invalidation-mode", "unchecked-hash", "-s", str(folder), "-p", shown_as]
    subprocess.run(
        [str(compiler), "-m", "compileall", *how, str(folder)],
        check=True,
        stdin=subprocess.DEVNULL,
        env={"PYTHONHASHSEED": "0", "PATH": "/usr/bin:/bin"},
    )
