"""Drawing for the scenes: two rings beside each other on dark paper, one SVG without anything from outside.

Angles are in radians, from the right and clockwise, as SVG's axes are.
"""

from collections.abc import Iterable, Iterator
from math import cos, pi, sin
from typing import Final

WIDTH, HEIGHT = 1680, 1050
CENTRES: Final = ((440.0, 520.0), (1240.0, 520.0))
RING: Final = 300.0
PAPER, INK, FAINT = "#0d1224", "#e8ecf8", "#7f8ab0"
#: Around the wheel by steps that keep neighbours apart.
_HUE_STEP: Final = 137.508

Point = tuple[float, float]


def svg(title: str, parts: Iterable[str]) -> str:
    """A picture of these parts, as the text of a file; `glow` fills what is to stand out from the paper."""
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="Inter, Segoe UI, Helvetica Neue, Arial, sans-serif">',
        f"<title>{title}</title>",
        '<defs><radialGradient id="glow"><stop offset="0" stop-color="#1b2547"/>'
        f'<stop offset="1" stop-color="{PAPER}"/></radialGradient></defs>'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="{PAPER}"/>',
        *parts,
        "</svg>\n",
    ]
    return "\n".join(lines)


def glow(centre: Point, radius: float) -> str:
    """The light inside a ring."""
    return f'<circle cx="{centre[0]}" cy="{centre[1]}" r="{radius}" fill="url(#glow)"/>'


def hue(number: int) -> float:
    """The colour of the group of a number, in degrees."""
    return number * _HUE_STEP % 360


def seat(place: int, places: int) -> float:
    """The angle of a place of so many, from the top and clockwise."""
    return place * 2 * pi / max(places, 1) - pi / 2


def at(centre: Point, angle: float, radius: float) -> Point:
    """A point of a circle."""
    return centre[0] + radius * cos(angle), centre[1] + radius * sin(angle)


def shorter_turn(start: float, end: float) -> float:
    """From one angle to another the shorter way round: between -π and π."""
    return (end - start + pi) % (2 * pi) - pi


def text(x: float, y: float, words: str, *, size: int, colour: str = INK, weight: int = 400, spacing: int = 0) -> str:
    """Words around a point."""
    return (
        f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size}" font-weight="{weight}" letter-spacing="{spacing}" '
        f'text-anchor="middle" fill="{colour}">{words}</text>'
    )


def caption(x: float, title: str, figure: str, beside: str) -> Iterator[str]:
    """A ring's title above it, below it a figure, and what belongs to that."""
    yield text(x, 74, title, size=22, colour=FAINT, spacing=4)
    yield text(x, HEIGHT - 82, figure, size=46, weight=700)
    yield text(x, HEIGHT - 42, beside, size=22, colour=FAINT)


def arrow_between() -> str:
    """From the left ring to the right one."""
    return text(WIDTH / 2, HEIGHT - 88, "→", size=52, colour=FAINT)
