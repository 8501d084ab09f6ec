"""Pays what a contest owes: some lines at a time are sent, and the contest goes on once everybody is paid, or held.

1. `look` reads which lines are due, and the chain for their accounts and the contest's wallet, by quorum.
2. `take`, in one transaction that holds the contest's row and the task's fence: what an account cannot take is held;
   each other line is marked as sent and its transaction recorded in the outbox, under another key for each attempt.
3. `ended`, in the transaction that ends such an obligation: the line is paid and booked, or owed again five seconds
   later, or parked. Whoever brings the last line to its end moves the contest on, in that very commit: so it is
   completed when its winners are paid, and by nothing else.

*Why nobody is paid twice.* A line has one transaction at a time, and gets another only in the commit in which the
outbox says of the former that it failed in a final block, or that nothing of it can land any more.

A task lives until no line is owed or on its way. So whoever dies here leaves a task that is taken again.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from uuid import UUID

from functions.contests.adapters.contests import Contests, StoredContest
from functions.contests.adapters.effects import Effect, Effects
from functions.contests.adapters.obligations import Obligations, Owed
from functions.contests.adapters.pay_steps import PayContest
from functions.contests.adapters.pools import Pools
from functions.contests.adapters.wallet_books import WalletBooks
from functions.contests.core.contest import Event as ContestEvent
from functions.contests.core.contest import State as ContestState
from functions.contests.core.obligation import OPEN, RETRY_S, Kind, State, advance_lamports, is_over
from functions.contests.core.sweep import can_receive
from kernel.handler import count
from kernel.outbox.solana import SolanaEntry
from kernel.outbox.solana import State as EntryState
from kernel.postgres import Fence, Postgres, Transaction
from kernel.solana.transactions import system_transfer
from kernel.tasks import Done, Outcome, Retry
from kernel.treasury import ServiceHalted

if TYPE_CHECKING:
    from functions.contests.wiring import Deps

logger = logging.getLogger(__name__)

#: So many are sent in one commit.
LINES_MAX: Final = 50
HALTED_S: Final = 30.0
BELOW_RENT: Final = "below_rent_exempt_minimum"
EXPIRED: Final = "expired"
#: What the end of the last line means to its contest.
_MOVES: Final = {ContestState.PAYING: ContestEvent.PAY, ContestState.REFUNDING: ContestEvent.REFUND}


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """Lines that may be sent, what their accounts hold, and what the contest's wallet is to be lent before."""

    contest: UUID
    lines: Sequence[Owed] = ()
    holdings: Mapping[str, int] = field(default_factory=dict)
    advance: int = 0


