"""The oracle's whole show, as far as it decides alone: its cast, its verdict on a round, its pictures."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import pytest

from functions.oracle.core.commitment import commit_hash
from functions.oracle.core.feed_values import decode_integers, encode_integers
from functions.oracle.core.median import Median
from functions.oracle.core.rounds import RoundResult
from functions.oracle.core.signing_policy import SigningPolicy
from functions.oracle.core.submissions import Reveal
from infra.local.demo import oracle_epoch_cast as cast
from infra.local.demo.oracle_epoch_charts import page
from infra.local.demo.oracle_epoch_crowd import forged
from infra.local.demo.oracle_epoch_judge import broken_promises
from infra.local.demo.oracle_epoch_picture import draw
from infra.local.demo.oracle_epoch_prices import Prices
from infra.local.demo.oracle_epoch_rounds import PlayedRound, Roll
from infra.local.demo.oracle_epoch_story import Actor, Earned, ShownRound, Steps, Story
from infra.local.flare.feeds import mainnet_feeds

pytestmark = pytest.mark.unit

SVG = "{http://www.w3.org/2000/svg}"
EPOCH_S, DEADLINE_S = 12, 6
FEEDS = mainnet_feeds()
NAMES = [f"provider-{number}" for number in range(cast.PROVIDERS)]
ACTORS = [Actor(number=number, name=name, share=0.05) for number, name in enumerate(NAMES)]
BEFORE = frozenset({NAMES[cast.BENCHED]})
ROOT = b"\7" * 32
SUBMITTER = "0x" + "11" * 20


def named(numbers: frozenset[int]) -> frozenset[str]:
    return frozenset(NAMES[number] for number in numbers)


def shown(place: int) -> ShownRound:
    """A round as the cast has it: provider n says 1000 + n of every feed."""
    offenders, benched = named(cast.offenders(place)), named(cast.benched(place))
    kept = [name for name in NAMES if name not in offenders]
    randoms = {name: 2**255 + number for number, name in enumerate(NAMES) if name in kept}
    policy = SigningPolicy(reward_epoch=2, start_voting_round=10, threshold=1, seed=1, voters=(), weights=())
    result = RoundResult(
        medians=(Median(1_010, 1_005, 1_015, 20),) * len(FEEDS),
        offenders=frozenset(),
        random=sum(random for name, random in randoms.items() if name not in benched) % 2**256,
        is_secure_random=cast.is_secure(place),
        merkle_root=ROOT,
    )
    played = PlayedRound(
        voting_round=9 + place,
        roll=Roll(policy=policy, encoded=b"", voters=(), providers=()),
        committed=frozenset(NAMES),
        values={name: [1_000 + NAMES.index(name)] * len(FEEDS) for name in kept},
        randoms=randoms,
        offenders=offenders,
        benched=benched,
        result=result,
    )
    steps = Steps(
        commits=dict.fromkeys(NAMES, 5),
        reveals=dict.fromkeys(kept, EPOCH_S + 2),
        signatures=dict.fromkeys(NAMES, EPOCH_S + DEADLINE_S + 1),
        finaliser=NAMES[3],
        finalised_s=EPOCH_S + DEADLINE_S + 2,
    )
    return ShownRound(place=place, start_s=1_800_000_000 + EPOCH_S * place, played=played, steps=steps, rewarded=place)


def verdict(one: ShownRound, *, chain_root: bytes = ROOT, told_root: str | None = "0x" + ROOT.hex()) -> list[str]:
    return broken_promises(
        one,
        ACTORS,
        benched_before=BEFORE,
        chain_root=chain_root,
        told={name: {"merkle_root": told_root} for name in NAMES[: cast.DEPLOYMENTS]},
        epoch_s=EPOCH_S,
        reveal_deadline_s=DEADLINE_S,
    )


def played(one: ShownRound, **changes: Any) -> ShownRound:
    return replace(one, played=replace(one.played, **changes))


def steps(one: ShownRound, **changes: Any) -> ShownRound:
    return replace(one, steps=replace(one.steps, **changes))


def result(one: ShownRound, **changes: Any) -> ShownRound:
    return played(one, result=replace(one.played.result, **changes))


def test_the_cast_spoils_two_rounds_and_no_more() -> None:
    """The liar and the late one do while they are not benched; the benched one no longer can."""
    rounds = range(1, cast.ROUNDS + 1)

    assert [set(), {cast.LIAR}, {cast.LATE}, {cast.BENCHED}, set()] == [set(cast.offenders(place)) for place in rounds]
    assert [True, False, False, True, True] == [cast.is_secure(place) for place in rounds]
    assert {cast.LIAR, cast.LATE, cast.BENCHED} == cast.benched(cast.ROUNDS)
    assert {cast.BENCHED} == cast.offenders(0)
    assert all(cast.conduct(cast.VICTIM, place) == cast.Conduct() for place in rounds)


def test_the_cast_has_every_part() -> None:
    """Two deployments, one of which dies; one liar, one late, one benched, the rest honest; and no weight decides."""
    parts = Counter(map(cast.part_of, range(cast.PROVIDERS)))
    powers = cast.vote_powers_wei()

    assert set(cast.Part) == set(parts)
    assert {1} == {count for part, count in parts.items() if part is not cast.Part.HONEST}
    assert cast.PROVIDERS == len(powers) == len(cast.tastes())
    assert max(powers) * 5 < sum(powers)


@pytest.mark.parametrize("place", range(1, cast.ROUNDS + 1))
def test_a_round_as_the_cast_has_it_breaks_no_promise(place: int) -> None:
    assert [] == verdict(shown(place))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda one: played(one, committed=frozenset(NAMES[1:])), "no commit by provider-0"),
        (lambda one: played(one, offenders=frozenset()), "offenders were nobody instead of provider-13"),
        (lambda one: played(one, benched=BEFORE), "benched were provider-17 instead of provider-17, provider-9"),
        (lambda one: steps(one, reveals={**one.steps.reveals, "provider-4": 18}), "provider-4 revealed at 6 s"),
        (lambda one: steps(one, signatures=dict.fromkeys(NAMES[1:], 19)), "no signature by provider-0"),
        (lambda one: steps(one, signatures=dict.fromkeys(NAMES, 17)), "no signature by provider-0, provider-1, "),
        (lambda one: steps(one, finalised_s=24), "finalised 12 s into the epoch after it"),
        (lambda one: result(one, random=5), "the random number is not the sum of what counts"),
        (lambda one: result(one, is_secure_random=True), "the random number is secure"),
        (lambda one: result(one, medians=(Median(None, None, None, 0),) * 63), "feed 0 has no value"),
        (lambda one: result(one, medians=(Median(1_020, 1_005, 1_015, 20),) * 63), "beyond what the honest say"),
    ],
)
def test_what_breaks_a_promise_is_named(spoil: Callable[[ShownRound], ShownRound], words: str) -> None:
    """Each in a sentence with the round's place."""
    sentences = verdict(spoil(shown(3)))

    assert sentences[0].startswith("round 3: ")
    assert words in sentences[0]


