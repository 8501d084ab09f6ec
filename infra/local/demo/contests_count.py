"""What became of the contests' scene: read from the chain, past every fault, and from the books, and compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from infra.local.contests.stage import ContestsStage
from infra.local.contests.world import ASSET, FEE_LAMPORTS
from kernel.postgres import Postgres

_CONTESTS: Final = "select id::text, name, state, wallet, entrants, pool_lamports from contests.contests order by name"
_OWED: Final = """
    select contest_id::text as contest, kind, state, wallet, lamports, attempts from contests.obligations
"""
_PAID_TWICE: Final = """
    select count(*) as n from (
        select 1 from kernel.solana_outbox
        where state = 'confirmed' and split_part(business_key, ':', 3) in ('payout', 'refund')
        group by split_part(business_key, ':', 2), split_part(business_key, ':', 3), split_part(business_key, ':', 4)
        having count(*) > 1) twice
"""
_BOOKS: Final = "select name, balance from kernel.ledger_accounts where asset = %(asset)s and name like 'contests:%%'"
_GRANTS: Final = """
    select address, sum(lamports)::bigint as lamports from contests.faucet_transfers t
    join kernel.solana_outbox o on o.business_key = t.entry_key and o.state = 'confirmed'
    where t.kind = 'grant' group by address
"""
_OPEN: Final = """
    select count(*) as open from kernel.solana_outbox where settled_at is null and business_key like 'contests:%%'
"""
_HELD: Final = """
    select count(*) as held from kernel.tasks
    where kind = 'contests.submit_contests_transaction' and state = 'leased'
"""
_ORPHANED: Final = """
    select count(*) as orphaned from kernel.task_attempts a join kernel.tasks t on t.id = a.task_id
    where a.outcome = 'lost' and t.kind like 'contests.%%'
"""
_SENT: Final = """
    select count(*) filter (where state = 'confirmed') as confirmed, count(*) as in_all from kernel.solana_outbox
    where business_key like 'contests:%%'
"""
_SWEPT: Final = "select coalesce(sum(lamports), 0)::bigint as swept from contests.sweeps where state = 'swept'"
_EXPERIENCE: Final = """
    select wallet, experience from contests.players where experience > 0 order by experience desc, wallet
"""
_ACHIEVED: Final = (
    "select field, tier, count(*) as players from contests.achievements group by field, tier order by 1, 2"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """The end of the scene. Each difference is in lamports, or counts what should not be."""

    wrong_players: Mapping[str, int]
    wrong_pools: Mapping[str, int]
    treasury_gain: int
    swept: int
    paid: int
    refunded: int
    twice: int
    unpaid: int
    confirmed: int
    sent: int
    orphaned: int
    verdict: str


def broken_promises(tally: Tally) -> list[str]:
    """What was not kept of what the scene promises, in sentences."""
    promises = {
        f"{len(tally.wrong_players)} players hold another amount than they should": not tally.wrong_players,
        f"{len(tally.wrong_pools)} contests' wallets differ from the books": not tally.wrong_pools,
        f"{tally.twice} prizes or refunds were paid twice": tally.twice == 0,
        f"the treasury has gained {tally.treasury_gain} lamports of {tally.swept}": tally.treasury_gain == tally.swept,
        f"{tally.unpaid} prizes or refunds are not paid": tally.unpaid == 0,
        f"the treasury's own check of the fee payer says {tally.verdict}": tally.verdict == "balanced",
    }
    return [sentence for sentence, holds in promises.items() if not holds]


class Counted:
    """A deployment's tables, looked at from outside."""

    def __init__(self, stage: ContestsStage) -> None:
        self._stage = stage
        self._postgres = Postgres(stage.database_url)

    def close(self) -> None:
        """Leave the database."""
        self._postgres.close()

    def rows(self, sql: str, **params: Any) -> list[dict[str, Any]]:
        """Rows of the deployment's database."""
        with self._postgres.transaction() as tx:
            return [dict(row) for row in tx.all(sql, **params)]

    def held(self) -> int:
        """Transactions that are in a worker's hands."""
        return int(self.rows(_HELD)[0]["held"])

    def is_quiet(self) -> bool:
        """Whether nothing is left on its way to the chain."""
        return int(self.rows(_OPEN)[0]["open"]) == 0

    def grants(self) -> dict[str, int]:
        """What the faucet has given, by address, as far as it is final."""
        return {row["address"]: int(row["lamports"]) for row in self.rows(_GRANTS)}

    def experience(self) -> list[dict[str, Any]]:
        """Who has how much."""
        return self.rows(_EXPERIENCE)

    def achieved(self) -> list[dict[str, Any]]:
        """How many players have reached which tier of what."""
        return self.rows(_ACHIEVED)

    def tally(self, spent: Mapping[str, Sequence[int]], treasury_before: int) -> Tally:
        """The end. spent: every transfer that a player made, in lamports, by address."""
        world, owed, contests = self._stage.world, self.rows(_OWED), self.rows(_CONTESTS)
        books = {row["name"]: int(row["balance"]) for row in self.rows(_BOOKS, asset=ASSET)}
        wallets = {row["wallet"]: row["id"] for row in contests if row["wallet"] is not None}
        found = world.balances([*spent, *wallets, world.treasury.address])
        should = self.grants()
        for address, transfers in spent.items():
            should[address] = should.get(address, 0) - sum(transfers) - FEE_LAMPORTS * len(transfers)
        for line in owed:
            if line["state"] == "paid" and line["kind"] != "advance":
                should[line["wallet"]] += int(line["lamports"])
        pools = {wallet: books.get(f"contests:pool:{contest}", 0) for wallet, contest in wallets.items()}
        payable = [line for line in owed if line["kind"] != "advance"]
        sent = self.rows(_SENT)[0]
        return Tally(
            wrong_players={one: found[one] - lamports for one, lamports in should.items() if found[one] != lamports},
            wrong_pools={one: found[one] - lamports for one, lamports in pools.items() if found[one] != lamports},
            treasury_gain=found[world.treasury.address] - treasury_before,
            swept=int(self.rows(_SWEPT)[0]["swept"]),
            paid=sum(line["kind"] == "payout" and line["state"] == "paid" for line in payable),
            refunded=sum(line["kind"] == "refund" and line["state"] == "paid" for line in payable),
            twice=int(self.rows(_PAID_TWICE)[0]["n"]),
            unpaid=sum(line["state"] != "paid" for line in payable),
            confirmed=sent["confirmed"],
            sent=sent["in_all"],
            orphaned=int(self.rows(_ORPHANED)[0]["orphaned"]),
            verdict=self._stage.verdict(),
        )
