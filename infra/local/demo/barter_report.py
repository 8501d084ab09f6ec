"""Barter's scene in tables."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.table import Table

from functions.barter.core.cycles import cycles_of
from infra.local.demo.barter_market import Market

CALLS: Final = ("depositNFT", "setPreferences", "advancePhase", "reallocateTokens", "withdrawNFT", "collectFees")


#: In place of a proof that nobody wants any more.
NOBODYS: Final[Mapping[str, Any]] = {"allocation": None, "attempts": "-", "mode": None, "state": "none came"}


def markets_table(markets: Sequence[Market], stories: Sequence[Mapping[str, Any]]) -> Table:
    """What became of each market, a column each; of its story, `misplaced` names the tokens that are at a loss."""
    table = _table("Markets", markets)
    jobs = [story["job"] or NOBODYS for story in stories]
    found = [cycles_of(job["allocation"] or []) for job in jobs]
    table.add_row("agents", *(str(len(one.lists)) for one in markets))
    table.add_row("wishes", *(str(sum(map(len, one.lists))) for one in markets))
    table.add_row("cycles", *(str(len(cycles)) for cycles in found))
    table.add_row("tokens that changed owners", *(str(sum(map(len, cycles))) for cycles in found), end_section=True)
    table.add_row("proof", *map(_proof, jobs))
    table.add_row("attempts", *(str(job["attempts"]) for job in jobs))
    for name, words in (("waited_ms", "until it began"), ("proved_ms", "proven in"), ("posted_ms", "posted in")):
        table.add_row(words, *(_seconds(story["timings"][name]) for story in stories))
    table.add_row("watch", *(story["watch"]["state"] for story in stories), end_section=True)
    table.add_row("tokens not where they should be", *(str(len(story["misplaced"])) for story in stories), style="bold")
    return table


def gas_table(markets: Sequence[Market]) -> Table:
    """What a call of each kind took on average, a column a market."""
    table = _table("Gas a call", markets)
    for name in CALLS:
        table.add_row(name, *(_average(one.gas.get(name, [])) for one in markets))
    return table


def _proof(job: Mapping[str, Any]) -> str:
    return f"{job['mode']}, {job['state']}" if job["mode"] else str(job["state"])


def _average(used: Sequence[int]) -> str:
    return f"{sum(used) // len(used):,}" if used else "-"


def _seconds(milliseconds: int | None) -> str:
    return "-" if milliseconds is None else f"{milliseconds / 1_000:.1f} s"


def _table(title: str, markets: Sequence[Market]) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("", no_wrap=True)
    for one in markets:
        table.add_column(one.title, justify="right")
    return table
