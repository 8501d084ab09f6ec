"""The reward epoch in one picture: who took which step of which round when, who offended, and what everybody earned.

One SVG without anything from outside. A row is a provider, a column a round on its own line of time, from its epoch's
start to the end of the next; rewards stand on the right.
"""

from collections.abc import Iterator
from typing import Final

from infra.local.demo import oracle_epoch_cast as cast
from infra.local.demo.oracle_epoch_charts import CARD, FAINT, HONEST, INK, LIE, LIT, OURS, PAPER
from infra.local.demo.oracle_epoch_story import Actor, Earned, ShownRound, Story
from infra.local.flare.accounts import ETHER

WIDTH, ROW, TOP, FOOT = 1780.0, 34.0, 172.0, 96.0
COLUMNS: Final = (300.0, 206.0)
BARS: Final = (1372.0, 300.0)
COMMIT, REVEAL, SIGN, FINAL = "#38e1ff", "#ff9bf5", "#ffd166", "#4fd1a5"
REWARDS: Final = (("accuracy", "#4fd1a5"), ("signing", "#ffd166"), ("finalising", "#7aa2ff"))
PART_WORDS: Final = {
    cast.Part.BUNDLE: "the bundle",
    cast.Part.VICTIM: "the bundle, dies",
    cast.Part.LIAR: "lies",
    cast.Part.LATE: "is late",
    cast.Part.BENCHED: "benched before",
}


def draw(story: Story) -> str:
    """The picture, as the text of an SVG file."""
    height = TOP + ROW * len(story.actors) + FOOT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:.0f} {height:.0f}" '
        'font-family="Inter, Segoe UI, Helvetica Neue, Arial, sans-serif">',
        f"<title>A reward epoch of {len(story.rounds)} rounds</title>",
        f'<rect width="{WIDTH:.0f}" height="{height:.0f}" fill="{PAPER}"/>',
        *_heads(story),
        *(mark for row, actor in enumerate(story.actors) for mark in _row(story, actor, TOP + ROW * row)),
        *_legend(story, height),
        "</svg>\n",
    ]
    return "\n".join(parts)


def _heads(story: Story) -> Iterator[str]:
    """Above each column its round; behind it the window of reveals and the border of the epochs."""
    bottom = TOP + ROW * len(story.actors)
    yield _text(30, 52, f"A reward epoch: {len(story.feeds)} feeds, {len(story.actors)} providers", size=25, weight=700)
    yield _text(30, 84, f"{len(story.rounds)} rounds of {story.epoch_s} s on a local Flare", size=16, colour=FAINT)
    yield _text(30, TOP - 18, "provider, its signing weight", size=13, colour=FAINT)
    for shown in story.rounds:
        left, middle = _x(story, shown, 0), _x(story, shown, story.epoch_s)
        deadline, right = _x(story, shown, story.epoch_s + story.reveal_deadline_s), _x(story, shown, 2 * story.epoch_s)
        is_secure = shown.played.result.is_secure_random
        yield _box(left, TOP - 6, right - left, bottom - TOP + 6, CARD)
        yield _box(middle, TOP - 6, deadline - middle, bottom - TOP + 6, REVEAL, opacity=0.07)
        yield _text(left + 8, TOP - 66, f"round {shown.place}", size=18, weight=700)
        yield _text(
            left + 8, TOP - 46, f"root {(shown.played.result.merkle_root or b'').hex()[:10]}…", size=12, colour=FAINT
        )
        words, colour = ("random secure", FINAL) if is_secure else ("random not secure", LIE)
        yield _text(left + 8, TOP - 30, words, size=12, colour=colour)
        feed = "none" if shown.rewarded is None else story.feeds[shown.rewarded].name
        yield _text(left + 8, TOP - 14, f"pays for {feed}", size=12, colour=LIT)
    yield _text(BARS[0], TOP - 30, "earned, in whole coins", size=13, colour=FAINT)
    yield _text(BARS[0], TOP - 14, "● kept   ○ lost by penalty or conditions", size=12, colour=FAINT)


def _row(story: Story, actor: Actor, y: float) -> Iterator[str]:
    colour = OURS[actor.number] if actor.is_ours else (INK if actor.part is cast.Part.HONEST else LIE)
    yield _text(30, y + 22, actor.name, size=14, colour=colour, weight=600 if actor.is_ours else 400)
    yield _text(122, y + 22, PART_WORDS.get(actor.part, ""), size=12, colour=colour)
    widest = max(one.share for one in story.actors)
    yield _box(232, y + 13, 56 * actor.share / widest, 9, HONEST, opacity=0.7)
    for shown in story.rounds:
        yield from _steps(story, shown, actor, y + ROW / 2)
    if (earned := story.earned.get(actor.name)) is not None:
        yield from _earned(story, earned, y)


