"""Owns where money from outside comes in so that a chain can tell of it, and one deposit that came. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from kernel.errors import Conflict, Rejected


class InletTaken(Conflict):
    """The inlet belongs to another wallet."""

    cause = "An inlet stays with the wallet for which it was first declared: the contract passes everything on to it."
    remedy = "Deploy another contract for another wallet."


class InletUnfit(Rejected):
    """The inlet's terms do not fit together."""

    status = 422
    cause = "What is forwarded must bring more than its fee may cost; a wallet does not forward to itself."
    remedy = "Choose a least amount above the one in details, and another wallet to forward to."


@dataclass(frozen=True, slots=True, kw_only=True)
class Inlet:
    """Where money comes to a wallet.

    address: the contract that logs each deposit (EVM), or the wallet itself (Solana). A deposit of `least` or more goes
    on to `forward_to`, if that is declared: anybody may send less, and each forward costs a fee.
    """

    chain: str
    address: str
    wallet: str
    forward_to: str | None
    least: int

    def __post_init__(self) -> None:
        if self.least <= 0 or self.forward_to == self.wallet:
            raise InletUnfit(least=str(self.least))

    @property
    def watch(self) -> str:
        """Its name among what is watched."""
        return f"ops.inlet:{self.chain}:{self.address}".lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class InletRecord(Inlet):
    """A declared inlet as stored. Money that came before `start_block` is none of its."""

    start_block: int
    declared_at: datetime

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "InletRecord":
        """From a row of kernel.treasury_inlets."""
        return cls(**{**{field.name: row[field.name] for field in fields(cls)}, "least": int(row["least"])})

    def onward(self, amount: int) -> str | None:
        """Where a deposit of this amount goes on to, if anywhere."""
        return self.forward_to if amount >= self.least else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deposit:
    """What came to a wallet in one final event. key: of the deposit, and of the transfer that forwards it."""

    key: str
    event: str
    chain: str
    wallet: str
    amount: int
    block: int
    transaction_id: str
    forward_to: str | None

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "Deposit":
        """From a row of kernel.treasury_deposits."""
        return cls(**{**{field.name: row[field.name] for field in fields(cls)}, "amount": int(row["amount"])})
