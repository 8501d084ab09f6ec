"""Sweeps contests' wallets to the treasury, and sees to what is held: every ten minutes.

1. `look` chooses up to fifty contests whose payments are over, and reads what their wallets hold, by quorum.
2. `take` plans a sweep of each that holds more than what is owed and kept, under its contest's row, if nothing else is
   on its way from the wallet; then sends as many as may be on their way at once.
3. `ended`, in the commit that ends one: it is booked, and the contest's life is over; the next one is sent.

What came to a wallet and was no entry (somebody's gift, an entry that was refused) is found by comparing the books with
the chain while both stand still. Somebody is called, the wallet waits three days for an administrator to give it back,
and is then swept whole. A wallet that holds less than the books say is left alone, and somebody is called.

What is held is looked at again, longest unseen first, and owed again once its account can take it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from functions.contests.adapters.contests import Contests, StoredContest, stored_contest
from functions.contests.adapters.effects import Effect, Effects
from functions.contests.adapters.obligations import Obligations, Owed
from functions.contests.adapters.paying import reason_of
from functions.contests.adapters.pools import Pools
from functions.contests.adapters.wallet_books import Standing, WalletBooks
from functions.contests.core.contest import Event as ContestEvent
from functions.contests.core.contest import State as ContestState
from functions.contests.core.sweep import can_receive, is_found, swept, waits_for_owner
from kernel.clock import Clock
from kernel.handler import count
from kernel.outbox.solana import SolanaEntry, State
from kernel.postgres import Postgres, Queries, Transaction
from kernel.solana.transactions import system_transfer
from kernel.treasury import ServiceHalted

if TYPE_CHECKING:
    from functions.contests.wiring import Deps

logger = logging.getLogger(__name__)

Q: Final = Queries.load(Path(__file__).with_name("sweeping.sql"))
#: Wallets that are looked at in one turn, and sweeps that are on their way at once.
BATCH: Final = 50
AT_ONCE: Final = 5
_MOVES: Final = {ContestState.PAID: ContestEvent.RAKE, ContestState.REFUNDED: ContestEvent.SWEEP}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Wallets that may be swept and lines that are held, with what the chain says of their accounts."""

    contests: Sequence[tuple[StoredContest, Standing]]
    held: Sequence[Owed]
    holdings: Mapping[str, int]


