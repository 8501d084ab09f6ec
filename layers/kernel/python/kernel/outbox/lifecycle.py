"""Owns what the lifecycles of both rooms share: how their tables are followed, and the error of a step they lack."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TypeVar

from kernel.errors import Broken

S = TypeVar("S", bound=StrEnum)
E = TypeVar("E", bound=StrEnum)


class TransitionRefused(Broken):
    """An outbox entry cannot go this way."""

    code = "outbox_transition_refused"
    cause = "Two workers disagree about an entry, or the table in its room's lifecycle.py lacks a case."
    remedy = "Look at the entry's payloads on the chain before anything is replayed."


def follow(transitions: Mapping[S, Mapping[E, S]], state: S, events: Sequence[E]) -> S:
    """The state after these events, in order. Raises TransitionRefused for a step that the table does not know."""
    for event in events:
        following = transitions[state].get(event)
        if following is None:
            raise TransitionRefused(state=state, event=event)
        state = following
    return state
