"""Weighted medians: bit for bit what Flare's own Python, the oracle and a definition in words say."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from py_flare_common.ftso.median import FtsoVote, calculate_median

from functions.oracle.core.median import weighted_medians as of_the_oracle
from gpu.reduce import check, medians
from gpu.reduce.form import VOTERS_MAX, WEIGHT_MAX
from gpu.refusals import InputRefused

pytestmark = pytest.mark.unit
NONE, LEAST, MOST = 0, 1, 2**32 - 1
OFFSET = 2**31


def slots_of(columns: Sequence[Sequence[int]]) -> Any:
    return np.array(columns, dtype="<u4").reshape(len(columns), -1)


def run(columns: Sequence[Sequence[int]], weights: Sequence[int]) -> list[tuple[int, int, int]]:
    """Median and quartiles of each column, through octets as a job's are."""
    arguments = {"weights": [str(weight) for weight in weights]}
    content = slots_of(columns).tobytes()
    result, output = medians.run(arguments, content)

    assert check.problem_of(arguments, content, result, output) is None
    return [tuple(column) for column in np.frombuffer(output, dtype="<u4").reshape(3, -1).T.tolist()]


def by_flare(column: Sequence[int], weights: Sequence[int]) -> tuple[int, int, int]:
    """Flare's own answer; it has none where all the weight is nothing."""
    votes = [FtsoVote(value=slot - OFFSET, weight=w) for slot, w in zip(column, weights, strict=True) if slot]
    if not sum(vote.weight for vote in votes):
        return (0, 0, 0)
    found = calculate_median(sorted(votes, key=lambda vote: vote.value))
    assert found is not None
    return found.value + OFFSET, found.first_quartile + OFFSET, found.third_quartile + OFFSET


@pytest.mark.parametrize(
    ("column", "weights", "expected"),
    [
        ([5], [1], (5, 5, 5)),
        ([5, 7, 6], [1, 1, 1], (6, 5, 7)),
        ([5, 8], [1, 1], (6, 5, 8)),  # the floor of 6.5
        ([5, 8], [3, 1], (5, 5, 5)),
        ([5, 8, NONE], [1, 1, 9], (6, 5, 8)),  # who does not vote has no weight
        ([NONE, NONE], [1, 1], (0, 0, 0)),
        ([5, 8], [0, 0], (0, 0, 0)),
        ([5, 5, 8], [2, 0, 2], (5, 5, 8)),  # half is reached, and a weightless vote for the same value comes next
        ([5, 5, 8], [0, 2, 2], (6, 5, 8)),  # here it came before
        ([LEAST, MOST], [1, 1], (2**31, LEAST, MOST)),
        ([9, 1, 5, 3], [2**99, 2**99, 2**99, 2**99], (4, 3, 5)),
        ([9, 1, 5, 3], [2**99, 2**99, 2**99, 2**99 + 1], (3, 3, 5)),
        # Six times just below a limb, which only together reach it; the last makes two limbs of all, and does not vote.
        ([1, 2, 3, 4, 5, 6, 7, 8, NONE], [2**50 - 1] * 6 + [2**50] * 2 + [2**99], (5, 3, 7)),
    ],
)
def test_known_columns(column: list[int], weights: list[int], expected: tuple[int, int, int]) -> None:
    """By hand; each is also what Flare's Python says."""
    assert run([column], weights) == [expected]
    assert by_flare(column, weights) == expected


SLOTS = st.one_of(st.just(NONE), st.integers(OFFSET - 3, OFFSET + 3), st.sampled_from([LEAST, MOST]))
WEIGHTS = st.one_of(st.integers(0, 3), st.just(2**59), st.integers(0, WEIGHT_MAX))
VOTES = st.integers(1, 9).flatmap(
    lambda voters: st.tuples(
        st.lists(st.lists(SLOTS, min_size=voters, max_size=voters), min_size=1, max_size=4),
        st.lists(WEIGHTS, min_size=voters, max_size=voters),
    )
)


@given(VOTES)
@settings(max_examples=300)
def test_the_same_as_flare_and_the_oracle(votes: tuple[list[list[int]], list[int]]) -> None:
    """Ties, weightless votes, absent ones, weights past 64 bits."""
    columns, weights = votes
    found = run(columns, weights)
    oracle = of_the_oracle(np.array(columns, dtype=np.uint32).T.copy(), weights)

    assert found == [by_flare(column, weights) for column in columns]
    assert found == [tuple(0 if one is None else one + OFFSET for one in median[:3]) for median in oracle]


