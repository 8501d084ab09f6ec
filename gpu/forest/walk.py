"""Owns the way of rows through a tree: all of them part at each node, until every one lies in a leaf."""

import numpy as np
import numpy.typing as npt

from gpu.forest.form import LEAF, OutputUnfit, Rows, Tree


def depths(tree: Tree, rows: Rows) -> npt.NDArray[np.int64]:
    """The depth of each row's leaf, in 1/65 536. Raises OutputUnfit where a node is reached twice, or none is there."""
    found = np.zeros(len(rows), dtype=np.int64)
    columns, threshold, depth = tree.column.tolist(), tree.value.view("<f4"), tree.value.view("<i4")
    reached, waiting = 0, [(0, np.arange(len(rows)))]
    while waiting:
        node, here = waiting.pop()
        if node != reached:
            raise OutputUnfit("a tree's nodes do not stand in the order in which they are reached")
        reached += 1
        if columns[node] == LEAF:
            found[here] = depth[node]
            continue
        if not node + 1 < tree.right[node] < len(columns):
            raise OutputUnfit("a child is not in its tree")
        goes_left = rows[here, columns[node]] <= threshold[node]
        waiting += [(int(tree.right[node]), here[~goes_left]), (node + 1, here[goes_left])]
    if reached != len(columns):
        raise OutputUnfit("a node cannot be reached")
    return found
