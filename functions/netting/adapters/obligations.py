"""What the authority owes the cluster: each an obligation of the outbox, paid for and booked by the treasury."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from kernel.postgres import Transaction
from kernel.solana.transactions import Instruction
from kernel.treasury.movements import Kind, Order, SolanaCall
from kernel.treasury.treasury import Treasury
from kernel.treasury.wallets import ChainUnknown

if TYPE_CHECKING:
    from functions.netting.wiring import Deps
    from kernel.treasury.desks import Desk

SERVICE: Final = "netting"
SUBMIT: Final = "netting.submit_settlement"
#: A transfer of the system program takes 150, and each instruction of the compute budget as many.
TRANSFER_UNITS: Final = 1_000
#: Of two years, which is what makes an account free of rent; and what every account weighs beside its content.
RENT_LAMPORTS_PER_BYTE, ACCOUNT_SIZE_BYTES = 6_960, 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One transaction. units: the most that it computes. rent_lamports: the most that it pays beside its fee."""

    key: str
    instructions: Sequence[Instruction]
    units: int
    reason: str
    tables: Sequence[str] = ()
    rent_lamports: int = 0
    valid_until: datetime | None = None


class Obligations:
    """Recorded in the caller's transaction, with what the wallet of the authority sets aside for them."""

    def __init__(self, treasury: Treasury, *, chain: str, authority: str, program: str) -> None:
        self._treasury, self._chain = treasury, chain
        self._authority, self._program = authority, program

    def record(self, tx: Transaction, effect: Effect) -> None:
        """Once under its key. Raises Overdrawn, ServiceHalted, WalletNotOpen, WalletUnknown, TransferChanged."""
        call = SolanaCall(
            instructions=tuple(effect.instructions),
            lookup_tables=tuple(effect.tables),
            compute_unit_limit=effect.units,
            rent_lamports=effect.rent_lamports,
            valid_until=effect.valid_until,
            submit_kind=SUBMIT,
            service=SERVICE,
        )
        order = Order(
            key=effect.key,
            chain=self._chain,
            sender=self._authority,
            recipient=self._program,
            amount=0,
            actor=SERVICE,
            reason=effect.reason,
            kind=Kind.CALL,
            call=call,
        )
        self._treasury.transfer(tx, order)


def rent_lamports(size_bytes: int) -> int:
    """What an account of this size must hold to live for ever."""
    return (ACCOUNT_SIZE_BYTES + size_bytes) * RENT_LAMPORTS_PER_BYTE


def obligations_of(deps: Deps) -> Obligations:
    """As this container is set up."""
    settings = deps.settings
    return Obligations(deps.treasury, chain=settings.chain, authority=settings.authority, program=settings.program)


def desk_of(deps: Deps, chain: str) -> Desk:
    """Through which the treasury deals with our cluster. Raises ChainUnknown for any other."""
    from kernel.treasury.solana import SolanaDesk

    settings = deps.settings
    if chain != settings.chain:
        raise ChainUnknown(chain=chain)
    policy, cluster = settings.outbox_policy, settings.cluster
    return SolanaDesk(lambda _: deps.outbox, deps.pool, policy, cluster=cluster, transfer_units=TRANSFER_UNITS)