def test_another_root_is_named_wherever_it_stands() -> None:
    """On the relay, and at a deployment; a deployment that dies may lack the round that it should have signed then."""
    dying = shown(cast.DEATH_ROUND)
    silent = steps(dying, signatures={name: 19 for name in NAMES if name != NAMES[cast.VICTIM]})

    assert ["round 5: the relay keeps another root than the scene has computed"] == verdict(shown(5), chain_root=b"x")
    assert 2 == len(verdict(shown(5), told_root="0x" + "00" * 32))
    assert ["round 2: provider-0 tells the root None"] == verdict(silent, told_root=None)


def test_forged_values_are_readable_and_were_not_committed_to() -> None:
    opening = Reveal(77, encode_integers([1, None, 3]))
    other = forged(opening)
    hashes = [commit_hash(SUBMITTER, 10, one.random, one.feed_values) for one in (opening, other)]

    assert opening.random == other.random
    assert decode_integers(other.feed_values, 3)[1:] == [None, 3]
    assert hashes[0] != hashes[1]


def test_participants_see_one_market_and_a_liar_is_off_by_its_lie() -> None:
    """The same moment and seed give the same values; honest ones lie within half a percent of the true price."""
    prices, at_s = Prices(7, FEEDS[:12]), 1_800_000_000
    taste = cast.tastes()[5]
    honest = prices.believed("provider-5", taste, at_s)
    lies = prices.believed("provider-5", taste, at_s, shift_bps=cast.LIE_BPS)
    true = [prices.usd(place, at_s) * 10**feed.decimals for place, feed in enumerate(FEEDS[:12])]

    assert honest == Prices(7, FEEDS[:12]).believed("provider-5", taste, at_s)
    assert all(abs(value / price - 1) < 0.005 for value, price in zip(honest, true, strict=True))
    assert all(abs(lie / value - 1.07) < 0.001 for lie, value in zip(lies, honest, strict=True))


def test_the_pictures_stand_alone_and_leave_nothing_out() -> None:
    """A row a provider, a chart a feed, the rewarded feeds lit; nothing is fetched from anywhere."""
    earned = Earned(
        accuracy_wei=10**18, signing_wei=10**17, finalising_wei=0, penalty_wei=0, claimed_wei=10**17, is_rewarded=True
    )
    story = Story(
        epoch_s=EPOCH_S,
        reveal_deadline_s=DEADLINE_S,
        feeds=FEEDS,
        actors=ACTORS,
        rounds=[shown(place) for place in range(1, cast.ROUNDS + 1)],
        market=[[(1_800_000_000.0, 0.01), (1_800_000_100.0, 0.0101)]] * len(FEEDS),
        earned=dict.fromkeys(NAMES, earned),
        offered_wei=10**21,
        burnt_wei=0,
    )
    overview = draw(story)
    whole = page(story, overview)
    texts = [one.text or "" for one in ElementTree.fromstring(overview).iter(f"{SVG}text")]

    assert set(NAMES) <= set(texts)
    assert 2 == sum("not secure" in text for text in texts)
    assert 1 + len(FEEDS) == whole.count("<svg")
    assert all(f">{feed.name}</text>" in whole for feed in FEEDS)
    assert cast.ROUNDS == whole.count('fill-opacity="0.13"')
    assert "http" not in whole.replace("http://www.w3.org/2000/svg", "")
