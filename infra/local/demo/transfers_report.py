"""The transfers' scene in tables."""

from collections.abc import Sequence

from rich.table import Table

from infra.local.demo.transfers_count import Tally


def counts_table(tallies: Sequence[Tally]) -> Table:
    """What became of the transfers, a column a chain."""
    table = _table("Transfers", [one.name for one in tallies])
    table.add_row("asked for over HTTP", *(str(one.asked) for one in tallies))
    table.add_row("recorded", *(str(one.recorded) for one in tallies))
    table.add_row("confirmed", *(str(one.confirmed) for one in tallies), end_section=True)
    table.add_row("attempts whose worker died", *(str(one.orphaned) for one in tallies))
    table.add_row("bytes that were sent again", *(str(one.resent) for one in tallies))
    table.add_row("signed again", *(str(one.resigned) for one in tallies), end_section=True)
    table.add_row("duplicates", *(_zero(one.duplicated) for one in tallies), style="bold")
    table.add_row("lost", *(_zero(one.lost) for one in tallies), style="bold")
    return table


def reconciliation_table(tallies: Sequence[Tally]) -> Table:
    """From the opening balance to what books and chain say now, to the last wei and lamport; a column a chain."""
    table = _table("Reconciliation of the sending wallets", [f"{one.name}, {one.unit}" for one in tallies])
    table.add_row("opening balance", *(f"{one.opening:,}" for one in tallies))
    table.add_row("paid to the recipients", *(f"-{one.sent:,}" for one in tallies))
    table.add_row("fees paid to the chain", *(f"-{one.fees:,}" for one in tallies), end_section=True)
    table.add_row("must remain", *(f"{one.expected:,}" for one in tallies))
    table.add_row("in the books", *(f"{one.ledger:,}" for one in tallies))
    table.add_row("on the chain", *(f"{one.chain:,}" for one in tallies), end_section=True)
    table.add_row("difference", *(_zero(one.ledger - one.chain) for one in tallies), style="bold")
    table.add_row("the treasury's own check", *(_verdict(one.verdict) for one in tallies))
    return table


def _table(title: str, chains: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("", no_wrap=True)
    for chain in chains:
        table.add_column(chain, justify="right", no_wrap=True)
    return table


def _zero(number: int) -> str:
    return f"[{'red' if number else 'green'}]{number:,}[/]"


def _verdict(verdict: str) -> str:
    return f"[{'green' if verdict == 'balanced' else 'red'}]{verdict}[/]"
