"""Owns what is submitted for a round: one value a feed, each with everything it was decided from.

1. USDT-quoted points become USD at the USDT/USD price of the same moment; what cannot be converted is left out.
2. Each feed's points are aggregated as price.py says, sources weighted by the reputation they have for that feed.
   Without those whom the model of anomalies vetoes (anomaly.py), unless fewer than three sources would be left then.
3. The value is the consensus with the feed's decimals; a feed without a consensus, or whose consensus does not fit
   its slot, is missing.
4. Whose points were left out of a feed, as outliers, as stale, unconverted or vetoed, is told with the decision.
5. Reputations learn from the decision, for the next round.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from functions.oracle.core.anomaly import UNJUDGED, Judgement, Model, judge
from functions.oracle.core.anomaly_features import portray
from functions.oracle.core.commitment import commit_hash
from functions.oracle.core.feed_values import FeedValueOutOfRange, encode
from functions.oracle.core.feeds import Feed
from functions.oracle.core.payload import FTSO_PROTOCOL_ID, SUBMIT1, SUBMIT2, Message, encode_calldata
from functions.oracle.core.points import Point, Points, microseconds
from functions.oracle.core.price import SOURCES_MIN, Aggregate, aggregate, round_price
from functions.oracle.core.quotes import VenuePrice, in_usd
from functions.oracle.core.reputation import INITIAL, learn
from functions.oracle.core.submissions import Reveal, encode_reveal

#: symbol -> source -> reputation
Reputations = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedDecision:
    """What is submitted for one feed, and why. `value` is None where it is missing."""

    feed: Feed
    value: Decimal | None
    aggregate: Aggregate
    #: What each source that took part was weighed with.
    trusted: Mapping[str, float]
    #: What each source is worth from now on.
    learned: Mapping[str, float]
    #: Why points of a source did not count: "unconverted" (no USDT/USD price), "vetoed", "outlier" or "stale".
    left_out: Mapping[str, str]
    #: What the sources looked like beside each other, and what the model made of it.
    judgement: Judgement = UNJUDGED


@dataclass(frozen=True, slots=True, kw_only=True)
class Commitment:
    """A commit and its opening. The opening stays secret until the reveal."""

    voting_round: int
    submitter: str
    hash: bytes
    opening: Reveal
    decisions: tuple[FeedDecision, ...]

    @property
    def calldata(self) -> bytes:
        """The call of submit1."""
        return encode_calldata(SUBMIT1, Message(FTSO_PROTOCOL_ID, self.voting_round, self.hash))


def decide_values(
    feeds: Sequence[Feed],
    points: Iterable[VenuePrice],
    at: datetime,
    reputations: Reputations,
    model: Model | None = None,
) -> tuple[FeedDecision, ...]:
    """One decision a feed, in feed order. `points` are those of the window before `at`, in any order.

    Without a model nobody is vetoed.
    """
    by_symbol: dict[str, list[Point]] = {}
    unconverted: dict[str, dict[str, str]] = {}
    converted = in_usd(points, at)
    for point in converted.points:
        by_symbol.setdefault(point.symbol, []).append(Point(point.price, point.volume, point.time, point.source))
    for point in converted.left_out:
        unconverted.setdefault(f"{point.base}/USD", {})[point.source] = "unconverted"
    given = [by_symbol.get(feed.name, []) for feed in feeds]
    windows = [Points.of(own) for own in given]
    judgements = judge([portray(window, microseconds(at)) for window in windows], model)
    decisions = (
        _decide(feed, own, window, at, reputations.get(feed.name, {}), judgement)
        for feed, own, window, judgement in zip(feeds, given, windows, judgements, strict=True)
    )
    return tuple(
        replace(decision, left_out={**unconverted.get(decision.feed.name, {}), **decision.left_out})
        for decision in decisions
    )


def commit_to(decisions: tuple[FeedDecision, ...], *, submitter: str, voting_round: int, random: int) -> Commitment:
    """The commitment to these decisions; `random` is 32 fresh random bytes as an integer."""
    values = encode([decision.value for decision in decisions], [decision.feed.decimals for decision in decisions])
    return Commitment(
        voting_round=voting_round,
        submitter=submitter,
        hash=commit_hash(submitter, voting_round, random, values),
        opening=Reveal(random, values),
        decisions=decisions,
    )


def reveal_calldata(voting_round: int, opening: Reveal) -> bytes:
    """The call of submit2 that opens a commitment."""
    return encode_calldata(SUBMIT2, Message(FTSO_PROTOCOL_ID, voting_round, encode_reveal(opening)))


def _decide(
    feed: Feed, given: list[Point], window: Points, at: datetime, reputation: Mapping[str, float], judgement: Judgement
) -> FeedDecision:
    result, left_out = _aggregate(given, window, at, reputation, judgement)
    left_out |= dict.fromkeys(result.stale_sources, "stale")
    if result.consensus is None:
        return FeedDecision(
            feed=feed, value=None, aggregate=result, trusted={}, learned={}, left_out=left_out, judgement=judgement
        )
    return FeedDecision(
        feed=feed,
        value=_fitting(round_price(result.consensus, feed.decimals), feed.decimals),
        aggregate=result,
        trusted={source: reputation.get(source, INITIAL) for source in result.source_prices},
        learned=learn(reputation, result.source_prices, result.consensus),
        left_out=left_out,
        judgement=judgement,
    )


def _aggregate(
    given: list[Point], window: Points, at: datetime, reputation: Mapping[str, float], judgement: Judgement
) -> tuple[Aggregate, dict[str, str]]:
    """The aggregate, and why sources were left out of it: with vetoes, or without if too few took part with them."""
    whole = aggregate(window, at, reputation=reputation)
    vetoed = judgement.vetoes(whole.source_prices)
    if vetoed:
        rest = [point for point in given if point.source not in vetoed]
        without = aggregate(rest, at, reputation=reputation)
        if len(without.source_prices) >= SOURCES_MIN:
            outliers = {rest[place].source: "outlier" for place in without.outliers}
            return without, outliers | dict.fromkeys(vetoed, "vetoed")
    return whole, {given[place].source: "outlier" for place in whole.outliers}


def _fitting(value: Decimal, decimals: int) -> Decimal | None:
    try:
        encode([value], [decimals])
    except FeedValueOutOfRange:
        return None
    return value
