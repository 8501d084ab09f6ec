"""What became of the scene's transfers: counted in the database and on the chains, and judged."""

from dataclasses import dataclass
from typing import Final, Self

from infra.local.treasury_stage import Market, TreasuryStage
from kernel.postgres import Postgres

_PROGRESS: Final = """
    select chain, count(*) as recorded, count(*) filter (where state = 'confirmed') as confirmed,
        count(*) filter (where state in ('failed', 'cancelled')) as otherwise
    from kernel.treasury_transfers group by chain
"""
_SENT: Final = """
    select coalesce(sum(amount) filter (where state = 'confirmed'), 0) as amount, coalesce(sum(fee), 0) as fees
    from kernel.treasury_transfers where chain = %(chain)s
"""
_PAYLOADS: Final = {
    "EVM": "select count(*) as payloads, count(distinct entry_id) as entries from kernel.evm_payloads",
    "Solana": "select count(*) as payloads, count(distinct entry_id) as entries from kernel.solana_payloads",
}
_HELD: Final = "select count(*) as held from kernel.tasks where kind like 'ops.submit_%%' and state = 'leased'"
_LOST: Final = """
    select count(*) as lost from kernel.task_attempts a join kernel.tasks t on t.id = a.task_id
    where t.kind = %(kind)s and a.outcome = 'lost'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """One chain's transfers, amounts in its smallest unit."""

    name: str
    unit: str
    asked: int
    recorded: int
    confirmed: int
    #: Attempts whose worker died with the task in its hands.
    orphaned: int
    #: Broadcasts beyond the first of each signed payload, and payloads beyond the first of each entry.
    resent: int
    resigned: int
    #: Recipients that got more than they should, and less.
    duplicated: int
    lost: int
    opening: int
    sent: int
    fees: int
    ledger: int
    chain: int
    #: Of the treasury's own check.
    verdict: str

    @property
    def expected(self) -> int:
        """What the wallet must hold."""
        return self.opening - self.sent - self.fees


def broken_promises(tally: Tally) -> list[str]:
    """What a chain's transfers did not keep of what the scene promises, in sentences."""
    promises = {
        f"{tally.recorded} of {tally.asked} transfers were recorded": tally.recorded == tally.asked,
        f"{tally.confirmed} of {tally.asked} transfers were confirmed": tally.confirmed == tally.asked,
        f"{tally.duplicated} recipients were paid too much": tally.duplicated == 0,
        f"{tally.lost} recipients were paid too little": tally.lost == 0,
        f"the books say {tally.ledger} {tally.unit}, not {tally.expected}": tally.ledger == tally.expected,
        f"the chain says {tally.chain} {tally.unit}, not {tally.expected}": tally.chain == tally.expected,
        f"the treasury's own check says {tally.verdict}": tally.verdict == "balanced",
    }
    return [f"{tally.name}: {sentence}" for sentence, holds in promises.items() if not holds]


@dataclass(frozen=True, slots=True)
class Reached:
    """How far one chain's transfers are."""

    recorded: int = 0
    confirmed: int = 0
    #: Ended in another way.
    otherwise: int = 0

    @property
    def settled(self) -> int:
        """Those that have an end."""
        return self.confirmed + self.otherwise


class Counter:
    """Looks at the deployment's database and, past every fault, at the chains."""

    def __init__(self, stage: TreasuryStage, transfers: int) -> None:
        """transfers: how many each chain is asked for."""
        self.transfers = transfers
        self._stage, self._postgres = stage, Postgres(stage.database_url)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._postgres.close()

    def progress(self) -> dict[str, Reached]:
        """Of each chain, by its name in the treasury."""
        with self._postgres.transaction() as tx:
            rows = tx.all(_PROGRESS)
        counted = {row.pop("chain"): Reached(**row) for row in rows}
        return {market.chain: counted.get(market.chain, Reached()) for market in self._stage.markets}

    def is_settled(self) -> bool:
        """Whether every transfer has an end."""
        return all(one.settled >= self.transfers for one in self.progress().values())

    def has_begun(self) -> bool:
        """Whether something was signed on every chain."""
        with self._postgres.transaction() as tx:
            return all(tx.one(_PAYLOADS[market.name])["payloads"] > 0 for market in self._stage.markets)

    def held(self) -> int:
        """Tasks that are in a worker's hands."""
        with self._postgres.transaction() as tx:
            return int(tx.one(_HELD)["held"])

    def tally(self, market: Market, *, ledger: int, verdict: str) -> Tally:
        """The end of one chain's transfers; ledger and verdict are what the treasury's API says."""
        kind = f"ops.submit_{market.name.lower()}_transaction"
        with self._postgres.transaction() as tx:
            sent, payloads = tx.one(_SENT, chain=market.chain), tx.one(_PAYLOADS[market.name])
            orphaned = tx.one(_LOST, kind=kind)["lost"]
        paid = [market.balance(market.recipient(n)) - market.amount(n) for n in range(self.transfers)]
        done = self.progress()[market.chain]
        # The endpoint that never went dark has heard every broadcast.
        broadcasts = market.proxy["secondary"].calls()[market.send_method]
        return Tally(
            name=market.name,
            unit=market.unit,
            asked=self.transfers,
            recorded=done.recorded,
            confirmed=done.confirmed,
            orphaned=orphaned,
            resent=max(0, broadcasts - payloads["payloads"]),
            resigned=payloads["payloads"] - payloads["entries"],
            duplicated=sum(difference > 0 for difference in paid),
            lost=sum(difference < 0 for difference in paid),
            opening=market.opening,
            sent=int(sent["amount"]),
            fees=int(sent["fees"]),
            ledger=ledger,
            chain=market.balance(market.wallet),
            verdict=verdict,
        )
