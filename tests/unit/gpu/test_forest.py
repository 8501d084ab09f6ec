"""Forests that scikit-learn grows: as arrays they say what it says, and whatever is not one is found out."""

import json
from collections.abc import Callable
from dataclasses import replace
from math import log
from typing import Any

import numpy as np
import pytest

from functions.oracle.core.isolation_forest import read_forest
from gpu.forest import check, grow
from gpu.forest.form import LEAF, MAGIC, ONE, Grove, Plan, Tree, groves_of, plan_of, written
from gpu.refusals import InputRefused

pytestmark = pytest.mark.unit

PLAN = Plan(columns=4, aspects={"a": (0, 1), "b": (3,)}, trees=8, samples=64, seed=5, suspect_ppm=10_000)
ROWS = np.random.default_rng(1).normal(size=(500, 4)).astype("<f4")


@pytest.fixture(scope="module")
def grown() -> tuple[dict[str, Any], bytes]:
    return grow.run(PLAN.arguments(), ROWS.tobytes())


def problem(
    output: bytes | None, result: dict[str, Any], plan: Plan = PLAN, content: bytes | None = None
) -> str | None:
    return check.problem_of(plan.arguments(), ROWS.tobytes() if content is None else content, result, output)


def test_the_arrays_say_what_scikit_learn_says(grown: tuple[dict[str, Any], bytes]) -> None:
    """Its score is 2^(-mean depth / c(samples)); ours rounds depths to 1/65 536."""
    from sklearn.ensemble import IsolationForest

    forest = read_forest(grown[1])
    usual = 2 * (log(PLAN.samples - 1) + 0.5772156649015329) - 2 * (PLAN.samples - 1) / PLAN.samples
    for place, columns in enumerate(PLAN.aspects.values()):
        peer = IsolationForest(n_estimators=PLAN.trees, max_samples=PLAN.samples, random_state=PLAN.seed)
        expected = -peer.fit(ROWS[:, columns]).score_samples(ROWS[:, columns])
        found = 2 ** (-forest.depths(ROWS)[:, place] / ONE / PLAN.trees / usual)

        assert np.abs(found - expected).max() < 1e-5


def test_a_grown_forest_stands_its_check_and_the_same_seed_grows_the_same(grown: tuple[dict[str, Any], bytes]) -> None:
    """Another seed another one."""
    result, output = grown

    assert problem(output, result) is None
    assert grow.run(PLAN.arguments(), ROWS.tobytes()) == (result, output)
    assert grow.run(replace(PLAN, seed=6).arguments(), ROWS.tobytes())[1] != output


def test_so_many_rows_lie_below_a_limit(grown: tuple[dict[str, Any], bytes]) -> None:
    """One in a hundred at most, and where no two are equally odd, exactly."""
    forest = read_forest(grown[1])
    below = (forest.depths(ROWS) < np.array(forest.limits)).sum(axis=0)

    assert ((below >= 3) & (below <= 5)).all()


def changed(output: bytes, change: Callable[[list[Grove]], None]) -> bytes:
    """The forest with something else in it."""
    groves = list(groves_of(PLAN, output))
    change(groves)
    return written(PLAN.columns, groves)


def with_tree(groves: list[Grove], **parts: Any) -> None:
    """Change the first tree of the second aspect."""
    first = groves[1].trees[0]
    copies: dict[str, Any] = {"column": first.column.copy(), "right": first.right.copy(), "value": first.value.copy()}
    for name, (place, value) in parts.items():
        copies[name][place] = value
    groves[1] = replace(groves[1], trees=(Tree(**copies), *groves[1].trees[1:]))


def leaf(groves: list[Grove]) -> int:
    return int(np.flatnonzero(groves[1].trees[0].column == LEAF)[0])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda groves: groves.__setitem__(0, replace(groves[0], limit=groves[0].limit + 1)), "the limit of a"),
        (lambda groves: with_tree(groves, column=(0, 0)), "asks a column that is not its own"),
        (lambda groves: with_tree(groves, column=(0, LEAF)), "lies above its place"),
        (lambda groves: with_tree(groves, right=(0, 1)), "order in which"),
        (lambda groves: with_tree(groves, right=(0, 60_000)), "order in which"),
        (lambda groves: with_tree(groves, value=(0, np.float32(np.inf).view("<u4"))), "is no number"),
        (lambda groves: with_tree(groves, value=(leaf(groves), 0)), "lies above its place"),
    ],
)
def test_a_forest_that_was_tampered_with_is_found_out(
    grown: tuple[dict[str, Any], bytes], change: Callable[[list[Grove]], None], told: str
) -> None:
    """A limit, a question, an answer, a way."""
    found = problem(changed(grown[1], change), grown[0])

    assert told in str(found)


def test_a_subtree_that_was_cut_off_is_found_out(grown: tuple[dict[str, Any], bytes]) -> None:
    """The last node is missing from the last tree."""

    def cut(groves: list[Grove]) -> None:
        last = groves[1].trees[-1]
        shorter = Tree(column=last.column[:-1], right=last.right[:-1], value=last.value[:-1])
        groves[1] = replace(groves[1], trees=(*groves[1].trees[:-1], shorter))

    output = changed(grown[1], cut)
    assert "not in its tree" in str(problem(output, {**grown[0], "nodes": grown[0]["nodes"] - 1}))


def test_what_is_no_forest_at_all_is_found_out(grown: tuple[dict[str, Any], bytes]) -> None:
    """Nothing, another beginning, another header, octets too many, a result that does not fit."""
    result, output = grown
    header = output[len(MAGIC) + 4 : len(MAGIC) + 4 + int.from_bytes(output[len(MAGIC) : len(MAGIC) + 4], "little")]
    other = json.loads(header)
    other["aspects"][0]["name"] = "x"
    text = json.dumps(other, separators=(",", ":")).encode()
    told = [
        problem(None, result),
        problem(b"GROVE" + output, result),
        problem(output[: len(MAGIC) + 4] + b"[" + output[len(MAGIC) + 5 :], result),
        problem(output[: len(MAGIC) + 4] + text + output[len(MAGIC) + 4 + len(header) :], result),
        problem(output + bytes(7), result),
        problem(output, {**result, "rows": 7}),
    ]

    assert told == [
        "the output does not begin as a forest",
        "the output does not begin as a forest",
        "the header cannot be read",
        "the aspects are not those of the plan",
        "the nodes are not as many as the header says",
        "the result does not fit the output",
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"columns": 65},
        {"trees": 0},
        {"trees": 1.5},
        {"samples": 1},
        {"seed": -1},
        {"suspect_ppm": 1_000_000},
        {"aspects": []},
        {"aspects": [{"name": "a", "columns": [4]}]},
        {"aspects": [{"name": "a", "columns": []}]},
        {"aspects": [{"name": "a", "columns": [0]}] * 2},
        {"more": 1},
    ],
)
def test_a_plan_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    """As it would be every time."""
    with pytest.raises(InputRefused):
        plan_of({**PLAN.arguments(), **wrong})


def test_rows_that_cannot_be_are_refused() -> None:
    """Half a row, too few, no number."""
    strange = ROWS.copy()
    strange[3, 2] = np.nan
    for content in (None, b"", ROWS.tobytes()[:-4], ROWS[:63].tobytes(), strange.tobytes()):
        with pytest.raises(InputRefused):
            grow.run(PLAN.arguments(), content)
    assert PLAN == plan_of(PLAN.arguments())
