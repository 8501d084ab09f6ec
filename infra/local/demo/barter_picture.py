"""A market as a picture: on the left what its agents wish and the cycles in it, on the right whose each token is then.

One SVG without anything from outside. Each agent is its token; those of a cycle sit beside each other, in one colour,
each before the one whose token it receives. On the left a line is a wish, the fainter the further down its list, and a
coloured arrow is a wish that comes true. On the right each spoke is a token: inside who brought it, outside who owns
it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import cos, pi
from typing import Final

from functions.barter.core.cycles import Preferences, cycles_of
from infra.local.demo import rings
from infra.local.demo.rings import CENTRES, FAINT, INK, RING, Point

BAND: Final = 26.0
ALONE: Final = "#5b678f"


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketGraph:
    """What is drawn, by index. names: what a token is called; before, after: whose it is, as the chain says.

    shown_by: what the caption says of the proof.
    """

    lists: Preferences
    received: Sequence[int]
    names: Sequence[str]
    before: Sequence[str]
    after: Sequence[str]
    shown_by: str


@dataclass(frozen=True, slots=True)
class _Seat:
    angle: float
    colour: str
    is_trading: bool


def draw(graph: MarketGraph) -> str:
    """The picture, as the text of an SVG file."""
    seats = _seats(graph.received)
    parts = [
        rings.glow(CENTRES[0], RING),
        rings.glow(CENTRES[1], RING - BAND),
        *_wishes(graph, seats),
        *_trades(graph, seats),
        *_tokens(graph, seats),
        *_owners(graph, seats),
        *_captions(graph),
    ]
    return rings.svg(f"{len(graph.received)} tokens, {len(cycles_of(graph.received))} cycles", parts)


def _seats(received: Sequence[int]) -> list[_Seat]:
    """Where each agent sits, from the top and clockwise: cycle by cycle, then who keeps its own."""
    found = cycles_of(received)
    alone = [agent for agent, item in enumerate(received) if agent == item]
    order = [agent for cycle in found for agent in cycle] + alone
    colours = {agent: f"hsl({rings.hue(nth):.0f} 80% 66%)" for nth, cycle in enumerate(found) for agent in cycle}
    angles = {agent: rings.seat(place, len(order)) for place, agent in enumerate(order)}
    return [_Seat(angles[agent], colours.get(agent, ALONE), agent in colours) for agent in range(len(received))]


def _wishes(graph: MarketGraph, seats: Sequence[_Seat]) -> Iterator[str]:
    """Every wish that does not come true, from who has it to the token."""
    yield '<g fill="none" stroke="#93a1d6" stroke-width="1">'
    for agent, wishes in enumerate(graph.lists):
        for rank, item in enumerate(wishes):
            if item != graph.received[agent]:
                yield f'<path d="{_arc(seats[agent], seats[item])}" stroke-opacity="{0.55 * 0.74**rank:.3f}"/>'
    yield "</g>"


def _trades(graph: MarketGraph, seats: Sequence[_Seat]) -> Iterator[str]:
    yield '<g fill="none" stroke-width="3.4" stroke-linecap="round">'
    for agent, item in enumerate(graph.received):
        if agent != item:
            colour = seats[agent].colour
            yield f'<path d="{_arc(seats[agent], seats[item])}" stroke="{colour}" stroke-opacity="0.95"/>'
            yield _tip(seats[agent], seats[item])
    yield "</g>"


def _tokens(graph: MarketGraph, seats: Sequence[_Seat]) -> Iterator[str]:
    """The left ring: a dot a token, and its name outside."""
    for name, seat in zip(graph.names, seats, strict=True):
        x, y = rings.at(CENTRES[0], seat.angle, RING)
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="6.5" fill="{seat.colour}"/>'
        yield _label(CENTRES[0], seat.angle, RING + 20, name, seat.colour if seat.is_trading else FAINT)


def _owners(graph: MarketGraph, seats: Sequence[_Seat]) -> Iterator[str]:
    """The right ring: a spoke a token, from who brought it to who owns it."""
    half = pi / max(len(seats), 1) * 0.86
    for token, seat in enumerate(seats):
        new = seat.colour if seat.is_trading else "#28325a"
        yield _segment(seat.angle - half, seat.angle + half, RING - BAND, RING, "#28325a")
        yield _segment(seat.angle - half, seat.angle + half, RING + 4, RING + 4 + BAND, new)
        yield _label(CENTRES[1], seat.angle, RING - BAND - 8, graph.before[token], FAINT, inwards=True)
        yield _label(CENTRES[1], seat.angle, RING + BAND + 14, graph.after[token], INK if seat.is_trading else FAINT)


def _captions(graph: MarketGraph) -> Iterator[str]:
    found = cycles_of(graph.received)
    traders, wishes = sum(map(len, found)), sum(map(len, graph.lists))
    best = sum(bool(own) and own[0] == item for own, item in zip(graph.lists, graph.received, strict=True))
    longest = max(map(len, found), default=0)
    (left, _), (right, middle) = CENTRES
    size = f"{len(graph.lists)} tokens, {wishes} wishes"
    yield from rings.caption(left, "As wished", size, f"{len(found)} cycles, {longest} the longest")
    brought = "inside: who brought it; outside: whose it is"
    yield from rings.caption(right, "As traded", f"{traders} tokens change owners", brought)
    yield rings.text(right, middle - 18, f"{best}", size=76, weight=700)
    yield rings.text(right, middle + 20, "receive what they like best", size=19, colour=FAINT)
    yield rings.text(right, middle + 58, graph.shown_by, size=19, colour=FAINT)
    yield rings.arrow_between()


def _arc(start: _Seat, end: _Seat) -> str:
    """Bent towards the middle, the more the further apart."""
    (x1, y1), (x2, y2) = (rings.at(CENTRES[0], seat.angle, RING - 12) for seat in (start, end))
    xc, yc = _bend(start, end)
    return f"M{x1:.1f} {y1:.1f}Q{xc:.1f} {yc:.1f} {x2:.1f} {y2:.1f}"


def _bend(start: _Seat, end: _Seat) -> Point:
    turn = rings.shorter_turn(start.angle, end.angle)
    return rings.at(CENTRES[0], start.angle + turn / 2, RING * (0.80 - 0.80 * abs(turn) / pi))


def _tip(start: _Seat, end: _Seat) -> str:
    """The arrow's head, in the direction in which the line arrives."""
    x, y = rings.at(CENTRES[0], end.angle, RING - 12)
    xc, yc = _bend(start, end)
    long = max(((x - xc) ** 2 + (y - yc) ** 2) ** 0.5, 1e-9)
    ux, uy = (x - xc) / long, (y - yc) / long
    corners = [(x, y), (x - 12 * ux - 6 * uy, y - 12 * uy + 6 * ux), (x - 12 * ux + 6 * uy, y - 12 * uy - 6 * ux)]
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in corners)
    return f'<polygon points="{points}" fill="{start.colour}" stroke="none"/>'


def _segment(start: float, end: float, inner: float, outer: float, colour: str) -> str:
    (x1, y1), (x2, y2) = (rings.at(CENTRES[1], angle, outer) for angle in (start, end))
    (x3, y3), (x4, y4) = (rings.at(CENTRES[1], angle, inner) for angle in (end, start))
    return (
        f'<path d="M{x1:.1f} {y1:.1f}A{outer} {outer} 0 0 1 {x2:.1f} {y2:.1f}L{x3:.1f} {y3:.1f}'
        f'A{inner} {inner} 0 0 0 {x4:.1f} {y4:.1f}Z" fill="{colour}"/>'
    )


def _label(centre: Point, angle: float, radius: float, words: str, colour: str, *, inwards: bool = False) -> str:
    """A short text along the radius, from there outwards or inwards; readable on both sides."""
    x, y = rings.at(centre, angle, radius)
    turned, is_left = angle * 180 / pi, cos(angle) < 0
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="14" fill="{colour}" dominant-baseline="central" '
        f'text-anchor="{"end" if is_left != inwards else "start"}" '
        f'transform="rotate({turned + (180 if is_left else 0):.1f} {x:.1f} {y:.1f})">{words}</text>'
    )
