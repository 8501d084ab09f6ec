"""An origin network: how its orders are read, when they are final, how they are claimed, and when they are closed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from functions.bridge.core.finality import Depth, Rule
from functions.bridge.core.order import Deposit
from functions.bridge.core.registry import Family, Payment
from kernel.errors import Transient
from kernel.evm.log_cursor import Watch

#: Of the tasks that events of an escrow become, whoever tells them.
KIND = "bridge.chain_events"


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """That the escrow has repaid an order, in a block that its chain calls final.

    amount_wei: what the escrow says of it: the order's amount, with its fee or without.
    """

    block: int
    transaction_hash: bytes
    amount_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """What a message has left of its fee, given back on the origin in a block that is final there."""

    block: int
    transaction_hash: bytes
    amount_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimCall:
    """The call of the registry that claims: its bytes, what the message costs, and the gas it may use."""

    data: bytes
    value_wei: int
    gas_limit: int


class ClaimRefused(Transient):
    """The registry would refuse this claim now."""

    cause = "It does not hold the payment, or our signer may not claim, or the message's value does not suffice."
    remedy = "The claim is tried again; compare the registry's owner and market maker with our signer if this lasts."
    retry_after_s = 60.0


class Origin(Protocol):
    """One network whose orders we fill. Reads raise NoQuorum, RpcUnavailable, WrongChain: transient, or a setting.

    chain, asset: as the ledger names them, "evm:300" and "evm:300:native". account: whom the escrow repays.
    registry_chain: what the registry calls it. table: what value asks for which depth. block_s, finality_s: how long a
    block, and the chain's own finality, usually take.
    """

    @property
    def name(self) -> str:
        """In keys, paths and settings."""
        ...

    @property
    def family(self) -> Family:
        """How it is told of a payment."""
        ...

    @property
    def registry_chain(self) -> int: ...
    @property
    def chain(self) -> str: ...
    @property
    def asset(self) -> str: ...
    @property
    def account(self) -> str: ...
    @property
    def table(self) -> tuple[Rule, ...]: ...
    @property
    def block_s(self) -> float: ...
    @property
    def finality_s(self) -> float: ...
    @property
    def webhook_watches(self) -> tuple[Watch, ...]:
        """What webhooks may tell of, as its cursors would; none where no webhook can."""
        ...

    def newest(self, seconds: float) -> None:
        """A turn over the newest blocks: each SetOrder event, and each that was taken back, becomes a task."""
        ...

    def accepted(self, seconds: float) -> None:
        """The same over final blocks, from a place of its own: what the first has missed."""
        ...

    def reread(self, told: Any) -> Any:
        """The event of a delivery as the chain itself has it at its place, where it has one there.

        Whoever forges what a true event says would otherwise keep that from being heard: both are one task.
        """
        ...

    def deposit(self, told: Any) -> Deposit:
        """The order that an event of a delivery sets: a hint, until `depth` has found it.

        Raises WordMalformed or FeltsMalformed for whatever is no SetOrder event of this origin's escrow.
        """
        ...

    def depth(self, deposit: Deposit) -> Depth | None:
        """How deep this very deposit lies, as a quorum has it; None where it is not on the chain (any more)."""
        ...

    def closed(self, deposit: Deposit) -> Closing | None:
        """How the escrow closed the order, by a quorum over final blocks; None while it did not."""
        ...

    @property
    def refund_account(self) -> str | None:
        """To whom the origin gives back what a message leaves of its fee; None where nothing comes back."""
        ...

    def refunds(self, deposit: Deposit, closing: Closing, *, widely: bool) -> tuple[Refund, ...]:
        """What came back with the closing of an order; widely: with every message since its deposit."""
        ...

    def message_fee_wei(self, payments: Sequence[Payment]) -> int:
        """What it costs on L1 to have the escrow told of these payments, with a margin."""
        ...

    def claim(self, version: int, payments: Sequence[Payment]) -> ClaimCall:
        """The claim of these payments; several at once only with a registry of the second generation."""
        ...
