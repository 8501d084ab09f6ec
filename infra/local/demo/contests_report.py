"""The contests' scene in tables."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.table import Table

from infra.local.contests.players import Player
from infra.local.demo.contests_count import Tally
from infra.local.solana import LAMPORTS_PER_SOL

MICRO: Final = 1_000_000
#: Lines of a table of players.
SHOWN: Final = 6
#: Players of the leaderboard's line.
AHEAD: Final = 3


def board_line(board: Mapping[str, Any], names: Mapping[str, str], stake_micros: int) -> str:
    """Who is ahead, in one line; equals share a rank."""
    told = [
        f"{one['rank']}. {names[one['wallet']]} {_gain(int(one['value_micros']), stake_micros)}"
        for one in board["standings"][:AHEAD]
    ]
    return f"  snapshot {board['snapshot']:>2}: " + "   ".join(told)


def results_table(results: Mapping[str, Any], names: Mapping[str, str], stake_micros: int) -> Table:
    """The final standings at their top."""
    table = Table(title="The final standings, a strict order", title_justify="left")
    for column in ("place", "player", "worth", "realised profit", "in profit", "prize, SOL"):
        table.add_column(column, justify="left" if column == "player" else "right", no_wrap=True)
    for one in results["results"][:SHOWN]:
        table.add_row(
            str(one["place"]),
            names[one["wallet"]],
            _gain(int(one["balance_micros"]), stake_micros),
            f"{int(one['profit_micros']) / MICRO:,.2f}",
            f"{one['time_in_profit_s']} s",
            _sol(int(one["payout_lamports"])) if one["payout_lamports"] != "0" else "",
        )
    return table


def split_line(results: Mapping[str, Any]) -> str:
    """What the pool came to."""
    payouts = sum(int(one["payout_lamports"]) for one in results["results"])
    pool, rake, dust = (int(results[f"{name}_lamports"]) for name in ("pool", "rake", "dust"))
    kept = "[green]every lamport[/]" if payouts + rake + dust == pool else "[red]not every lamport[/]"
    return f"Pool {_sol(pool)} SOL = prizes {_sol(payouts)} + rake {_sol(rake)} + dust {dust} lamports: {kept}."


def proof_table(tally: Tally) -> Table:
    """What must be as it should, to the lamport; each line must say 0."""
    table = Table(title="Compared with the chain, past every fault", title_justify="left")
    table.add_column("", no_wrap=True)
    table.add_column("differ", justify="right", no_wrap=True)
    rows = {
        "players' wallets: faucet, fees, entries, prizes, refunds": len(tally.wrong_players),
        "contests' wallets and their books": len(tally.wrong_pools),
        "paid twice": tally.twice,
        "not paid": tally.unpaid,
    }
    for words, count in rows.items():
        table.add_row(words, f"[{'red' if count else 'green'}]{count}[/]")
    colour = "green" if tally.verdict == "balanced" else "red"
    table.add_row("treasury's check of the fee payer", f"[{colour}]{tally.verdict}[/]")
    return table


def sent_line(tally: Tally) -> str:
    """How much the chain saw."""
    return (
        f"{tally.paid} prizes and {tally.refunded} refunds paid; {tally.confirmed} transactions of ours are final. "
        f"Attempts that died with their workers: {tally.orphaned}. The treasury's wallet has gained "
        f"{_sol(tally.treasury_gain)} SOL."
    )


def growth_table(experience: Sequence[Mapping[str, Any]], names: Mapping[str, str], levels: Any) -> Table:
    """Who has gained experience."""
    table = Table(title="Experience", title_justify="left")
    for column in ("player", "points", "level"):
        table.add_column(column, justify="right" if column == "points" else "left", no_wrap=True)
    for row in experience[:SHOWN]:
        points = int(row["experience"])
        table.add_row(names.get(row["wallet"], row["wallet"][:8]), f"{points:,}", levels(points))
    return table


def achieved_line(achieved: Sequence[Mapping[str, Any]]) -> str:
    """How many have reached what."""
    told = [f"{row['field'].replace('_', ' ')} {row['tier']} {row['players']}x" for row in achieved]
    return "Achievements: " + ", ".join(told) + "."


def referred_line(weeks: Sequence[Mapping[str, Any]], friend: str) -> str:
    """What a link has brought, and earned."""
    sources = [one for week in weeks for one in week["sources"]]
    clicks, conversions = (sum(one[name] for one in sources) for name in ("clicks", "conversions"))
    points = sum(one["points"] for week in weeks for one in week["rewards"])
    return f"The link of {friend}: {clicks} clicks, {conversions} of them entered, {points} points as its reward."


def names_of(players: Sequence[Player]) -> dict[str, str]:
    """Names by wallet."""
    return {player.address: f"{player.name} ({player.address[:4]})" for player in players}


def _gain(value_micros: int, stake_micros: int) -> str:
    return f"{value_micros / MICRO:,.2f} ({100 * (value_micros - stake_micros) / stake_micros:+.2f} %)"


def _sol(lamports: int) -> str:
    return f"{lamports / LAMPORTS_PER_SOL:,.9f}".rstrip("0").rstrip(".")
