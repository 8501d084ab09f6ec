"""Owns the check of one wallet, once a minute: open its books, book what its service spent, reconcile, top up.

1. A declared wallet whose books are not open: read its balance at a final block, and begin the books with it, provided
   that nothing from before is still under way.
2. Book the settled transactions that its service sent from it by itself.
3. Read the chain at a final block; then, with the wallet's row locked, read the books, compare, and keep the verdict
   and the alarms that follow. An alarm is logged when it begins, and stays on the row until it passes.
4. Below its floor, send what is missing from the wallet that funds it.
"""

import logging
from collections.abc import Sequence

from kernel.clock import Clock, SystemClock
from kernel.ledger import Ledger, Overdrawn, Posting
from kernel.postgres import Postgres, Transaction
from kernel.treasury.desks import Desk, Desks
from kernel.treasury.floors import Level, Ruling, rule
from kernel.treasury.movements import Kind, Order
from kernel.treasury.reconciliation import Sighting, Verdict, reconcile
from kernel.treasury.store import TreasuryStore
from kernel.treasury.switch import KillSwitch
from kernel.treasury.treasury import Treasury
from kernel.treasury.wallets import SERVICE, WalletRecord

logger = logging.getLogger(__name__)

#: A service that sent more by itself within a minute is booked in the minutes after.
UNBOOKED_MAX = 500
ACTOR = "treasury"


class Checks:
    """Checks of wallets. `switch` says whether a service may be sent money."""

    def __init__(
        self, postgres: Postgres, treasury: Treasury, desks: Desks, switch: KillSwitch, clock: Clock | None = None
    ) -> None:
        self._postgres, self._treasury, self._desks, self._switch = postgres, treasury, desks, switch
        self._clock: Clock = clock or SystemClock()
        self._store, self._ledger = TreasuryStore(), Ledger(self._clock)

    def check(self, chain: str, address: str) -> Verdict | None:
        """Check one wallet; None while its books cannot be opened.

        Raises WalletUnknown, ChainUnknown, NoQuorum, RpcUnavailable.
        """
        wallet = self._treasury.wallet(chain, address)
        desk = self._desks(chain)
        if wallet.opened_at is None:
            if not self._open(wallet, desk):
                return None
            wallet = self._treasury.wallet(chain, address)
        self._book_spending(wallet, desk)
        with self._postgres.transaction() as tx:
            least_block = self._store.last_block(tx, wallet)
        sighting = desk.sight(address, least_block)
        with self._postgres.transaction() as tx:
            verdict, ruling = self._compare(tx, chain, address, desk, sighting)
        if ruling.top_up:
            self._top_up(wallet, ruling.top_up)
        return verdict

    def _open(self, wallet: WalletRecord, desk: Desk) -> bool:
        desk.prepare(wallet.address)
        sighting = desk.sight(wallet.address, 0)
        with self._postgres.transaction() as tx:
            locked = self._store.wallet(tx, wallet.chain, wallet.address, lock=True)
            if locked.opened_at is not None:
                return True
            if not desk.is_quiet(tx, wallet.address, sighting):
                logger.warning("A wallet's books cannot be opened while it has transactions in flight.")
                return False
            self._ledger.open(tx, wallet.accounts())
            self._store.open(tx, wallet, sighting, self._clock.now())
            if sighting.balance > 0:
                self._ledger.post(
                    tx,
                    business_key=f"treasury/opening/{wallet.chain}/{wallet.address}",
                    service=SERVICE,
                    postings=[
                        Posting(wallet.account, wallet.asset, sighting.balance),
                        Posting(wallet.outside, wallet.asset, -sighting.balance),
                    ],
                    memo=f"the balance at block {sighting.block}",
                )
        return True

    def _book_spending(self, wallet: WalletRecord, desk: Desk) -> None:
        with self._postgres.transaction() as tx:
            endings = desk.unbooked(tx, wallet, UNBOOKED_MAX)
        for ending in endings:
            try:
                with self._postgres.transaction() as tx:
                    self._treasury.settled(tx, ending)
            except Overdrawn:
                # The books hold less than was spent: what came from outside is not booked yet. Until a person books
                # it the wallet stays pending, and is alarmed for it.
                logger.warning("A transaction spent more than the books of its wallet hold.")
                return

    def _compare(
        self, tx: Transaction, chain: str, address: str, desk: Desk, sighting: Sighting
    ) -> tuple[Verdict, Ruling]:
        wallet = self._store.wallet(tx, chain, address, lock=True)
        books = desk.books(tx, wallet, sighting)
        verdict = reconcile(sighting, books)
        now = self._clock.now()
        ruling = rule(self._level(tx, wallet, desk, books.account, verdict), now)
        self._store.store_reading(tx, wallet, sighting, books, verdict, ruling.alarms, now)
        tx.after_commit(lambda: _tell(wallet, verdict, ruling.alarms))
        return verdict, ruling

    def _level(self, tx: Transaction, wallet: WalletRecord, desk: Desk, balance: int, verdict: Verdict) -> Level:
        halted = any(self._switch.standing(tx, service) is not None for service in (SERVICE, wallet.service))
        return Level(
            balance=balance,
            floor=wallet.floor,
            target=wallet.target,
            verdict=verdict.verdict,
            pending_since=wallet.unsettled_since,
            is_halted=halted,
            is_topped_up=self._store.top_ups(tx, wallet)[1] > 0,
            funder_spare=self._funder_spare(tx, wallet, desk),
        )

    def _funder_spare(self, tx: Transaction, wallet: WalletRecord, desk: Desk) -> int | None:
        funder = self._store.maybe_wallet(tx, wallet.chain, wallet.funded_by) if wallet.funded_by else None
        if funder is None or funder.opened_at is None:
            return None
        held = self._ledger.balance(tx, funder.account, funder.asset)
        return max(0, held - funder.floor - desk.reserve())

    def _top_up(self, wallet: WalletRecord, amount: int) -> None:
        with self._postgres.transaction() as tx:
            locked = self._store.wallet(tx, wallet.chain, wallet.address, lock=True)
            ever, under_way = self._store.top_ups(tx, locked)
            if under_way or locked.funded_by is None:
                return
            order = Order(
                key=f"top-up:{wallet.chain}:{wallet.address}:{ever + 1}",
                chain=wallet.chain,
                sender=locked.funded_by,
                recipient=wallet.address,
                amount=amount,
                actor=ACTOR,
                reason="the wallet is below its floor",
                kind=Kind.TOP_UP,
            )
            self._treasury.transfer(tx, order)


def _tell(before: WalletRecord, verdict: Verdict, alarms: Sequence[str]) -> None:
    """Log the alarms that began; those that passed are said to have."""
    place = {"chain": before.chain, "address": before.address, "service": before.service}
    for alarm in sorted({*alarms} - {*before.alarms}):
        found = {"verdict": verdict.verdict, "difference": str(verdict.amount), "reason": verdict.reason}
        logger.error("A wallet needs a person.", extra={"alarm": alarm, **place, **found})
    for alarm in sorted({*before.alarms} - {*alarms}):
        logger.info("A wallet's alarm has passed.", extra={"passed": alarm, **place})
