"""Owns named SQL: a file of described statements, read once, looked up by name."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

_NAME = re.compile(r"^-- name: *(\w+) *$")


class Queries(Mapping[str, str]):
    """Statements by name.

    A file is a list of these, each with at least one line of description:

        -- name: claim_task
        -- Why it exists and what it promises.
        select ... where id = %(id)s;
    """

    def __init__(self, statements: Mapping[str, str]) -> None:
        self._statements = dict(statements)

    @classmethod
    def load(cls, path: Path) -> "Queries":
        """Read a file; ValueError when a statement has no name, no description, no body, or its name twice."""
        return cls(parse(path.read_text(encoding="utf-8"), origin=path.name))

    def __getitem__(self, name: str) -> str:
        return self._statements[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._statements)

    def __len__(self) -> int:
        return len(self._statements)


def parse(text: str, *, origin: str = "queries") -> dict[str, str]:
    """Split the text of a query file into statements by name, without their comments."""
    statements: dict[str, str] = {}
    for section in _sections(text, origin):
        name, description, body = section
        if name in statements:
            raise ValueError(f"{origin}: query {name} is defined twice")
        if not description:
            raise ValueError(f"{origin}: query {name} has no description")
        if not body:
            raise ValueError(f"{origin}: query {name} has no statement")
        statements[name] = body
    return statements


def _sections(text: str, origin: str) -> Iterator[tuple[str, str, str]]:
    """Yield (name, description, body) for each named section."""
    name: str | None = None
    description: list[str] = []
    body: list[str] = []
    for line in text.splitlines():
        if match := _NAME.match(line):
            if name is not None:
                yield name, " ".join(description), "\n".join(body).strip().removesuffix(";")
            name, description, body = match.group(1), [], []
        elif line.lstrip().startswith("--"):
            description += [line.lstrip(" -")] if not body else []
        elif line.strip():
            if name is None:
                raise ValueError(f"{origin}: a statement stands before the first name")
            body.append(line)
    if name is not None:
        yield name, " ".join(description), "\n".join(body).strip().removesuffix(";")
