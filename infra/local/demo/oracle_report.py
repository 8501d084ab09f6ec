"""The oracle's scene in lines and tables."""

from decimal import Decimal
from typing import Any

from rich.table import Table

from infra.local.demo.sightings import Bystander, Sighting
from infra.local.flare.timing import Timing

COLOURS = {"commit": "cyan", "reveal": "magenta", "sign": "yellow", "finalise": "green"}


def window(step: str, timing: Timing) -> str:
    """When a step counts, in seconds of the epoch it belongs into."""
    ends = {"commit": f"0-{timing.voting_epoch_s} s", "reveal": f"0-{timing.reveal_deadline_s} s"}
    return ends.get(step, f"from {timing.reveal_deadline_s} s")


def sighting_line(sighting: Sighting, timing: Timing) -> str:
    """One transaction as it is mined."""
    colour = COLOURS[sighting.step]
    return (
        f"  round {sighting.voting_round}  [{colour}]{sighting.step:8}[/]  {sighting.provider}  "
        f"at {sighting.offset_s:>2} s (window {window(sighting.step, timing)})  {sighting.gas_used:>9,} gas"
    )


def steps_table(bystander: Bystander, timing: Timing, voting_round: int, providers: list[str]) -> Table:
    """When each provider took each step, and for how much gas."""
    table = Table(title=f"Round {voting_round}: block time in the epoch, and gas", title_justify="left")
    table.add_column("provider")
    for step in COLOURS:
        table.add_column(f"{step}, {window(step, timing)}", justify="right")
    for provider in providers:
        cells = []
        for step in COLOURS:
            seen = bystander.of(step, voting_round).get(provider)
            cells.append("" if seen is None else f"{seen.offset_s} s  {seen.gas_used:,}")
        table.add_row(provider, *cells)
    return table


def feeds_table(bystander: Bystander, result: dict[str, Any], providers: list[str]) -> Table:
    """What each provider revealed, the weighted median, and that the chain accepts its proof."""
    decimals = [feed["decimals"] for feed in result["feeds"]]
    revealed = bystander.revealed(result["voting_round"], decimals)
    secure = "secure" if result["is_secure_random"] else "not secure"
    number, root = result["voting_round"], result["merkle_root"][:14]
    table = Table(title=f"Round {number}: values and medians; root {root}…, random {secure}", title_justify="left")
    table.add_column("feed")
    for provider in providers:
        table.add_column(provider.replace("provider-", "prov. "), justify="right", no_wrap=True)
    table.add_column("median", justify="right", style="bold")
    table.add_column("proof", justify="center")
    for index, feed in enumerate(result["feeds"]):
        values = [revealed[provider][index] if provider in revealed else "-" for provider in providers]
        table.add_row(feed["symbol"], *values, _median(feed), "[green]✓[/]")
    return table


def _median(feed: dict[str, Any]) -> str:
    return "-" if feed["value"] is None else f"{Decimal(feed['value']).scaleb(-feed['decimals']):f}"
