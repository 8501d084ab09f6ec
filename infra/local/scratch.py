"""Temporary folders that name their owner's process, so that the next start sweeps what a killed one left."""

import shutil
import tempfile
from os import getpid
from pathlib import Path

PREFIX = "counterpart"


def make(kind: str) -> Path:
    """A fresh folder of this process; folders of the same kind whose process is gone are removed first."""
    parent = Path(tempfile.gettempdir())
    for old in parent.glob(f"{PREFIX}-{kind}-*-*"):
        owner = old.name.removeprefix(f"{PREFIX}-{kind}-").split("-")[0]
        if owner.isdigit() and not Path("/proc", owner).exists():
            remove(old)
    return Path(tempfile.mkdtemp(prefix=f"{PREFIX}-{kind}-{getpid()}-", dir=parent))


def remove(folder: Path) -> None:
    """Delete `folder` with all in it; what cannot be deleted is left to the next sweep."""
    shutil.rmtree(folder, ignore_errors=True)