class Sweeping:
    """The way of rake, dust and what was found to the treasury."""

    def __init__(
        self,
        postgres: Postgres,
        wallets: WalletBooks,
        contests: Contests,
        obligations: Obligations,
        pools: Pools,
        effects: Effects,
        clock: Clock,
        *,
        treasury: str,
    ) -> None:
        self._postgres, self._wallets, self._contests = postgres, wallets, contests
        self._obligations, self._pools, self._effects = obligations, pools, effects
        self._clock, self._treasury = clock, treasury

    def look(self) -> Seen:
        """Whose turn it is, and what the chain says of them. Raises NoQuorum, RpcUnavailable."""
        with self._postgres.transaction() as tx:
            chosen = [stored_contest(row) for row in tx.all(Q["sweepable"], limit=BATCH)]
            contests = [(contest, self._wallets.standing(tx, contest)) for contest in chosen]
            held = self._obligations.held(tx, BATCH)
        asked = {contest.wallet for contest in chosen if contest.wallet} | {owed.wallet for owed in held}
        slot = max((standing.slot for _, standing in contests), default=0)
        return Seen(contests=contests, held=held, holdings=self._wallets.holdings(asked, as_of_slot=slot))

    def take(self, seen: Seen) -> None:
        """Free what can be paid now, plan what can be swept, and send the next sweeps. Raises ServiceHalted."""
        for owed in seen.held:
            with self._postgres.transaction() as tx:
                self._see_to(tx, owed, seen.holdings[owed.wallet])
        for contest, standing in seen.contests:
            with self._postgres.transaction() as tx:
                self._plan(tx, contest, standing, seen.holdings)
        with self._postgres.transaction() as tx:
            self.launch(tx)

    def launch(self, tx: Transaction) -> None:
        """Send the next of the planned sweeps, as far as there is room."""
        tx.all(Q["hold_sweeps"])
        planned = tx.all(Q["planned"], at_once=AT_ONCE)
        self._effects.record(tx, [self._effect(row) for row in planned])
        for row in planned:
            tx.execute(Q["send_sweep"], contest_id=row["contest_id"], number=row["number"], now=self._clock.now())

    def ended(self, tx: Transaction, entry: SolanaEntry) -> StoredContest | None:
        """Book the sweep that has come to its end; its contest, if `go_on` may step it then."""
        _, _, contest_id, number = entry.business_key.split(":")
        contest = self._contests.lock(tx, UUID(contest_id))
        row = tx.maybe(Q["lock_sweep"], contest_id=contest.id, number=int(number))
        if row is None:
            return None
        is_swept = entry.state == State.CONFIRMED
        tx.execute(
            Q["end_sweep"],
            contest_id=contest.id,
            number=row["number"],
            state="swept" if is_swept else "failed",
            signature=entry.signature if is_swept else None,
            slot=entry.slot,
            reason=None if is_swept else reason_of(entry),
            now=self._clock.now(),
        )
        if not is_swept:
            return None
        self._pools.sweep(tx, contest.id, entry.business_key, row["lamports"], found=row["found_lamports"])
        return contest

    def go_on(self, tx: Transaction, contest: StoredContest | None) -> None:
        """Send the next sweep; then the swept contest's last step, which is the last thing in its commit.

        While the service is halted the next ones wait for a later turn: what has landed is booked all the same.
        """
        with suppress(ServiceHalted):
            self.launch(tx)
        if contest is not None and contest.state in _MOVES:
            self._contests.step(tx, contest, _MOVES[contest.state])

    def _plan(self, tx: Transaction, seen: StoredContest, before: Standing, holdings: Mapping[str, int]) -> None:
        contest = self._contests.lock(tx, seen.id)
        tx.execute(Q["looked"], contest_id=contest.id, now=self._clock.now())
        standing = self._wallets.standing(tx, contest)
        if contest.wallet is None or standing.is_busy or standing != before:
            return  # The chain was read at another moment than the books.
        balance, booked = holdings[contest.wallet], standing.booked
        if balance < booked:
            tx.after_commit(lambda: _alarm(contest, balance, booked))
            return
        found, now = balance - booked, self._clock.now()
        if is_found(found):
            tx.after_commit(lambda: _call_for_owner(contest, found))
        lamports = swept(contest.state, balance, standing.unpaid)
        if lamports and not waits_for_owner(found, contest.moved_at, now):
            tx.execute(
                Q["plan_sweep"],
                contest_id=contest.id,
                wallet=contest.wallet,
                lamports=lamports,
                found_lamports=found,
                now=now,
            )

    def _see_to(self, tx: Transaction, seen: Owed, lamports: int) -> None:
        self._contests.lock(tx, seen.contest_id)
        owed = self._obligations.lock(tx, seen.contest_id, seen.kind, seen.line)
        if owed != seen:
            return
        if can_receive(owed.lamports, lamports):
            self._obligations.free(tx, owed)
        else:
            self._obligations.looked(tx, owed)

    def _effect(self, row: Mapping[str, Any]) -> Effect:
        transfer = system_transfer(row["wallet"], self._treasury, row["lamports"])
        key = f"contests:sweep:{row['contest_id']}:{row['number']}"
        return Effect(key=key, wallet=row["wallet"], instructions=(transfer,))


def _alarm(contest: StoredContest, balance: int, booked: int) -> None:
    told = {"contest": str(contest.id), "balance_lamports": balance, "booked_lamports": booked}
    logger.error("A contest's wallet lacks lamports.", extra={"alarm": "contests.wallet_short", **told})
    count("contests_alarms")


def _call_for_owner(contest: StoredContest, found: int) -> None:
    told = {"contest": str(contest.id), "wallet": contest.wallet, "found_lamports": found}
    logger.error("A contest's wallet has lamports that no entry explains.", extra={"alarm": "contests.found", **told})
    count("contests_alarms")


def sweeping_of(deps: Deps) -> Sweeping:
    """As this container is set up."""
    return Sweeping(
        deps.kernel.postgres,
        deps.wallet_books,
        deps.contests,
        deps.obligations,
        deps.pools,
        deps.effects,
        deps.clock,
        treasury=deps.settings.treasury,
    )
