"""A batch of one sale that waits to be settled, before a cluster whose accounts are written by hand."""

import json
import struct
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from functions.netting import queue_settle_batch, queue_submit_settlement
from functions.netting.adapters.settle_steps import SETTLE, settle
from functions.netting.core.accounts import kind_of
from functions.netting.wiring import SignerDeps
from kernel import base58
from kernel.ids import new_id
from kernel.keys.solana import LocalSolanaSigner
from kernel.ledger import Ledger, Posting
from kernel.treasury.reconciliation import Sighting
from kernel.treasury.store import TreasuryStore
from kernel.treasury.wallets import OperatorWallet
from tests.handlers.netting.stage import BUYER, PLACES, RECORD, SELLER, Stage, item, ledger
from tests.handlers.netting.stall import Context

SUBMIT: Final = "netting.submit_settlement"
HANDLERS: Final[Mapping[str, Any]] = {SETTLE: queue_settle_batch.handler, SUBMIT: queue_submit_settlement.handler}
SIGNER: Final = LocalSolanaSigner(b"\5" * 32)
PRICE, HELD_LAMPORTS = 30, 10**9
PLAN: Final = {"items": [["item-1", BUYER]], "deltas": [[SELLER, PRICE], [BUYER, -PRICE]]}
BATCH: Final = """
    insert into netting.batches (id, state, intents, accepted, items, wallets, transactions, packing_bound,
        traded_lamports, moved_lamports, result_hash, da_hash, items_root, state_root, netted_at, moved_at)
    values (%(batch)s, 'netted', 1, 1, 1, 2, 1, 1, 30, 30, %(hash)s, %(hash)s, %(hash)s, %(hash)s, %(now)s, %(now)s)
"""
SETTLEMENT: Final = """
    insert into netting.settlements (batch, ordinal, content, entries, moved_at)
    values (%(batch)s, 0, %(content)s, 3, %(now)s)
"""


class Settler:
    """The deployment that settles; its authority's wallet holds a billion lamports."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        settings = stage.deps.settings.model_copy(update={"authority": SIGNER.address})
        self.deps = SignerDeps(stage.kernel, settings)
        self.deps.__dict__["_signer"] = SIGNER
        self.program_says(last_batch=4)
        for wallet, locked in ((SELLER, 0), (BUYER, 100)):
            stage.program.holds(PLACES.ledger(wallet), ledger(wallet, locked))
        stage.program.holds(PLACES.item(1), item(1, SELLER))
        self._open_books()
        self.batch = self._plan()

    def program_says(self, *, last_batch: int, is_paused: bool = False) -> None:
        """What its config holds."""
        content = base58.decode(SIGNER.address) + struct.pack("<QQ", last_batch, is_paused)
        self.stage.program.holds(PLACES.config, kind_of("Config") + content)

    def deliver(self, kind: str) -> str:
        """Deliver the message of the one task of a kind; the state that it is in afterwards."""
        asked = "select id, state from kernel.tasks where kind = %(kind)s"
        [task] = self.stage.rows(asked, kind=kind)
        event = {"Records": [{**RECORD, "body": json.dumps({"task_id": str(task["id"])})}]}
        assert {"batchItemFailures": []} == HANDLERS[kind].bind(self.deps)(event, Context())
        [task] = self.stage.rows(asked, kind=kind)
        return str(task["state"])

    def settlement(self) -> dict[str, Any]:
        """The row of the one settlement."""
        [row] = self.stage.rows("select state, attempt, chain_batch, reason from netting.settlements")
        return row

    def _open_books(self) -> None:
        stage = self.stage
        wallet = OperatorWallet(service="netting", chain="solana:localnet", address=SIGNER.address, floor=0, target=0)
        store, books, now = TreasuryStore(), Ledger(stage.clock), stage.clock.now()
        with stage.office.transaction() as tx:
            record = store.declare(tx, wallet, now)
            store.open(tx, record, Sighting(block=1, balance=HELD_LAMPORTS), now)
            books.open(tx, wallet.accounts())
            postings = [
                Posting(wallet.account, wallet.asset, HELD_LAMPORTS),
                Posting(wallet.outside, wallet.asset, -HELD_LAMPORTS),
            ]
            books.post(tx, business_key="opening", service="netting", postings=postings)

    def _plan(self) -> UUID:
        stage, batch = self.stage, new_id()
        with stage.office.transaction() as tx:
            tx.execute("update netting.item_ownership set owner = %(owner)s", owner=SELLER)
            tx.execute(BATCH, batch=batch, hash=bytes(32), now=stage.clock.now())
            tx.execute(SETTLEMENT, batch=batch, content=json.dumps(PLAN), now=stage.clock.now())
            stage.deps.tasks.enqueue([settle(batch, stage.clock.now())], tx)
        return batch
