"""Netting's scene in tables."""

from collections import Counter
from collections.abc import Mapping, Sequence

from rich.table import Table

from infra.local.demo.netting_count import Tally
from infra.local.demo.netting_crowd import Kind, Planned
from infra.local.demo.netting_desk import ACCEPTED
from infra.local.solana import LAMPORTS_PER_SOL

#: What a reader is told about each kind.
WORDS = {
    Kind.HONEST: "honest trades",
    Kind.RING: "rings: an item goes round and comes back",
    Kind.CONFLICT: "second sales of an item that was sold",
    Kind.POOR: "purchases that nobody can pay",
    Kind.FORGED: "signed by another's key",
    Kind.UNSIGNED: "signed for a buyer who did not",
    Kind.BACKDATED: "back-dated by 90 s",
    Kind.REPLAYED: "with a nonce that was used",
}


def intake_table(planned: Sequence[Planned], answers: Mapping[str, str]) -> Table:
    """What the traders posted, and what they were answered."""
    table = Table(title="Intents, as posted", title_justify="left")
    for column in ("", "posted", "taken", "refused", "as"):
        table.add_column(column, justify="left" if column in {"", "as"} else "right", no_wrap=True)
    for kind in Kind:
        told = Counter(answers.get(one.intent.id, "nothing") for one in planned if one.kind is kind)
        taken = told.pop(ACCEPTED, 0)
        refused = sum(told.values())
        table.add_row(WORDS[kind], str(taken + refused), str(taken), str(refused or ""), ", ".join(sorted(told)))
    return table


def saving_table(tally: Tally) -> Table:
    """What netting spared."""
    table = Table(title="What netting spared", title_justify="left")
    for column in ("", "as signed", "as settled", "spared"):
        table.add_column(column, justify="right" if column else "left", no_wrap=True)
    table.add_row("transactions", *_pair(tally.accepted, tally.sent, str))
    table.add_row("SOL that change hands", *_pair(tally.traded_lamports, tally.moved_lamports, _sol))
    return table


def proof_table(tally: Tally) -> Table:
    """Everything that must be as somebody else computed it, and is not; each line must say 0."""
    table = Table(title="Compared with a slow, independent telling of the rule", title_justify="left")
    table.add_column("", no_wrap=True)
    table.add_column("differ", justify="right", no_wrap=True)
    rows = {
        "intents: settled, waiting or dropped": tally.wrong_intents,
        "owners of items, on the chain": tally.wrong_owners,
        "wallets' funds, on the chain, to the lamport": tally.wrong_funds,
        "owners and funds, in the tables": tally.wrong_tables,
        "funds, in the books": tally.wrong_books,
        "reservations left over": tally.left_over,
    }
    for words, count in rows.items():
        table.add_row(words, f"[{'red' if count else 'green'}]{count}[/]")
    table.add_row("treasury's check of the authority", f"[{_colour(tally)}]{tally.verdict}[/]")
    return table


def fates_line(tally: Tally) -> str:
    """What the intents that were taken came to."""
    fates = ", ".join(f"{count} {fate}" for fate, count in sorted(tally.intents.items(), key=lambda one: -one[1]))
    return f"Of those taken: {fates}."


def sent_line(tally: Tally) -> str:
    """How much the chain saw."""
    again = f", {tally.again} more came to nothing and were followed by another" if tally.again else ""
    return (
        f"{tally.sent} settlement transactions (no packing needs fewer than {tally.packing_bound}){again}; "
        f"{tally.others} others, for ledgers, lookup tables and roots. "
        f"Attempts that died with their workers: {tally.orphaned}."
    )


def _pair(before: int, after: int, text: object) -> tuple[str, str, str]:
    assert callable(text)
    spared = 100 * (before - after) / max(before, 1)
    return text(before), text(after), f"{spared:.1f} %"


def _sol(lamports: int) -> str:
    return f"{lamports / LAMPORTS_PER_SOL:,.3f}"


def _colour(tally: Tally) -> str:
    return "green" if tally.verdict == "balanced" else "red"
