"""Owns an isolation forest as arrays: how few questions it takes to tell a row from all others, in exact integers.

A forest was grown elsewhere (gpu/forest says how, and in which octets). Here it is only asked. It has one part an
aspect, each over its own columns. In a tree a row goes left where its value is at most the node's threshold, and the
leaf says how deep it lies, in 1/65 536 of a question. An aspect's depth of a row is the sum over its trees: whole
numbers, so no order of adding them matters. The smaller, the odder; below the aspect's limit the row is a suspect.

Octets, little-endian: the magic, a length (4), a JSON header of that length, and for all nodes of all trees of all
aspects, in order: the column each asks (1, signed; -1 is a leaf), the right child within its tree (2; the left one is
the next node), and its threshold as float32 or its depth as an integer (4). A forest that would lead a row out of its
tree or round in it is refused when it is read, so that asking it always ends.
"""

import json
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from kernel.errors import Invalid

MAGIC: Final = b"CPIF1\n"
ONE: Final = 65_536
_TREES_MAX: Final = 4_096
_NODES_MAX: Final = 65_535
_DEPTH_MAX: Final = 64

Depths = npt.NDArray[np.int64]


class ForestUnfit(Invalid):
    """These octets are no isolation forest."""

    cause = "They were changed, or written by another version."
    remedy = "Train a model anew, or put an earlier version in force."


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Aspect:
    """The part of a forest that looks at some columns. Nodes of all its trees in one row, tree after tree."""

    name: str
    columns: tuple[int, ...]
    limit: int
    #: The first node of each tree.
    roots: npt.NDArray[np.intp]
    #: -1 where a node is a leaf.
    column: npt.NDArray[np.intp]
    #: Among all nodes.
    right: npt.NDArray[np.intp]
    threshold: npt.NDArray[np.float32]
    depth: npt.NDArray[np.int32]
    levels: int

    def depths(self, rows: npt.NDArray[np.float32]) -> Depths:
        """The depth of each row."""
        at = np.repeat(self.roots[:, None], len(rows), axis=1)
        places = np.arange(len(rows))[None, :]
        for _ in range(self.levels):
            column = self.column[at]
            goes_left = rows[places, np.maximum(column, 0)] <= self.threshold[at]
            at = np.where(column < 0, at, np.where(goes_left, at + 1, self.right[at]))
        found: Depths = self.depth[at].astype(np.int64).sum(axis=0)
        return found


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Forest:
    """A whole forest over rows of so many columns."""

    columns: int
    aspects: tuple[Aspect, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Its aspects by name."""
        return tuple(aspect.name for aspect in self.aspects)

    @property
    def limits(self) -> tuple[int, ...]:
        """The depth of each aspect below which a row is a suspect."""
        return tuple(aspect.limit for aspect in self.aspects)

    def depths(self, rows: npt.NDArray[np.float32]) -> Depths:
        """One row a row, one column an aspect."""
        if not len(rows):
            return np.empty((0, len(self.aspects)), dtype=np.int64)
        return np.stack([aspect.depths(rows) for aspect in self.aspects], axis=1)


def read_forest(octets: bytes) -> Forest:
    """The forest that these octets are. Raises ForestUnfit."""
    try:
        header, nodes = _parted(octets)
        columns, aspects, first = int(header["columns"]), [], 0
        for part in header["aspects"]:
            counts = [int(count) for count in part["nodes"]]
            aspects.append(_aspect(part, counts, _slice(nodes, first, sum(counts)), columns))
            first += sum(counts)
    except (KeyError, TypeError, ValueError, OverflowError) as unreadable:
        raise ForestUnfit(problem=str(unreadable)[:200]) from unreadable
    _demand(first == len(nodes[0]) and len(aspects) > 0, "its header does not name all nodes")
    return Forest(columns=columns, aspects=tuple(aspects))


_Nodes = tuple[npt.NDArray[np.int8], npt.NDArray[np.uint16], npt.NDArray[np.uint32]]


def _parted(octets: bytes) -> tuple[dict[str, Any], _Nodes]:
    start = len(MAGIC) + 4
    _demand(octets.startswith(MAGIC) and len(octets) >= start, "it does not begin as one")
    end = start + int.from_bytes(octets[len(MAGIC) : start], "little")
    header = json.loads(octets[start:end])
    body = octets[end:]
    count, rest = divmod(len(body), 7)
    _demand(rest == 0 and count > 0, "its nodes are not whole")
    return header, (
        np.frombuffer(body, np.int8, count),
        np.frombuffer(body, np.dtype("<u2"), count, count),
        np.frombuffer(body, np.dtype("<u4"), count, 3 * count),
    )


def _slice(nodes: _Nodes, first: int, count: int) -> _Nodes:
    column, right, value = nodes
    part = slice(first, first + count)
    return column[part], right[part], value[part]


def _aspect(part: dict[str, Any], counts: list[int], nodes: _Nodes, columns: int) -> Aspect:
    own = tuple(int(column) for column in part["columns"])
    _demand(0 < len(counts) <= _TREES_MAX and all(0 < count <= _NODES_MAX for count in counts), "trees have no bounds")
    _demand(sum(counts) == len(nodes[0]) and set(own) <= set(range(columns)), "an aspect's nodes or columns are absent")
    roots = np.cumsum([0, *counts[:-1]]).astype(np.intp)
    column, value = nodes[0].astype(np.intp), nodes[2].astype("<u4")
    is_leaf, threshold, depth = column < 0, value.view("<f4"), value.view("<i4")
    _demand(set(column[~is_leaf].tolist()) <= set(own), "a node asks a column that is not its aspect's")
    _demand(bool(np.isfinite(threshold[~is_leaf]).all()), "a threshold is no number")
    _demand(bool((depth[is_leaf] >= 0).all()), "a leaf lies above the root")
    right = np.repeat(roots, counts) + nodes[1].astype(np.intp)
    return Aspect(
        name=str(part["name"]),
        columns=own,
        limit=int(part["limit"]),
        roots=roots,
        column=column,
        right=np.where(is_leaf, 0, right),
        threshold=np.where(is_leaf, np.float32(0), threshold).astype(np.float32),
        depth=np.where(is_leaf, depth, 0).astype(np.int32),
        levels=_levels(is_leaf, right, np.repeat(roots + np.array(counts), counts)),
    )


def _levels(is_leaf: npt.NDArray[np.bool_], right: npt.NDArray[np.intp], ends: npt.NDArray[np.intp]) -> int:
    """How many questions the longest way takes; both children come after their parent, within its tree."""
    inner = np.flatnonzero(~is_leaf)
    _demand(bool((right[inner] > inner + 1).all() and (right[inner] < ends[inner]).all()), "a way leads out of a tree")
    level = np.zeros(len(is_leaf), dtype=np.intp)
    for node in inner:
        level[node + 1] = max(level[node + 1], level[node] + 1)
        level[right[node]] = max(level[right[node]], level[node] + 1)
    deepest = int(level.max())
    _demand(deepest <= _DEPTH_MAX, "a way is too long")
    return deepest


def _demand(holds: bool, problem: str) -> None:
    if not holds:
        raise ForestUnfit(problem=problem)
