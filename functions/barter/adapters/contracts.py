"""What is kept of exchanges, for whoever shows them; and what a look stores of one."""

from collections.abc import Sequence
from datetime import UTC, datetime

from functions.barter.adapters.exchanges import Seen
from functions.barter.adapters.stored import (
    Facts,
    StoredContract,
    StoredWatch,
    facts_of,
    stored_call,
    stored_job,
    stored_watch,
)
from functions.barter.adapters.watches import Q, Watches
from kernel.clock import Clock
from kernel.postgres import Statements, Transaction


class Contracts:
    """The exchanges of one chain."""

    def __init__(self, watches: Watches, clock: Clock) -> None:
        self._watches, self._clock = watches, clock

    def one(self, tx: Statements, address: str) -> StoredContract:
        """Everything that is kept of one exchange. Raises MarketUnknown."""
        return self._told(tx, [self._watches.require(tx, address)])[0]

    def page(
        self, tx: Statements, *, below: tuple[datetime, str] | None = None, limit: int = 50
    ) -> list[StoredContract]:
        """Exchanges, the newest watch first. below: `watched_at` and address of the last one of the page before."""
        place = {"watched_at": below and below[0], "below": below and below[1]}
        rows = tx.all(Q["contracts_page"], chain_id=self._watches.chain_id, **place, limit=limit)
        return self._told(tx, [stored_watch(row) for row in rows])

    def history(self, tx: Statements, address: str, limit: int = 100) -> list[dict[str, object]]:
        """The newest steps of an exchange's life, oldest first, each a row of barter.history. Raises MarketUnknown."""
        return list(tx.all(Q["history_of"], **self._watches.require(tx, address).row, limit=limit))

    def facts(self, tx: Statements, watch: StoredWatch) -> Facts | None:
        """What the exchange said when it was last looked at; None where it never was."""
        row = tx.maybe(Q["contract"], **watch.row)
        return None if row is None else facts_of(row)

    def keep(self, tx: Transaction, watch: StoredWatch, seen: Seen) -> bool:
        """Store what a look has seen; False where a later block is known already."""
        sight, terms = seen.sight, seen.terms
        row = tx.maybe(
            Q["keep_contract"],
            **watch.row,
            operator=terms.operator,
            verifier=terms.verifier,
            image_id=terms.image_id,
            agents_max=terms.agents_max,
            list_max=terms.list_max,
            deposit_fee_wei=terms.deposit_fee_wei,
            phase=int(sight.phase),
            phase_started_at=_time(sight.phase_started_s),
            phase_ends_at=None if sight.phase_ends_s is None else _time(sight.phase_ends_s),
            agents=sight.agents,
            trade_block=sight.trade and sight.trade.block,
            trade_hash=sight.trade and sight.trade.hash,
            block_number=sight.block,
            block_hash=sight.block_hash,
            now=self._clock.now(),
        )
        return row is not None

    def _told(self, tx: Statements, watches: Sequence[StoredWatch]) -> list[StoredContract]:
        named = {"chain_id": self._watches.chain_id, "addresses": [watch.address for watch in watches]}
        facts = {row["address"]: facts_of(row) for row in tx.all(Q["contracts_of"], **named)}
        jobs = {row["address"]: stored_job(row) for row in tx.all(Q["jobs_of"], **named)}
        calls = [stored_call(row) for row in tx.all(Q["calls_of"], **named)]
        return [
            StoredContract(
                watch=watch,
                facts=facts.get(watch.address),
                job=jobs.get(watch.address),
                calls=tuple(call for call in calls if call.address == watch.address),
            )
            for watch in watches
        ]


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, tz=UTC)
