"""Owns what the bytes of a message say: who must sign it, and what they agree to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kernel.errors import Broken
from kernel.solana.instructions import AccountUse, Instruction

if TYPE_CHECKING:
    from solders.message import MessageV0


class SolanaMessageUnreadable(Broken):
    """These bytes are no message of a versioned transaction."""

    cause = "They were not compiled here, are cut, or name a lookup table that was not given."
    remedy = "Compare them with what the outbox stored; nothing was sent."


@dataclass(frozen=True, slots=True)
class LookupTable:
    """A lookup table on the chain and the addresses in it, by index."""

    address: str
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Message:
    """What a message says: for the eyes of a signer, and for tests. The first signer pays."""

    signers: tuple[str, ...]
    blockhash: str
    instructions: tuple[Instruction, ...]
    lookup_tables: tuple[str, ...]


def required_signers(message: bytes) -> tuple[str, ...]:
    """Who must sign, the payer first. Raises SolanaMessageUnreadable."""
    read = _read(message)
    return tuple(map(str, read.account_keys[: read.header.num_required_signatures]))


def read_message(message: bytes, lookup_tables: Sequence[LookupTable] = ()) -> Message:
    """What the bytes say. Raises SolanaMessageUnreadable, also where a lookup table is named that is not given."""
    read = _read(message)
    keys = [*map(str, read.account_keys), *_loaded(read, lookup_tables)]
    signers = read.header.num_required_signatures
    try:
        instructions = tuple(
            Instruction(
                program=keys[one.program_id_index],
                accounts=tuple(
                    AccountUse(keys[index], signer=index < signers, writable=_is_writable(read, index))
                    for index in one.accounts
                ),
                data=bytes(one.data),
            )
            for one in read.instructions
        )
    except IndexError:
        raise SolanaMessageUnreadable from None
    tables = tuple(str(table.account_key) for table in read.address_table_lookups)
    return Message(tuple(keys[:signers]), str(read.recent_blockhash), instructions, tables)


def encoded(message: "MessageV0") -> bytes:
    """The bytes that are signed, the version's mark first."""
    from solders.message import to_bytes_versioned

    return bytes(to_bytes_versioned(message))


def _read(message: bytes) -> "MessageV0":
    from solders.message import MessageV0, from_bytes_versioned

    try:
        read = from_bytes_versioned(message)
    except Exception as unreadable:  # solders raises its own kinds for each way to be cut
        raise SolanaMessageUnreadable from unreadable
    if not isinstance(read, MessageV0) or encoded(read) != message:
        raise SolanaMessageUnreadable
    return read


def _loaded(read: "MessageV0", tables: Sequence[LookupTable]) -> list[str]:
    """The looked-up addresses in the order of their indexes: every writable one before the first that is read only."""
    contents = {table.address: table.addresses for table in tables}
    writable: list[str] = []
    readonly: list[str] = []
    try:
        for lookup in read.address_table_lookups:
            content = contents[str(lookup.account_key)]
            writable += [content[index] for index in lookup.writable_indexes]
            readonly += [content[index] for index in lookup.readonly_indexes]
    except LookupError:
        raise SolanaMessageUnreadable from None
    return writable + readonly


def _is_writable(read: "MessageV0", index: int) -> bool:
    header, count = read.header, len(read.account_keys)
    if index >= count:
        return index - count < sum(len(lookup.writable_indexes) for lookup in read.address_table_lookups)
    if index < header.num_required_signatures:
        return index < header.num_required_signatures - header.num_readonly_signed_accounts
    return index < count - header.num_readonly_unsigned_accounts
