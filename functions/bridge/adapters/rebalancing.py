"""Brings the bridge's money where it should be: gathers the levels from the books, decides, and records, in one commit.

Nothing is read of the chains: the treasury compares the books with them every minute, and a wallet of which they differ
is not touched.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from psycopg.types.json import Jsonb

from functions.bridge.adapters.origin import Origin
from functions.bridge.core.rebalance import Collect, Earnings, Plan, SignerLevel, plan
from kernel.clock import Clock
from kernel.ledger import Ledger
from kernel.postgres import Postgres, Queries, Transaction
from kernel.treasury.desks import Desks
from kernel.treasury.movements import Order
from kernel.treasury.reconciliation import DIFFERENCE
from kernel.treasury.store import TreasuryStore
from kernel.treasury.switch import KillSwitch
from kernel.treasury.treasury import Treasury
from kernel.treasury.wallets import SERVICE as TREASURY
from kernel.treasury.wallets import WalletRecord

logger = logging.getLogger(__name__)

Q: Final = Queries.load(Path(__file__).with_name("rebalancing.sql"))
SERVICE: Final = "bridge"
ACTOR: Final = "service:bridge"


class Rebalancing:
    """collect_to: origin -> the operator's address there. The treasury's wallets say floors and targets."""

    def __init__(
        self,
        postgres: Postgres,
        treasury: Treasury,
        desks: Desks,
        switch: KillSwitch,
        origins: Mapping[str, Origin],
        clock: Clock,
        *,
        l1_chain: str,
        signer: str,
        collect_to: Mapping[str, str],
    ) -> None:
        self._postgres, self._treasury, self._desks, self._switch = postgres, treasury, desks, switch
        self._origins, self._clock, self._collect_to = origins, clock, collect_to
        self._l1_chain, self._signer = l1_chain, signer
        self._store, self._ledger = TreasuryStore(), Ledger(clock)

    def decide(self) -> Plan:
        """Decide with the present books, record the transfers, and keep the decision where it is a new one.

        Without a declared signer, whose books are open, there is nothing to decide. Raises ServiceHalted, which cannot
        come between: a halt waits for this commit.
        """
        with self._postgres.transaction() as tx:
            tx.execute(Q["alone"])
            signer = self._signer_level(tx)
            if signer is None:
                return Plan(collects=(), alarms=())
            is_halted = any(self._switch.standing(tx, service) for service in (SERVICE, TREASURY))
            earnings = [one for origin in self._origins.values() if (one := self._earnings(tx, origin)) is not None]
            decided = plan(signer, earnings, is_halted=is_halted)
            sent = [self._send(tx, collect) for collect in decided.collects]
            inputs = {"signer": asdict(signer), "earnings": [asdict(one) for one in earnings], "is_halted": is_halted}
            self._keep(tx, decided, sent, inputs)
        return decided

    def needing_people(self) -> int:
        """How many orders wait for a person."""
        with self._postgres.transaction() as tx:
            row = tx.one(Q["needing_people"])
        return int(row["parked"]) + int(row["lost"])

    def _signer_level(self, tx: Transaction) -> SignerLevel | None:
        wallet = self._wallet(tx, self._l1_chain, self._signer)
        if wallet is None:
            return None
        _, under_way = self._store.top_ups(tx, wallet)
        return SignerLevel(
            **self._level(tx, wallet),
            funder_spare_wei=self._funder_spare_wei(tx, wallet),
            is_topped_up=under_way > 0,
        )

    def _funder_spare_wei(self, tx: Transaction, wallet: WalletRecord) -> int | None:
        funder = self._wallet(tx, wallet.chain, wallet.funded_by) if wallet.funded_by else None
        if funder is None:
            return None
        held = self._ledger.balance(tx, funder.account, funder.asset)
        return max(0, held - funder.floor - self._desks(wallet.chain).reserve())

    def _earnings(self, tx: Transaction, origin: Origin) -> Earnings | None:
        """None where the treasury does not keep the wallet: what is there is the operator's own business."""
        wallet = self._wallet(tx, origin.chain, origin.account)
        if wallet is None:
            return None
        return Earnings(
            **self._level(tx, wallet),
            origin=origin.name,
            collect_to=self._collect_to.get(origin.name),
            reserve_wei=self._desks(wallet.chain).reserve(),
            is_collecting=self._collections(tx, wallet)["under_way"] > 0,
        )

    def _level(self, tx: Transaction, wallet: WalletRecord) -> dict[str, Any]:
        return {
            "balance_wei": self._ledger.balance(tx, wallet.account, wallet.asset),
            "floor_wei": wallet.floor,
            "target_wei": wallet.target,
            "is_sound": wallet.verdict is not None and wallet.verdict != DIFFERENCE,
        }

    def _send(self, tx: Transaction, collect: Collect) -> dict[str, str]:
        origin = self._origins[collect.origin]
        wallet = self._store.wallet(tx, origin.chain, origin.account)
        key = f"{_prefix(wallet)}{self._collections(tx, wallet)['ever'] + 1}"
        order = Order(
            key=key,
            chain=wallet.chain,
            sender=wallet.address,
            recipient=self._desks(wallet.chain).address(collect.recipient),
            amount=collect.amount_wei,
            actor=ACTOR,
            reason="earnings above the wallet's target",
        )
        self._treasury.transfer(tx, order)
        told = {"network": collect.origin, "recipient": order.recipient}
        return {**told, "amount_wei": str(collect.amount_wei), "key": key}

    def _keep(
        self, tx: Transaction, decided: Plan, sent: Sequence[Mapping[str, str]], inputs: Mapping[str, Any]
    ) -> None:
        before = tx.maybe(Q["newest_rebalance"])
        alarmed = set(before["alarms"]) if before else set()
        if before is None or sent or before["collects"] or alarmed != {*decided.alarms}:
            columns = {"inputs": Jsonb(_texts(inputs)), "collects": Jsonb(list(sent)), "alarms": list(decided.alarms)}
            tx.execute(Q["add_rebalance"], now=self._clock.now(), **columns)
        tx.after_commit(lambda: _tell(alarmed, {*decided.alarms}))

    def _wallet(self, tx: Transaction, chain: str, address: str) -> WalletRecord | None:
        found = self._store.maybe_wallet(tx, chain, address)
        return found if found is not None and found.opened_at is not None else None

    def _collections(self, tx: Transaction, wallet: WalletRecord) -> Mapping[str, Any]:
        return tx.one(Q["collections"], chain=wallet.chain, address=wallet.address, prefix=_prefix(wallet))


def _prefix(wallet: WalletRecord) -> str:
    return f"collect:{wallet.chain}:{wallet.address}:"


def _texts(value: Any) -> Any:
    """Amounts as text, at any depth: JSON's readers count in floats."""
    if isinstance(value, Mapping):
        return {key: _texts(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_texts(one) for one in value]
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _tell(before: set[str], now: set[str]) -> None:
    """Log the alarms that began; those that passed are said to have."""
    for alarm in sorted(now - before):
        logger.error("The bridge's money needs a person.", extra={"alarm": alarm})
    for alarm in sorted(before - now):
        logger.info("An alarm of the bridge's money has passed.", extra={"passed": alarm})
