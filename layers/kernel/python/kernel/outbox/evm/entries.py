"""Owns the values of the outbox: what a caller intends, what is stored of it, and what was signed for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from kernel.errors import Conflict
from kernel.evm.addresses import checksum
from kernel.evm.fees import Fees
from kernel.evm.refusals import Refusal
from kernel.evm.transactions import TRANSFER_GAS, UnsignedTransaction
from kernel.outbox.evm.lifecycle import FINAL, State
from kernel.outbox.obligation import Obligation

# Nobody's obligation: a transfer of nothing at a nonce that nobody is going to use.
FILLER_SERVICE: Final = "kernel"


class IntentChanged(Conflict):
    """This business key is already recorded with another transaction."""

    cause = (
        "The same business key came from another service, or with another recipient, calldata, value, signer, chain "
        "or kind of submit task."
    )
    remedy = "Give a different obligation a different business key."


class IntentUnaffordable(Conflict):
    """This transaction asks for less gas than any transaction costs."""

    cause = "The gas limit is below 21 000."
    remedy = "Estimate the gas and add a margin."


@dataclass(frozen=True, slots=True, kw_only=True)
class EvmIntent:
    """One effect that must happen once.

    `gas_limit` is the caller's (estimated with a margin), since a wrong guess of ours would change the effect.
    After `valid_until` the effect is no longer wanted: its nonce is then used by a cancellation. So it is where a block
    would only take it for more than `gas_price_max_wei` a gas, should that be less than the policy's cap.
    `resend_s` sends further messages about the submit task, for effects whose window is shorter than a lease.
    """

    business_key: str
    service: str
    chain_id: int
    signer: str
    to: str
    data: bytes
    gas_limit: int
    value_wei: int = 0
    gas_price_max_wei: int | None = None
    valid_until: datetime | None = None
    submit_kind: str | None = None
    resend_s: tuple[int, ...] = ()
    correlation_id: str | None = None

    def __post_init__(self) -> None:
        if self.gas_limit < TRANSFER_GAS:
            raise IntentUnaffordable(gas_limit=self.gas_limit)

    @property
    def task_kind(self) -> str:
        """The kind of the task that submits it."""
        return self.submit_kind or f"{self.service}.submit_transaction"

    def columns(self) -> dict[str, Any]:
        """The part of a row that the intent alone decides."""
        return {
            "business_key": self.business_key,
            "service": self.service,
            "chain_id": self.chain_id,
            "signer": checksum(self.signer),
            "recipient": checksum(self.to),
            "calldata": self.data,
            "value_wei": self.value_wei,
            "gas_limit": self.gas_limit,
            "gas_price_max_wei": self.gas_price_max_wei,
            "valid_until": self.valid_until,
            "submit_kind": self.task_kind,
        }


@dataclass(frozen=True, slots=True)
class SubmitTransaction:
    """The payload of a submit task."""

    entry_id: UUID


class Purpose(StrEnum):
    """What a signed payload does."""

    EFFECT = "effect"
    CANCELLATION = "cancellation"


class NonceHolder(StrEnum):
    """To whom a nonce belongs."""

    NOBODY = "nobody"
    OBLIGATION = "obligation"
    FILLER = "filler"
    SETTLED = "settled"  # Whatever it was, it has ended.


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedPayload:
    """Committed bytes at the entry's nonce; the only thing that may be broadcast."""

    ordinal: int
    purpose: Purpose
    fees: Fees
    raw: bytes
    hash: bytes
    signed_at_block: int
    signed_at: datetime
    sent_at: datetime | None
    accepted_at: datetime | None
    refusal: Refusal | None

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "SignedPayload":
        """From a row of kernel.evm_payloads."""
        return cls(
            ordinal=row["ordinal"],
            purpose=Purpose(row["purpose"]),
            fees=Fees(max_fee_wei=int(row["max_fee_wei"]), tip_wei=int(row["tip_wei"])),
            raw=bytes(row["raw"]),
            hash=bytes(row["hash"]),
            signed_at_block=row["signed_at_block"],
            signed_at=row["signed_at"],
            sent_at=row["sent_at"],
            accepted_at=row["accepted_at"],
            refusal=Refusal(row["refusal"]) if row["refusal"] else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxEntry(Obligation[SignedPayload]):
    """An obligation as stored. `payloads` are those of the present nonce, oldest first."""

    id: UUID
    business_key: str
    service: str
    chain_id: int
    signer: str
    nonce: int
    to: str
    data: bytes
    value_wei: int
    gas_limit: int
    valid_until: datetime | None
    state: State
    reason: str | None
    leases: int
    transaction_hash: bytes | None
    block_number: int | None
    gas_used: int | None
    gas_price_wei: int | None
    fee_wei: int | None  # all that it cost, once it is in a final block
    gas_price_max_wei: int | None = None  # above which the effect is not worth it
    unwanted: str | None = None  # why its owner wanted it no longer, before anything was signed
    alarm: str | None
    alarmed_at: datetime | None
    recorded_at: datetime
    settled_at: datetime | None
    payloads: tuple[SignedPayload, ...] = ()

    @classmethod
    def from_row(cls, row: Mapping[str, Any], payloads: tuple[SignedPayload, ...] = ()) -> "OutboxEntry":
        """From a row of kernel.evm_outbox."""
        return cls(
            id=row["id"],
            business_key=row["business_key"],
            service=row["service"],
            chain_id=row["chain_id"],
            signer=row["signer"],
            nonce=row["nonce"],
            to=row["recipient"],
            data=bytes(row["calldata"]),
            value_wei=int(row["value_wei"]),
            gas_limit=row["gas_limit"],
            valid_until=row["valid_until"],
            state=State(row["state"]),
            reason=row["reason"],
            leases=row["leases"],
            transaction_hash=_optional_bytes(row["transaction_hash"]),
            block_number=row["block_number"],
            gas_used=row["gas_used"],
            gas_price_wei=_optional_int(row["gas_price_wei"]),
            fee_wei=_optional_int(row["fee_wei"]),
            gas_price_max_wei=_optional_int(row["gas_price_max_wei"]),
            unwanted=row["unwanted"],
            alarm=row["alarm"],
            alarmed_at=row["alarmed_at"],
            recorded_at=row["recorded_at"],
            settled_at=row["settled_at"],
            payloads=payloads,
        )

    @property
    def settled(self) -> bool:
        """True in a final state."""
        return self.state in FINAL

    @property
    def is_filler(self) -> bool:
        """True when all that it owes is the use of its nonce (`kernel.outbox.evm.gaps`)."""
        return self.service == FILLER_SERVICE

    def is_wanted(self, now: datetime) -> bool:
        """False past its time, and once its owner has said that the effect is not to happen."""
        return self.unwanted is None and not self.expired(now)

    def unsigned(self, purpose: Purpose, fees: Fees) -> UnsignedTransaction:
        """The payload to sign: the stored effect, or a transfer of nothing from the signer to itself."""
        effect = purpose == Purpose.EFFECT
        return UnsignedTransaction(
            chain_id=self.chain_id,
            nonce=self.nonce,
            to=self.to if effect else self.signer,
            value_wei=self.value_wei if effect else 0,
            data=self.data if effect else b"",
            gas_limit=self.gas_limit if effect else TRANSFER_GAS,
            fees=fees,
        )


def filler(chain_id: int, signer: str, nonce: int, *, submit_kind: str) -> EvmIntent:
    """The use of a nonce that belongs to nobody: a transfer of nothing from the signer to itself."""
    return EvmIntent(
        business_key=f"gap:{chain_id}:{signer}:{nonce}",
        service=FILLER_SERVICE,
        chain_id=chain_id,
        signer=signer,
        to=signer,
        data=b"",
        gas_limit=TRANSFER_GAS,
        submit_kind=submit_kind,
    )


def same_effect(row: Mapping[str, Any], intent: EvmIntent) -> bool:
    """True when a stored row records this intent's effect; a retried caller may estimate gas and deadline anew.

    Two services that owe the same transfer under the same key owe it twice, so the service counts.
    """
    wanted = intent.columns()
    same = all(wanted[name] == row[name] for name in ("service", "chain_id", "signer", "recipient", "value_wei"))
    # Null in rows from before the column: their task is of the kind that the intent named then.
    same = same and row["submit_kind"] in {None, intent.task_kind}
    return same and intent.data == bytes(row["calldata"])


def _optional_int(value: Any) -> int | None:
    return None if value is None else int(value)


def _optional_bytes(value: Any) -> bytes | None:
    return None if value is None else bytes(value)
