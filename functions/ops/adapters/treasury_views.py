"""Owns the documents of the treasury's API. Amounts are text in the chain's smallest unit: wei, lamports."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from kernel.handler.http import Document
from kernel.ledger import Line, Statement
from kernel.treasury.movements import Transfer
from kernel.treasury.wallets import WalletRecord

CHAIN = r"^(evm:[1-9][0-9]{0,18}|solana:(mainnet|devnet|testnet|localnet))$"
ADDRESS = r"^(0x[0-9a-fA-F]{40}|[1-9A-HJ-NP-Za-km-z]{32,44})$"
KEY = r"^[A-Za-z0-9._:-]{1,160}$"
#: Colons are in the keys that the house gives (top-ups, forwarded deposits): nobody takes one of those in advance.
ASKED_KEY = r"^[A-Za-z0-9._-]{1,160}$"
SERVICE = r"^[a-z][a-z0-9_]{0,30}$"

Chain = Annotated[str, Field(pattern=CHAIN, examples=["evm:1", "solana:mainnet"])]
Address = Annotated[str, Field(pattern=ADDRESS)]
Service = Annotated[str, Field(pattern=SERVICE)]
Amount = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,75})$")]
Positive = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,75}$")]
Signed = Annotated[str, Field(pattern=r"^-?[1-9][0-9]{0,75}$")]
BusinessKey = Annotated[str, Field(pattern=r"^[ -~]{1,200}$")]
Reason = Annotated[str, Field(min_length=1, max_length=300, pattern=r"^[ -~]*[!-~][ -~]*$")]


class DeclaredWallet(Document):
    """A wallet to take into the treasury, or other floors for one that is in it."""

    service: Service
    chain: Chain
    address: Address
    floor_base_units: Amount
    target_base_units: Amount
    funded_by: Address | None = None
    reason: Reason


class Wallet(Document):
    """A wallet and what its last check found; `difference_base_units` is what the chain holds above the books."""

    service: str
    chain: str
    address: str
    floor_base_units: str
    target_base_units: str
    funded_by: str | None
    opened_at: datetime | None
    opened_block: int | None
    opened_balance_base_units: str | None
    read_at: datetime | None
    read_block: int | None
    chain_balance_base_units: str | None
    verdict: Literal["balanced", "pending", "difference"] | None
    difference_base_units: str | None
    reason: str | None
    alarms: list[str]


class Wallets(Document):
    """Every wallet, by chain and service."""

    wallets: list[Wallet]


class StatementLine(Document):
    """One posting of the wallet's account, and what the account held after it."""

    sequence: int
    business_key: str
    memo: str
    amount_base_units: str
    balance_base_units: str
    posted_at: datetime


class WalletStatement(Document):
    """A page, oldest first; `next_cursor` continues it. `balance_base_units` is what the account holds now."""

    account: str
    asset: str
    balance_base_units: str
    lines: list[StatementLine]
    next_cursor: int | None


class WantedTransfer(Document):
    """Money to be moved once, from a wallet of the treasury to any address of its chain."""

    chain: Chain
    sender: Address
    recipient: Address
    amount_base_units: Positive
    reason: Reason


class TransferView(Document):
    """A transfer as it stands; `block` (or slot), `transaction_id` and `fee_base_units` are null until it ended."""

    key: str
    kind: Literal["transfer", "top_up", "forward", "call"]
    chain: str
    sender: str
    recipient: str
    amount_base_units: str
    state: Literal["open", "confirmed", "failed", "cancelled"]
    block: int | None
    transaction_id: str | None
    fee_base_units: str | None
    reason: str
    recorded_at: datetime
    settled_at: datetime | None


class BookedDifference(Document):
    """The difference that a wallet shows, and what it is: a deposit, a refund, a mistake."""

    difference_base_units: Signed
    reason: Reason


class Why(Document):
    """The reason for a privileged act."""

    reason: Reason


class Withdrawal(Document):
    """An obligation of any service that shall not be met any more, by its business key ("treasury/<key>"), and why."""

    business_key: BusinessKey
    reason: Reason


class Withdrawn(Document):
    """Where the obligation is now; its trace tells how it ends."""

    business_key: str
    state: str


class SwitchTurn(Document):
    """A service's kill switch after it was turned."""

    service: str
    halted: bool
    actor: str
    reason: str
    changed_at: datetime


class SwitchTurns(Document):
    """Halts and resumptions: those in force, by service, or those of one service, newest first."""

    turns: list[SwitchTurn]


def wallet_view(wallet: WalletRecord) -> Wallet:
    """As the API shows it."""
    names = ("service", "chain", "address", "funded_by", "opened_at", "opened_block", "read_at", "read_block")
    amounts = ("floor", "target", "opened_balance", "chain_balance", "difference")
    return Wallet(
        **{name: getattr(wallet, name) for name in (*names, "verdict", "reason")},
        **{f"{name}_base_units": _text(getattr(wallet, name)) for name in amounts},
        alarms=list(wallet.alarms),
    )


def statement_view(statement: Statement) -> WalletStatement:
    """As the API shows it."""
    return WalletStatement(
        account=statement.account,
        asset=statement.asset,
        balance_base_units=str(statement.balance),
        lines=[_line(line) for line in statement.lines],
        next_cursor=statement.next_after,
    )


def transfer_view(transfer: Transfer) -> TransferView:
    """As the API shows it."""
    names = ("key", "chain", "sender", "recipient", "block", "transaction_id", "reason", "recorded_at", "settled_at")
    return TransferView(
        **{name: getattr(transfer, name) for name in names},
        kind=transfer.kind.value,
        state=transfer.state.value,
        amount_base_units=str(transfer.amount),
        fee_base_units=_text(transfer.fee),
    )


def _line(line: Line) -> StatementLine:
    names = ("sequence", "business_key", "memo", "posted_at")
    amounts = {"amount_base_units": str(line.amount), "balance_base_units": str(line.balance)}
    return StatementLine(**{name: getattr(line, name) for name in names}, **amounts)


def _text(amount: int | None) -> str | None:
    return None if amount is None else str(amount)
