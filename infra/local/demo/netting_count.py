"""What became of netting's scene: read from the chain, past every fault, and from the books, and judged."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from functions.netting.core.books import wallet_account
from infra.local.demo.netting_slow import Expected
from infra.local.netting.records import ASSET
from infra.local.netting.stage import NettingStage
from kernel.postgres import Postgres

_SETTLEMENTS: Final = "select state, count(*) as settlements from netting.settlements group by state"
_BATCHES: Final = """
    select id, state, accepted, transactions, packing_bound, traded_lamports, moved_lamports from netting.batches
    where accepted > 0 order by netted_at
"""
_INTENTS: Final = "select id, state, reason, batch from netting.intents"
_OWNERS: Final = "select item_id, owner from netting.item_ownership where owner is not null"
_BALANCES: Final = "select wallet, locked_lamports from netting.wallet_balances"
_BOOKS: Final = "select name, balance from kernel.ledger_accounts where asset = %(asset)s"
_LEFT: Final = """
    select (select count(*) from netting.reservations)
        + (select count(*) from netting.differences where ended_at is null) as left_over
"""
_SENT: Final = """
    select count(*) filter (where ended = 'confirmed') as settlements,
        count(*) filter (where ended <> 'confirmed') as again,
        (select count(*) from kernel.solana_outbox where state = 'confirmed') as in_all
    from netting.settlement_attempts
"""
#: What is still to be told to the chain, to be heard from it, or to be compared once more.
_OPEN: Final = """
    select (select count(*) from kernel.solana_outbox where settled_at is null)
        + (select count(*) from netting.differences where ended_at is null)
        + (select count(*) from kernel.tasks where kind like 'netting.%%' and kind <> 'netting.net_batch'
            and state in ('ready', 'leased')) as open
"""
_HELD: Final = """
    select count(*) as held from kernel.tasks where kind = 'netting.submit_settlement' and state = 'leased'
"""
_ORPHANED: Final = """
    select count(*) as orphaned from kernel.task_attempts a join kernel.tasks t on t.id = a.task_id
    where a.outcome = 'lost' and t.kind like 'netting.%%'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """The end of the scene. Each difference counts what is not as the slow telling of the rule has it.

    sent: settlement transactions that are final. again: that came to nothing and were followed by another. others:
    ledgers opened, lookup tables, roots. moved_lamports: of all positive deltas.
    """

    batches: int
    accepted: int
    sent: int
    again: int
    others: int
    packing_bound: int
    traded_lamports: int
    moved_lamports: int
    intents: Mapping[str, int]
    wrong_intents: int
    wrong_owners: int
    wrong_funds: int
    wrong_tables: int
    wrong_books: int
    left_over: int
    orphaned: int
    verdict: str


def broken_promises(tally: Tally) -> list[str]:
    """What was not kept of what the scene promises, in sentences."""
    promises = {
        f"{tally.wrong_intents} intents did not become what the rule says": tally.wrong_intents == 0,
        f"{tally.wrong_owners} items on the chain are somebody else's": tally.wrong_owners == 0,
        f"{tally.wrong_funds} wallets on the chain hold another amount": tally.wrong_funds == 0,
        f"{tally.wrong_tables} rows of the tables differ from the chain": tally.wrong_tables == 0,
        f"{tally.wrong_books} accounts of the books differ from the chain": tally.wrong_books == 0,
        f"{tally.left_over} reservations or differences are left over": tally.left_over == 0,
        f"the treasury's own check of the authority says {tally.verdict}": tally.verdict == "balanced",
    }
    return [sentence for sentence, holds in promises.items() if not holds]


class Counted:
    """A deployment's tables, looked at from outside."""

    def __init__(self, stage: NettingStage) -> None:
        self._stage = stage
        self._postgres = Postgres(stage.database_url)

    def close(self) -> None:
        """Leave the database."""
        self._postgres.close()

    def settlements(self) -> Counter[str]:
        """How many are in which state."""
        with self._postgres.transaction() as tx:
            return Counter({row["state"]: row["settlements"] for row in tx.all(_SETTLEMENTS)})

    def is_quiet(self) -> bool:
        """Whether nothing is left to be sent or heard."""
        with self._postgres.transaction() as tx:
            return int(tx.one(_OPEN)["open"]) == 0

    def held(self) -> int:
        """Transactions that are in a worker's hands."""
        with self._postgres.transaction() as tx:
            return int(tx.one(_HELD)["held"])

    def tally(self, expected: Expected) -> Tally:
        """The end, compared with what the rule says."""
        world = self._stage.world
        owners, locked = world.owners("finalized"), world.locked("finalized")
        with self._postgres.transaction() as tx:
            batches, intents = tx.all(_BATCHES), tx.all(_INTENTS)
            tables = {row["item_id"]: row["owner"] for row in tx.all(_OWNERS)}
            balances = {row["wallet"]: row["locked_lamports"] for row in tx.all(_BALANCES)}
            books = {row["name"]: int(row["balance"]) for row in tx.all(_BOOKS, asset=ASSET)}
            sent, left, orphaned = tx.one(_SENT), tx.one(_LEFT), tx.one(_ORPHANED)
        fates = {row["id"]: row["reason"] if row["batch"] is None else "settled" for row in intents}
        wanted = dict.fromkeys(expected.accepted, "settled") | dict(expected.skipped)
        return Tally(
            batches=len(batches),
            accepted=sum(row["accepted"] for row in batches),
            sent=sent["settlements"],
            again=sent["again"],
            others=sent["in_all"] - sent["settlements"],
            packing_bound=sum(row["packing_bound"] for row in batches),
            traded_lamports=sum(int(row["traded_lamports"]) for row in batches),
            moved_lamports=sum(int(row["moved_lamports"]) for row in batches),
            intents=Counter(fates.values()),
            wrong_intents=_differences(fates, wanted),
            wrong_owners=_differences(owners, expected.owners),
            wrong_funds=_differences(locked, expected.locked),
            wrong_tables=_differences(tables, owners) + _differences(balances, locked),
            wrong_books=sum(books.get(wallet_account(wallet), 0) != lamports for wallet, lamports in locked.items()),
            left_over=left["left_over"],
            orphaned=orphaned["orphaned"],
            verdict=self._stage.verdict(),
        )


def _differences(found: Mapping[str, object], wanted: Mapping[str, object]) -> int:
    """How many names stand for something else, or are missing, or too many."""
    return sum(found.get(name) != wanted.get(name) for name in found.keys() | wanted.keys())
