"""Serverless Framework variables: ``${file(...)}``, ``${sls:}``, ``${self:}``, ``${env:}``, ``${param:}``, ``${aws:}``.

The grammar is that of Serverless 3 and osls: ``${source(argument):address, fallback, ...}``, nested from the inside
out. ``${Name}`` and ``${AWS::Region}`` have no source and are left for CloudFormation's ``Fn::Sub``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

INNERMOST = re.compile(r"\$\{([^{}]*)\}")
TERM = re.compile(r"^(?P<source>[a-zA-Z]+)(?:\((?P<argument>[^)]*)\))?(?::(?!:)(?P<address>.*))?$", re.DOTALL)
DEPTH_MAX = 20


class UnresolvedVariable(Exception):
    """A variable of serverless.yml has no value."""

    def __init__(self, expression: str, place: str, reason: str) -> None:
        super().__init__(f"${{{expression}}} in {place} has no value: {reason}")


class TaggedLoader(yaml.CSafeLoader):
    """YAML with CloudFormation's short tags: ``!Ref X`` reads as ``{Ref: X}``, ``!GetAtt A.B`` as ``Fn::GetAtt``.

    A key that stands twice in a mapping is refused, as Serverless does; PyYAML would keep the last one.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """The mapping of ``node``, each key once; a merged (``<<``) mapping may be overridden."""
        keys = [self.construct_object(key, deep=True) for key, _ in node.value if not key.tag.endswith(":merge")]
        doubled = {key for key in keys if keys.count(key) > 1}
        if doubled:
            mark = node.start_mark
            raise yaml.constructor.ConstructorError(None, None, f"{sorted(doubled)} stand twice in one mapping", mark)
        return super().construct_mapping(node, deep=deep)


def _tagged(loader: TaggedLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}": value}


TaggedLoader.add_multi_constructor("!", _tagged)


def load_yaml(path: Path) -> Any:
    """The document of ``path``, CloudFormation tags in their long form."""
    # The loader is a SafeLoader: it builds plain values only.
    return yaml.load(path.read_text(encoding="utf-8"), Loader=TaggedLoader)


class _Absent(Exception):
    """A term has no value; the next fallback is tried."""


