"""Owns what several endpoints' answers to one question come to. Pure.

An answer stands when `needed` endpoints gave it and more gave it than any other; that nothing was found is an answer,
too. Whoever claimed something else then lied. Where one of the two answers is "nothing", the endpoint may only be a
block behind the others, or ahead of them: that is doubtful, and a lie only when it happens again and again.
"""

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from kernel.errors import Transient

K = TypeVar("K")


class NoQuorum(Transient):
    """The RPC endpoints do not agree on something that moves money."""

    cause = "Too few endpoints answered alike: some are away, lag, or tell something else than the others."
    remedy = "The work is tried again; compare the endpoints named in details, and add a third one if this lasts."
    retry_after_s = 2.0


@dataclass(frozen=True, slots=True)
class Vote(Generic[K]):
    """An endpoint's answer to a question, and what is compared of it, unless it abstains."""

    endpoint: K
    answer: Any
    compared: Hashable = None
    abstains: bool = False


@dataclass(frozen=True, slots=True)
class Agreement(Generic[K]):
    """The endpoints that gave the answer that stands, and what the others' answers make of them."""

    agreeing: tuple[K, ...]
    doubtful: tuple[K, ...]
    lying: tuple[K, ...]


def agreement(votes: Mapping[K, Hashable], needed: int) -> Agreement[K] | None:
    """What the votes come to, None being the answer "nothing"; None while no answer stands."""
    if not votes:
        return None
    (first, count), *others = Counter(votes.values()).most_common()
    if count < needed or (others and others[0][1] == count):
        return None
    dissenting = {one: vote for one, vote in votes.items() if vote != first}
    return Agreement(
        agreeing=tuple(one for one, vote in votes.items() if vote == first),
        doubtful=tuple(one for one, vote in dissenting.items() if first is None or vote is None),
        lying=tuple(one for one, vote in dissenting.items() if first is not None and vote is not None),
    )


def counted(votes: Sequence[Vote[K]], needed: int) -> Agreement[K] | None:
    """The same of votes, those that abstain left out."""
    return agreement({vote.endpoint: vote.compared for vote in votes if not vote.abstains}, needed)
