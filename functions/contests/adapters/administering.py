"""What administrators see of contests' money, and how they send a parked payment on its way again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final
from uuid import UUID

from functions.contests.adapters.contests import Contests, StoredContest
from functions.contests.adapters.obligations import Obligations, Owed, Stop
from functions.contests.adapters.wallet_books import Retired, Standing, WalletBooks
from functions.contests.core.obligation import Kind, State
from kernel.audit import Audit
from kernel.clock import Clock
from kernel.errors import Conflict
from kernel.postgres import Postgres

if TYPE_CHECKING:
    from functions.contests.wiring import Deps

NOBODY: Final = UUID(int=0)


class PaymentNotParked(Conflict):
    """This payment is not parked."""

    cause = "It is on its way, paid, or held until its account can take it; or somebody else has replayed it."
    remedy = "Read the contest's payments again."


class Administering:
    """Payments and wallets, for whoever watches over them."""

    def __init__(
        self, postgres: Postgres, contests: Contests, obligations: Obligations, wallets: WalletBooks, clock: Clock
    ) -> None:
        self._postgres, self._contests, self._obligations = postgres, contests, obligations
        self._wallets, self._clock, self._audit = wallets, clock, Audit(postgres, clock)

    def stopped(self, states: Sequence[State], *, behind: Stop | None, limit: int) -> list[Owed]:
        """What is held or parked, oldest first."""
        with self._postgres.transaction() as tx:
            return self._obligations.stopped(tx, states, behind=behind, limit=limit)

    def payments(self, contest_id: UUID, *, behind: str | None, limit: int) -> list[Owed]:
        """A page of what a contest owes, behind a line "<kind>.<number>". Raises ContestUnknown."""
        kind, _, line = (behind or ".-1").partition(".")
        with self._postgres.transaction() as tx:
            self._contests.get(tx, contest_id)
            return self._obligations.of_contest(tx, contest_id, limit, kind=kind, line=int(line))

    def replay(self, contest_id: UUID, kind: Kind, line: int, *, actor: str, reason: str) -> Owed:
        """Send a parked payment on its way again. Raises ContestUnknown, ObligationUnknown, PaymentNotParked."""
        with self._postgres.transaction() as tx:
            self._contests.lock(tx, contest_id)
            owed = self._obligations.lock(tx, contest_id, kind, line)
            if owed.state != State.PARKED:
                raise PaymentNotParked(state=owed.state)
            self._obligations.replay(tx, owed)
            details = {"reason": reason, "parked_because": owed.reason, "attempts": owed.attempts}
            subject = f"payment:{contest_id}:{kind}:{line}"
            self._audit.record(tx, actor=actor, action="contests.replay", subject=subject, details=details)
            return self._obligations.lock(tx, contest_id, kind, line)

    def wallets(self, behind: UUID | None, limit: int) -> list[tuple[StoredContest, Standing, int]]:
        """A page of contests' wallets, oldest first, each in the books and on the chain. Raises NoQuorum."""
        with self._postgres.transaction() as tx:
            contests = self._wallets.page(tx, behind or NOBODY, limit)
            standings = [self._wallets.standing(tx, contest) for contest in contests]
        slot = max((standing.slot for standing in standings), default=0)
        held = self._wallets.holdings({one.wallet for one in contests if one.wallet}, as_of_slot=slot)
        return [(one, of_it, held[one.wallet or ""]) for one, of_it in zip(contests, standings, strict=True)]

    def retire(self, address: str, *, actor: str, reason: str) -> Retired:
        """Give a wallet to no contest any more, as one whose key may be known. Raises NotOurWallet."""
        with self._postgres.transaction() as tx:
            retired = self._wallets.retire(tx, address, self._clock.now())
            subject, told = f"wallet:{address}", {"reason": reason}
            self._audit.record(tx, actor=actor, action="contests.retire", subject=subject, details=told)
            return retired

    def holds(self, address: str) -> int:
        """What one account holds, final. Raises NoQuorum."""
        return self._wallets.holdings({address})[address]


def administering_of(deps: Deps) -> Administering:
    """As this container is set up."""
    return Administering(deps.kernel.postgres, deps.contests, deps.obligations, deps.wallet_books, deps.clock)
