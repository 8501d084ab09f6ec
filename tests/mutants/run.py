"""`make mutants [ARGS=word]`: break the product line by line, and name the test that notices each breakage.

Works in copies of the tree; the working tree is never touched.
"""

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from infra.local import scratch, settings
from tests.mutants import catalogue
from tests.mutants.catalogue import ROOT, BadMutant, Mutant

LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", "node_modules", ".local", "__pycache__", ".*_cache", ".hypothesis", ".benchmarks", "dist"
)
# Compiled files would outlive a mutant that keeps its file's size and second.
NO_BYTECODE = {"PYTHONDONTWRITEBYTECODE": "1"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one mutant."""

    mutant: Mutant
    verdict: str
    seconds: float
    log: str


class Lane:
    """A copy of the tree with a warmed process in it (lane.py)."""

    def __init__(self, copy: Path) -> None:
        """Start the process in `copy`."""
        self.copy = copy
        self.popen = subprocess.Popen(
            [sys.executable, str(copy / "tests/mutants/lane.py"), str(copy)],
            cwd=copy,
            env=_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def judge(self, mutant: Mutant) -> Verdict:
        """Run the mutant's killer against it."""
        assert self.popen.stdin is not None
        assert self.popen.stdout is not None
        self.popen.stdin.write(json.dumps(mutant.to_json()) + "\n")
        self.popen.stdin.flush()
        line = self.popen.stdout.readline()
        if not line:
            raise RuntimeError(f"the lane died over {mutant.name} with exit code {self.popen.wait()}")
        answer = json.loads(line)
        return Verdict(mutant, answer["verdict"], answer["seconds"], answer["log"])

    def close(self) -> None:
        """End the process."""
        self.popen.kill()
        self.popen.communicate()


def _environment() -> Mapping[str, str]:
    return settings.whole_environment(NO_BYTECODE)


def copy_tree(target: Path) -> Path:
    """A copy of the tree, with what is installed linked in."""
    shutil.copytree(ROOT, target, ignore=LEFT_OUT, symlinks=True)
    for installed in (".venv", "node_modules"):
        (target / installed).symlink_to(ROOT / installed)
    return target


@contextmanager
def lanes(count: int) -> Iterator[list[Lane]]:
    """That many lanes, ended and deleted afterwards."""
    folder = scratch.make("mutants")
    with ExitStack() as stack:
        stack.callback(scratch.remove, folder)
        yield [stack.enter_context(closing(Lane(copy_tree(folder / str(number))))) for number in range(count)]


def failing_without_mutants(mutants: Sequence[Mutant], copy: Path) -> str:
    """Run every killer once on the unbroken copy: pytest's words when one fails, an empty string when none does."""
    killers = sorted({mutant.killed_by for mutant in mutants})
    options = ["-q", "-p", "no:xdist", "-p", "no:cacheprovider", "--no-header"]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", *killers, *options],
        cwd=copy,
        env=_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    return "" if ran.returncode == 0 else ran.stdout[-6000:] + ran.stderr[-2000:]


def judge_all(mutants: Sequence[Mutant], running: Sequence[Lane], console: Console) -> list[Verdict]:
    """A verdict on each mutant, shown as they come."""
    idle: SimpleQueue[Lane] = SimpleQueue()
    for lane in running:
        idle.put(lane)

    def judge(mutant: Mutant) -> Verdict:
        lane = idle.get()
        try:
            return lane.judge(mutant)
        finally:
            idle.put(lane)

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress, ThreadPoolExecutor(len(running)) as pool:
        running_verdicts = [pool.submit(judge, mutant) for mutant in mutants]
        for _ in progress.track(as_completed(running_verdicts), total=len(mutants), description="mutants"):
            pass
    return [one.result() for one in running_verdicts]


def show(verdicts: Sequence[Verdict], console: Console) -> None:
    """Who killed whom, by file, then the words of whatever did not even run."""
    previous = ""
    for verdict in sorted(verdicts, key=lambda one: (one.mutant.file, one.mutant.name)):
        mutant = verdict.mutant
        if mutant.file != previous:
            console.print(f"\n{mutant.file}", style="bold", highlight=False)
        previous = mutant.file
        colour = "green" if verdict.verdict == "killed" else "red"
        line = f"  [{colour}]{verdict.verdict:<8}[/] {escape(mutant.name)}  by {escape(mutant.killed_by)}"
        console.print(line, highlight=False, soft_wrap=True)
    for verdict in verdicts:
        if verdict.verdict == "broken":
            words = f"\n{verdict.mutant.name} does not even run:\n{verdict.log}"
            console.print(words, style="red", markup=False, soft_wrap=True)


def main(arguments: Sequence[str]) -> int:
    """0 when every mutant was killed by its test."""
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("word", nargs="?", default="", help="only mutants whose name or file contains it")
    parser.add_argument("--lanes", type=int, default=2, help="copies of the tree that work side by side")
    chosen = parser.parse_args(arguments)
    console = Console()
    try:
        every = catalogue.load()
    except BadMutant as problem:
        console.print(f"tests/mutants: {problem}", style="red", markup=False, soft_wrap=True)
        return 1
    mutants = [mutant for mutant in every if chosen.word in f"{mutant.name} {mutant.file}"]
    if not mutants:
        console.print(f"[red]no mutant is called or lies in anything like {chosen.word!r}")
        return 1
    with lanes(min(chosen.lanes, len(mutants))) as running:
        console.print(f"running the {len({mutant.killed_by for mutant in mutants})} killers on the unbroken product")
        if words := failing_without_mutants(mutants, running[0].copy):
            console.print(f"a killer fails without any mutant:\n{words}", style="red", markup=False, soft_wrap=True)
            return 1
        verdicts = judge_all(mutants, running, console)
    show(verdicts, console)
    return _conclude(verdicts, {} if chosen.word else catalogue.short_of_mutants(every), console)


def _conclude(verdicts: Sequence[Verdict], short: Mapping[str, int], console: Console) -> int:
    killed = sum(verdict.verdict == "killed" for verdict in verdicts)
    for module, count in short.items():
        console.print(f"[red]{module} has {count} mutants, and needs {catalogue.PER_CORE_MODULE_MIN}")
    console.print(f"{killed} of {len(verdicts)} mutants killed")
    return 0 if killed == len(verdicts) and not short else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
