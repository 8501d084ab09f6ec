"""What the oracle's whole show promises about its rounds, and what of it was not seen.

Pure: it is told what the chain holds and what the deployments say, and has its own reckoning of the random number.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from infra.local.demo import oracle_epoch_cast as cast
from infra.local.demo.oracle_epoch_story import Actor, ShownRound
from kernel.abi import UINT256_LIMIT


def broken_promises(
    shown: ShownRound,
    actors: Iterable[Actor],
    *,
    benched_before: frozenset[str],
    chain_root: bytes,
    told: Mapping[str, Mapping[str, Any]],
    epoch_s: int,
    reveal_deadline_s: int,
) -> list[str]:
    """A sentence for each promise about a round that was not kept.

    benched_before: who offended before the show. chain_root: what the relay keeps. told: the round as each deployment's
    own API tells it.
    """
    names = {actor.number: actor.name for actor in actors}
    expected = _Expected(shown.place, names, benched_before)
    return [
        f"round {shown.place}: {sentence}"
        for sentence in (
            *_steps(shown, expected, epoch_s, reveal_deadline_s),
            *_random(shown, expected),
            *_medians(shown, names),
            *_roots(shown, chain_root, told),
        )
    ]


class _Expected:
    """What the cast says about a round."""

    def __init__(self, place: int, names: Mapping[int, str], benched_before: frozenset[str]) -> None:
        self.everybody = frozenset(names.values())
        self.offenders = frozenset(names[number] for number in cast.offenders(place))
        earlier = {names[number] for one in range(1, place) for number in cast.offenders(one)}
        self.benched = benched_before | earlier
        self.is_secure = self.offenders <= self.benched


def _steps(shown: ShownRound, expected: _Expected, epoch_s: int, deadline_s: int) -> Iterator[str]:
    played, steps = shown.played, shown.steps
    if played.committed != expected.everybody:
        yield f"no commit by {_listed(expected.everybody - played.committed)}"
    if played.offenders != expected.offenders:
        yield f"offenders were {_listed(played.offenders)} instead of {_listed(expected.offenders)}"
    if played.benched != expected.benched:
        yield f"benched were {_listed(played.benched)} instead of {_listed(expected.benched)}"
    for name in sorted(played.values):
        at_s = steps.reveals.get(name, -1) - epoch_s
        if not 0 <= at_s < deadline_s:
            yield f"{name} revealed at {at_s} s and was counted"
    signed = {name for name, at_s in steps.signatures.items() if at_s >= epoch_s + deadline_s}
    # Whoever is dead or starting again may miss a signature, for which nobody is benched.
    if missing := expected.everybody - signed - _dying(shown):
        yield f"no signature by {_listed(missing)}"
    if not epoch_s + deadline_s <= steps.finalised_s < 2 * epoch_s:
        yield f"finalised {steps.finalised_s - epoch_s} s into the epoch after it"


def _random(shown: ShownRound, expected: _Expected) -> Iterator[str]:
    played = shown.played
    counted = [random for name, random in played.randoms.items() if name not in expected.benched]
    if sum(counted) % UINT256_LIMIT != played.result.random:
        yield "the random number is not the sum of what counts"
    if played.result.is_secure_random is not expected.is_secure:
        yield f"the random number is {'' if played.result.is_secure_random else 'not '}secure"


def _medians(shown: ShownRound, names: Mapping[int, str]) -> Iterator[str]:
    """A value for every feed, and never beyond what honest providers say."""
    liar = names[cast.LIAR]
    honest = [values for name, values in shown.played.values.items() if name != liar]
    for position, median in enumerate(shown.played.result.medians):
        said = [value for values in honest if (value := values[position]) is not None]
        if median.value is None:
            yield f"feed {position} has no value"
        elif not min(said) <= median.value <= max(said):
            yield f"the median of feed {position} is beyond what the honest say"


def _roots(shown: ShownRound, chain_root: bytes, told: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    root = shown.played.result.merkle_root
    if root is None or chain_root != root:
        yield "the relay keeps another root than the scene has computed"
    for name, result in told.items():
        has_none = result["merkle_root"] is None
        if has_none and name in _dying(shown) and name not in shown.steps.signatures:
            continue
        if has_none or bytes.fromhex(result["merkle_root"][2:]) != root:
            yield f"{name} tells the root {result['merkle_root']}"


def _dying(shown: ShownRound) -> frozenset[str]:
    """Who may be dead while the round is signed: the round before its death is signed when it commits for the last
    time."""
    names = {f"provider-{cast.VICTIM}"}
    return frozenset(names) if shown.place in (cast.DEATH_ROUND - 1, cast.DEATH_ROUND) else frozenset()


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "nobody"