@dataclass
class Variables:
    """Resolves one serverless.yml. ``env`` and ``parameters`` are explicit: nothing is read from this process."""

    path: Path
    stage: str
    region: str
    account: str
    env: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    root: Any = field(init=False)
    #: Files as they are written: the same ones are asked for hundreds of times.
    _read: dict[Path, Any] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.root = load_yaml(self.path)

    def resolve(self, node: Any, place: str, depth: int = 0) -> Any:
        """``node`` with every variable replaced; ``place`` (file and key) is named when one has no value."""
        if depth > DEPTH_MAX:
            raise UnresolvedVariable("...", place, f"variables refer to each other more than {DEPTH_MAX} deep")
        if isinstance(node, dict):
            return {key: self.resolve(value, f"{place} > {key}", depth) for key, value in node.items()}
        if isinstance(node, list):
            return [self.resolve(value, f"{place}[{index}]", depth) for index, value in enumerate(node)]
        return self._text(node, place, depth) if isinstance(node, str) else node

    def _text(self, text: str, place: str, depth: int) -> Any:
        position = 0
        while match := INNERMOST.search(text, position):
            if not self._is_variable(match[1]):
                position = match.end()
                continue
            value = self._expression(match[1], place, depth + 1)
            if match.span() == (0, len(text)):
                return value
            if isinstance(value, dict | list):
                raise UnresolvedVariable(match[1], place, "a mapping or list cannot stand inside a text")
            text = text[: match.start()] + _as_text(value) + text[match.end() :]
            position = 0
        return text

    @staticmethod
    def _is_variable(expression: str) -> bool:
        match = TERM.match(expression.split(",", maxsplit=1)[0].strip())
        return match is not None and (match["address"] is not None or match["argument"] is not None)

    def _expression(self, expression: str, place: str, depth: int) -> Any:
        reasons = []
        for term in _split_terms(expression):
            try:
                return self._term(term, place, depth)
            except _Absent as absent:
                reasons.append(str(absent))
        raise UnresolvedVariable(expression, place, "; ".join(reasons))

    def _term(self, term: str, place: str, depth: int) -> Any:
        match = TERM.match(term)
        if match is None or (match["address"] is None and match["argument"] is None):
            return _literal(term)
        source, argument, address = match["source"], match["argument"], match["address"] or ""
        if source == "file":
            return self._file(argument or "", address, depth)
        if source == "self":
            return self._self(address, depth)
        if source == "param":
            return self._parameter(address, place, depth)
        return _walk(self._flat(source), address, f"{source} has no {address}", whole=True)

    def _self(self, address: str, depth: int) -> Any:
        """What stands there; on the way, too, a mapping may be a variable."""
        node, place = self.root, f"self:{address}"
        for key in address.split("."):
            node = self.resolve(node, place, depth) if isinstance(node, str) else node
            node = _walk(node, key, f"serverless.yml has no {address}", whole=True)
        return self.resolve(node, place, depth)

    def _flat(self, source: str) -> Mapping[str, Any]:
        match source:
            case "sls":
                return {"stage": self.stage, "instanceId": "local"}
            case "opt":
                return {"stage": self.stage, "region": self.region}
            case "aws":
                return {"region": self.region, "accountId": self.account, "partition": "aws"}
            case "env":
                return self.env
        raise _Absent(f"the runner does not know the source {source}")

    def _file(self, name: str, address: str, depth: int) -> Any:
        path = (self.path.parent / name.strip()).resolve()
        if not path.is_file():
            raise _Absent(f"{name} does not exist")
        resolved = self.resolve(self._written(path), name, depth)
        return _walk(resolved, address, f"{name} has no {address}") if address else resolved

    def _parameter(self, name: str, place: str, depth: int) -> Any:
        if name in self.parameters:
            return self.parameters[name]
        declared = self.root.get("params") or {}
        for stage in (self.stage, "default"):
            given = self._unread(declared.get(stage) or {})
            if name in given:
                return self.resolve(given[name], f"{place} > param:{name}", depth)
        raise _Absent(f"the parameter {name} is neither given nor under params in {self.path.name}")

    def _unread(self, parameters: Any) -> Mapping[str, Any]:
        """A stage's parameters as they are written, here or in a file of their own: each is resolved when asked for."""
        match = re.fullmatch(r"\$\{file\(([^)]+)\)\}", parameters) if isinstance(parameters, str) else None
        found = self._written(self.path.parent / match[1]) if match else parameters
        return found if isinstance(found, Mapping) else {}

    def _written(self, path: Path) -> Any:
        if path not in self._read:
            self._read[path] = load_yaml(path)
        return self._read[path]


def _walk(node: Any, address: str, reason: str, *, whole: bool = False) -> Any:
    for key in [address] if whole else address.split("."):
        if isinstance(node, Mapping) and key in node:
            node = node[key]
        elif isinstance(node, list) and key.isdigit() and int(key) < len(node):
            node = node[int(key)]
        else:
            raise _Absent(reason)
    return node


def _split_terms(expression: str) -> list[str]:
    """``a, 'b, c'`` at its commas outside quotes and brackets."""
    return [term.strip() for term in re.findall(r"""((?:'[^']*'|"[^"]*"|\([^)]*\)|[^,])+)""", expression)]


def _literal(term: str) -> Any:
    if len(term) >= 2 and term[0] == term[-1] and term[0] in "'\"":
        return term[1:-1]
    if term in {"true", "false", "null"} or re.fullmatch(r"-?\d+(\.\d+)?", term):
        return yaml.safe_load(term)
    return term  # what a nested variable left behind


def _as_text(value: Any) -> str:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
