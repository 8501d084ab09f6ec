"""What the rules of the house read: the tree, its Python files, and the declared functions."""

import ast
import gc
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
KERNEL = ROOT / "layers/kernel/python/kernel"
SERVICES = tuple(sorted(path.parent.name for path in (ROOT / "functions").glob("*/functions.yml")))
TRIGGERS = ("http_", "cron_", "queue_", "ws_")


@dataclass(frozen=True)
class Source:
    """One Python file of the repository with its syntax tree."""

    path: Path

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        # All trees are millions of objects that stay: to look through them for garbage takes longer than to read them.
        gc.disable()
        try:
            return ast.parse(self.text, str(self.path))
        finally:
            gc.freeze()
            gc.enable()

    @cached_property
    def _nodes(self) -> tuple[ast.AST, ...]:
        return tuple(ast.walk(self.tree))

    @property
    def name(self) -> str:
        return str(self.path.relative_to(ROOT))

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        yield from (node for node in self._nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))

    def imports(self) -> Iterator[tuple[str, int]]:
        """Dotted names this file imports, each with its line."""
        for node in self._nodes:
            if isinstance(node, ast.Import):
                yield from ((alias.name, node.lineno) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
                yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def sources(*rooms: str) -> tuple[Source, ...]:
    """Every Python file under the given rooms of the top level (all of ours by default)."""
    return tuple(source for room in rooms or ("functions", "layers", "gpu", "infra", "tests") for source in _room(room))


@cache
def _room(name: str) -> tuple[Source, ...]:
    """Each file is read and parsed once for all rules: a syntax tree of the whole tree takes seconds."""
    return tuple(Source(path) for path in sorted((ROOT / name).rglob("*.py")))


def is_handler(path: Path) -> bool:
    return path.parent.parent == ROOT / "functions" and path.name.startswith(TRIGGERS)


@cache
def handlers() -> tuple[Source, ...]:
    """The Lambda handlers: one file each, named by its trigger."""
    return tuple(source for source in sources("functions") if is_handler(source.path))


class _CloudFormationLoader(yaml.CSafeLoader):
    """YAML with CloudFormation's short tags, kept as plain values."""


def _tag(loader: yaml.CSafeLoader, suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return {suffix: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {suffix: loader.construct_sequence(node, deep=True)}
    assert isinstance(node, yaml.MappingNode)
    return {suffix: loader.construct_mapping(node, deep=True)}


_CloudFormationLoader.add_multi_constructor("!", _tag)


@cache
def yaml_file(name: str) -> Any:
    """A YAML file of the repository, CloudFormation tags kept as {tag: value}."""
    return yaml.load((ROOT / name).read_text(encoding="utf-8"), Loader=_CloudFormationLoader)


@cache
def declared_functions() -> dict[str, dict[str, Any]]:
    """service/key -> its entry in the slice's functions.yml."""
    return {
        f"{service}/{key}": entry
        for service in SERVICES
        for key, entry in yaml_file(f"functions/{service}/functions.yml").items()
    }


def events_of(kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Declared (function, event body) pairs of one kind: httpApi, websocket, schedule, sqs."""
    for function, entry in declared_functions().items():
        for event in entry.get("events", []):
            if kind in event:
                yield function, event[kind]


@cache
def resources() -> dict[str, dict[str, Any]]:
    """Logical id -> CloudFormation resource, over every file of infra/resources."""
    merged: dict[str, dict[str, Any]] = {}
    for path in sorted((ROOT / "infra/resources").glob("*.yml")):
        document = yaml_file(str(path.relative_to(ROOT)))
        merged.update(document.get("Resources", document))
    return merged
