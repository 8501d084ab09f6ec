"""Owns the values of the Solana outbox: what a caller intends, what is stored of it, and what was signed for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from kernel.errors import Conflict, Rejected
from kernel.keys.solana import checked_address
from kernel.outbox.obligation import Obligation
from kernel.outbox.solana.given import GivenMessage
from kernel.outbox.solana.lifecycle import FINAL, State
from kernel.solana.addresses import COMPUTE_BUDGET_PROGRAM
from kernel.solana.refusals import Refusal
from kernel.solana.transactions import Instruction


class SolanaIntentChanged(Conflict):
    """This business key is already recorded with another Solana transaction."""

    cause = "The same business key came from another service, or with another cluster, payer, signer or instruction."
    remedy = "Give a different obligation a different business key."


class SolanaIntentTooLarge(Rejected):
    """This Solana transaction does not fit into a packet."""

    status = 413
    cause = "Its instructions name too many accounts or carry too many bytes for one transaction."
    remedy = "Split the obligation into several, or name lookup tables that hold its accounts."
    example = '{"business_key": "pay-1", "bytes": 1400}'


class SolanaIntentInvalid(Rejected):
    """This Solana transaction cannot be what was meant."""

    cause = "It has no instruction, one that sets the compute budget, or one that somebody else would have to sign."
    remedy = "Name every signing account in `signers` or as the payer, and leave the compute budget to the outbox."


class MessageTaken(Conflict):
    """This very message is recorded under another business key."""

    cause = "A message lands once, whoever sends it: two obligations to pass it on would be one effect."
    remedy = "Give each obligation a message of its own; another compute limit is difference enough."


class DurableNonceMissing(Rejected):
    """A person's signature takes longer than a blockhash lives."""

    cause = "An external signer is among the signers, and the transaction has no durable nonce."
    remedy = "Create a nonce account whose authority is among the signers, and name it in `durable_nonce`."


@dataclass(frozen=True, slots=True, kw_only=True)
class SolanaIntent:
    """One effect that must happen once.

    `signers` are whoever signs besides the payer. `compute_unit_limit` None lets a simulation measure it before each
    signature; a few units come on top, which tell apart two obligations to do the same (`greatest_limit`).
    `durable_nonce` is the address of a nonce account whose authority is among the signers.
    After `valid_until` nothing is signed any more: the entry ends cancelled once its bytes can no longer land, which
    over a blockhash is some ninety seconds after the last signature.
    `given` is a message from elsewhere, which is passed on as it is (`passing_on`).
    """

    business_key: str
    service: str
    cluster: str
    payer: str
    instructions: tuple[Instruction, ...]
    signers: tuple[str, ...] = ()
    lookup_tables: tuple[str, ...] = ()
    compute_unit_limit: int | None = None
    durable_nonce: str | None = None
    valid_until: datetime | None = None
    submit_kind: str | None = None
    correlation_id: str | None = None
    given: GivenMessage | None = None

    @classmethod
    def passing_on(
        cls,
        given: GivenMessage,
        *,
        business_key: str,
        service: str,
        cluster: str,
        submit_kind: str | None = None,
        correlation_id: str | None = None,
    ) -> "SolanaIntent":
        """The intent to bring a message from elsewhere onto the cluster, signed by ours where theirs are missing.

        Raises SolanaMessageUnreadable, SolanaSignatureMismatch, SolanaIntentInvalid for one over a durable nonce.
        """
        given.verify()
        if given.lives_by_nonce or not {*given.signatures} <= {*given.required}:
            raise SolanaIntentInvalid(business_key=business_key)
        payer, *signers = given.required
        return cls(
            business_key=business_key,
            service=service,
            cluster=cluster,
            payer=payer,
            signers=tuple(signers),
            instructions=given.instructions(),
            submit_kind=submit_kind,
            correlation_id=correlation_id,
            given=given,
        )

    def __post_init__(self) -> None:
        for address in (*self.required, *self.lookup_tables, *([self.durable_nonce] if self.durable_nonce else [])):
            checked_address(address)
        unnamed = {use.address for one in self.instructions for use in one.accounts if use.signer} - {*self.required}
        budgets = any(one.program == COMPUTE_BUDGET_PROGRAM for one in self.instructions)
        if not self.instructions or unnamed or budgets:
            raise SolanaIntentInvalid(business_key=self.business_key, unnamed=", ".join(sorted(unnamed)))

    @property
    def required(self) -> tuple[str, ...]:
        """Everybody who signs, the payer first, each once."""
        return tuple(dict.fromkeys((self.payer, *self.signers)))

    @property
    def task_kind(self) -> str:
        """The kind of the task that submits it."""
        return self.submit_kind or f"{self.service}.submit_transaction"

    def columns(self) -> dict[str, Any]:
        """The part of a row that the intent alone decides, as JSON knows it."""
        return {
            "business_key": self.business_key,
            "service": self.service,
            "cluster": self.cluster,
            "payer": self.payer,
            "signers": [*self.required[1:]],
            "instructions": [one.to_json() for one in self.instructions],
            "lookup_tables": [*self.lookup_tables],
            "compute_unit_limit": self.compute_unit_limit,
            "durable_nonce": self.durable_nonce,
            "valid_until": None if self.valid_until is None else self.valid_until.isoformat(),
            **({} if self.given is None else self.given.columns()),
        }


