"""Makes wallets whose keys nobody sees, and gives each contest one of its own.

A key is drawn from the system's randomness, sealed under KMS outside of any transaction, and stored in one commit with
the wallet's row and the act in the audit log. Whoever dies before that commit has made nothing.

A contest gets the vanity address that has waited longest; where the pool is empty, the generated wallet that has; where
there is none either, one is made. The claim, the wallet's row and the contest's own column are one commit with the end
of the task, so no wallet is given twice and none is lost.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import UUID

from pydantic import SecretBytes

from functions.contests.adapters.contests import Contests, StoredContest
from functions.contests.core.contest import State
from kernel.clock import Clock
from kernel.keys.vault import Sealing, Vault
from kernel.postgres import Fence, Postgres, Queries, Transaction
from kernel.tasks import Done, Outcome, Tasks

if TYPE_CHECKING:
    from functions.contests.wiring import Deps

Q: Final = Queries.load(Path(__file__).with_name("wallets.sql"))
#: What the keys of contests' wallets are sealed for.
KEY_PURPOSE: Final = "contests"
SEED_BYTES: Final = 32
#: Who makes wallets when nobody asked for one.
ACTOR: Final = "contests"
#: Wallets that are made in one turn: each takes a call of the key service.
BATCH: Final = 50


class Wallets:
    """The wallets of contests and of test networks. They are written by their own database role."""

    def __init__(
        self, postgres: Postgres, vault: Vault, contests: Contests, tasks: Tasks, clock: Clock, *, chain: str
    ) -> None:
        self._postgres, self._vault, self._contests = postgres, vault, contests
        self._tasks, self._clock, self._chain = tasks, clock, chain

    def create(self, amount: int, *, is_test: bool = False) -> list[str]:
        """Make wallets that wait for a contest, or test wallets; their addresses. One commit each.

        Raises KeyUnavailable, KeyServiceUnavailable.
        """
        return [self._create(is_test=is_test) for _ in range(amount)]

    def stock_up(self, *, free: int, test: int) -> list[str]:
        """Make as many as are missing of each, a batch at most; the new addresses."""
        with self._postgres.transaction() as tx:
            there = tx.one(Q["stock"])
        missing = min(max(0, free - there["free"]), BATCH)
        missing_test = min(max(0, test - there["test"]), BATCH - missing)
        return [*self.create(missing), *self.create(missing_test, is_test=True)]

    def assign(self, contest_id: UUID, fence: Fence) -> Outcome:
        """Give a contest its wallet; one that has one, or needs none any more, is left as it is.

        Raises ContestUnknown, LeaseLost, KeyUnavailable, KeyServiceUnavailable.
        """
        for fresh in (None, self._fresh):
            sealing = None if fresh is None else fresh()
            with self._postgres.transaction(holding=fence) as tx:
                contest = self._contests.lock(tx, contest_id)
                address = contest.wallet or self._found(tx, contest, sealing)
                if address is not None or contest.state != State.PENDING:
                    told = {"wallet": address, "state": contest.state}
                    self._tasks.complete(tx, fence, told)
                    return Done(told)
        raise AssertionError("a wallet was made, and not taken")

    def _create(self, *, is_test: bool) -> str:
        sealing, now = self._fresh(), self._clock.now()
        with self._postgres.transaction() as tx:
            if is_test:
                tx.execute(Q["add_test_wallet"], address=sealing.address, now=now)
            else:
                self._add(tx, sealing.address, "generated")
            self._vault.store(tx, sealing, actor=ACTOR)
        return sealing.address

    def _fresh(self) -> Sealing:
        seed = SecretBytes(os.urandom(SEED_BYTES))
        return self._vault.seal(seed.get_secret_value(), purpose=KEY_PURPOSE, chain=self._chain)

    def _found(self, tx: Transaction, contest: StoredContest, fresh: Sealing | None) -> str | None:
        """The wallet that the contest has now; None where nothing waits and nothing is fresh."""
        if contest.state != State.PENDING:
            return None
        address = self._claimed(tx, contest.id, fresh)
        if address is not None:
            tx.execute(Q["give_wallet"], contest_id=contest.id, address=address, now=self._clock.now())
        return address

    def _claimed(self, tx: Transaction, contest_id: UUID, fresh: Sealing | None) -> str | None:
        place = {"contest_id": contest_id, "now": self._clock.now()}
        vanity: str | None = tx.one(Q["claim_vanity"], **place)["address"]
        if vanity is not None:
            self._add(tx, vanity, "vanity", contest_id)
            return vanity
        tx.one(Q["hold_wallets"])
        generated = tx.maybe(Q["claim_generated"], **place)
        if generated is not None:
            return str(generated["address"])
        if fresh is None:
            return None
        self._add(tx, fresh.address, "generated", contest_id)
        self._vault.store(tx, fresh, actor=ACTOR)
        return fresh.address

    def _add(self, tx: Transaction, address: str, origin: str, contest_id: UUID | None = None) -> None:
        now = self._clock.now()
        assigned_at = None if contest_id is None else now
        row = {"address": address, "origin": origin, "contest_id": contest_id, "assigned_at": assigned_at}
        tx.execute(Q["add_wallet"], **row, now=now)


def wallets_of(deps: Deps) -> Wallets:
    """As this container is set up."""
    return Wallets(
        deps.kernel.postgres, deps.kernel.vault, deps.contests, deps.tasks, deps.clock, chain=deps.settings.chain
    )
