"""The committed mutants: one-line breakages of the product, each with the test that must notice."""

import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PER_CORE_MODULE_MIN = 5


class BadMutant(Exception):
    """An entry in tests/mutants that cannot be applied; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """In `file`, `old` (which occurs once) becomes `new`, and the test `killed_by` must then fail."""

    name: str
    file: str
    old: str
    new: str
    killed_by: str

    def applied_to(self, text: str) -> str:
        """The file's text with the mutation; BadMutant unless `old` occurs exactly once and `new` differs."""
        count = text.count(self.old)
        if count != 1:
            raise BadMutant(f"{self.name}: `{self.old}` occurs {count} times in {self.file}, not once")
        if self.old == self.new:
            raise BadMutant(f"{self.name}: `new` is the same as `old`")
        if lines_changed(self.old, self.new) > 1:
            raise BadMutant(f"{self.name}: a mutant changes one line; the others in `old` and `new` are context")
        return text.replace(self.old, self.new)

    def to_json(self) -> dict[str, str]:
        """As a JSON object."""
        return asdict(self)


def lines_changed(old: str, new: str) -> int:
    """How many lines of `old` are not `new`'s, between the lines that both begin and end with."""
    before, after = old.splitlines(), new.splitlines()
    while before and after and before[0] == after[0]:
        del before[0], after[0]
    while before and after and before[-1] == after[-1]:
        del before[-1], after[-1]
    return max(len(before), len(after))


def load(folder: Path = Path(__file__).parent, root: Path = ROOT) -> list[Mutant]:
    """Every mutant of `folder`'s TOML files, checked against the files they change."""
    mutants = [mutant for path in sorted(folder.glob("*.toml")) for mutant in _read(path)]
    for name, count in Counter(mutant.name for mutant in mutants).items():
        if count > 1:
            raise BadMutant(f"{name}: the name is used {count} times")
    for mutant in mutants:
        if not (root / mutant.file).is_file():
            raise BadMutant(f"{mutant.name}: there is no {mutant.file}")
        mutant.applied_to((root / mutant.file).read_text())
    return mutants


def core_modules(root: Path = ROOT) -> Iterator[str]:
    """The modules that need mutants: every core module with a function in it."""
    for path in sorted(root.glob("functions/*/core/**/*.py")):
        if "def " in path.read_text():
            yield str(path.relative_to(root))


def short_of_mutants(mutants: Iterable[Mutant], root: Path = ROOT) -> dict[str, int]:
    """Core modules with fewer than five mutants, and how many each has."""
    counts = Counter(mutant.file for mutant in mutants)
    return {module: counts[module] for module in core_modules(root) if counts[module] < PER_CORE_MODULE_MIN}


def _read(path: Path) -> Iterator[Mutant]:
    names = {field.name for field in fields(Mutant)}
    for entry in tomllib.loads(path.read_text()).get("mutant", []):
        if set(entry) != names:
            raise BadMutant(f"{path.name}: an entry has {sorted(entry)}, not {sorted(names)}")
        yield Mutant(**entry)
