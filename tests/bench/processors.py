"""Where processor time goes: of this process and of those that it started, by what they are."""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

#: A word of a command line, and what it is a part of; the first that fits counts.
PARTS: Final = (
    ("postgres", "Postgres"),
    ("redis-server", "Redis"),
    ("infra.local.upstash", "Redis' REST front"),
    ("infra.local.runner", "containers"),
    ("tests.bench.price_readers", "readers"),
)
OURSELVES, OTHERS = "gateway", "others"


@contextmanager
def watched() -> Iterator[Counter[str]]:
    """Filled at the end: milliseconds of processor time by part; a process that ends within counts for nothing."""
    spent: Counter[str] = Counter()
    before = _spent_ms()
    yield spent
    for process, (part, ms) in _spent_ms().items():
        spent[part] += round(ms - before.get(process, (part, 0.0))[1])


def per_piece(spent: Counter[str], pieces: int) -> str:
    """The same in words, of each of so many pieces of work."""
    return ", ".join(f"{part} {ms / pieces:.2f}" for part, ms in spent.most_common() if ms)


def _spent_ms() -> dict[int, tuple[str, float]]:
    """Of this process and all below it, as /proc tells."""
    processes = (int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdigit())
    told = {process: one for process in processes if (one := _told(process)) is not None}
    found, wanted = set[int](), {os.getpid()}
    while wanted:
        found |= wanted
        wanted = {process for process, (parent, _, _) in told.items() if parent in wanted}
    return {
        process: (OURSELVES if process == os.getpid() else _part(line), ms)
        for process, (_, ms, line) in told.items()
        if process in found
    }


def _told(process: int) -> tuple[int, float, str] | None:
    """The parent, the milliseconds and the command line; None of what has just ended."""
    try:
        folder = Path(f"/proc/{process}")
        numbers = (folder / "stat").read_text().rpartition(")")[2].split()
        line = (folder / "cmdline").read_text().replace("\0", " ")
    except OSError:
        return None
    return int(numbers[1]), 1000 / os.sysconf("SC_CLK_TCK") * (int(numbers[11]) + int(numbers[12])), line


def _part(line: str) -> str:
    return next((part for word, part in PARTS if word in line), OTHERS)