@dataclass(frozen=True, slots=True)
class SubmitSolanaTransaction:
    """The payload of a submit task."""

    entry_id: UUID


class Purpose(StrEnum):
    """What a signed payload does."""

    EFFECT = "effect"
    RELEASE = "release"  # Only advances the durable nonce, so that the effect signed over it can no longer land.


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What was signed and how it can die; not committed yet."""

    purpose: Purpose
    raw: bytes
    signature: str
    blockhash: str  # or the value of the durable nonce
    last_valid_block_height: int | None  # None over a durable nonce
    durable_nonce: str | None
    unit_limit: int
    unit_price: int  # micro-lamports a compute unit
    signed_at_slot: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedPayload:
    """Committed bytes; the only thing that may be broadcast."""

    ordinal: int
    purpose: Purpose
    raw: bytes
    signature: str
    blockhash: str
    last_valid_block_height: int | None
    durable_nonce: str | None
    outlived_at_height: int | None  # where the cluster stood when the nonce was seen to have moved on
    unit_limit: int
    unit_price: int
    signed_at_slot: int
    signed_at: datetime
    sent_at: datetime | None
    accepted_at: datetime | None
    refusal: Refusal | None

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "SignedPayload":
        """From a row of kernel.solana_payloads."""
        return cls(
            ordinal=row["ordinal"],
            purpose=Purpose(row["purpose"]),
            raw=bytes(row["raw"]),
            signature=row["signature"],
            blockhash=row["blockhash"],
            last_valid_block_height=row["last_valid_block_height"],
            durable_nonce=row["durable_nonce"],
            outlived_at_height=row["outlived_at_height"],
            unit_limit=row["unit_limit"],
            unit_price=row["unit_price"],
            signed_at_slot=row["signed_at_slot"],
            signed_at=row["signed_at"],
            sent_at=row["sent_at"],
            accepted_at=row["accepted_at"],
            refusal=Refusal(row["refusal"]) if row["refusal"] else None,
        )

    @property
    def last_height(self) -> int | None:
        """The last block height at which the bytes can land; None while their durable nonce stands."""
        return self.outlived_at_height if self.durable_nonce else self.last_valid_block_height


@dataclass(frozen=True, slots=True, kw_only=True)
class SolanaEntry(Obligation[SignedPayload]):
    """An obligation as stored, with every payload that was ever signed for it, oldest first.

    spent_lamports: what a settled one took from its payer beside the fee, an account's rent for instance; below 0
    where the payer got something.
    """

    id: UUID
    business_key: str
    service: str
    cluster: str
    payer: str
    signers: tuple[str, ...]
    instructions: tuple[Instruction, ...]
    lookup_tables: tuple[str, ...]
    compute_unit_limit: int | None
    durable_nonce: str | None
    valid_until: datetime | None
    state: State
    reason: str | None
    signature: str | None
    slot: int | None
    fee_lamports: int | None
    spent_lamports: int | None
    error: Any
    alarm: str | None
    recorded_at: datetime
    settled_at: datetime | None
    given: GivenMessage | None = None
    payloads: tuple[SignedPayload, ...] = ()

    @classmethod
    def from_row(cls, row: Mapping[str, Any], payloads: tuple[SignedPayload, ...] = ()) -> "SolanaEntry":
        """From a row of kernel.solana_outbox."""
        return cls(
            id=row["id"],
            business_key=row["business_key"],
            service=row["service"],
            cluster=row["cluster"],
            payer=row["payer"],
            signers=tuple(row["signers"]),
            instructions=tuple(Instruction.from_json(one) for one in row["instructions"]),
            lookup_tables=tuple(row["lookup_tables"]),
            compute_unit_limit=row["compute_unit_limit"],
            durable_nonce=row["durable_nonce"],
            valid_until=row["valid_until"],
            state=State(row["state"]),
            reason=row["reason"],
            signature=row["signature"],
            slot=row["slot"],
            fee_lamports=row["fee_lamports"],
            spent_lamports=row["spent_lamports"],
            error=row["error"],
            alarm=row["alarm"],
            recorded_at=row["recorded_at"],
            settled_at=row["settled_at"],
            given=GivenMessage.from_row(row),
            payloads=payloads,
        )

    @property
    def settled(self) -> bool:
        """True in a final state."""
        return self.state in FINAL

    @property
    def asks_for_ours(self) -> bool:
        """Whether nothing of it can land before one of our keys has signed it."""
        return self.given is None or bool(self.given.missing)

    @property
    def effects(self) -> tuple[SignedPayload, ...]:
        """The payloads that carry the effect."""
        return tuple(payload for payload in self.payloads if payload.purpose == Purpose.EFFECT)

    @property
    def required(self) -> tuple[str, ...]:
        """Everybody who signs, the payer first."""
        return (self.payer, *self.signers)


def same_effect(row: Mapping[str, Any], intent: SolanaIntent) -> bool:
    """True when a stored row records this intent's effect; a retried caller may choose limit and deadline anew.

    Two services that owe the same transfer under the same key owe it twice, so the service counts. Of a message from
    elsewhere its bytes count: whoever signed it may have signed it twice, in two ways.
    """
    wanted = intent.columns()
    fields = ("service", "cluster", "payer", "signers", "instructions", "lookup_tables", "durable_nonce")
    messages = [one and one.message for one in (intent.given, GivenMessage.from_row(row))]
    return all(wanted[name] == row[name] for name in fields) and messages[0] == messages[1]
