"""Top trading cycles."""

from itertools import permutations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.barter.core.cycles import PreferencesUnfit, cycles_of, top_trading_cycles
from tests.unit.barter.slow_cycles import allocation

pytestmark = pytest.mark.unit


@st.composite
def markets(draw: st.DrawFn, agents_max: int = 9) -> list[list[int]]:
    """Lists of any length, with the agent's own item somewhere or nowhere."""
    count = draw(st.integers(0, agents_max))
    return [draw(st.lists(st.integers(0, count - 1), unique=True)) for _ in range(count)]


def rank(wishes: list[int], agent: int, item: int) -> int:
    """How good an item is, 0 the best; what comes after one's own item, or nowhere, is worse than it."""
    ended = wishes[: wishes.index(agent)] if agent in wishes else wishes
    order = [*ended, agent]
    return order.index(item) if item in order else len(order)


def test_the_published_market() -> None:
    """S3 keeps its own; S1 to S2 to S5; S4 and S6 swap."""
    lists = [[2, 1, 3, 0], [2, 4, 5], [2, 0], [1, 4, 5, 3], [0, 2, 1], [1, 3, 4, 5]]

    assert [1, 4, 2, 5, 0, 3] == top_trading_cycles(lists)


@pytest.mark.parametrize(
    ("lists", "expected"),
    [
        ([], []),
        ([[]], [0]),
        ([[0]], [0]),
        ([[1], [0]], [1, 0]),
        ([[1], []], [0, 1]),
        ([[0, 1], [0]], [0, 1]),  # what comes after one's own item counts for nothing
        ([[1], [1, 0]], [0, 1]),
        ([[1], [2], [0]], [1, 2, 0]),
    ],
)
def test_small_markets(lists: list[list[int]], expected: list[int]) -> None:
    """Nobody, one alone, a swap, a wish that is not returned, a ring."""
    assert expected == top_trading_cycles(lists)


@pytest.mark.parametrize("lists", [[[1]], [[-1]], [[1, 1], []], [[], [0, 1, 0]]])
def test_a_strange_item_and_a_repeated_one_are_refused(lists: list[list[int]]) -> None:
    """The contract takes no such list."""
    with pytest.raises(PreferencesUnfit):
        top_trading_cycles(lists)


def test_who_listed_it_is_said() -> None:
    """So that it can be mended."""
    with pytest.raises(PreferencesUnfit) as strange:
        top_trading_cycles([[], [0], [9]])
    with pytest.raises(PreferencesUnfit) as twice:
        top_trading_cycles([[], [0], [1, 1]])

    assert [{"agent": 2}, {"agent": 2}] == [strange.value.details, twice.value.details]


@given(markets(), st.integers())
def test_it_is_the_slow_one_whatever_cycle_leaves_first(lists: list[list[int]], seed: int) -> None:
    """The outcome of strict lists is unique."""
    assert allocation(lists) == top_trading_cycles(lists) == allocation(lists, Random(seed))


@given(markets())
def test_everybody_receives_one_item_and_no_worse_than_the_own(lists: list[list[int]]) -> None:
    """A permutation; individually rational."""
    received = top_trading_cycles(lists)

    assert sorted(received) == list(range(len(lists)))
    assert all(rank(wishes, agent, received[agent]) <= rank(wishes, agent, agent) for agent, wishes in enumerate(lists))


@given(markets(5))
def test_no_coalition_does_better_among_itself(lists: list[list[int]]) -> None:
    """Core stability: however a group swaps its own items, it is not better off with one and as well off with all."""
    received = top_trading_cycles(lists)
    agents = range(len(lists))
    ranks = [rank(lists[agent], agent, received[agent]) for agent in agents]

    for other in permutations(agents):
        movers = [agent for agent in agents if other[agent] != agent]
        gains = [rank(lists[agent], agent, other[agent]) - ranks[agent] for agent in movers]
        closed = all(other[agent] in movers for agent in movers)
        assert not (closed and gains and max(gains) <= 0 and min(gains) < 0)


@given(markets(4), st.data())
def test_nobody_gains_by_a_lie(lists: list[list[int]], data: st.DataObject) -> None:
    """Strategy-proofness."""
    if not lists:
        return
    agent = data.draw(st.integers(0, len(lists) - 1))
    lie = data.draw(st.lists(st.integers(0, len(lists) - 1), unique=True))
    honest = top_trading_cycles(lists)[agent]
    lying = top_trading_cycles([lie if one == agent else wishes for one, wishes in enumerate(lists)])[agent]

    assert rank(lists[agent], agent, honest) <= rank(lists[agent], agent, lying)


@given(markets(), st.randoms(use_true_random=False))
def test_names_do_not_matter(lists: list[list[int]], source: Random) -> None:
    """Agents under other numbers receive the same items under theirs."""
    names = list(range(len(lists)))
    source.shuffle(names)
    renamed: list[list[int]] = [[] for _ in lists]
    for agent, wishes in enumerate(lists):
        renamed[names[agent]] = [names[item] for item in wishes]
    received, expected = top_trading_cycles(renamed), top_trading_cycles(lists)

    assert [names[item] for item in expected] == [received[names[agent]] for agent in range(len(lists))]


def test_a_path_as_long_as_the_market_is_walked_once() -> None:
    """Each wants the next, the last nobody: one alone leaves at a time, from the end of the path."""
    count = 200_000
    lists = [[agent + 1] for agent in range(count - 1)] + [[]]

    assert list(range(count)) == top_trading_cycles(lists)


def test_the_cycles_of_an_allocation_are_told_agent_by_agent() -> None:
    """Each agent is followed by the one whose item it receives; who keeps its own is on none."""
    assert [[0, 1, 4], [3, 5]] == cycles_of([1, 4, 2, 5, 0, 3])
    assert [] == cycles_of([0, 1]) == cycles_of([])
