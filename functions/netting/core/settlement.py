"""Owns the bytes of the program's instructions and events: Anchor's discriminators and Borsh.

An instruction begins with the first 8 bytes of sha256("global:<name>"), an event with those of sha256("event:<Name>").
Numbers are little-endian; a list is a u32 count and its elements; a public key is its 32 bytes.
"""

import hashlib
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from kernel import base58

_KEY_SIZE_BYTES: Final = 32


class SettlementUnfit(ValueError):
    """A batch that the program would refuse, or an event that is none of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetBatchSettled:
    """The program has settled a batch; `settled_at` is the cluster's clock in seconds."""

    batch_id: int
    num_items: int
    num_wallets: int
    batch_hash: bytes
    settled_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StateRootSettled:
    """The program has kept a state's root."""

    batch_id: int
    root: bytes
    da_hash: bytes
    num_intents: int
    num_items: int
    timestamp: int


def discriminator(kind: str, name: str) -> bytes:
    """The 8 bytes of an instruction ("global") or an event ("event")."""
    return hashlib.sha256(f"{kind}:{name}".encode()).digest()[:8]


SETTLE_NET_BATCH: Final = discriminator("global", "settle_net_batch")
REGISTER_SESSION_KEY: Final = discriminator("global", "register_session_key")
DEPOSIT: Final = discriminator("global", "deposit")
WITHDRAW: Final = discriminator("global", "withdraw")
DEPOSIT_ITEM: Final = discriminator("global", "deposit_item")
WITHDRAW_ITEM: Final = discriminator("global", "withdraw_item")
REVOKE_SESSION_KEY: Final = discriminator("global", "revoke_session_key")
SETTLE_STATE_ROOT: Final = discriminator("global", "settle_state_root")
OPEN_LEDGER: Final = discriminator("global", "open_ledger")
BEGIN_PARTS: Final = discriminator("global", "begin_parts")
SETTLE_PART: Final = discriminator("global", "settle_part")
NET_BATCH_SETTLED: Final = discriminator("event", "NetBatchSettled")
STATE_ROOT_SETTLED: Final = discriminator("event", "StateRootSettled")


def settle_net_batch_data(
    batch_id: int, batch_hash: bytes, items: Sequence[tuple[int, str]], deltas: Sequence[tuple[str, int]]
) -> bytes:
    """The instruction that settles a whole batch: u64 items to owners, owners to signed lamports, in the order given.

    Raises SettlementUnfit for deltas that do not add up to 0, or an item or a wallet that comes twice.
    """
    if sum(delta for _, delta in deltas) != 0:
        raise SettlementUnfit("the deltas do not add up to zero")
    for names in ([item for item, _ in items], [owner for owner, _ in deltas]):
        if len(set(names)) != len(names):
            raise SettlementUnfit("an item or a wallet comes twice")
    head = SETTLE_NET_BATCH + _u64(batch_id) + _hash(batch_hash)
    return head + _items(items) + _u32(len(deltas)) + b"".join(_key(owner) + _i64(delta) for owner, delta in deltas)


def begin_parts_data(batch_id: int, parts: int, batch_hash: bytes) -> bytes:
    """The instruction that opens a batch which comes in so many parts."""
    return BEGIN_PARTS + _u64(batch_id) + _u32(parts) + _hash(batch_hash)


def settle_part_data(
    batch_id: int,
    index: int,
    debits: Sequence[tuple[str, int]],
    credits_: Sequence[tuple[str, int]],
    items: Sequence[tuple[int, str]],
) -> bytes:
    """The instruction that settles one part: lamports taken from wallets, lamports given to wallets, items moved."""
    head = SETTLE_PART + _u64(batch_id) + _u32(index)
    return head + _amounts(debits) + _amounts(credits_) + _items(items)


def open_ledger_data(owner: str) -> bytes:
    """The instruction that opens a wallet's ledger."""
    return OPEN_LEDGER + _key(owner)


def deposit_data(lamports: int) -> bytes:
    """The instruction that locks a wallet's funds."""
    return DEPOSIT + _u64(lamports)


def withdraw_data(lamports: int) -> bytes:
    """The instruction that gives a wallet's funds back."""
    return WITHDRAW + _u64(lamports)


def deposit_item_data(number: int) -> bytes:
    """The instruction that takes an item into escrow."""
    return DEPOSIT_ITEM + _u64(number)


def register_session_key_data(max_volume_lamports: int, expires_at: int) -> bytes:
    """The instruction by which an owner lets a session key trade; `expires_at` in seconds."""
    return REGISTER_SESSION_KEY + _u64(max_volume_lamports) + _i64(expires_at)


def settle_state_root_data(batch_id: int, root: bytes, da_hash: bytes, num_intents: int, num_items: int) -> bytes:
    """The instruction that keeps a state's root."""
    return SETTLE_STATE_ROOT + _u64(batch_id) + _hash(root) + _hash(da_hash) + _u64(num_intents) + _u64(num_items)


def decode_event(content: bytes) -> NetBatchSettled | StateRootSettled:
    """The event in what a "Program data:" line carries. Raises SettlementUnfit for any other."""
    kind, body = content[:8], content[8:]
    try:
        if kind == NET_BATCH_SETTLED:
            batch_id, items, wallets, batch_hash, settled_at = struct.unpack("<QII32sq", body)
            return NetBatchSettled(
                batch_id=batch_id, num_items=items, num_wallets=wallets, batch_hash=batch_hash, settled_at=settled_at
            )
        if kind == STATE_ROOT_SETTLED:
            batch_id, root, da_hash, intents, items, timestamp = struct.unpack("<Q32s32sQQq", body)
            return StateRootSettled(
                batch_id=batch_id,
                root=root,
                da_hash=da_hash,
                num_intents=intents,
                num_items=items,
                timestamp=timestamp,
            )
    except struct.error as unfit:
        raise SettlementUnfit("an event of the program is of another length") from unfit
    raise SettlementUnfit("no event of the program")


def by_item(final_owners: Mapping[str, str], numbers: Mapping[str, int]) -> list[tuple[int, str]]:
    """Items as the program knows them, ascending. Raises KeyError for one without a number."""
    return sorted((numbers[item], owner) for item, owner in final_owners.items())


def _items(items: Sequence[tuple[int, str]]) -> bytes:
    return _u32(len(items)) + b"".join(_u64(item) + _key(owner) for item, owner in items)


def _amounts(amounts: Sequence[tuple[str, int]]) -> bytes:
    return _u32(len(amounts)) + b"".join(_key(owner) + _u64(lamports) for owner, lamports in amounts)


def _key(text: str) -> bytes:
    key = base58.decode(text)
    if len(key) != _KEY_SIZE_BYTES:
        raise SettlementUnfit("a public key has 32 bytes")
    return key


def _hash(content: bytes) -> bytes:
    if len(content) != _KEY_SIZE_BYTES:
        raise SettlementUnfit("a hash has 32 bytes")
    return content


def _u32(number: int) -> bytes:
    return number.to_bytes(4, "little")


def _u64(number: int) -> bytes:
    return number.to_bytes(8, "little")


def _i64(number: int) -> bytes:
    return number.to_bytes(8, "little", signed=True)
