"""Owns the program's accounts, as infra/contracts/netting/state.h lays them out.

An account begins with the first 8 bytes of sha256("account:<Name>"). Numbers are little-endian, keys are their 32
bytes. What the program owns it has written itself, at the kind's own size; anything else is refused.
"""

import hashlib
import struct
from dataclasses import dataclass
from typing import Final

from kernel import base58


class AccountMalformed(ValueError):
    """No account of the program: another kind, another size, or a flag that is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Who settles, the newest batch, and whether the program stands still."""

    authority: str
    last_batch_id: int
    is_paused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """A wallet's locked funds. It may ask for more than it has; more than all cannot be meant."""

    wallet: str
    locked_lamports: int
    asked_lamports: int
    requested_at_s: int

    @property
    def requested_lamports(self) -> int:
        """What is not to be counted on."""
        return min(self.asked_lamports, self.locked_lamports)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """An item in escrow; `requested_at_s` is 0 while nobody wants it back."""

    number: int
    owner: str
    mint: str
    requested_at_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionKey:
    """What an owner lets another key do."""

    owner: str
    key: str
    max_volume_lamports: int
    expires_at_s: int
    is_revoked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearingAccount:
    """A batch in parts on its way: `next_part` of `parts`, with what was taken and is not given yet."""

    batch_id: int
    batch_hash: bytes
    parts: int
    next_part: int
    balance_lamports: int
    items: int
    wallets: int
    is_giving: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StateRoot:
    """The newest root that was kept."""

    batch_id: int
    root: bytes
    da_hash: bytes
    intents: int
    items: int


Account = Config | Ledger | Item | SessionKey | ClearingAccount | StateRoot


def kind_of(name: str) -> bytes:
    """The 8 bytes that an account of this name begins with."""
    return hashlib.sha256(f"account:{name}".encode()).digest()[:8]


_CONFIG: Final = struct.Struct("<8x32sQQ")
_LEDGER: Final = struct.Struct("<8x32sQQq")
_ITEM: Final = struct.Struct("<8xQ32s32sq")
_SESSION_KEY: Final = struct.Struct("<8x32s32sQqQ")
_CLEARING: Final = struct.Struct("<8xQ32sQQQQQQ")
_STATE_ROOT: Final = struct.Struct("<8xQ32s32sQQ")
_KINDS: Final = {
    kind_of("Config"): _CONFIG,
    kind_of("Ledger"): _LEDGER,
    kind_of("Item"): _ITEM,
    kind_of("SessionKey"): _SESSION_KEY,
    kind_of("Clearing"): _CLEARING,
    kind_of("StateRoot"): _STATE_ROOT,
}


def decode_account(content: bytes) -> Account:
    """An account that the program owns. Raises AccountMalformed."""
    layout = _KINDS.get(content[:8])
    if layout is None:
        raise AccountMalformed("the program has no account of this kind")
    if len(content) != layout.size:
        raise AccountMalformed(f"an account of {layout.size} bytes has {len(content)}")
    return _read(layout, content)


def _read(layout: struct.Struct, content: bytes) -> Account:
    fields = layout.unpack(content)
    if layout is _LEDGER:
        wallet, locked, asked, at = fields
        return Ledger(wallet=_text(wallet), locked_lamports=locked, asked_lamports=asked, requested_at_s=at)
    if layout is _ITEM:
        number, owner, mint, at = fields
        return Item(number=number, owner=_text(owner), mint=_text(mint), requested_at_s=at)
    if layout is _SESSION_KEY:
        owner, key, volume, until, revoked = fields
        return SessionKey(
            owner=_text(owner),
            key=_text(key),
            max_volume_lamports=volume,
            expires_at_s=until,
            is_revoked=_flag(revoked),
        )
    if layout is _CONFIG:
        authority, last, paused = fields
        return Config(authority=_text(authority), last_batch_id=last, is_paused=_flag(paused))
    if layout is _CLEARING:
        batch, batch_hash, parts, next_part, balance, items, wallets, giving = fields
        return ClearingAccount(
            batch_id=batch,
            batch_hash=batch_hash,
            parts=parts,
            next_part=next_part,
            balance_lamports=balance,
            items=items,
            wallets=wallets,
            is_giving=_flag(giving),
        )
    batch, root, da_hash, intents, items = fields
    return StateRoot(batch_id=batch, root=root, da_hash=da_hash, intents=intents, items=items)


def _text(key: bytes) -> str:
    return base58.encode(key)


def _flag(number: int) -> bool:
    if number not in (0, 1):
        raise AccountMalformed(f"a flag is 0 or 1, not {number}")
    return bool(number)
