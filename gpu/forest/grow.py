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
from gpu.forest.walk import depths

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
    forest.fit(rows[:, columns])
    trees = tuple(
        _tree(grown.tree_, np.array(columns)[chosen])
        for grown, chosen in zip(forest.estimators_, forest.estimators_features_, strict=True)
    )
    ranked = np.sort(sum(depths(tree, rows) for tree in trees))
    limit = int(ranked[len(rows) * plan.suspect_ppm // MILLION])
    return Grove(name=name, columns=columns, limit=limit, trees=trees)


def _tree(grown: Any, columns: Any) -> Tree:
    """A grown tree with its nodes in the order in which they are first reached, left before right."""
    order, depth, stack = [], {0: 0}, [0]
    while stack:
        node = stack.pop()
        order.append(node)
        if grown.children_left[node] != LEAF:
            for child in (int(grown.children_right[node]), int(grown.children_left[node])):
                depth[child] = depth[node] + 1
                stack.append(child)
    place = {node: index for index, node in enumerate(order)}
    is_leaf = grown.children_left[order] == LEAF
    deep = [round((depth[node] + _expected(int(grown.n_node_samples[node]))) * ONE) for node in order]
    return Tree(
        column=np.where(is_leaf, LEAF, columns[np.maximum(grown.feature[order], 0)]).astype(np.int8),
        right=np.array([place.get(int(grown.children_right[node]), 0) for node in order], dtype=np.uint16),
        value=np.where(is_leaf, np.array(deep, dtype="<i4").view("<u4"), _down(grown.threshold[order]).view("<u4")),
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
