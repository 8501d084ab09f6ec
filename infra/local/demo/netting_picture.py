"""The cash graph of a batch as a picture: on the left what the trades say, on the right what was settled instead.

One SVG without anything from outside. Wallets stand on a ring, those that trade with each other in one colour and
spread over all of it. On the left a ribbon is what one wallet pays another; on the right a bar inwards is what a wallet
pays in all, and a bar outwards what it gets. Widths and lengths grow with the square root of the amount, so that small
ones are seen.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import cos, pi, sin, sqrt
from typing import Final

from infra.local.solana import LAMPORTS_PER_SOL

WIDTH, HEIGHT = 1680, 1050
CENTRES: Final = ((440.0, 520.0), (1240.0, 520.0))
RING: Final = 300.0
BAR_MAX: Final = 92.0
RIBBON_MAX: Final = 9.0
PAPER, INK, FAINT = "#0d1224", "#e8ecf8", "#7f8ab0"
PAYS, GETS = "#ff8a5c", "#4fd1a5"
#: Around the wheel by steps that keep neighbours apart.
_HUE_STEP: Final = 137.508


@dataclass(frozen=True, slots=True, kw_only=True)
class CashGraph:
    """What is drawn; amounts in lamports.

    trades: (payer, payee) -> the sum of their trades. deltas: wallet -> what it got in all, without zeros. groups:
    wallets that are settled together. transfers, transactions: how many trades there were, and what settled them.
    """

    trades: Mapping[tuple[str, str], int]
    deltas: Mapping[str, int]
    groups: Sequence[Sequence[str]]
    transfers: int
    transactions: int
    traded_lamports: int
    moved_lamports: int


@dataclass(frozen=True, slots=True)
class _Seat:
    angle: float
    hue: float


def draw(graph: CashGraph) -> str:
    """The picture, as the text of an SVG file."""
    seats = _seats(graph.groups)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="Inter, Segoe UI, Helvetica Neue, Arial, sans-serif">',
        f"<title>{graph.transfers} trades, {graph.transactions} transactions</title>",
        _paper(),
        *_ring(CENTRES[0], seats),
        *_ribbons(graph, seats),
        *_ring(CENTRES[1], seats),
        *_bars(graph, seats),
        *_captions(graph),
        "</svg>\n",
    ]
    return "\n".join(parts)


def _seats(groups: Sequence[Sequence[str]]) -> dict[str, _Seat]:
    """Where each wallet stands, from the top and clockwise: the members of a group at equal distances."""
    places = sorted(
        ((nth + 0.5) / len(group), number, wallet)
        for number, group in enumerate(groups)
        for nth, wallet in enumerate(group)
    )
    step = 2 * pi / max(len(places), 1)
    return {
        wallet: _Seat(place * step - pi / 2, number * _HUE_STEP % 360)
        for place, (_, number, wallet) in enumerate(places)
    }


def _ring(centre: tuple[float, float], seats: Mapping[str, _Seat]) -> Iterator[str]:
    yield f'<circle cx="{centre[0]}" cy="{centre[1]}" r="{RING}" fill="url(#glow)"/>'
    for seat in seats.values():
        x, y = _at(centre, seat.angle, RING)
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.6" fill="hsl({seat.hue:.0f} 80% 68%)"/>'


def _ribbons(graph: CashGraph, seats: Mapping[str, _Seat]) -> Iterator[str]:
    """From payer to payee, bent towards the middle; the largest lie below."""
    most = max(graph.trades.values(), default=1)
    yield '<g fill="none" stroke-linecap="round" style="mix-blend-mode:screen">'
    for (payer, payee), lamports in sorted(graph.trades.items(), key=lambda one: -one[1]):
        start, end = seats[payer], seats[payee]
        (x1, y1), (x2, y2) = (_at(CENTRES[0], seat.angle, RING - 8) for seat in (start, end))
        apart = abs((start.angle - end.angle + pi) % (2 * pi) - pi) / pi
        inner = RING * (0.72 - 0.72 * apart)
        xc, yc = _at(CENTRES[0], _between(start.angle, end.angle), inner)
        width = max(0.7, RIBBON_MAX * sqrt(lamports / most))
        yield (
            f'<path d="M{x1:.1f} {y1:.1f}Q{xc:.1f} {yc:.1f} {x2:.1f} {y2:.1f}" stroke-width="{width:.2f}" '
            f'stroke="hsl({start.hue:.0f} 85% 64%)" stroke-opacity="{0.30 + 0.25 * sqrt(lamports / most):.2f}"/>'
        )
    yield "</g>"


def _bars(graph: CashGraph, seats: Mapping[str, _Seat]) -> Iterator[str]:
    most = max(map(abs, graph.deltas.values()), default=1)
    yield '<g stroke-width="6" stroke-linecap="round">'
    for wallet, lamports in graph.deltas.items():
        length = max(2.0, BAR_MAX * sqrt(abs(lamports) / most))
        first, last = (RING + 12, RING + 12 + length) if lamports > 0 else (RING - 12, RING - 12 - length)
        x1, y1 = _at(CENTRES[1], seats[wallet].angle, first)
        x2, y2 = _at(CENTRES[1], seats[wallet].angle, last)
        colour = GETS if lamports > 0 else PAYS
        yield f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'
    yield "</g>"


def _captions(graph: CashGraph) -> Iterator[str]:
    """Titles above, figures below, and in the middle of the right ring what the colours mean."""
    (left, _), (right, middle) = CENTRES
    before = (f"{graph.transfers:,} trades", f"{_sol(graph.traded_lamports)} SOL change hands")
    after = (f"{graph.transactions} transactions", f"{_sol(graph.moved_lamports)} SOL move")
    for x, title, lines in ((left, "As signed", before), (right, "As settled", after)):
        yield _text(x, 74, title, size=22, colour=FAINT, spacing=4)
        yield _text(x, HEIGHT - 82, lines[0], size=46, weight=700)
        yield _text(x, HEIGHT - 42, lines[1], size=22, colour=FAINT)
    yield _text(right, middle - 18, f"{_spared(graph)} %", size=76, weight=700)
    yield _text(right, middle + 20, "of the cash stays where it is", size=19, colour=FAINT)
    yield _text(right - 50, middle + 74, "● pays", size=19, colour=PAYS)
    yield _text(right + 50, middle + 74, "● gets", size=19, colour=GETS)
    yield _text(WIDTH / 2, HEIGHT - 88, "→", size=52, colour=FAINT)


def _paper() -> str:
    return (
        f'<defs><radialGradient id="glow"><stop offset="0" stop-color="#1b2547"/>'
        f'<stop offset="1" stop-color="{PAPER}"/></radialGradient></defs>'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="{PAPER}"/>'
    )


def _text(x: float, y: float, words: str, *, size: int, colour: str = INK, weight: int = 400, spacing: int = 0) -> str:
    return (
        f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size}" font-weight="{weight}" letter-spacing="{spacing}" '
        f'text-anchor="middle" fill="{colour}">{words}</text>'
    )


def _at(centre: tuple[float, float], angle: float, radius: float) -> tuple[float, float]:
    return centre[0] + radius * cos(angle), centre[1] + radius * sin(angle)


def _between(one: float, other: float) -> float:
    """The middle of the shorter way round."""
    return one + ((other - one + pi) % (2 * pi) - pi) / 2


def _spared(graph: CashGraph) -> int:
    """Of what the trades say, the hundredths that need not move; rounded down."""
    return 100 * (graph.traded_lamports - graph.moved_lamports) // max(graph.traded_lamports, 1)


def _sol(lamports: int) -> str:
    return f"{lamports / LAMPORTS_PER_SOL:,.1f}"
