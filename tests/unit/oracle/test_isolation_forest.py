"""An isolation forest as arrays: what it answers, and which octets are none."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.oracle.core.isolation_forest import MAGIC, ONE, ForestUnfit, read_forest
from gpu.forest.form import Grove, Plan, groves_of, written
from gpu.forest.walk import depths
from tests.unit.oracle.forests import octets, stump, tree

pytestmark = pytest.mark.unit


def rows(*values: tuple[float, ...]) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    return np.array(values, dtype=np.float32)


def test_a_row_goes_left_where_it_is_at_most_the_threshold() -> None:
    """Equal is left; what is no number goes right."""
    forest = read_forest(octets(2, {"price": (5, stump(1, 0.5, below=9, above=3))}))

    assert [[9], [9], [3], [3]] == forest.depths(rows((0, 0.4), (9, 0.5), (0, 0.6), (0, np.nan))).tolist()
    assert (("price",), (5,)) == (forest.names, forest.limits)


def test_a_deep_row_is_followed_to_its_leaf() -> None:
    """Three levels, on both sides."""
    grown = tree([0, 1, -1, -1, 1, -1, 0, -1, -1], [4, 3, 0, 0, 6, 0, 8, 0, 0], [0, 5, 10, 20, 5, 30, 1, 40, 50])
    forest = read_forest(octets(2, {"life": (1, grown)}))

    found = forest.depths(rows((-1, 0), (-1, 9), (0.5, 0), (0.5, 9), (2, 9)))
    assert [10, 20, 30, 40, 50] == found[:, 0].tolist()


def test_trees_add_up_and_aspects_stay_apart() -> None:
    """Two trees of one aspect, one of another."""
    groves = [
        Grove(name="a", columns=(0,), limit=7, trees=(stump(0, 0, below=1, above=2), stump(0, 5, below=10, above=20))),
        Grove(name="b", columns=(1,), limit=8, trees=(stump(1, 0, below=100, above=200),)),
    ]
    forest = read_forest(written(2, groves))

    assert [[11, 100], [12, 200], [22, 100]] == forest.depths(rows((-1, -1), (3, 3), (9, -1))).tolist()
    assert (0, 2) == forest.depths(np.empty((0, 2), dtype=np.float32)).shape


GOOD = octets(2, {"price": (5, stump(1, 0.5, below=9, above=3))})


def broken_header(**changes: object) -> bytes:
    start = len(MAGIC) + 4
    end = start + int.from_bytes(GOOD[len(MAGIC) : start], "little")
    header = json.loads(GOOD[start:end])
    header["aspects"][0].update(changes)
    text = json.dumps(header).encode()
    return MAGIC + len(text).to_bytes(4, "little") + text + GOOD[end:]


@pytest.mark.parametrize(
    ("unfit", "problem"),
    [
        (b"", "does not begin"),
        (b"another" + GOOD, "does not begin"),
        (GOOD[:-1], "not whole"),
        (GOOD + bytes(7), ""),
        (broken_header(nodes=[4]), ""),
        (broken_header(nodes=[]), ""),
        (broken_header(nodes=[0, 3]), "no bounds"),
        (broken_header(columns=[0, 9]), "absent"),
        (broken_header(columns=[0]), "not its aspect's"),
        (broken_header(limit="low"), ""),
        (octets(2, {"price": (5, tree([0, -1, -1], [1, 0, 0], [0, 1, 1]))}), "leads out"),
        (octets(2, {"price": (5, tree([0, -1, -1], [3, 0, 0], [0, 1, 1]))}), "leads out"),
        (octets(2, {"price": (5, tree([0, -1, -1], [2, 0, 0], [np.inf, 1, 1]))}), "no number"),
        (octets(2, {"price": (5, tree([0, -1, -1], [2, 0, 0], [0, -1, 1]))}), "above the root"),
    ],
)
def test_octets_that_are_no_forest_are_refused(unfit: bytes, problem: str) -> None:
    """Cut, lengthened, contradicting themselves, or leading out of a tree."""
    with pytest.raises(ForestUnfit) as refused:
        read_forest(unfit)

    assert problem in str(refused.value.details["problem"])


@given(st.binary(max_size=200), st.integers(0, len(GOOD)), st.integers(0, 3))
@settings(max_examples=300)
def test_changed_octets_are_refused_or_still_lead_to_a_leaf(noise: bytes, place: int, cut: int) -> None:
    """Whatever is stored, asking it ends."""
    changed = GOOD[:place] + noise + GOOD[place + cut + len(noise) :]
    try:
        forest = read_forest(changed)
    except ForestUnfit:
        return

    assert len(forest.depths(np.zeros((3, max(forest.columns, 2)), dtype=np.float32))) == 3


@st.composite
def grown_at_random(draw: st.DrawFn) -> tuple[list[int], list[int], list[float]]:
    """Any tree of up to five levels, in the order in which nodes are reached."""
    columns: list[int] = []
    rights: list[int] = []
    values: list[float] = []

    def grow(level: int) -> None:
        node = len(columns)
        if level == 5 or draw(st.booleans()):
            columns.append(-1)
            rights.append(0)
            values.append(draw(st.integers(level, 100)) * ONE)
            return
        columns.append(draw(st.integers(0, 2)))
        rights.append(0)
        values.append(draw(st.integers(-3, 3)))
        grow(level + 1)
        rights[node] = len(columns)
        grow(level + 1)

    grow(0)
    return columns, rights, values


@given(
    st.lists(grown_at_random(), min_size=1, max_size=4),
    st.lists(st.tuples(*[st.integers(-4, 4)] * 3), min_size=1, max_size=20),
)
@settings(max_examples=150)
def test_the_two_ways_of_asking_agree(
    grown: list[tuple[list[int], list[int], list[float]]], asked: list[tuple[int, ...]]
) -> None:
    """Level by level over all trees here, by parting rows at each node where forests are grown."""
    trees = tuple(tree(*one) for one in grown)
    written_down = written(3, [Grove(name="x", columns=(0, 1, 2), limit=1, trees=trees)])
    plan = Plan(columns=3, aspects={"x": (0, 1, 2)}, trees=len(trees), samples=2, seed=0, suspect_ppm=0)
    (grove,) = groves_of(plan, written_down)
    table = np.array(asked, dtype=np.float32)

    expected = sum(depths(one, table) for one in grove.trees)
    assert np.asarray(expected).tolist() == read_forest(written_down).depths(table)[:, 0].tolist()
