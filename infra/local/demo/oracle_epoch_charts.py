"""A chart a feed, on one page: what every provider said in every round, the median, its bands, and the true price.

One HTML file without anything from outside. Dots are votes, ours in colour; the box lies between the quartiles, the
whisker is the second band around the median. A vote far from the rest stands as an arrow at the edge. Where a round's
rewards were paid for a feed, its column is lit.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from infra.local.demo import oracle_epoch_cast as cast
from infra.local.demo.oracle_epoch_story import Actor, ShownRound, Story
from infra.local.flare.feeds import Feed
from kernel.amounts import ONE_PPM

WIDTH, HEIGHT = 380.0, 200.0
LEFT, RIGHT, TOP, BOTTOM = 12.0, 12.0, 34.0, 26.0
PAPER, CARD, INK, FAINT = "#0d1224", "#131a33", "#e8ecf8", "#7f8ab0"
OURS: Final = ("#38e1ff", "#ff9bf5")
HONEST, LIE, LIT, BOX = "#8fa3d9", "#ff5d5d", "#ffd166", "#4fd1a5"
#: Beyond so many heights of the honest spread nothing is drawn to scale.
PAD: Final = 0.18
STYLE: Final = f"""
body {{ background: {PAPER}; color: {INK}; font-family: Inter, Segoe UI, Helvetica Neue, Arial, sans-serif;
  margin: 28px; }}
p {{ color: {FAINT}; max-width: 110ch; line-height: 1.5; margin: 0 0 22px; }}
main {{ display: grid; grid-template-columns: repeat(auto-fill, minmax({WIDTH:.0f}px, 1fr)); gap: 14px; }}
svg {{ display: block; width: 100%; }}
.overview {{ margin: 0 0 26px; }}
b {{ font-weight: 600; }}
"""


def page(story: Story, overview: str) -> str:
    """The page, as the text of an HTML file. overview: an SVG that stands on top."""
    places = {
        position: [one.place for one in story.rounds if one.rewarded == position] for position in _positions(story)
    }
    charts = "\n".join(chart(story, position, places[position]) for position in _positions(story))
    legend = (
        f'<b style="color:{OURS[0]}">●</b> provider-0 and <b style="color:{OURS[1]}">●</b> provider-1 run the bundle, '
        f'<b style="color:{HONEST}">●</b> are the other votes, <b style="color:{LIE}">▲</b> is off the scale. '
        f'<b style="color:{BOX}">▭</b> lies between the quartiles around the weighted median, the whisker is the '
        f'second reward band, the grey line the true price. <b style="color:{LIT}">▮</b>: a round paid for this feed.'
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A reward epoch</title>'
        f'<style>{STYLE}</style></head><body><div class="overview">{overview}</div>'
        f"<p>{legend}</p><main>\n{charts}\n</main></body></html>\n"
    )


def chart(story: Story, position: int, lit: Sequence[int]) -> str:
    """One feed's chart, as SVG. lit: the rounds, from 1, that paid for it."""
    feed = story.feeds[position]
    scale = _Scale(story, position)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:.0f} {HEIGHT:.0f}">',
        f'<rect width="{WIDTH:.0f}" height="{HEIGHT:.0f}" rx="10" fill="{CARD}"/>',
        *_columns(story, scale, lit),
        _path(story.market[position], scale),
        *(mark for shown in story.rounds for mark in _votes(story, shown, position, scale)),
        *_titles(story, position, feed),
        "</svg>",
    ]
    return "".join(parts)


class _Scale:
    """Where moments and prices lie: the honest votes, the bands and the market fit in."""

    def __init__(self, story: Story, position: int) -> None:
        decimals = story.feeds[position].decimals
        self.unit = 10**decimals
        prices = [price for _, price in story.market[position]]
        for shown in story.rounds:
            median = shown.played.result.medians[position]
            prices += [value / self.unit for value in (median.q1, median.q3) if value is not None]
            prices += [
                values[position] / self.unit
                for name, values in shown.played.values.items()
                if values[position] is not None and not _is_lie(shown, name)
            ]
        spread = (max(prices) - min(prices)) or max(prices) * 1e-4
        self.low, self.high = min(prices) - PAD * spread, max(prices) + PAD * spread
        times = [time for time, _ in story.market[position]]
        self.first, self.last = min(times), max(times)

    def x(self, time_s: float) -> float:
        """Of a moment."""
        return LEFT + (WIDTH - LEFT - RIGHT) * (time_s - self.first) / (self.last - self.first)

    def y(self, price: float) -> float:
        """Of a price; at the edge where it lies beyond."""
        share = (min(max(price, self.low), self.high) - self.low) / (self.high - self.low)
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share

    def fits(self, price: float) -> bool:
        """Whether it is drawn to scale."""
        return self.low <= price <= self.high


