"""Owns what is signed for a Solana entry: facts gathered, price and limit found, the message compiled, hands collected.

1. Read the lookup tables and the durable nonce (finalized: a younger value might be dropped with its fork).
2. In one round trip ask for a fresh blockhash and for the recent fees of the accounts that are written, and simulate,
   unless the caller set the limit; then hold the blockhash to the heads of all endpoints.
3. An effect that fails in the simulation is not signed: it would pay a fee for nothing. It is held, with an alarm, and
   simulated again at the next look.
4. Compile, at the price of this attempt, and with a limit of the entry's own: two obligations that pay the same to
   the same over one blockhash would otherwise be one transaction, and happen once.
5. A message from elsewhere is none of our making: steps 1 to 4 fall away, but for the simulation of one that waits for
   our signature. One that is signed already is stored as it is: it may have landed, and a simulation would refuse it.
6. Somebody outside signs first, because they may have agreed to an earlier message for the same obligation; the
   others sign what they agreed to, after it was found to be the same effect.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from kernel.errors import Broken, KeyUnavailable
from kernel.keys.outside import SignatureAwaited, is_outside
from kernel.keys.solana import SolanaSigner
from kernel.outbox.reading import reading
from kernel.outbox.solana.decision import SolanaPolicy
from kernel.outbox.solana.entries import (
    Draft,
    DurableNonceMissing,
    Purpose,
    SolanaEntry,
    SolanaIntent,
    SolanaIntentTooLarge,
)
from kernel.outbox.solana.given import GivenMessage
from kernel.solana.accounts import AccountUnfit
from kernel.solana.addresses import COMPUTE_BUDGET_PROGRAM
from kernel.solana.fees import price, unit_limit
from kernel.solana.messages import Message, read_message
from kernel.solana.pool import Blockhash, Simulation, SolanaPool
from kernel.solana.refusals import Refusal, meaning_of_failure
from kernel.solana.transactions import (
    UNIT_CAP,
    DurableNonce,
    Instruction,
    LookupTable,
    TransactionTooLarge,
    compile_message,
    unsigned,
    with_signatures,
)

# An advance of the nonce takes 150 units, each instruction of the compute budget as many.
RELEASE_UNITS: Final = 1_000
# Stands for a blockhash where only the size matters.
ANY_HASH: Final = "11111111111111111111111111111111"
# How many limits stand for a choice that tells entries apart. At usual prices the widest costs a lamport.
DISTINCT_LIMITS: Final = 1_024
# What says nothing about the effect, and passes.
PASSING: Final = frozenset({Refusal.EXPIRED, Refusal.CONTENDED, Refusal.BUSY})
_SET_LIMIT, _SET_PRICE = 2, 3


class AnotherEffectSigned(Broken):
    """A signature from outside belongs to a message with another effect."""

    cause = "The external signer's signature was given for another obligation than the one that asked for it."
    remedy = "Withdraw the signature request and look who answered it; nothing was sent."


@dataclass(frozen=True, slots=True)
class Held:
    """Nothing could be signed now. `alarm` calls a person; `resend`: what is out may go out again meanwhile."""

    reason: str
    alarm: str | None = None
    resend: bool = False


@dataclass(frozen=True, slots=True)
class _Frame:
    """What a message of an entry is made of, but for its compute budget."""

    payer: str
    instructions: tuple[Instruction, ...]
    tables: tuple[LookupTable, ...]
    nonce: DurableNonce | None

    def compiled(self, blockhash: str, limit: int, price_of_unit: int) -> bytes:
        return compile_message(
            self.payer,
            self.instructions,
            blockhash=blockhash if self.nonce is None else None,
            lookup_tables=self.tables,
            compute_unit_limit=limit,
            compute_unit_price=price_of_unit,
            durable_nonce=self.nonce,
        )


class SigningDesk:
    """Where the messages of one cluster are drawn up and signed."""

    def __init__(self, pool: SolanaPool, signers: Mapping[str, SolanaSigner], policy: SolanaPolicy) -> None:
        self._pool, self._policy = pool, policy
        self._signers = dict(signers)

    def check(self, intent: SolanaIntent) -> None:
        """Refuse at once what could never be signed: KeyUnavailable, DurableNonceMissing, SolanaIntentTooLarge.

        With lookup tables the size shows only when they are read, before the first signature.
        """
        if intent.given is not None:
            if any(is_outside(self._signer(address)) for address in intent.given.missing):
                raise DurableNonceMissing(business_key=intent.business_key)
            return
        if any(is_outside(self._signer(address)) for address in intent.required) and intent.durable_nonce is None:
            raise DurableNonceMissing(business_key=intent.business_key)
        if intent.lookup_tables:
            return
        nonce = intent.durable_nonce and DurableNonce(intent.durable_nonce, intent.required[-1], ANY_HASH)
        try:
            _Frame(intent.payer, intent.instructions, (), nonce or None).compiled(ANY_HASH, UNIT_CAP, 1)
        except TransactionTooLarge as large:
            raise SolanaIntentTooLarge(business_key=intent.business_key, bytes=large.details["bytes"]) from large

    def draft(self, entry: SolanaEntry, purpose: Purpose) -> Draft | Held:
        """The signed bytes, not committed yet, or why there are none. Raises RpcUnavailable, KeyUnavailable."""
        if entry.given is not None:
            return self._co_signed(entry.given)
        limit = RELEASE_UNITS if purpose == Purpose.RELEASE else entry.compute_unit_limit
        try:
            with reading():
                frame = self._frame(entry, purpose)
                tried = unsigned(frame.compiled(ANY_HASH, UNIT_CAP, 1)) if limit is None else None
                prospect = self._pool.prospect(_written(frame), tried, replace_blockhash=frame.nonce is None)
        except TransactionTooLarge as large:
            return Held(str(large), "too_large")
        except AccountUnfit as unfit:
            return Held(f"{unfit} {unfit.details}", unfit.code)
        if prospect.simulation.error is not None:
            return _refused(prospect.simulation)
        if limit is None:
            limit = unit_limit(prospect.simulation.units, self._policy.fees)
        offer = self._offer(entry, prospect.recent_fees)
        message = frame.compiled(prospect.blockhash.value, distinct_limit(limit, entry.id), offer)
        return self._signed(entry, purpose, frame, message, prospect.blockhash)

    def _frame(self, entry: SolanaEntry, purpose: Purpose) -> _Frame:
        nonce = None
        if entry.durable_nonce is not None:
            state = self._pool.nonce_account(entry.durable_nonce, "finalized")
            nonce = DurableNonce(entry.durable_nonce, state.authority, state.blockhash)
        tables = tuple(LookupTable(address, self._pool.lookup_table(address)) for address in entry.lookup_tables)
        instructions = entry.instructions if purpose == Purpose.EFFECT else ()
        return _Frame(entry.payer, instructions, tables, nonce)

    def _offer(self, entry: SolanaEntry, recent_fees: Sequence[int]) -> int:
        """The price of this attempt: above that of the last one also where the market has fallen since."""
        fees = self._policy.fees
        going = price(recent_fees, fees, len(entry.payloads))
        return going if entry.latest is None else max(going, price([entry.latest.unit_price], fees, 1))

    def _signed(
        self, entry: SolanaEntry, purpose: Purpose, frame: _Frame, message: bytes, blockhash: Blockhash
    ) -> Draft | Held:
        if frame.nonce is not None and frame.nonce.authority not in entry.required:
            return Held(f"{frame.nonce.authority} may advance the nonce, and is no signer", "nonce_authority")
        first, *others = sorted(entry.required, key=lambda address: not is_outside(self._signer(address)))
        try:
            agreed = self._signer(first).sign(message)
            _check_same(agreed.message, message, frame.tables)
            signatures = {address: self._signer(address).sign_message(agreed.message) for address in others}
        except SignatureAwaited as awaited:
            return Held(str(awaited), resend=purpose == Purpose.RELEASE)
        signed = with_signatures(agreed.message, {first: agreed.signature, **signatures})
        said = read_message(agreed.message, frame.tables)
        limit, offer = budget_of(said)
        return Draft(
            purpose=purpose,
            raw=signed.raw,
            signature=signed.signature,
            blockhash=said.blockhash,
            last_valid_block_height=None if frame.nonce else blockhash.last_valid_block_height,
            durable_nonce=entry.durable_nonce,
            unit_limit=limit,
            unit_price=offer,
            signed_at_slot=blockhash.slot,
        )

    def _co_signed(self, given: GivenMessage) -> Draft | Held:
        if given.missing:
            with reading():
                tried = self._pool.prospect((), unsigned(given.message), replace_blockhash=False).simulation
            if tried.error is not None:
                return Held(f"the simulation failed: {tried.error}")
        ours = {address: self._signer(address).sign_message(given.message) for address in given.missing}
        signed = with_signatures(given.message, {**given.signatures, **ours})
        said = read_message(given.message)
        limit, offer = budget_of(said)
        return Draft(
            purpose=Purpose.EFFECT,
            raw=signed.raw,
            signature=signed.signature,
            blockhash=said.blockhash,
            last_valid_block_height=given.last_height,
            durable_nonce=None,
            unit_limit=limit,
            unit_price=offer,
            signed_at_slot=given.slot,
        )

    def _signer(self, address: str) -> SolanaSigner:
        signer = self._signers.get(address)
        if signer is None:
            raise KeyUnavailable("Nobody here signs for this address.", signer=address)
        return signer


def distinct_limit(limit: int, entry_id: UUID) -> int:
    """The limit and a few units more, by the entry's id.

    Where two still come to the same bytes, their signature shows it, and the later one waits for another blockhash.
    """
    return min(limit + entry_id.int % DISTINCT_LIMITS, UNIT_CAP)


def greatest_limit(limit: int) -> int:
    """The most units that an entry of this limit may ask, and pay, for."""
    return min(limit + DISTINCT_LIMITS - 1, UNIT_CAP)


def budget_of(message: Message) -> tuple[int, int]:
    """The compute limit and the price in micro-lamports a unit that a message asks for."""
    asked = {
        one.data[0]: int.from_bytes(one.data[1:], "little")
        for one in message.instructions
        if one.program == COMPUTE_BUDGET_PROGRAM
    }
    return asked.get(_SET_LIMIT, UNIT_CAP), asked.get(_SET_PRICE, 0)


def _check_same(agreed: bytes, asked: bytes, tables: tuple[LookupTable, ...]) -> None:
    """An earlier message may have another nonce, limit and price, and nothing else of its own."""
    if agreed != asked and _effect(read_message(agreed, tables)) != _effect(read_message(asked, tables)):
        raise AnotherEffectSigned


def _effect(message: Message) -> tuple[object, ...]:
    instructions = [one for one in message.instructions if one.program != COMPUTE_BUDGET_PROGRAM]
    return message.signers, instructions


def _written(frame: _Frame) -> list[str]:
    """The accounts that the transaction locks for writing: their fees are the ones to outbid."""
    written = {use.address for one in frame.instructions for use in one.accounts if use.writable}
    return sorted(written | {frame.payer})


def _refused(simulation: Simulation) -> Held:
    """A simulation that fails says why nothing is signed; an empty account has a remedy of its own."""
    meaning = meaning_of_failure(simulation.error or "")
    alarm = None if meaning in PASSING else "unfunded" if meaning == Refusal.UNFUNDED else "simulation"
    return Held(f"the simulation failed: {simulation.error}", alarm)
