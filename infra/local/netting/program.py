"""The netting program as its clients call it: addresses of its accounts, instructions, and what accounts say.

Written from infra/contracts/netting alone, so that what the service sends and reads is compared with another reading.
"""

import struct
from dataclasses import dataclass
from functools import cache
from typing import Final

from functions.netting.core.settlement import discriminator, register_session_key_data
from kernel import base58
from kernel.solana.addresses import SYSTEM_PROGRAM, TOKEN_PROGRAM, associated_token_address, derived_address
from kernel.solana.transactions import AccountUse, Instruction

INSTRUCTIONS_SYSVAR: Final = "Sysvar1nstructions1111111111111111111111111"
ED25519_PROGRAM: Final = "Ed25519SigVerify111111111111111111111111111"
_HERE: Final = 0xFFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The program's own account."""

    authority: str
    last_batch_id: int
    is_paused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """A wallet's funds. requested: asked back without the authority, since Unix second requested_at."""

    owner: str
    locked: int
    requested: int
    requested_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """An item in escrow. requested_at: the Unix second since which its owner wants it back; 0 otherwise."""

    number: int
    owner: str
    mint: str
    requested_at: int


@cache
def _derived(program: str, *seeds: bytes) -> str:
    return derived_address(program, seeds)[0]


@dataclass(frozen=True, slots=True)
class Program:
    """The program at its address."""

    address: str

    @property
    def config(self) -> str:
        """Its own account."""
        return _derived(self.address, b"config")

    @property
    def vault(self) -> str:
        """Who holds the items' tokens."""
        return _derived(self.address, b"vault")

    def ledger(self, wallet: str) -> str:
        """The account of a wallet's funds."""
        return _derived(self.address, b"ledger", base58.decode(wallet))

    def item(self, number: int) -> str:
        """The account of an item."""
        return _derived(self.address, b"item", number.to_bytes(8, "little"))

    def session_key(self, owner: str, session: str) -> str:
        """The account of a session key."""
        return _derived(self.address, b"session_key", base58.decode(owner), base58.decode(session))

    def initialize(self, authority: str) -> Instruction:
        """Make the program obey this authority; whoever comes first."""
        return self._call("initialize", _written(self.config), _payer(authority), AccountUse(SYSTEM_PROGRAM))

    def set_paused(self, authority: str, *, is_paused: bool) -> Instruction:
        """Settle nothing, or go on."""
        return self._call("set_paused", _written(self.config), _signer(authority), arguments=bytes([is_paused]))

    def open_ledger(self, wallet: str, payer: str) -> Instruction:
        """Make a wallet's ledger; anybody may, for anybody."""
        accounts = (_written(self.ledger(wallet)), _payer(payer), AccountUse(SYSTEM_PROGRAM))
        return self._call("open_ledger", *accounts, arguments=base58.decode(wallet))

    def deposit(self, wallet: str, lamports: int) -> Instruction:
        """Lock funds."""
        accounts = (_written(self.ledger(wallet)), _payer(wallet), AccountUse(SYSTEM_PROGRAM))
        return self._call("deposit", *accounts, arguments=_u64(lamports))

    def request_withdrawal(self, wallet: str, lamports: int) -> Instruction:
        """Ask funds back without the authority; 0 takes the request back."""
        return self._call(
            "request_withdrawal", _written(self.ledger(wallet)), _signer(wallet), arguments=_u64(lamports)
        )

    def withdraw(self, wallet: str, lamports: int, authority: str, *, signs: bool = True) -> Instruction:
        """Take funds back, with the authority's signature or after the delay."""
        accounts = (
            _written(self.ledger(wallet)),
            _payer(wallet),
            AccountUse(self.config),
            AccountUse(authority, signer=signs),
        )
        return self._call("withdraw", *accounts, arguments=_u64(lamports))

    def deposit_item(self, number: int, owner: str, mint: str, authority: str) -> Instruction:
        """Give an item's token into escrow under a number of the authority's."""
        accounts = (
            _written(self.item(number)),
            _payer(owner),
            AccountUse(self.config),
            _signer(authority),
            _written(associated_token_address(owner, mint)),
            _written(associated_token_address(self.vault, mint)),
            AccountUse(self.vault),
            AccountUse(TOKEN_PROGRAM),
            AccountUse(SYSTEM_PROGRAM),
        )
        return self._call("deposit_item", *accounts, arguments=_u64(number))

    def request_item(self, number: int, owner: str) -> Instruction:
        """Ask an item back without the authority."""
        return self._call("request_item", _written(self.item(number)), _signer(owner))

    def withdraw_item(self, number: int, owner: str, mint: str, authority: str, *, signs: bool = True) -> Instruction:
        """Take an item back, with the authority's signature or after the delay."""
        accounts = (
            _written(self.item(number)),
            _payer(owner),
            AccountUse(self.config),
            AccountUse(authority, signer=signs),
            _written(associated_token_address(self.vault, mint)),
            _written(associated_token_address(owner, mint)),
            AccountUse(self.vault),
            AccountUse(TOKEN_PROGRAM),
        )
        return self._call("withdraw_item", *accounts)

    def register_session_key(self, owner: str, session: str, max_volume: int, expires_at: int) -> Instruction:
        """Let a session key trade; comes right after `ed25519_check` of its owner's text."""
        accounts = (
            _written(self.session_key(owner, session)),
            _payer(owner),
            AccountUse(session),
            AccountUse(INSTRUCTIONS_SYSVAR),
            AccountUse(SYSTEM_PROGRAM),
        )
        return Instruction(self.address, accounts, register_session_key_data(max_volume, expires_at))

    def revoke_session_key(self, owner: str, session: str) -> Instruction:
        """End a session key for good."""
        return self._call("revoke_session_key", _written(self.session_key(owner, session)), _signer(owner))

    def _call(self, name: str, *accounts: AccountUse, arguments: bytes = b"") -> Instruction:
        return Instruction(self.address, accounts, discriminator("global", name) + arguments)


def ed25519_check(owner: str, text: bytes, signature: bytes) -> Instruction:
    """Have the Ed25519 program check one signature over a text; everything lies in the instruction itself."""
    key_at, signature_at, text_at = 16, 48, 112
    head = (1, 0, signature_at, _HERE, key_at, _HERE, text_at, len(text), _HERE)
    return Instruction(ED25519_PROGRAM, (), struct.pack("<BB7H", *head) + base58.decode(owner) + signature + text)


def read_config(content: bytes) -> Config:
    """The program's own account."""
    _, authority, last, paused = struct.unpack("<Q32sQQ", content)
    return Config(authority=base58.encode(authority), last_batch_id=last, is_paused=bool(paused))


def read_ledger(content: bytes) -> Ledger:
    """A wallet's funds."""
    _, owner, locked, requested, requested_at = struct.unpack("<Q32sQQq", content)
    return Ledger(owner=base58.encode(owner), locked=locked, requested=requested, requested_at=requested_at)


def read_item(content: bytes) -> Item:
    """An item."""
    _, number, owner, mint, requested_at = struct.unpack("<QQ32s32sq", content)
    return Item(number=number, owner=base58.encode(owner), mint=base58.encode(mint), requested_at=requested_at)


def _written(address: str) -> AccountUse:
    return AccountUse(address, writable=True)


def _signer(address: str) -> AccountUse:
    return AccountUse(address, signer=True)


def _payer(address: str) -> AccountUse:
    return AccountUse(address, signer=True, writable=True)


def _u64(number: int) -> bytes:
    return number.to_bytes(8, "little")