def _columns(story: Story, scale: _Scale, lit: Sequence[int]) -> Iterator[str]:
    for shown in story.rounds:
        x, end = scale.x(shown.start_s), scale.x(shown.start_s + story.epoch_s)
        if shown.place in lit:
            yield (
                f'<rect x="{x:.1f}" y="{TOP - 4:.1f}" width="{end - x:.1f}" height="{HEIGHT - TOP - BOTTOM + 8:.1f}" '
                f'fill="{LIT}" fill-opacity="0.13"/>'
            )
        yield (
            f'<text x="{(x + end) / 2:.1f}" y="{HEIGHT - 9:.1f}" font-size="10" text-anchor="middle" '
            f'fill="{LIT if shown.place in lit else FAINT}">{shown.place}</text>'
        )


def _path(market: Sequence[tuple[float, float]], scale: _Scale) -> str:
    points = " ".join(f"{scale.x(time):.1f},{scale.y(price):.1f}" for time, price in market)
    return f'<polyline points="{points}" fill="none" stroke="{FAINT}" stroke-width="1.2" stroke-opacity="0.8"/>'


def _votes(story: Story, shown: ShownRound, position: int, scale: _Scale) -> Iterator[str]:
    """The bands, the votes over them, and the median on top."""
    x = scale.x(shown.start_s + 0.5 * story.epoch_s)
    median = shown.played.result.medians[position]
    if median.value is None or median.q1 is None or median.q3 is None:
        return
    middle, half = median.value / scale.unit, abs(median.value) * story.feeds[position].secondary_band_ppm / ONE_PPM
    low, high = scale.y(middle - half / scale.unit), scale.y(middle + half / scale.unit)
    yield f'<path d="M{x:.1f} {low:.1f}V{high:.1f}" stroke="{BOX}" stroke-width="1" stroke-opacity="0.55"/>'
    top, bottom = scale.y(median.q3 / scale.unit), scale.y(median.q1 / scale.unit)
    yield (
        f'<rect x="{x - 20:.1f}" y="{top:.1f}" width="40" height="{max(bottom - top, 0.8):.1f}" rx="2" '
        f'fill="{BOX}" fill-opacity="0.16" stroke="{BOX}" stroke-width="0.8"/>'
    )
    for actor in sorted(story.actors, key=lambda one: one.is_ours):
        value = shown.played.values.get(actor.name, [None] * len(story.feeds))[position]
        if value is not None:
            yield _vote(actor, x + _aside(actor, len(story.actors)), value / scale.unit, scale)
    yield f'<path d="M{x - 20:.1f} {scale.y(middle):.1f}h40" stroke="{INK}" stroke-width="1.6"/>'


def _vote(actor: Actor, x: float, price: float, scale: _Scale) -> str:
    y = scale.y(price)
    if not scale.fits(price):
        sign = 1 if price > scale.high else -1
        return f'<path d="M{x - 4:.1f} {y:.1f}h8l-4 {-7 * sign}z" fill="{LIE}"/>'
    if actor.is_ours:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.4" fill="{OURS[actor.number]}"/>'
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="1.9" fill="{HONEST}" fill-opacity="0.85"/>'


def _aside(actor: Actor, count: int) -> float:
    """Votes of one round stand beside each other."""
    return 34.0 * (actor.number / (count - 1) - 0.5)


def _titles(story: Story, position: int, feed: Feed) -> Iterator[str]:
    last = story.rounds[-1].played.result.medians[position].value
    price = "-" if last is None else f"{last / 10**feed.decimals:,.{feed.decimals}f}"
    yield f'<text x="14" y="22" font-size="14" font-weight="600" fill="{INK}">{feed.name}</text>'
    yield f'<text x="{WIDTH - 14:.0f}" y="22" font-size="13" text-anchor="end" fill="{FAINT}">{price}</text>'


def _is_lie(shown: ShownRound, name: str) -> bool:
    return shown.place == cast.LIE_ROUND and name == f"provider-{cast.LIAR}"


def _positions(story: Story) -> range:
    return range(len(story.feeds))
