"""What contests do to the cluster: each an obligation of the outbox, its fee paid by the treasury's fee payer.

Whose lamports or tokens move signs beside the payer, so that no fee is ever taken of a pool.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from functions.contests.adapters.pools import SERVICE
from kernel.clock import Clock
from kernel.correlation import current
from kernel.outbox.solana import SolanaIntent
from kernel.postgres import Fence, Postgres, Transaction
from kernel.solana.transactions import Instruction
from kernel.tasks import Outcome

if TYPE_CHECKING:
    from functions.contests.wiring import Deps
    from kernel.outbox.solana import SolanaEntry, SolanaOutbox

SUBMIT: Final = "contests.submit_contests_transaction"
#: A transfer of the system program takes 150, and each instruction of the compute budget as many.
TRANSFER_UNITS: Final = 1_000
#: A transfer of tokens, and the account that it may have to open.
TOKEN_UNITS: Final = 80_000
#: What has not landed by then is given up, and counts as a failure.
VALID: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One transaction: of whose money, under which key, and the most that it computes."""

    key: str
    wallet: str
    instructions: tuple[Instruction, ...]
    units: int = TRANSFER_UNITS


class Effects:
    """Recorded in the caller's transaction, and brought to their end by the function that signs."""

    def __init__(
        self,
        postgres: Postgres,
        outbox_of: Callable[[str], SolanaOutbox],
        clock: Clock,
        *,
        cluster: str,
        fee_payer: str,
    ) -> None:
        """outbox_of: the outbox that signs for a wallet and the fee payer."""
        self._postgres, self._outbox_of, self._clock = postgres, outbox_of, clock
        self._cluster, self._fee_payer = cluster, fee_payer

    def record(self, tx: Transaction, effects: Sequence[Effect]) -> None:
        """Each once under its key. Raises ServiceHalted, SolanaIntentChanged."""
        for wallet in sorted({effect.wallet for effect in effects}):
            intents = [self._intent(effect) for effect in effects if effect.wallet == wallet]
            self._outbox_of(wallet).record_many(tx, intents)

    def advance(self, entry_id: UUID, fence: Fence, settled: Callable[[Transaction, SolanaEntry], None]) -> Outcome:
        """One step of the write-ahead rule; the outbox says when to look again. Raises what the outbox raises."""
        from kernel.outbox.solana.store import SolanaOutboxStore

        entry = SolanaOutboxStore(self._postgres).entry(entry_id)
        wallet = entry.signers[0] if entry.signers else entry.payer
        return self._outbox_of(wallet).advance(entry_id, fence, settled)

    def _intent(self, effect: Effect) -> SolanaIntent:
        return SolanaIntent(
            business_key=effect.key,
            service=SERVICE,
            cluster=self._cluster,
            payer=self._fee_payer,
            signers=() if effect.wallet == self._fee_payer else (effect.wallet,),
            instructions=effect.instructions,
            compute_unit_limit=effect.units,
            valid_until=self._clock.now() + VALID,
            submit_kind=SUBMIT,
            correlation_id=current(),
        )


def effects_of(deps: Deps) -> Effects:
    """As this container is set up."""
    settings = deps.settings
    return Effects(
        deps.kernel.postgres,
        lambda wallet: outbox_of(deps, wallet),
        deps.clock,
        cluster=settings.cluster,
        fee_payer=settings.fee_payer,
    )


def outbox_of(deps: Deps, wallet: str) -> SolanaOutbox:
    """The outbox that signs for a wallet and the fee payer."""
    from kernel.outbox.solana import SolanaOutbox

    signers = {address: deps.signer_of(address) for address in {deps.settings.fee_payer, wallet}}
    return SolanaOutbox(
        deps.kernel.postgres,
        deps.tasks,
        deps.pool,
        signers,
        deps.clock,
        policy=deps.settings.outbox_policy,
        switch=deps.switch,
    )
