"""What the cluster says of a transfer that somebody claims to have made: finalized, as a quorum tells it that nobody's
absence reduces."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from functions.contests.core.entry import Seen, Transfer
from kernel.chain_events import SolanaEvent
from kernel.solana.addresses import SYSTEM_PROGRAM
from kernel.solana.history import ExecutedInstruction
from kernel.watches.hints import Unsettled
from kernel.watches.hints_solana import landed

if TYPE_CHECKING:
    from functions.contests.wiring import Deps
    from kernel.solana.pool import SolanaPool

#: The System program's transfers: plain, and from an address that was derived with a seed.
TRANSFER, TRANSFER_WITH_SEED = 2, 11
#: Which account each pays. The program reads none behind it, and refuses none.
_PAYEE: Final = {TRANSFER: 1, TRANSFER_WITH_SEED: 2}
_TRANSFER: Final = struct.Struct("<IQ")


@dataclass(frozen=True, slots=True)
class Paid:
    """A transaction, and where it stands; its slot and time once it is final."""

    seen: Seen | None
    slot: int = 0
    block_time_s: int | None = None


class Payments:
    """Reads transfers of lamports."""

    def __init__(self, pool: SolanaPool, cluster: str) -> None:
        self._pool, self._cluster = pool, cluster

    def look(self, signature: str) -> Paid:
        """The transaction of a signature. Raises NoQuorum, RpcUnavailable, WrongChain."""
        event = SolanaEvent(
            cluster=self._cluster, slot=0, signature=signature, instruction_path="", program="", data=b""
        )
        found = landed(self._pool, event)
        if isinstance(found, Unsettled):
            return Paid(None)
        seen = Seen(is_final=True, has_failed=found.error is not None, transfers=transfers(found.instructions))
        return Paid(seen, found.slot, found.block_time_s)


def transfers(ran: Sequence[ExecutedInstruction]) -> tuple[Transfer, ...]:
    """Every plain transfer of lamports among what a transaction ran, what its programs called included.

    A transfer from a derived address is told too, under that address: nobody enters from one.
    """
    told = [_transfer(one) for one in ran if one.program == SYSTEM_PROGRAM and len(one.data) >= _TRANSFER.size]
    return tuple(one for one in told if one is not None)


def _transfer(ran: ExecutedInstruction) -> Transfer | None:
    """What an instruction of the System program moved; None for one that is no transfer."""
    kind, lamports = _TRANSFER.unpack_from(ran.data)
    payee = _PAYEE.get(kind)
    if payee is None or payee >= len(ran.accounts):
        return None
    return Transfer(source=ran.accounts[0], destination=ran.accounts[payee], lamports=lamports)


def payments_of(deps: Deps) -> Payments:
    """As this container is set up."""
    return Payments(deps.pool, deps.settings.cluster)