class Paying:
    """The way of prizes and refunds to their winners and entrants."""

    def __init__(
        self,
        postgres: Postgres,
        wallets: WalletBooks,
        contests: Contests,
        obligations: Obligations,
        pools: Pools,
        effects: Effects,
        *,
        fee_payer: str,
    ) -> None:
        self._postgres, self._wallets, self._contests = postgres, wallets, contests
        self._obligations, self._pools, self._effects = obligations, pools, effects
        self._fee_payer = fee_payer

    def look(self, step: PayContest) -> Due:
        """What is due, and what the chain says of those accounts. Raises NoQuorum, RpcUnavailable."""
        with self._postgres.transaction() as tx:
            contest = self._contests.get(tx, step.contest)
            lines = self._obligations.due(tx, step.contest, LINES_MAX)
            standings = self._obligations.standings(tx, step.contest)
            unpaid, wallet = self._obligations.unpaid(tx, contest.id), self._wallets.standing(tx, contest)
        if not lines or contest.wallet is None:
            return Due(contest=contest.id)
        asked = {contest.wallet, *(line.wallet for line in lines)}
        holdings = self._wallets.holdings(asked, as_of_slot=wallet.slot)
        is_quiet = not any(_is_under_way(kind, state) for kind, state in standings)
        advance = advance_lamports(holdings[contest.wallet], unpaid) if is_quiet else 0
        return Due(contest=contest.id, lines=lines, holdings=holdings, advance=advance)

    def take(self, due: Due, *, fence: Fence) -> Outcome:
        """Send what may be sent, and say when to look again."""
        try:
            with self._postgres.transaction(holding=fence) as tx:
                contest = self._contests.lock(tx, due.contest)
                if due.advance and contest.wallet is not None:
                    self._obligations.owe_advance(tx, contest.id, contest.wallet, due.advance)
                    return Retry(0.0, "the wallet is lent its rent first")
                self._send(tx, contest, due)
                later = self._later(tx, contest.id)
                self.go_on(tx, contest)
                return later
        except ServiceHalted as halted:
            return Retry(HALTED_S, halted.message)

    def ended(self, tx: Transaction, entry: SolanaEntry) -> StoredContest | None:
        """Move and book the line whose attempt has come to its end; its contest, which `go_on` may step then."""
        contest = self._contests.lock(tx, contest_of(entry.business_key))
        owed = self._obligations.of_entry(tx, entry.business_key)
        if owed is None:
            return None
        if entry.state == EntryState.CONFIRMED:
            self._obligations.confirm(tx, owed, entry.signature, entry.slot)
            book = self._pools.advance if owed.kind == Kind.ADVANCE else self._pools.pay
            book(tx, contest.id, entry.business_key, owed.lamports)
        elif self._obligations.fail(tx, owed, reason_of(entry)) == State.PARKED:
            tx.after_commit(lambda: _alarm(owed, reason_of(entry)))
        return contest

    def _send(self, tx: Transaction, contest: StoredContest, due: Due) -> None:
        lends = self._lends(tx, contest.id)
        effects = []
        for seen in due.lines:
            owed = self._obligations.lock(tx, contest.id, seen.kind, seen.line)
            if owed != seen or contest.wallet is None or lends != (owed.kind == Kind.ADVANCE):
                continue
            if owed.kind != Kind.ADVANCE and not can_receive(owed.lamports, due.holdings[owed.wallet]):
                self._obligations.hold(tx, owed, BELOW_RENT)
                continue
            self._obligations.send(tx, owed)
            effects.append(self._effect(contest.wallet, owed))
        self._effects.record(tx, effects)

    def _lends(self, tx: Transaction, contest_id: UUID) -> bool:
        """Whether all but the advance waits."""
        standings = self._obligations.standings(tx, contest_id)
        return any(kind == Kind.ADVANCE and state != State.PAID for kind, state in standings)

    def _effect(self, wallet: str, owed: Owed) -> Effect:
        source = self._fee_payer if owed.kind == Kind.ADVANCE else wallet
        transfer = system_transfer(source, owed.wallet, owed.lamports)
        return Effect(key=owed.next_key, wallet=source, instructions=(transfer,))

    def go_on(self, tx: Transaction, contest: StoredContest) -> None:
        """The contest's next step, once its last line is paid or held. The last thing in its commit: see `step`."""
        event = _MOVES.get(contest.state)
        if event is not None and is_over(state for _, state in self._obligations.standings(tx, contest.id)):
            self._contests.step(tx, contest, event)

    def _later(self, tx: Transaction, contest_id: UUID) -> Outcome:
        standings = self._obligations.standings(tx, contest_id)
        if not any(state in OPEN for _, state in standings):
            lines = {f"{kind}_{state}": count for (kind, state), (count, _) in standings.items()}
            return Done(lines)
        more = bool(self._obligations.due(tx, contest_id, 1)) and not self._lends(tx, contest_id)
        return Retry(0.0 if more else float(RETRY_S), "payments are on their way")


def _is_under_way(kind: Kind, state: State) -> bool:
    """Whether what the wallet holds, or will have been lent, is about to change."""
    return state == State.SENT or (kind == Kind.ADVANCE and state != State.PAID)


def contest_of(business_key: str) -> UUID:
    """Whose line an attempt is of: "contests:<contest>:..."."""
    return UUID(business_key.split(":")[1])


def reason_of(entry: SolanaEntry) -> str:
    """Why an obligation had no effect."""
    return EXPIRED if entry.error is None else f"refused: {entry.error}"[:200]


def _alarm(owed: Owed, reason: str) -> None:
    place = {name: str(value) for name, value in owed.place.items()}
    logger.error("A payment needs a person.", extra={"alarm": "contests.parked", "reason": reason, **place})
    count("contests_alarms")


def paying_of(deps: Deps) -> Paying:
    """As this container is set up."""
    return Paying(
        deps.kernel.postgres,
        deps.wallet_books,
        deps.contests,
        deps.obligations,
        deps.pools,
        deps.effects,
        fee_payer=deps.settings.fee_payer,
    )
