"""The oracle's whole show in tables."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from rich import box
from rich.table import Table

from infra.local.demo import oracle_epoch_cast as cast
from infra.local.demo.oracle_epoch_picture import PART_WORDS
from infra.local.demo.oracle_epoch_story import ShownRound, Story
from infra.local.flare.accounts import ETHER
from kernel.amounts import ONE_BPS

#: Of 63; the page has all of them.
FEEDS: Final = ("BTC/USD", "ETH/USD", "XRP/USD", "SOL/USD", "FLR/USD", "DOGE/USD", "PAXG/USD", "ADA/USD")


def rounds_table(story: Story) -> Table:
    """What became of each round; providers by their numbers."""
    table = _table("The rounds, as the chain holds them; providers by number")
    for column in ("round", "votes", "signed", "final by", "offender", "benched", "random", "pays for"):
        table.add_column(column, justify="right" if column in {"round", "votes", "signed"} else "left", no_wrap=True)
    for shown in story.rounds:
        played = shown.played
        table.add_row(
            str(shown.place),
            f"{len(played.values)}/{len(story.actors)}",
            str(len(shown.steps.signatures)),
            f"{_short([shown.steps.finaliser])}, {shown.steps.finalised_s - story.epoch_s} s",
            f"[red]{_short(played.offenders)}[/]",
            _short(played.benched),
            "[green]secure[/]" if played.result.is_secure_random else "[red]spoilt[/]",
            "-" if shown.rewarded is None else story.feeds[shown.rewarded].name,
        )
    return table


def feeds_table(story: Story) -> Table:
    """The medians of some feeds, and how far our values lay from them."""
    table = _table("Medians of some feeds; how far ours were on average, in basis points")
    table.add_column("feed", no_wrap=True)
    for shown in story.rounds:
        table.add_column(f"round {shown.place}", justify="right", no_wrap=True)
    ours = story.actors[: cast.DEPLOYMENTS]
    for actor in ours:
        table.add_column(f"of {actor.number}", justify="right", no_wrap=True)
    for position, feed in enumerate(story.feeds):
        if feed.name in FEEDS:
            medians = [_price(shown, position, feed.decimals) for shown in story.rounds]
            table.add_row(feed.name, *medians, *(_distance(story, actor.name, position) for actor in ours))
    return table


def rewards_table(story: Story) -> Table:
    """What each provider earned, and what its own address has claimed, in whole coins."""
    table = _table("Rewards, in whole coins")
    for column in ("", "", "weight", "accuracy", "signing", "final", "penalty", "claimed"):
        table.add_column(column, justify="right" if column else "left", no_wrap=True)
    for actor in story.actors:
        earned = story.earned[actor.name]
        part = PART_WORDS.get(actor.part, "")
        note = part if earned.is_rewarded else f"{part}; too few hits"
        style = "bold cyan" if actor.is_ours else ("red" if part else "")
        amounts = (earned.accuracy_wei, earned.signing_wei, earned.finalising_wei, earned.penalty_wei)
        cells = [_coins(wei) for wei in (*amounts, earned.claimed_wei)]
        table.add_row(str(actor.number), note, f"{actor.share:.1%}", *cells, style=style)
    return table


def rewards_line(story: Story) -> str:
    """That nothing was lost or made up."""
    claimed = sum(one.claimed_wei for one in story.earned.values())
    earned = story.offered_wei - story.burnt_wei
    return (
        f"{_coins(story.offered_wei)} offered = {_coins(earned)} earned + {_coins(story.burnt_wei)} burnt, to the wei. "
        f"{_coins(claimed)} are the providers' own and claimed; {_coins(earned - claimed)} are their delegators'."
    )


def _table(title: str) -> Table:
    """Without lines between the columns, so that a narrow terminal holds it."""
    return Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))


def _price(shown: ShownRound, position: int, decimals: int) -> str:
    value = shown.played.result.medians[position].value
    return "-" if value is None else f"{Decimal(value).scaleb(-decimals):f}"


def _distance(story: Story, name: str, position: int) -> str:
    """The mean over the rounds that it took part in."""
    far = [
        abs(value - median) * ONE_BPS / abs(median)
        for shown in story.rounds
        if (median := shown.played.result.medians[position].value)
        and (value := shown.played.values.get(name, [None] * (position + 1))[position]) is not None
    ]
    return f"{sum(far) / len(far):.1f}" if far else "-"


def _coins(wei: int) -> str:
    return f"{wei / ETHER:,.2f}" if wei else "-"


def _short(names: Iterable[str]) -> str:
    return ", ".join(sorted((name.removeprefix("provider-") for name in names), key=int)) or "-"
