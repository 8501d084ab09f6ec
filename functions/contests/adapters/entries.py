"""Entries: paid for on the chain, verified by a quorum, and accepted once.

1. What the request asks for may be there already: the same again finds itself.
2. The contest must be open, and the tokens on the list and priced: what nobody can price would delay its start.
3. The chain is read, outside any transaction (functions/contests/core/entry.py is the rule).
4. In one commit, under the contest's row: it is still open and has a place, the signature was never used, the entry
   and its portfolio are stored, and the fee is in the pool's books.

Dying anywhere before the commit leaves nothing, and the entrant's next request does it all.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from functions.contests.adapters.contests import Contests, StoredContest
from functions.contests.adapters.market import Market
from functions.contests.adapters.payments import Paid, Payments
from functions.contests.adapters.pools import SERVICE, Pools
from functions.contests.adapters.portfolios import Portfolios, StoredPortfolio
from functions.contests.adapters.referrals import Referrals
from functions.contests.adapters.whitelist import Whitelist
from functions.contests.adapters.wishes import Wish
from functions.contests.core.contest import GRACE, State
from functions.contests.core.entry import Fee, require_paid
from functions.contests.core.portfolio import require_whole
from kernel.clock import Clock
from kernel.errors import Conflict
from kernel.postgres import Postgres, Queries, Statements, Transaction
from kernel.realtime import Publisher
from kernel.treasury import KillSwitch

if TYPE_CHECKING:
    from functions.contests.wiring import Deps

Q: Final = Queries.load(Path(__file__).with_name("entries.sql"))


class ContestClosed(Conflict):
    """This contest takes no entries now."""

    cause = "It has started, is over or cancelled, all its places are taken, or no wallet is assigned to it yet."
    remedy = "Choose another contest. What was paid to this one's wallet an operator gives back."
    example = '{"reason": "started"}'


class EntryTaken(Conflict):
    """This wallet has entered the contest already."""

    cause = "Its entry was accepted with another transfer; a wallet enters a contest once."
    remedy = "Nothing: you are in. What was paid twice an operator gives back."


class SignatureSpent(Conflict):
    """This transfer has paid for an entry already."""

    cause = "Its signature was given for another contest, or by another wallet; a signature counts once, ever."
    remedy = "Pay each entry with a transfer of its own."


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEntry:
    """A row of contests.entries."""

    contest_id: UUID
    wallet: str
    number: int
    signature: str
    lamports: int
    slot: int
    paid_at: datetime | None
    entered_at: datetime


class Entries:
    """Takes entries in."""

    def __init__(
        self,
        postgres: Postgres,
        contests: Contests,
        portfolios: Portfolios,
        payments: Payments,
        pools: Pools,
        whitelist: Whitelist,
        market: Market,
        referrals: Referrals,
        switch: KillSwitch,
        realtime: Publisher,
        clock: Clock,
    ) -> None:
        self._postgres, self._contests, self._portfolios = postgres, contests, portfolios
        self._payments, self._pools, self._whitelist = payments, pools, whitelist
        self._market = market
        self._referrals, self._switch, self._realtime, self._clock = referrals, switch, realtime, clock

    def enter(self, wish: Wish) -> StoredEntry:
        """The entry, accepted now or before.

        Raises ContestUnknown, ContestClosed, EntryTaken, SignatureSpent, PortfolioUnfit, TokenNotListed,
        TokenNotTradable, TokenNotPriced, EntryNotFinal, EntryUnfit, ServiceHalted, NoQuorum.
        """
        require_whole(wish.weights_bps)
        with self._postgres.transaction() as tx:
            found = self._found(tx, wish)
            contest = self._contests.get(tx, wish.contest)
            if found is None:
                self._require_open(contest)
                self._require_playable(tx, wish.weights_bps)
        return found or self._accept(wish, self._paid(wish, contest))

    def weigh(self, contest_id: UUID, wallet: str, weights_bps: Mapping[str, int]) -> StoredPortfolio:
        """Other weights before the start.

        Raises PortfolioUnfit, TokenNotListed, TokenNotTradable, TokenNotPriced, PortfolioUnknown, PortfolioLocked.
        """
        require_whole(weights_bps)
        with self._postgres.transaction() as tx:
            self._contests.share(tx, contest_id)
            self._require_playable(tx, weights_bps)
            return self._portfolios.weigh(tx, contest_id, wallet, weights_bps)

    def of_wallet(self, wallet: str, *, before: datetime | None, limit: int) -> list[dict[str, Any]]:
        """A wallet's entries with their contests' names and times, the newest first."""
        with self._postgres.transaction() as tx:
            return tx.all(Q["entries_of_wallet"], wallet=wallet, before=before or "infinity", limit=limit)

    def _paid(self, wish: Wish, contest: StoredContest) -> Paid:
        """What the cluster says of the transfer. Raises EntryNotFinal, EntryUnfit."""
        paid = self._payments.look(wish.signature)
        fee = Fee(entrant=wish.wallet, wallet=contest.wallet or "", lamports=contest.fee_lamports)
        require_paid(paid.seen, fee)
        return paid

    def _accept(self, wish: Wish, paid: Paid) -> StoredEntry:
        with self._postgres.transaction() as tx:
            self._switch.require_running(tx, SERVICE)
            contest = self._contests.lock(tx, wish.contest)
            found = self._found(tx, wish)
            if found is not None:
                return found
            self._require_open(contest)
            entry = self._store(tx, wish, contest, paid)
            self._portfolios.add(tx, contest.id, wish.wallet, wish.weights_bps)
            self._pools.enter(tx, contest.id, wish.signature, contest.fee_lamports)
            self._referrals.entered(tx, entry.wallet, contest.id, entry.entered_at)
            told = {"contest": str(contest.id), "entrants": contest.entrants + 1}
            self._realtime.publish(contest.topic, told, after=tx, key=f"{contest.id}/entrants/{contest.entrants + 1}")
            return entry

    def _store(self, tx: Transaction, wish: Wish, contest: StoredContest, paid: Paid) -> StoredEntry:
        time_s, now = paid.block_time_s, self._clock.now()
        row = tx.maybe(
            Q["add_entry"],
            contest=contest.id,
            wallet=wish.wallet,
            number=contest.entrants,
            signature=wish.signature,
            lamports=contest.fee_lamports,
            slot=paid.slot,
            paid_at=None if time_s is None else datetime.fromtimestamp(time_s, UTC),
            now=now,
        )
        if row is None:  # used for another contest since we looked: a wallet's own is behind this contest's lock
            raise SignatureSpent(signature=wish.signature)
        tx.execute(Q["count_entrant"], contest=contest.id, now=now)
        return StoredEntry(**row)

    def _found(self, tx: Statements, wish: Wish) -> StoredEntry | None:
        """What the request has done already. Raises SignatureSpent, EntryTaken."""
        spent = tx.maybe(Q["entry_of_signature"], signature=wish.signature)
        if spent is not None:
            if (spent["contest_id"], spent["wallet"]) != (wish.contest, wish.wallet):
                raise SignatureSpent(signature=wish.signature)
            return StoredEntry(**spent)
        if tx.maybe(Q["entry_of_wallet"], contest=wish.contest, wallet=wish.wallet) is not None:
            raise EntryTaken(contest=str(wish.contest))
        return None

    def _require_playable(self, tx: Transaction, mints: Collection[str]) -> None:
        self._whitelist.require(tx, mints)
        self._market.require(tx, mints)

    def _require_open(self, contest: StoredContest) -> None:
        reason = None
        if contest.state is not State.PENDING:
            reason = contest.state.value
        elif self._clock.now() >= contest.starts_at + GRACE:
            reason = "started"
        elif contest.wallet is None:
            reason = "no_wallet_yet"
        elif contest.entrants >= contest.entrants_max:
            reason = "full"
        if reason is not None:
            raise ContestClosed(contest=str(contest.id), reason=reason)


def entries_of(deps: Deps) -> Entries:
    """As this container is set up."""
    return Entries(
        deps.kernel.postgres,
        deps.contests,
        deps.portfolios,
        deps.payments,
        deps.pools,
        deps.whitelist,
        deps.market,
        deps.referrals,
        deps.switch,
        deps.kernel.realtime,
        deps.clock,
    )
