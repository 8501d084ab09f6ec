"""Owns the growing of an isolation forest by scikit-learn, and its passage into plain arrays.

For each aspect of the plan:

1. scikit-learn's IsolationForest grows `trees` trees over the aspect's columns, each of `samples` rows drawn by the
   seed, each cut at random until every row is alone or the tree is log2(samples) deep.
2. A leaf's depth is its distance from the root plus what telling its remaining n rows apart would take on average:
   2 (ln(n - 1) + 0.5772...) - 2 (n - 1) / n, 1 for two rows, 0 for one; rounded to 1/65 536.
3. A threshold goes down to the next float32, and rows are float32: `x <= threshold` says the same as in float64.
4. The limit is the depth that `suspect_ppm` of a million of the given rows lie below.
"""

from collections.abc import Mapping
from math import log
from typing import Any, Final

import numpy as np

from gpu.forest.form import LEAF, MILLION, ONE, Grove, Plan, Rows, Tree, plan_of, rows_of, written

_EULER_GAMMA: Final = 0.5772156649015329


def run(arguments: Mapping[str, Any], content: bytes | None) -> tuple[dict[str, Any], bytes]:
    """The function as it is offloaded (gpu.forest.form says what goes in and out). Raises InputRefused."""
    import sklearn

    plan = plan_of(arguments)
    rows = rows_of(plan, content)
    groves = [grove(plan, rows, name, columns) for name, columns in plan.aspects.items()]
    output = written(plan.columns, groves)
    nodes = sum(len(tree.column) for one in groves for tree in one.trees)
    return {"rows": len(rows), "nodes": nodes, "grown_by": f"scikit-learn {sklearn.__version__}"}, output


def grove(plan: Plan, rows: Rows, name: str, columns: tuple[int, ...]) -> Grove:
    """The trees of one aspect, and the limit that these rows set."""
    from sklearn.ensemble import IsolationForest

    forest = IsolationForest(n_estimators=plan.trees, max_samples=plan.samples, random_state=plan.seed, n_jobs=1)
    given = np.ascontiguousarray(rows[:, columns])
    forest.fit(given)
    trees, total = [], np.zeros(len(rows), dtype=np.int64)
    for grown, chosen in zip(forest.estimators_, forest.estimators_features_, strict=True):
        depths = _depths(grown.tree_)
        total += depths[grown.tree_.apply(given[:, chosen])]
        trees.append(_tree(grown.tree_, np.array(columns)[chosen], depths))
    limit = int(np.sort(total)[len(rows) * plan.suspect_ppm // MILLION])
    return Grove(name=name, columns=columns, limit=limit, trees=tuple(trees))


def _depths(grown: Any) -> Any:
    """What each node would say if it were a leaf, by scikit-learn's numbers."""
    level = np.zeros(grown.node_count, dtype=np.int64)
    for node, (left, right) in enumerate(zip(grown.children_left, grown.children_right, strict=True)):
        if left != LEAF:
            level[left] = level[right] = level[node] + 1
    rest = np.array([_expected(count) for count in grown.n_node_samples.tolist()])
    return level * ONE + np.rint(rest * ONE).astype(np.int64)


def _tree(grown: Any, columns: Any, depths: Any) -> Tree:
    """A grown tree with its nodes in the order in which they are reached, left before right."""
    lefts, rights = grown.children_left.tolist(), grown.children_right.tolist()
    order, stack = [], [0]
    while stack:
        node = stack.pop()
        order.append(node)
        if lefts[node] != LEAF:
            stack += [rights[node], lefts[node]]
    place = np.zeros(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    is_leaf = grown.children_left[order] == LEAF
    deep = depths[order].astype("<i4").view("<u4")
    return Tree(
        column=np.where(is_leaf, LEAF, columns[np.maximum(grown.feature[order], 0)]).astype(np.int8),
        right=np.where(is_leaf, 0, place[grown.children_right[order]]).astype(np.uint16),
        value=np.where(is_leaf, deep, _down(grown.threshold[order]).view("<u4")),
    )


def _down(thresholds: Any) -> Rows:
    """The greatest float32 that is not above each."""
    nearest = thresholds.astype("<f4")
    down: Rows = np.where(nearest > thresholds, np.nextafter(nearest, np.float32(-np.inf)), nearest).astype("<f4")
    return down


def _expected(samples: int) -> float:
    """The average number of questions that tell so many rows apart."""
    if samples <= 2:
        return float(samples == 2)
    return 2 * (log(samples - 1) + _EULER_GAMMA) - 2 * (samples - 1) / samples