@given(VOTES, st.data())
@settings(max_examples=300)
def test_the_check_refuses_every_other_value(votes: tuple[list[list[int]], list[int]], data: st.DataObject) -> None:
    """Any one slot of the output changed to anything else, also to a neighbour or another vote."""
    columns, weights = votes
    arguments = {"weights": [str(weight) for weight in weights]}
    content = slots_of(columns).tobytes()
    result, output = medians.run(arguments, content)
    found = np.frombuffer(output, dtype="<u4").reshape(3, -1).copy()
    row, column = data.draw(st.integers(0, 2)), data.draw(st.integers(0, len(columns) - 1))
    near = st.sampled_from([max(0, int(found[row, column]) - 1), min(MOST, int(found[row, column]) + 1), 0])
    other = data.draw(st.one_of(near, SLOTS, st.sampled_from(columns[column])))
    if other == found[row, column]:
        return
    found[row, column] = other
    claimed = {"columns": len(columns), "voted": int(np.count_nonzero(found[0]))}

    assert check.problem_of(arguments, content, claimed, found.tobytes()) == f"column {column} is wrong"
    assert check.problem_of(arguments, content, {**result, "voted": 99}, output) == "the result does not fit the output"


def test_every_column_is_checked_whatever_its_part() -> None:
    """One wrong slot in the last of several parts."""
    columns, weights = [[5, 7, 6]] * 9_000, {"weights": ["1", "1", "1"]}
    content = slots_of(columns).tobytes()
    result, output = medians.run(weights, content)
    wrong = np.frombuffer(output, dtype="<u4").copy()
    wrong[8_999] += 1

    assert check.problem_of(weights, content, result, wrong.tobytes()) == "column 8999 is wrong"
    assert check.problem_of(weights, content, result, output[:-1]) == "the output is not three slots a column"
    assert check.problem_of(weights, content, result, None) == "the output is not three slots a column"


def test_parts_and_limbs_do_not_matter() -> None:
    """The same votes in parts of one and of seven columns, with weights in wei and in whole units."""
    dice = np.random.default_rng(7)
    slots = dice.integers(OFFSET - 50, OFFSET + 50, (100, 30)).astype("<u4")
    slots[dice.random(slots.shape) < 0.1] = 0
    weights = [int(weight) for weight in dice.integers(0, 1_000, 30)]
    found = medians.weighted_medians(slots, weights)

    for factor, chunk in ((1, 1), (1, 7), (10**18, 7), (10**25, 100)):
        scaled = [weight * factor for weight in weights]
        assert medians.weighted_medians(slots, scaled, chunk=chunk).tolist() == found.tolist()


@pytest.mark.parametrize(
    ("arguments", "content"),
    [
        ({}, b"1234"),
        ({"weights": []}, b""),
        ({"weights": ["1"] * (VOTERS_MAX + 1)}, b""),
        ({"weights": ["1"], "more": 1}, b"1234"),
        ({"weights": "11"}, b"1234"),
        ({"weights": [1]}, b"1234"),
        ({"weights": ["-1"]}, b"1234"),
        ({"weights": ["1.0"]}, b"1234"),
        ({"weights": ["١"]}, b"1234"),
        ({"weights": [str(WEIGHT_MAX + 1)]}, b"1234"),
        ({"weights": ["0" * 39 + "11"]}, b"1234"),
        ({"weights": ["1"]}, None),
        ({"weights": ["1"]}, b"123"),
        ({"weights": ["1", "1"]}, b"1234"),
    ],
)
def test_what_is_no_input_is_refused(arguments: dict[str, Any], content: bytes | None) -> None:
    """By the function, and by the check of whatever somebody claims about it."""
    with pytest.raises(InputRefused):
        medians.run(arguments, content)

    assert "nothing can come of this" in str(check.problem_of(arguments, content, {}, b""))


def test_no_columns_are_no_medians() -> None:
    """An empty input is an input."""
    assert medians.run({"weights": ["1"]}, b"") == ({"columns": 0, "voted": 0}, b"")
    assert check.problem_of({"weights": ["1"]}, b"", {"columns": 0, "voted": 0}, b"") is None


def test_quartiles_are_those_of_the_words() -> None:
    """The first value from below, and from above, that together with all beyond it has more than a quarter."""
    dice = np.random.default_rng(11)
    for _ in range(200):
        weights = [int(weight) for weight in dice.integers(0, 5, 6)]
        column = [int(slot) for slot in dice.integers(1, 6, 6)]
        total = sum(weights)
        if not total:
            continue
        quarter = Fraction(total // 4)
        low = next(v for v in sorted(set(column)) if _sum(column, weights, lambda x, v=v: x <= v) > quarter)
        high = next(v for v in sorted(set(column))[::-1] if _sum(column, weights, lambda x, v=v: x >= v) > quarter)

        assert run([column], weights)[0][1:] == (low, high)


def _sum(column: list[int], weights: list[int], holds: Any) -> int:
    return sum(weight for slot, weight in zip(column, weights, strict=True) if holds(slot))
