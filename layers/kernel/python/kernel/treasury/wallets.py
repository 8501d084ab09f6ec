"""Owns what an operator's wallet is: whose, on which chain, how much it should hold, and its accounts in the books."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final

from kernel.errors import Conflict, NotFound, Rejected
from kernel.ledger.accounts import Account

#: Whose books the treasury's own postings and transactions are under; a halt of it stops transfers and top-ups.
SERVICE: Final = "ops"


class ChainUnknown(Rejected):
    """The treasury does not serve this chain."""

    status = 422
    cause = "The chain is not among those of COUNTERPART_OPS_CHAINS."
    remedy = "Use a chain as GET /v1/ops/treasury/wallets writes it, or add it to the settings."
    example = '{"chain": "evm:1"}'


class WalletUnknown(NotFound):
    """No such wallet is declared."""

    cause = "The address is misspelt, or belongs to another chain, or was never declared."
    remedy = "Take chain and address from GET /v1/ops/treasury/wallets."


class WalletNotOpen(Conflict):
    """The wallet's books are not open yet."""

    cause = "Its opening balance has not been read from the chain, or it has transactions in flight from before."
    remedy = "Wait for the next check of the wallet, within a minute; look at its alarms if it stays so."


class WalletOwned(Conflict):
    """The wallet belongs to another service."""

    cause = "A wallet stays with the service for which it was first declared: its books are that service's."
    remedy = "Declare another wallet."


class AddressUnfit(Rejected):
    """This is no address of the chain."""

    status = 422
    cause = "An EVM address is 0x and 40 hexadecimal digits whose checksum holds; one of Solana is 32 bytes in base58."
    remedy = "Copy the address again from its source, and compare the chain."
    example = '{"chain": "evm:1", "address": "0x12"}'


class FloorsUnfit(Rejected):
    """The wallet's floor, target and funder do not fit together."""

    status = 422
    cause = "The target is below the floor, or the wallet is to fund itself."
    remedy = "Choose target >= floor >= 0, and another wallet as the funder."


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorWallet:
    """A wallet of a service on one chain, in the chain's own coin.

    chain: "evm:<chain id>" or "solana:<cluster>". Below `floor` it is alarmed, and topped up to `target` from the
    wallet `funded_by` of the same chain, if any.
    """

    service: str
    chain: str
    address: str
    floor: int
    target: int
    funded_by: str | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.floor <= self.target or self.funded_by == self.address:
            raise FloorsUnfit(floor=str(self.floor), target=str(self.target))

    @property
    def asset(self) -> str:
        """The chain's own coin."""
        return native(self.chain)

    @property
    def account(self) -> str:
        """What the wallet holds and may spend."""
        return f"{self.service}:wallet:{self.address}"

    @property
    def in_transit(self) -> str:
        """What it has sent, and set aside for fees, until each transfer's end is final."""
        return f"{self.service}:in_transit:{self.address}"

    @property
    def fees(self) -> str:
        """What the service has paid to chains."""
        return f"{self.service}:fees"

    @property
    def outside(self) -> str:
        """The rest of the world: what came from it, less what went to it."""
        return f"{self.service}:outside"

    def accounts(self) -> list[Account]:
        """The accounts that its postings need."""
        names = (self.account, self.in_transit, self.fees)
        near = [Account(name=name, asset=self.asset) for name in names]
        return [*near, Account(name=self.outside, asset=self.asset, may_go_negative=True)]


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletRecord(OperatorWallet):
    """A declared wallet as stored, with what its last check found. Amounts are None before the first."""

    declared_at: datetime
    opened_at: datetime | None
    opened_block: int | None
    opened_balance: int | None
    checked_nonce: int | None
    read_at: datetime | None
    read_block: int | None
    chain_balance: int | None
    verdict: str | None
    difference: int | None
    reason: str | None
    unsettled_since: datetime | None
    alarms: tuple[str, ...]

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "WalletRecord":
        """From a row of kernel.treasury_wallets."""
        amounts = ("floor", "target", "opened_balance", "chain_balance", "difference")
        whole = {name: None if row[name] is None else int(row[name]) for name in amounts}
        kept = {field.name: row[field.name] for field in fields(cls)}
        return cls(**{**kept, **whole, "alarms": tuple(row["alarms"])})


def native(chain: str) -> str:
    """The asset that a chain's fees are paid in."""
    return f"{chain}:native"
