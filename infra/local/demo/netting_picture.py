"""The cash graph of a batch as a picture: on the left what the trades say, on the right what was settled instead.

One SVG without anything from outside. Wallets stand on a ring, those that trade with each other in one colour and
spread over all of it. On the left a ribbon is what one wallet pays another; on the right a bar inwards is what a wallet
pays in all, and a bar outwards what it gets. Widths and lengths grow with the square root of the amount, so that small
ones are seen.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import pi, sqrt
from typing import Final

from infra.local.demo import rings
from infra.local.demo.rings import CENTRES, FAINT, RING, Point
from infra.local.solana import LAMPORTS_PER_SOL

BAR_MAX: Final = 92.0
RIBBON_MAX: Final = 9.0
PAYS, GETS = "#ff8a5c", "#4fd1a5"


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
        *_ring(CENTRES[0], seats),
        *_ribbons(graph, seats),
        *_ring(CENTRES[1], seats),
        *_bars(graph, seats),
        *_captions(graph),
    ]
    return rings.svg(f"{graph.transfers} trades, {graph.transactions} transactions", parts)


def _seats(groups: Sequence[Sequence[str]]) -> dict[str, _Seat]:
    """Where each wallet stands, from the top and clockwise: the members of a group at equal distances."""
    places = sorted(
        ((nth + 0.5) / len(group), number, wallet)
        for number, group in enumerate(groups)
        for nth, wallet in enumerate(group)
    )
    return {
        wallet: _Seat(rings.seat(place, len(places)), rings.hue(number))
        for place, (_, number, wallet) in enumerate(places)
    }


def _ring(centre: Point, seats: Mapping[str, _Seat]) -> Iterator[str]:
    yield rings.glow(centre, RING)
    for seat in seats.values():
        x, y = rings.at(centre, seat.angle, RING)
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.6" fill="hsl({seat.hue:.0f} 80% 68%)"/>'


def _ribbons(graph: CashGraph, seats: Mapping[str, _Seat]) -> Iterator[str]:
    """From payer to payee, bent towards the middle; the largest lie below."""
    most = max(graph.trades.values(), default=1)
    yield '<g fill="none" stroke-linecap="round" style="mix-blend-mode:screen">'
    for (payer, payee), lamports in sorted(graph.trades.items(), key=lambda one: -one[1]):
        start, end = seats[payer], seats[payee]
        (x1, y1), (x2, y2) = (rings.at(CENTRES[0], seat.angle, RING - 8) for seat in (start, end))
        turn = rings.shorter_turn(start.angle, end.angle)
        xc, yc = rings.at(CENTRES[0], start.angle + turn / 2, RING * (0.72 - 0.72 * abs(turn) / pi))
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
        x1, y1 = rings.at(CENTRES[1], seats[wallet].angle, first)
        x2, y2 = rings.at(CENTRES[1], seats[wallet].angle, last)
        colour = GETS if lamports > 0 else PAYS
        yield f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'
    yield "</g>"


def _captions(graph: CashGraph) -> Iterator[str]:
    """Titles above, figures below, and in the middle of the right ring what the colours mean."""
    (left, _), (right, middle) = CENTRES
    traded, moved = f"{_sol(graph.traded_lamports)} SOL change hands", f"{_sol(graph.moved_lamports)} SOL move"
    yield from rings.caption(left, "As signed", f"{graph.transfers:,} trades", traded)
    yield from rings.caption(right, "As settled", f"{graph.transactions} transactions", moved)
    yield rings.text(right, middle - 18, f"{_spared(graph)} %", size=76, weight=700)
    yield rings.text(right, middle + 20, "of the cash stays where it is", size=19, colour=FAINT)
    yield rings.text(right - 50, middle + 74, "● pays", size=19, colour=PAYS)
    yield rings.text(right + 50, middle + 74, "● gets", size=19, colour=GETS)
    yield rings.arrow_between()


def _spared(graph: CashGraph) -> int:
    """Of what the trades say, the hundredths that need not move; rounded down."""
    return 100 * (graph.traded_lamports - graph.moved_lamports) // max(graph.traded_lamports, 1)


def _sol(lamports: int) -> str:
    return f"{lamports / LAMPORTS_PER_SOL:,.1f}"
