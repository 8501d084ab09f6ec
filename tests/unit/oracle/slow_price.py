"""The aggregate of a window once more, slowly: the specification's sentences in exact fractions."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple


class Tick(NamedTuple):
    """A point with times in whole seconds."""

    price: Fraction
    volume: Fraction | None
    time: int
    source: str


def middle_two(values: Sequence[Fraction]) -> Fraction:
    ranked = sorted(values)
    return (ranked[(len(ranked) - 1) // 2] + ranked[len(ranked) // 2]) / 2


def first_half(pairs: Sequence[tuple[Fraction, Fraction]]) -> Fraction:
    ranked = sorted(pairs, key=lambda pair: pair[0])
    total, seen = sum((weight for _, weight in ranked), Fraction(0)), Fraction(0)
    for value, weight in ranked:
        seen += weight
        if seen >= total / 2:
            return value
    raise AssertionError


def is_outlier(price: Fraction, middle: Fraction, mad: Fraction) -> bool:
    distance = abs(price - middle)
    if mad:
        return Fraction("0.6745") * distance / mad > Fraction("3.5")
    return distance / middle > Fraction("0.005")


def time_weighted(ticks: Sequence[Tick], at: int) -> tuple[Fraction, int]:
    """Price times seconds, and seconds, of one source."""
    ordered = sorted(ticks, key=lambda tick: tick.time)
    until = [tick.time for tick in ordered[1:]] + [at]
    held = [end - tick.time for tick, end in zip(ordered, until, strict=True)]
    return sum((tick.price * seconds for tick, seconds in zip(ordered, held, strict=True)), Fraction(0)), sum(held)


def volume_weighted(ticks: Sequence[Tick]) -> Fraction | None:
    traded = [(tick.price, tick.volume) for tick in ticks if tick.volume]
    volume = sum((size for _, size in traded), Fraction(0))
    return sum((price * size for price, size in traded), Fraction(0)) / volume if volume else None


def aggregate(ticks: Sequence[Tick], at: int, trust: Mapping[str, Fraction]) -> dict[str, Any]:
    window = [tick for tick in ticks if at - 180 <= tick.time <= at]
    newest = {tick.source: max(t.time for t in window if t.source == tick.source) for tick in window}
    stale = {source for source, time in newest.items() if at - time > 60}
    fresh = [tick for tick in window if tick.source not in stale]
    if not fresh:
        return {
            "vwap": None,
            "twap": None,
            "weighted_median": None,
            "consensus": None,
            "confidence": None,
            "outliers": set(),
            "stale": stale,
        }

    middle = middle_two([tick.price for tick in fresh])
    mad = middle_two([abs(tick.price - middle) for tick in fresh])
    outliers = [tick for tick in fresh if is_outlier(tick.price, middle, mad)]
    kept = [tick for tick in fresh if not is_outlier(tick.price, middle, mad)]
    by_source = {source: [tick for tick in kept if tick.source == source] for source in {t.source for t in kept}}

    known = [tick.volume for tick in kept if tick.volume is not None]
    usual = middle_two(known) if known else Fraction(1)
    sizes = [usual if tick.volume is None else tick.volume for tick in kept]
    if not any(sizes):
        sizes = [Fraction(1)] * len(kept)
    held = [time_weighted(own, at) for own in by_source.values()]
    covered = sum(seconds for _, seconds in held)
    own_prices = {
        source: volume_weighted(own) or max(own, key=lambda tick: tick.time).price for source, own in by_source.items()
    }
    centre = middle_two(list(own_prices.values()))
    spread = middle_two([abs(price - centre) for price in own_prices.values()])
    return {
        "vwap": volume_weighted(kept),
        "twap": sum((money for money, _ in held), Fraction(0)) / covered if covered else None,
        "weighted_median": first_half(
            [(tick.price, size * trust[tick.source]) for tick, size in zip(kept, sizes, strict=True)]
        ),
        "consensus": first_half([(price, trust[source]) for source, price in own_prices.items()]),
        "confidence": 1.96 * 1.4826 * float(spread) / len(own_prices) ** 0.5,
        "outliers": set(outliers),
        "stale": stale,
    }
