"""Owns top trading cycles: who receives which item.

Agent i brings item i and lists the items that it would rather have, best first. What it does not list it never wants,
and its own item ends its list. Each agent points at the first item of its list that is still there, or at its own.
Following the pointers from anywhere leads into a cycle; everybody on it receives the item pointed at and leaves with
it. This is repeated until nobody is left. For strict lists the outcome is unique, whatever cycle goes first.

The walk keeps its path: when a cycle leaves, it goes on from whoever pointed into it. Each agent is walked to once and
reads its list once, so that all is linear in the length of the lists.
"""

from collections.abc import Iterator, Sequence
from itertools import chain

import numpy as np

from kernel.errors import Invalid

Preferences = Sequence[Sequence[int]]

_THERE, _ON_PATH, _GONE = range(3)


class PreferencesUnfit(Invalid):
    """A preference list names items of the market, each once."""

    cause = "A list holds an item that nobody brought, or the same item twice."
    remedy = "List the indices of deposited items, best first, without repetition."


def top_trading_cycles(preferences: Preferences) -> list[int]:
    """The item that each agent receives; a permutation. Raises PreferencesUnfit.

    preferences: agent i's list of item indices, best first; own item = i, at its end or left out.
    """
    require_fit(preferences)
    received = [-1] * len(preferences)
    for cycle in cycles(preferences):
        for agent, item in cycle:
            received[agent] = item
    return received


def cycles(preferences: Preferences) -> Iterator[list[tuple[int, int]]]:
    """The cycles in the order in which they leave, each as (agent, item received), of lists that are fit."""
    state = bytearray(len(preferences))
    for start in range(len(preferences)):
        if state[start] == _THERE:
            yield from _from(start, preferences, state)


def cycles_of(received: Sequence[int]) -> list[list[int]]:
    """The cycles of an allocation: each agent receives the next one's item. Who keeps its own item is on none."""
    found: list[list[int]] = []
    seen = [agent == item for agent, item in enumerate(received)]
    for first in range(len(received)):
        cycle, agent = [], first
        while not seen[agent]:
            seen[agent] = True
            cycle.append(agent)
            agent = received[agent]
        if cycle:
            found.append(cycle)
    return found


def require_fit(preferences: Preferences) -> None:
    """Raises PreferencesUnfit for an item that nobody brought, or that is listed twice."""
    count = len(preferences)
    lengths = np.fromiter(map(len, preferences), np.int64, count)
    items = np.fromiter(chain.from_iterable(preferences), np.int64, int(lengths.sum()))
    if items.size == 0:
        return
    agents = np.repeat(np.arange(count, dtype=np.int64), lengths)
    strange = (items < 0) | (items >= count)
    if strange.any():
        raise PreferencesUnfit(agent=int(agents[strange][0]))
    wishes = np.sort(agents * count + items)
    twice = wishes[1:] == wishes[:-1]
    if twice.any():
        raise PreferencesUnfit(agent=int(wishes[1:][twice][0] // count))


def _from(start: int, preferences: Preferences, state: bytearray) -> Iterator[list[tuple[int, int]]]:
    """The cycles that a walk from one agent finds, until it has left itself."""
    path, wishes, pointed = [start], [iter(preferences[start])], [start]
    state[start] = _ON_PATH
    while path:
        item = agent = path[-1]
        for item in wishes[-1]:
            if state[item] != _GONE:
                break
        else:
            item = agent
        pointed[-1] = item
        if state[item] == _THERE:
            state[item] = _ON_PATH
            path.append(item)
            wishes.append(iter(preferences[item]))
            pointed.append(item)
            continue
        cycle: list[tuple[int, int]] = []
        while path and state[item] != _GONE:
            wishes.pop()
            agent = path.pop()
            state[agent] = _GONE
            cycle.append((agent, pointed.pop()))
        yield cycle
