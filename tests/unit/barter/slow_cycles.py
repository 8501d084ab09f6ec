"""Top trading cycles once more, slowly: round by round, as the rule is told."""

from collections.abc import Sequence
from random import Random


def allocation(preferences: Sequence[Sequence[int]], order: Random | None = None) -> list[int]:
    """What each agent receives. order: takes the cycles out in another order each time."""
    left = set(range(len(preferences)))
    received = list(range(len(preferences)))
    while left:
        target = {agent: next((one for one in [*preferences[agent], agent] if one in left), agent) for agent in left}
        ring = a_cycle(target, min(left) if order is None else order.choice(sorted(left)))
        for agent in ring:
            received[agent] = target[agent]
        left -= set(ring)
    return received


def a_cycle(target: dict[int, int], start: int) -> list[int]:
    seen: list[int] = []
    while start not in seen:
        seen.append(start)
        start = target[start]
    return seen[seen.index(start) :]
