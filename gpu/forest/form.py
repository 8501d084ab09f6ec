"""Owns the form of a forest's input and output: octets in, octets out.

    input    rows x columns float32, little-endian: what is usual
    output   the magic "CPIF1\\n", the header's length (4 octets), the header as JSON, and then for all nodes of all
             trees of all aspects, in order: the column each asks (1 octet, signed; -1 is a leaf), its right child
             within its tree (2; the left one is the next node), and its threshold as float32 or its depth as an
             integer (4)

A depth is in 1/65 536 of a question. The header: columns, and for each aspect its name, columns, limit and the number
of nodes of each tree. The arguments of a job are those of `Plan`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gpu.refusals import InputRefused, demand

MAGIC: Final = b"CPIF1\n"
ONE: Final = 65_536
LEAF: Final = -1
CELL: Final = np.dtype("<f4")
NODE_BYTES: Final = 7
COLUMNS_MAX: Final = 64
TREES_MAX: Final = 1_000
ROWS_MAX: Final = 1_000_000
#: A tree has less than two nodes a sample, and a child is named by 16 bits.
SAMPLES_MAX: Final = 16_384
MILLION: Final = 1_000_000

Rows = npt.NDArray[np.float32]


class OutputUnfit(ValueError):
    """What was put out is no forest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be grown: for each aspect so many trees, each of so many rows drawn by the seed.

    suspect_ppm: so many of a million rows of what is usual lie below an aspect's limit.
    """

    columns: int
    aspects: Mapping[str, tuple[int, ...]]
    trees: int
    samples: int
    seed: int
    suspect_ppm: int

    def arguments(self) -> dict[str, Any]:
        """As a job's arguments."""
        return {
            "columns": self.columns,
            "aspects": [{"name": name, "columns": list(columns)} for name, columns in self.aspects.items()],
            "trees": self.trees,
            "samples": self.samples,
            "seed": self.seed,
            "suspect_ppm": self.suspect_ppm,
        }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tree:
    """One tree's nodes, the root first, a left child right after its parent."""

    column: npt.NDArray[np.int8]
    right: npt.NDArray[np.uint16]
    #: Thresholds and depths in the same octets.
    value: npt.NDArray[np.uint32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Grove:
    """The trees of one aspect, and its limit."""

    name: str
    columns: tuple[int, ...]
    limit: int
    trees: tuple[Tree, ...]


def plan_of(arguments: Mapping[str, Any]) -> Plan:
    """What the arguments ask for. Raises InputRefused."""
    try:
        aspects = {str(one["name"]): tuple(int(column) for column in one["columns"]) for one in arguments["aspects"]}
        numbers = {name: _whole(arguments[name]) for name in ("columns", "trees", "samples", "seed", "suspect_ppm")}
    except (KeyError, TypeError, ValueError) as unreadable:
        raise InputRefused("the arguments are not those of a plan") from unreadable
    plan = Plan(aspects=aspects, **numbers)
    demand(set(arguments) == set(plan.arguments()) and len(aspects) == len(arguments["aspects"]), "they are others")
    demand(1 <= plan.columns <= COLUMNS_MAX and 1 <= plan.trees <= TREES_MAX, "there are too many columns or trees")
    demand(2 <= plan.samples <= SAMPLES_MAX and 0 <= plan.seed < 2**32, "samples or seed are out of bounds")
    demand(0 <= plan.suspect_ppm < MILLION and bool(aspects), "so many suspects are none, or there are no aspects")
    for columns in aspects.values():
        demand(bool(columns) and set(columns) <= set(range(plan.columns)), "an aspect has columns that are absent")
    return plan


def rows_of(plan: Plan, content: bytes | None) -> Rows:
    """The rows that a job names. Raises InputRefused."""
    demand(content is not None and len(content) % (plan.columns * CELL.itemsize) == 0, "these are no whole rows")
    rows = np.frombuffer(content or b"", dtype=CELL).reshape(-1, plan.columns)
    demand(plan.samples <= len(rows) <= ROWS_MAX, f"of {len(rows)} rows no forest of {plan.samples} a tree grows")
    demand(bool(np.isfinite(rows).all()), "a row holds what is no number")
    return rows


def written(columns: int, groves: Sequence[Grove]) -> bytes:
    """The octets of a forest."""
    header = {
        "columns": columns,
        "aspects": [
            {
                "name": grove.name,
                "columns": list(grove.columns),
                "limit": grove.limit,
                "nodes": [len(tree.column) for tree in grove.trees],
            }
            for grove in groves
        ],
    }
    text = json.dumps(header, separators=(",", ":")).encode()
    trees = [tree for grove in groves for tree in grove.trees]
    parts = (
        np.concatenate([tree.column for tree in trees]).astype("i1"),
        np.concatenate([tree.right for tree in trees]).astype("<u2"),
        np.concatenate([tree.value for tree in trees]).astype("<u4"),
    )
    return MAGIC + len(text).to_bytes(4, "little") + text + b"".join(part.tobytes() for part in parts)


def groves_of(plan: Plan, output: bytes | None) -> tuple[Grove, ...]:
    """The forest that was put out for a plan, as far as its form goes. Raises OutputUnfit."""
    start = len(MAGIC) + 4
    if output is None or not output.startswith(MAGIC) or len(output) < start:
        raise OutputUnfit("the output does not begin as a forest")
    end = start + int.from_bytes(output[len(MAGIC) : start], "little")
    try:
        header = json.loads(output[start:end])
        limits = [_whole(one["limit"]) for one in header["aspects"]]
        counts = [[_whole(count) for count in one["nodes"]] for one in header["aspects"]]
    except (KeyError, TypeError, ValueError) as unreadable:
        raise OutputUnfit("the header cannot be read") from unreadable
    asked = [(name, columns) for name, columns in plan.aspects.items()]
    if [(one["name"], tuple(one["columns"])) for one in header["aspects"]] != asked or header[
        "columns"
    ] != plan.columns:
        raise OutputUnfit("the aspects are not those of the plan")
    if any(len(trees) != plan.trees or min(trees) < 1 for trees in counts):
        raise OutputUnfit("the trees are not as many as planned")
    body, total = output[end:], sum(map(sum, counts))
    if len(body) != total * NODE_BYTES:
        raise OutputUnfit("the nodes are not as many as the header says")
    trees, first = [], 0
    for count in (count for nodes in counts for count in nodes):
        trees.append(_tree(body, total, first, count))
        first += count
    each = iter(trees)
    return tuple(
        Grove(name=name, columns=columns, limit=limit, trees=tuple(islice(each, plan.trees)))
        for (name, columns), limit in zip(asked, limits, strict=True)
    )


def _tree(body: bytes, total: int, first: int, count: int) -> Tree:
    return Tree(
        column=np.frombuffer(body, "i1", count, first),
        right=np.frombuffer(body, "<u2", count, total + 2 * first),
        value=np.frombuffer(body, "<u4", count, 3 * total + 4 * first),
    )


def _whole(number: Any) -> int:
    if not isinstance(number, int) or isinstance(number, bool):
        raise InputRefused("a number is not whole")
    return number
