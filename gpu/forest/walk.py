"""Owns the way of rows through a tree that somebody else grew: first whether every way ends, then where."""

import numpy as np
import numpy.typing as npt

from gpu.forest.form import LEAF, ONE, OutputUnfit, Rows, Tree


def levels(tree: Tree) -> int:
    """How many questions the longest way takes.

    Raises OutputUnfit unless the nodes stand in the order in which they are reached, left before right, each once, and
    no leaf lies higher than its own distance from the root.
    """
    columns, rights, depths = tree.column.tolist(), tree.right.tolist(), tree.value.view("<i4").tolist()
    waiting, deepest = [(0, 0)], 0
    for node, column in enumerate(columns):
        awaited, level = waiting.pop() if waiting else (-1, 0)
        if node != awaited:
            raise OutputUnfit("a tree's nodes do not stand in the order in which they are reached")
        if column == LEAF:
            deepest = max(deepest, level)
            if depths[node] < level * ONE:
                raise OutputUnfit("a leaf lies above its place")
        else:
            waiting += [(rights[node], level + 1), (node + 1, level + 1)]
    if waiting:
        raise OutputUnfit("a child is not in its tree")
    return deepest


def depths(tree: Tree, rows: Rows) -> npt.NDArray[np.int64]:
    """The depth of each row's leaf, in 1/65 536. Raises OutputUnfit where no way through the tree is sure to end."""
    deepest, at, places = levels(tree), np.zeros(len(rows), dtype=np.intp), np.arange(len(rows))
    columns, rights = tree.column.astype(np.intp), tree.right.astype(np.intp)
    threshold = tree.value.view("<f4")
    for _ in range(deepest):
        column = columns[at]
        goes_left = rows[places, np.maximum(column, 0)] <= threshold[at]
        at = np.where(column == LEAF, at, np.where(goes_left, at + 1, rights[at]))
    return tree.value.view("<i4")[at].astype(np.int64)
