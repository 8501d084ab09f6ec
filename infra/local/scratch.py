"""Temporary folders that name their owner's process, so that the next start sweeps what a killed one left."""

import shutil
import tempfile
from os import getpid
from pathlib import Path

PREFIX = "counterpart"
MEMORY = Path("/dev/shm")
# A container often has 64 MB there.
PLENTY_BYTES = 4 << 30


def make(kind: str, *, many_files: bool = False) -> Path:
    """A fresh folder of this process; folders of the same kind whose process is gone are removed first.

    many_files: in memory where there is plenty of it. A database is 300 files, and copying those takes a busy disk half
    a second, memory a hundredth of one.
    """
    for parent in (Path(tempfile.gettempdir()), MEMORY):
        for old in parent.glob(f"{PREFIX}-{kind}-*-*"):
            owner = old.name.removeprefix(f"{PREFIX}-{kind}-").split("-")[0]
            if owner.isdigit() and not Path("/proc", owner).exists():
                remove(old)
    parent = MEMORY if many_files and _is_plenty(MEMORY) else Path(tempfile.gettempdir())
    return Path(tempfile.mkdtemp(prefix=f"{PREFIX}-{kind}-{getpid()}-", dir=parent))


def _is_plenty(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free >= PLENTY_BYTES
    except OSError:
        return False


def remove(folder: Path) -> None:
    """Delete `folder` with all in it; what cannot be deleted is left to the next sweep."""
    shutil.rmtree(folder, ignore_errors=True)
