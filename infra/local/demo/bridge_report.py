"""The bridge's scene in tables."""

from collections.abc import Sequence
from decimal import Decimal

from rich.table import Table

from infra.local.bridge.steps import WEI_PER_ETHER
from infra.local.demo.bridge_count import Tally


def outcomes_table(tallies: Sequence[Tally]) -> Table:
    """What became of the orders, a column a generation of the registry."""
    table = _table("Orders by their end", tallies)
    for outcome in sorted({name for one in tallies for name in one.outcomes}):
        table.add_row(outcome, *(str(one.outcomes.get(outcome, 0)) for one in tallies))
    table.add_row("in all", *(str(sum(one.outcomes.values())) for one in tallies), end_section=True)
    table.add_row("deposits that were taken back", *(str(one.taken_back) for one in tallies))
    table.add_row("attempts whose worker died", *(str(one.orphaned) for one in tallies), end_section=True)
    table.add_row("paid twice", *(_zero(one.duplicated) for one in tallies), style="bold")
    table.add_row("paid too little", *(_zero(one.lost) for one in tallies), style="bold")
    return table


def latency_line(latencies: Sequence[float]) -> str:
    """From the deposit's block to the payment's, as a bystander of both chains saw them; in ascending order."""
    if not latencies:
        return "no order was paid"
    p50, p99 = (latencies[min(len(latencies) - 1, len(latencies) * part // 100)] for part in (50, 99))
    return f"Deposit to fill, {len(latencies)} orders: p50 {p50:.1f} s, p99 {p99:.1f} s."


def profit_table(tallies: Sequence[Tally]) -> Table:
    """From fees to profit as the books have it, and what both wallets gained on the chains; to the last wei."""
    table = _table("Profit, in wei", tallies)
    table.add_row("fees earned", *(f"{one.earned_wei:,}" for one in tallies))
    table.add_row("gas", *(f"{-one.gas_wei:,}" for one in tallies))
    table.add_row("messages to L2", *(f"{-one.messages_wei:,}" for one in tallies))
    table.add_row("lost", *(f"{-one.lost_wei:,}" for one in tallies), end_section=True)
    table.add_row("profit, booked", *(f"{one.profit_wei:,}" for one in tallies), style="bold")
    table.add_row("wallet on L1", *(f"{one.l1_wei:+,}" for one in tallies))
    table.add_row("wallet on L2", *(f"{one.l2_wei:+,}" for one in tallies))
    table.add_row("profit, on chain", *(f"{one.l1_wei + one.l2_wei:,}" for one in tallies), end_section=True)
    table.add_row("difference", *(_zero(one.profit_wei - one.l1_wei - one.l2_wei) for one in tallies), style="bold")
    table.add_row("treasury's check", *(_verdicts(one) for one in tallies))
    return table


def profit_line(tallies: Sequence[Tally]) -> str:
    """All profit, in ether."""
    wei = sum(one.profit_wei for one in tallies)
    return f"Profit: {Decimal(wei) / WEI_PER_ETHER:f} ETH."


def _table(title: str, tallies: Sequence[Tally]) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("", no_wrap=True)
    for one in tallies:
        table.add_column(f"registry v{one.version.value}", justify="right", no_wrap=True)
    return table


def _zero(number: int) -> str:
    return f"[{'red' if number else 'green'}]{number:,}[/]"


def _verdicts(tally: Tally) -> str:
    said = sorted(set(tally.verdicts.values()))
    return f"[{'green' if said == ['balanced'] else 'red'}]{', '.join(said)}[/]"
