"""Owns the check of a forest that somebody else grew: by asking it, not by growing it again.

It counts if its form is the plan's, every tree's nodes are reached once each and ask columns of their aspect, no leaf
lies higher than its distance from the root, and the limits are those that the given rows set.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from gpu.forest.form import LEAF, MILLION, Grove, OutputUnfit, Plan, Rows, groves_of, plan_of, rows_of
from gpu.forest.walk import depths
from gpu.refusals import InputRefused


def problem_of(
    arguments: Mapping[str, Any], content: bytes | None, result: Mapping[str, Any], output: bytes | None
) -> str | None:
    """What is wrong with a result of gpu.forest.grow, or None."""
    try:
        plan = plan_of(arguments)
        rows = rows_of(plan, content)
        groves = groves_of(plan, output)
    except (InputRefused, OutputUnfit) as unfit:
        return str(unfit)
    nodes = sum(len(tree.column) for grove in groves for tree in grove.trees)
    if (result.get("rows"), result.get("nodes")) != (len(rows), nodes):
        return "the result does not fit the output"
    problems = (_problem(plan, rows, grove) for grove in groves)
    return next((problem for problem in problems if problem is not None), None)


def _problem(plan: Plan, rows: Rows, grove: Grove) -> str | None:
    total = np.zeros(len(rows), dtype=np.int64)
    for tree in grove.trees:
        is_leaf = tree.column == LEAF
        if not set(tree.column[~is_leaf].tolist()) <= set(grove.columns):
            return f"a tree of {grove.name} asks a column that is not its own"
        if not np.isfinite(tree.value.view("<f4")[~is_leaf]).all():
            return f"a threshold of {grove.name} is no number"
        try:
            total += depths(tree, rows)
        except OutputUnfit as unfit:
            return f"{unfit}, in {grove.name}"
    limit = int(np.sort(total)[len(rows) * plan.suspect_ppm // MILLION])
    return None if limit == grove.limit else f"the limit of {grove.name} is {grove.limit}, and {limit} by its rows"