def _steps(story: Story, shown: ShownRound, actor: Actor, y: float) -> Iterator[str]:
    """What a provider did in a round; red is what is wrong with it."""
    steps, name = shown.steps, actor.name
    if name in shown.played.benched:
        left, right = _x(story, shown, 0), _x(story, shown, 2 * story.epoch_s)
        yield _box(left, y - ROW / 2 + 2, right - left, ROW - 4, LIE, opacity=0.10)
    if name in steps.commits:
        yield _dot(_x(story, shown, steps.commits[name]), y, COMMIT)
    if actor.part is cast.Part.VICTIM and shown.place == cast.DEATH_ROUND:
        x = (_x(story, shown, steps.commits.get(name, 0)) + _x(story, shown, story.epoch_s)) / 2
        yield f'<path d="M{x - 5:.1f} {y - 5:.1f}l10 10m0 -10l-10 10" stroke="{LIE}" stroke-width="3"/>'
    is_offender = name in shown.played.offenders
    if name in steps.reveals:
        yield _dot(_x(story, shown, steps.reveals[name]), y, LIE if is_offender else REVEAL)
    elif is_offender:
        x = _x(story, shown, story.epoch_s + story.reveal_deadline_s / 2)
        yield _ring(x, y)
    if actor.number == cast.LIAR and shown.place == cast.LIE_ROUND:
        yield _ring(_x(story, shown, steps.reveals.get(name, 0)), y)
    if name in steps.signatures:
        yield _dot(_x(story, shown, steps.signatures[name]), y, SIGN)
    if name == steps.finaliser:
        x = _x(story, shown, steps.finalised_s)
        yield f'<path d="M{x:.1f} {y - 8:.1f}l7 8l-7 8l-7 -8z" fill="{FINAL}"/>'


def _earned(story: Story, earned: Earned, y: float) -> Iterator[str]:
    """Bars for what was earned by kind; hollow where the penalties or the minimal conditions took it."""
    most = max(_gross(one) for one in story.earned.values()) or 1
    is_kept = earned.is_rewarded and earned.penalty_wei == 0
    x, amounts = BARS[0], (earned.accuracy_wei, earned.signing_wei, earned.finalising_wei)
    for amount, (_, colour) in zip(amounts, REWARDS, strict=True):
        width = BARS[1] * amount / most
        fill = f'fill="{colour}"' if is_kept else f'fill="none" stroke="{colour}" stroke-opacity="0.6"'
        yield f'<rect x="{x:.1f}" y="{y + 10:.1f}" width="{width:.1f}" height="14" {fill}/>'
        x += width
    words = f"{_gross(earned) / ETHER:,.2f}"
    if earned.penalty_wei:
        words += f"  penalty {earned.penalty_wei / ETHER:,.0f}"
    if not earned.is_rewarded:
        words += "  below the minimum"
    yield _text(x + 8, y + 22, words, size=12, colour=INK if is_kept else LIE)


def _gross(earned: Earned) -> int:
    return earned.accuracy_wei + earned.signing_wei + earned.finalising_wei


def _legend(story: Story, height: float) -> Iterator[str]:
    steps = (("commit", COMMIT), ("reveal", REVEAL), ("signature", SIGN), ("finalisation", FINAL), ("offence", LIE))
    for place, (words, colour) in enumerate(steps):
        x = COLUMNS[0] + 8 + 150 * place
        yield _dot(x, height - 64, colour)
        yield _text(x + 14, height - 59, words, size=14, colour=FAINT)
    x = COLUMNS[0] + 8 + 150 * len(steps)
    yield _ring(x, height - 64)
    yield _text(x + 14, height - 59, "lie, or nothing", size=14, colour=FAINT)
    yield _box(x + 142, height - 74, 26, 20, LIE, opacity=0.2)
    yield _text(x + 176, height - 59, "benched", size=14, colour=FAINT)
    for place, (words, colour) in enumerate(REWARDS):
        x = BARS[0] + 110 * place
        yield _box(x, height - 70, 12, 12, colour)
        yield _text(x + 18, height - 59, words, size=14, colour=FAINT)
    claimed = sum(earned.claimed_wei for earned in story.earned.values())
    words = (
        f"{story.offered_wei / ETHER:,.0f} coins offered, {(story.offered_wei - story.burnt_wei) / ETHER:,.2f} earned, "
        f"{story.burnt_wei / ETHER:,.2f} burnt; {claimed / ETHER:,.2f} are the providers' own and claimed, the rest is "
        "their delegators'"
    )
    yield _text(30, height - 24, words, size=16)


def _x(story: Story, shown: ShownRound, at_s: float) -> float:
    """Where a second since the round's epoch began lies."""
    left, width = COLUMNS
    return left + (width + 6) * (shown.place - 1) + width * min(at_s, 2 * story.epoch_s) / (2 * story.epoch_s)


def _dot(x: float, y: float, colour: str) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.4" fill="{colour}"/>'


def _ring(x: float, y: float) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="6.4" fill="none" stroke="{LIE}" stroke-width="2"/>'


def _box(x: float, y: float, width: float, height: float, colour: str, *, opacity: float = 1.0) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}" '
        f'fill-opacity="{opacity}"/>'
    )


def _text(x: float, y: float, words: str, *, size: int, colour: str = INK, weight: int = 400) -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size}" font-weight="{weight}" fill="{colour}">{words}</text>'
