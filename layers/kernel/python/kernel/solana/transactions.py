"""Owns the versioned transaction: instructions as values, the message that signers sign, the bytes that go out.

A message is compiled by solders and is bytes from then on: what is stored, what is signed, what is sent. A
transaction is its signatures before it, and its id is the first of them, the fee payer's:

    raw = compact(number of signatures) ‖ signatures in the order of the message's signers ‖ message

The order of instructions is fixed: the durable nonce's advance first, where the runtime looks for it, then the
compute budget, then the caller's own. Lookup tables are used only where the transaction would not fit without them,
or where the caller says so, because a table is one more account that must be there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kernel import base58
from kernel.errors import Broken
from kernel.keys.solana import SIGNATURE_SIZE_BYTES, checked_address, verify_message
from kernel.solana.addresses import COMPUTE_BUDGET_PROGRAM
from kernel.solana.instructions import AccountUse, Instruction, from_solders, key, system_transfer, to_solders
from kernel.solana.messages import LookupTable, encoded, required_signers
from kernel.solana.nonces import DurableNonce, advance_nonce

if TYPE_CHECKING:
    from solders.hash import Hash
    from solders.message import MessageV0

# What a caller needs to build a transaction comes from here, whichever room keeps it.
__all__ = [
    "AccountUse",
    "DurableNonce",
    "Instruction",
    "LookupTable",
    "SignedSolanaTransaction",
    "compile_message",
    "required_signers",
    "system_transfer",
    "unsigned",
    "with_signatures",
]

# One packet of IPv6: what a leader takes.
TRANSACTION_SIZE_BYTES_MAX: Final = 1232
# What a transaction without a limit of its own may use at most; a simulation runs with it.
UNIT_CAP: Final = 1_400_000


class TransactionTooLarge(Broken):
    """This transaction does not fit into a packet, not even with the lookup tables at hand."""

    cause = f"A signed transaction has at most {TRANSACTION_SIZE_BYTES_MAX} bytes and names at most 256 accounts."
    remedy = "Split the work into several transactions, or give a lookup table that holds its accounts."


class SignatureMissing(Broken):
    """A signer of the message has not signed it."""

    cause = "The intent's signers are not those whose signatures its instructions ask for."
    remedy = "Name every address that an instruction marks as signer, and the fee payer."


@dataclass(frozen=True, slots=True)
class SignedSolanaTransaction:
    """Bytes that any node accepts, and the signature they are known by."""

    raw: bytes
    signature: str


def compile_message(
    payer: str,
    instructions: Sequence[Instruction],
    *,
    blockhash: str | None = None,
    lookup_tables: Sequence[LookupTable] = (),
    compute_unit_limit: int | None = None,
    compute_unit_price: int = 0,
    durable_nonce: DurableNonce | None = None,
    prefer_tables: bool = False,
) -> bytes:
    """The bytes of a version-0 message. compute_unit_price in micro-lamports a unit, 0 for none.

    blockhash, or else a durable nonce: exactly one of them. prefer_tables: use the tables also where all fits without.
    Raises TransactionTooLarge, SolanaAddressInvalid.
    """
    if (blockhash is None) == (durable_nonce is None):
        raise ValueError("a transaction lives by a blockhash or by a durable nonce, and by one of them only")
    if any(instruction.program == COMPUTE_BUDGET_PROGRAM for instruction in instructions):
        raise ValueError("the compute budget is set by its parameters, not by an instruction")
    advance = [] if durable_nonce is None else [advance_nonce(durable_nonce)]
    budget = _compute_budget(compute_unit_limit, compute_unit_price)
    every = [*advance, *budget, *instructions]
    anchor = durable_nonce.blockhash if durable_nonce is not None else str(blockhash)
    plain = None if prefer_tables else _compiled(payer, every, (), anchor)
    if plain is not None and _size_bytes(plain) <= TRANSACTION_SIZE_BYTES_MAX:
        return encoded(plain)
    shortened = _compiled(payer, every, lookup_tables, anchor)
    if shortened is None or _size_bytes(shortened) > TRANSACTION_SIZE_BYTES_MAX:
        size = 0 if shortened is None else _size_bytes(shortened)
        raise TransactionTooLarge(bytes=size, limit=TRANSACTION_SIZE_BYTES_MAX, instructions=len(instructions))
    return encoded(shortened)


def with_signatures(message: bytes, signatures: Mapping[str, bytes]) -> SignedSolanaTransaction:
    """The transaction's bytes. Raises SignatureMissing, SolanaSignatureMismatch; a stranger's signature is left out."""
    ordered: list[bytes] = []
    for signer in required_signers(message):
        signature = signatures.get(signer)
        if signature is None:
            raise SignatureMissing(address=signer)
        verify_message(message, signature, signer)
        ordered.append(signature)
    raw = _compact(len(ordered)) + b"".join(ordered) + message
    return SignedSolanaTransaction(raw=raw, signature=base58.encode(ordered[0]))


def unsigned(message: bytes) -> bytes:
    """The transaction's bytes with signatures of nothing but zeros, as a simulation takes them."""
    count = len(required_signers(message))
    return _compact(count) + bytes(SIGNATURE_SIZE_BYTES) * count + message


def _compute_budget(limit: int | None, price: int) -> list[Instruction]:
    from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price

    if limit is not None and not 0 < limit <= UNIT_CAP:
        raise ValueError(f"a compute limit of {limit} units is not within 1 and {UNIT_CAP}")
    limits = [] if limit is None else [from_solders(set_compute_unit_limit(limit))]
    return limits + ([from_solders(set_compute_unit_price(price))] if price else [])


def _compiled(
    payer: str, instructions: Sequence[Instruction], tables: Sequence[LookupTable], anchor: str
) -> "MessageV0 | None":
    """None when it names more accounts than an index can count."""
    from solders.address_lookup_table_account import AddressLookupTableAccount
    from solders.message import CompileError, MessageV0

    known = [AddressLookupTableAccount(key(table.address), [key(one) for one in table.addresses]) for table in tables]
    try:
        return MessageV0.try_compile(key(payer), [to_solders(one) for one in instructions], known, _hash(anchor))
    except CompileError:
        return None


def _hash(blockhash: str) -> "Hash":
    from solders.hash import Hash

    # A blockhash is written as an address is: 32 bytes in base58.
    return Hash.from_string(checked_address(blockhash))


def _size_bytes(message: "MessageV0") -> int:
    signers = message.header.num_required_signatures
    return len(_compact(signers)) + SIGNATURE_SIZE_BYTES * signers + len(encoded(message))


def _compact(number: int) -> bytes:
    """Solana's compact-u16; a message has at most 255 signers, so two bytes are enough."""
    return bytes([number]) if number < 0x80 else bytes([number & 0x7F | 0x80, number >> 7])
