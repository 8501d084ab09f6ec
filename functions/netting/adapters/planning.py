"""Plans a batch: everything of it is stored in one transaction, or nothing.

While it is planned, the rows that it was cleared from are held, and what it counts on is reserved by rows whose key is
unique. So of a batch, a withdrawal and a second batch that want one item or one wallet's funds at the same moment,
exactly one gets them; whoever comes second waits, or plans anew.
"""

import json
import zlib
from collections.abc import Mapping, Sequence
from typing import Final

from functions.netting.adapters.clearing import PlanOvertaken, Q, market_of, oldest_ms, queue_of
from functions.netting.adapters.lookup_tables import shelves_of
from functions.netting.adapters.proposing import Proposed
from functions.netting.adapters.volumes import release
from functions.netting.core.batch import BatchState
from functions.netting.core.batching import BatchSizes
from functions.netting.core.contents import content_of, deltas_of, entries_of, items_of
from functions.netting.core.netting import Clearing
from functions.netting.core.optimal import Optimum, certified, clear_chosen
from functions.netting.core.plan import BatchPlan, Fee, Market, clear_market, plan_batch
from kernel.clock import Clock
from kernel.ids import new_id
from kernel.postgres import Fence, Postgres, Transaction
from kernel.tasks import Done, Outcome, Skipped, Tasks

#: Intents that are dropped for their age in one transaction.
MOST_ENDED: Final = 5_000
#: Fast: it is packed again, and better, when it is pinned.
_ZLIB_LEVEL: Final = 1


class Planning:
    """Plans batches."""

    def __init__(self, postgres: Postgres, tasks: Tasks, clock: Clock, *, fee: Fee) -> None:
        self._postgres, self._tasks, self._clock = postgres, tasks, clock
        self._fee = fee

    def end_too_old(self) -> int:
        """Drop intents that waited too long, and give their volume back; how many."""
        ended, now = 0, self._clock.now()
        while True:
            with self._postgres.transaction() as tx:
                rows = tx.all(Q["drop_too_old"], oldest_ms=oldest_ms(now), most=MOST_ENDED, now=now)
                release(tx, [row["id"] for row in rows])
            ended += len(rows)
            if len(rows) < MOST_ENDED:
                return ended

    def plan(self, sizes: BatchSizes, proposal: Proposed | None = None, *, fence: Fence) -> Outcome:
        """Plan a batch, if one is due, and end the task with it. Raises PlanOvertaken; then nothing is stored.

        proposal: checked against the market as it is held now, whatever it was made from.
        """
        with self._postgres.transaction(holding=fence) as tx:
            tx.execute(Q["be_patient"])
            tx.execute(Q["lock_planning"])
            now = self._clock.now()
            queue = queue_of(tx, now, sizes)
            if not queue.is_due:
                return Skipped("too few intents wait, and none for long")
            market = market_of(tx, queue.ids)
            clearing, optimum = self._clear(market, proposal)
            shelves = shelves_of(tx, clearing.final_owners, clearing.deltas)
            plan = plan_batch(new_id(), market, clearing, self._fee, now, shelves)
            self._store(tx, plan, optimum)
            result = {"batch": str(plan.batch), "accepted": len(plan.clearing.accepted)}
            self._tasks.complete(tx, fence, result)
        return Done(result)

    def _clear(self, market: Market, proposal: Proposed | None) -> tuple[Clearing, Optimum | None]:
        cleared = clear_market(market, self._fee)
        if proposal is None:
            return cleared, None
        optimum = certified(market, self._fee, cleared, proposal.proposal)
        chosen = clear_chosen(market, self._fee, optimum.accepted) if proposal.is_settled else None
        return chosen or cleared, optimum

    def _store(self, tx: Transaction, plan: BatchPlan, optimum: Optimum | None) -> None:
        self._insert(tx, plan, optimum)
        self._reserve(tx, plan)
        accepted = {one: plan.ordinals[plan.items[one]] for one in plan.clearing.accepted}
        _moved(tx, "accept_intents", plan, ids=list(accepted), ordinals=list(accepted.values()), expected=len(accepted))
        _reasoned(tx, "keep_waiting", plan, plan.skipped(hopeless=False))
        dropped = plan.skipped(hopeless=True)
        _reasoned(tx, "drop_intents", plan, dropped)
        release(tx, dropped)

    def _insert(self, tx: Transaction, plan: BatchPlan, optimum: Optimum | None) -> None:
        clearing, named = plan.clearing, {"batch": plan.batch, "now": plan.netted_at}
        tx.execute(
            Q["insert_batch"],
            **named,
            state=BatchState.NETTED if plan.settlements else BatchState.EMPTY,
            intents=len(clearing.accepted) + len(clearing.skipped),
            accepted=len(clearing.accepted),
            items=len(clearing.final_owners),
            wallets=len(clearing.deltas),
            transactions=plan.transactions,
            packing_bound=plan.packing_bound,
            traded_lamports=plan.traded_lamports,
            moved_lamports=plan.moved_lamports,
            rule_lamports=optimum and optimum.rule_lamports,
            found_lamports=optimum and optimum.found_lamports,
            optimal_lamports=optimum and optimum.bound_lamports,
            result_hash=clearing.result_hash,
            da_hash=plan.da_hash,
            items_root=plan.items_root,
            state_root=plan.state_root,
        )
        tx.execute(
            Q["insert_settlements"],
            **named,
            ordinals=list(range(len(plan.settlements))),
            contents=[json.dumps(content_of(one), separators=(",", ":")) for one in plan.settlements],
            entries=[entries_of(one) for one in plan.settlements],
        )
        tx.execute(Q["keep_metadata"], **named, content=zlib.compress(plan.metadata, _ZLIB_LEVEL))

    def _reserve(self, tx: Transaction, plan: BatchPlan) -> None:
        """Items and debits. What is credited needs no reservation, or nobody could sell twice while a batch settles."""
        wanted = [
            reservation
            for ordinal, one in enumerate(plan.settlements)
            for reservation in (
                *(("item", item, None, ordinal) for item in items_of(one)),
                *(("wallet", wallet, -delta, ordinal) for wallet, delta in deltas_of(one).items() if delta < 0),
            )
        ]
        kinds, subjects, amounts, ordinals = ([one[place] for one in wanted] for place in range(4))
        named = {"kinds": kinds, "subjects": subjects, "amounts": amounts, "ordinals": ordinals}
        _moved(tx, "insert_reservations", plan, **named, expected=len(wanted))


def _reasoned(tx: Transaction, query: str, plan: BatchPlan, reasons: Mapping[str, str]) -> None:
    texts = [str(reason) for reason in reasons.values()]
    tx.execute(Q[query], ids=list(reasons), reasons=texts, now=plan.netted_at)


def _moved(tx: Transaction, query: str, plan: BatchPlan, *, expected: int, **columns: Sequence[object]) -> None:
    """Every row, or nothing of the batch. Raises PlanOvertaken."""
    if tx.execute(Q[query], batch=plan.batch, now=plan.netted_at, **columns) != expected:
        raise PlanOvertaken(query=query)
