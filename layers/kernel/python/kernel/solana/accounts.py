"""Owns accounts as the RPC tells them: lamports, owner and bytes, and what nonces and lookup tables keep in theirs."""

import base64
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from kernel import base58
from kernel.errors import Broken
from kernel.solana.addresses import LOOKUP_TABLE_PROGRAM, SYSTEM_PROGRAM
from kernel.solana.nonces import NONCE_SIZE_BYTES

ADDRESS_SIZE_BYTES: Final = 32
NONCE_INITIALIZED: Final = 1
# Kind, deactivation slot, last extended slot, its first index, authority with its flag, padding: then addresses.
TABLE_HEAD: Final = struct.Struct("<IQQB")
TABLE_HEAD_SIZE_BYTES: Final = 56
TABLE_KIND: Final = 1
NEVER_DEACTIVATED: Final = 2**64 - 1


class AccountUnfit(Broken):
    """A Solana account is not what it is used as."""

    cause = "It does not exist, belongs to another program, or holds other bytes: no nonce, no active lookup table."
    remedy = "Compare the address in details with the intent's, and create the account if it is gone."


@dataclass(frozen=True, slots=True)
class AccountState:
    """An account as of a slot."""

    lamports: int
    owner: str
    data: bytes
    executable: bool
    slot: int

    @classmethod
    def from_rpc(cls, answer: Mapping[str, Any]) -> "AccountState | None":
        """From getAccountInfo in base64; None when there is no such account."""
        value = answer["value"]
        if value is None:
            return None
        return cls(
            lamports=int(value["lamports"]),
            owner=str(value["owner"]),
            data=base64.b64decode(value["data"][0]),
            executable=bool(value["executable"]),
            slot=int(answer["context"]["slot"]),
        )


@dataclass(frozen=True, slots=True)
class NonceState:
    """What a nonce account holds: who may advance it, and the value that takes the place of a blockhash."""

    authority: str
    blockhash: str


def nonce_of(address: str, account: AccountState | None) -> NonceState:
    """The nonce in an account. Raises AccountUnfit."""
    if account is None or account.owner != SYSTEM_PROGRAM or len(account.data) != NONCE_SIZE_BYTES:
        raise AccountUnfit(address=address, expected="nonce")
    _, state = struct.unpack_from("<II", account.data)
    if state != NONCE_INITIALIZED:
        raise AccountUnfit(address=address, expected="nonce")
    return NonceState(authority=base58.encode(account.data[8:40]), blockhash=base58.encode(account.data[40:72]))


def table_of(address: str, account: AccountState | None) -> tuple[str, ...]:
    """The addresses in a lookup table that a transaction may use now, by index. Raises AccountUnfit.

    What was added in the account's own slot can be looked up in the next one only.
    """
    if account is None or account.owner != LOOKUP_TABLE_PROGRAM or len(account.data) < TABLE_HEAD_SIZE_BYTES:
        raise AccountUnfit(address=address, expected="lookup table")
    kind, deactivated_slot, extended_slot, first_new = TABLE_HEAD.unpack_from(account.data)
    if kind != TABLE_KIND or deactivated_slot != NEVER_DEACTIVATED:
        raise AccountUnfit(address=address, expected="active lookup table")
    content = account.data[TABLE_HEAD_SIZE_BYTES:]
    starts = range(0, len(content) - len(content) % ADDRESS_SIZE_BYTES, ADDRESS_SIZE_BYTES)
    addresses = tuple(base58.encode(content[start : start + ADDRESS_SIZE_BYTES]) for start in starts)
    return addresses[:first_new] if account.slot <= extended_slot else addresses
