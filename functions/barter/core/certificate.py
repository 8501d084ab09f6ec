"""Owns the certificate of an allocation: what a contract or a circuit checks instead of running the cycles.

Each agent i has a position, 0 to K, and a label of at least 1. K is how long a list may be; as a position it means the
agent's own item. What the agent receives is the item at its position. A certificate is valid if and only if

    C1  what is received is a permutation
    C2  every item before an agent's position has a label strictly smaller than the agent's
    C3  the label of the agent whose item is received is the receiver's

An item's label is that of the agent who brought it. Of a list counts what comes before its own item. A position in the
list's empty rest, between its end and K, is refused: nothing lies there to be received. K is the longest list's length
where the market does not fix it.

Why that is enough: by induction over the labels. Those with the smallest label receive among themselves (C1, C3), and
have nothing before their positions that has a smaller label (C2): each receives the best item of its list. So their
sets are cycles of the first pointers, which leave in every run. Without them the same holds for the next label.

The labels that are made here are the smallest ones: one more than the greatest among the items that the agents of a
cycle would have liked better. They do not depend on the order in which cycles leave, so a market has one certificate.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import repeat

from functions.barter.core.cycles import Preferences, PreferencesUnfit, cycles, require_fit
from kernel.errors import Invalid


class CertificateInvalid(Invalid):
    """The certificate does not show that its allocation is that of top trading cycles."""

    cause = "A position or a label breaks one of the three conditions, or there are too few or too many of them."
    remedy = "Compute the certificate anew from the preferences that the contract holds."


@dataclass(frozen=True, slots=True)
class Certificate:
    """Each agent's position in its list, and its label."""

    pos: tuple[int, ...]
    labels: tuple[int, ...]


def certify(preferences: Preferences, list_max: int | None = None) -> Certificate:
    """The certificate of a market with lists of at most `list_max` items. Raises PreferencesUnfit."""
    require_fit(preferences)
    own = _list_max(preferences, list_max)
    pos, labels = [own] * len(preferences), [0] * len(preferences)
    for cycle in cycles(preferences):
        greatest = 0
        for agent, item in cycle:
            for place, better in enumerate(preferences[agent]):
                if better == item:
                    pos[agent] = own if item == agent else place
                    break
                greatest = max(greatest, labels[better])
        for agent, _ in cycle:
            labels[agent] = greatest + 1
    return Certificate(tuple(pos), tuple(labels))


def check(preferences: Preferences, certificate: Certificate, list_max: int | None = None) -> list[int]:
    """The item that each agent receives. Raises CertificateInvalid, PreferencesUnfit."""
    require_fit(preferences)
    count, labels = len(preferences), certificate.labels
    own = _list_max(preferences, list_max)
    if not len(certificate.pos) == len(labels) == count or min(labels, default=1) < 1:
        raise CertificateInvalid(agents=count)
    received = list(map(_received, range(count), preferences, certificate.pos, repeat(labels), repeat(own)))
    if len(set(received)) != count:
        raise CertificateInvalid(condition="C1")
    if [labels[item] for item in received] != list(labels):
        raise CertificateInvalid(condition="C3")
    return received


def _received(agent: int, wishes: Sequence[int], position: int, labels: Sequence[int], own: int) -> int:
    """The item at the position, if all that the agent likes better are gone by then. Raises CertificateInvalid."""
    if position == own:
        item, better = agent, wishes[: wishes.index(agent)] if agent in wishes else wishes
    elif 0 <= position < len(wishes):
        item, better = wishes[position], wishes[:position]
    else:
        raise CertificateInvalid(agent=agent, position=position)
    label = labels[agent]
    for one in better:
        if labels[one] >= label:  # also where it is the agent's own, behind which nothing counts
            raise CertificateInvalid(agent=agent, condition="C2")
    if item == agent and position != own:
        raise CertificateInvalid(agent=agent, position=position)
    return item


def _list_max(preferences: Preferences, list_max: int | None) -> int:
    longest = max(map(len, preferences), default=0)
    if list_max is not None and list_max < longest:
        raise PreferencesUnfit(longest=longest, list_max=list_max)
    return longest if list_max is None else list_max
