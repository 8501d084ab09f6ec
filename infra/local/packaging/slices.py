"""A slice's own code: its folder, the kernel, and nothing that only tests, people or deploys read."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from infra.local import settings

FUNCTIONS = settings.ROOT / "functions"
KERNEL = settings.ROOT / "layers/kernel/python/kernel"
#: What code reads while it runs. Anything else that lies beside it stays at home.
SUFFIXES = frozenset({".py", ".sql", ".json", ".html", ".css", ".js"})
#: Fakes and stand-ins, for tests alone.
LEFT_OUT = frozenset({"testing", "__pycache__"})


def slice_names() -> tuple[str, ...]:
    """The slices of the bundle."""
    return tuple(sorted(path.parent.name for path in FUNCTIONS.glob("*/functions.yml")))


def collect(name: str, folder: Path) -> None:
    """Copy the slice ``name`` to ``folder`` as it lies in /var/task: `functions/<slice>`, `kernel` beside it, `gpu`."""
    roots = {
        FUNCTIONS / name: folder / "functions" / name,
        KERNEL: folder / "kernel",
        settings.ROOT / "gpu": folder / "gpu",
    }
    for source, target in roots.items():
        for path in _files(source):
            place = target / path.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)
    shutil.copyfile(FUNCTIONS / "__init__.py", folder / "functions/__init__.py")


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if path.suffix in SUFFIXES and path.is_file() and not LEFT_OUT & set(inside.parts):
            yield path
