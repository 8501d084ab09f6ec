"""The oracle's whole show in tables."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from rich.table import Table

from infra.local.demo import oracle_epoch_cast as cast
from infra.local.demo.oracle_epoch_story import ShownRound, Story
from infra.local.flare.accounts import ETHER
from kernel.amounts import ONE_BPS

#: Of 63; the page has all of them.
FEEDS: Final = ("BTC/USD", "ETH/USD", "XRP/USD", "SOL/USD", "FLR/USD", "DOGE/USD", "PAXG/USD", "SHIB/USD")


def rounds_table(story: Story, proven: int) -> Table:
    """What became of each round. proven: how many values of each the chain has accepted."""
    table = Table(title="The rounds, as the chain holds them", title_justify="left")
    for column in ("round", "votes", "signed", "final by", "offenders", "benched", "random", "proven", "pays for"):
        table.add_column(column, justify="right" if column in {"votes", "signed", "proven"} else "left")
    for shown in story.rounds:
        played = shown.played
        table.add_row(
            f"{shown.place} ({played.voting_round})",
            f"{len(played.values)}/{len(story.actors)}",
            str(len(shown.steps.signatures)),
            f"{_short([shown.steps.finaliser])}, {shown.steps.finalised_s - story.epoch_s} s",
            f"[red]{_short(played.offenders)}[/]",
            _short(played.benched),
            "[green]secure[/]" if played.result.is_secure_random else "[red]not secure[/]",
            f"[green]{proven} ✓[/]",
            "-" if shown.rewarded is None else story.feeds[shown.rewarded].name,
        )
    return table


def feeds_table(story: Story) -> Table:
    """The medians of some feeds, and how far our values lay from them."""
    table = Table(title="Medians; how far ours were, in basis points", title_justify="left")
    table.add_column("feed")
    for shown in story.rounds:
        table.add_column(f"round {shown.place}", justify="right", no_wrap=True)
    for actor in story.actors[: cast.DEPLOYMENTS]:
        table.add_column(actor.name, justify="right", no_wrap=True)
    for position, feed in enumerate(story.feeds):
        if feed.name in FEEDS:
            medians = [_price(shown, position, feed.decimals) for shown in story.rounds]
            ours = [_distance(story, actor.name, position) for actor in story.actors[: cast.DEPLOYMENTS]]
            table.add_row(feed.name, *medians, *ours)
    return table


def rewards_table(story: Story) -> Table:
    """What each provider earned, and what its own address has claimed, in whole coins."""
    table = Table(title="Rewards, in whole coins", title_justify="left")
    for column in ("provider", "", "weight", "accuracy", "signing", "finalising", "penalty", "claimed"):
        table.add_column(column, justify="left" if column in {"provider", ""} else "right", no_wrap=True)
    for actor in story.actors:
        earned = story.earned[actor.name]
        part = "" if actor.part is cast.Part.HONEST else str(actor.part)
        note = part if earned.is_rewarded else f"{part}; below the minimum"
        style = "bold cyan" if actor.is_ours else ("red" if part else "")
        amounts = (earned.accuracy_wei, earned.signing_wei, earned.finalising_wei, earned.penalty_wei)
        cells = [_coins(wei) for wei in (*amounts, earned.claimed_wei)]
        table.add_row(actor.name, note, f"{actor.share:.1%}", *cells, style=style)
    return table


def rewards_line(story: Story) -> str:
    """That nothing was lost or made up."""
    claimed = sum(one.claimed_wei for one in story.earned.values())
    earned = story.offered_wei - story.burnt_wei
    return (
        f"{_coins(story.offered_wei)} offered = {_coins(earned)} earned + {_coins(story.burnt_wei)} burnt, to the wei. "
        f"{_coins(claimed)} are the providers' own and claimed; {_coins(earned - claimed)} are their delegators'."
    )


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
