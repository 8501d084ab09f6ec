"""Owns what an instruction that the program carried out has done: read back from its accounts and its bytes.

Only what ran counts, and of a transaction that went through everything ran: so the program's own checks hold. What they
leave open (accounts behind the last) is left open here, too, and what the program would have refused is refused: then
it is another program.
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from functions.netting.core.settlement import discriminator
from kernel import base58

KEY_SIZE_BYTES: Final = 32
#: Where the accounts of a batch's items and wallets begin.
_TOUCHED_FROM: Final = 3


class InstructionMalformed(ValueError):
    """An instruction that the program does not have, or would have refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerOpened:
    """A wallet may lock funds from now on."""

    wallet: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Deposited:
    """A wallet locked funds."""

    wallet: str
    lamports: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalRequested:
    """A wallet wants funds back without the authority; 0 takes that back."""

    wallet: str
    lamports: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """A wallet took funds back."""

    wallet: str
    lamports: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemDeposited:
    """An owner put an item into escrow."""

    number: int
    owner: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemRequested:
    """An owner wants the item of an account back without the authority."""

    account: str
    owner: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemWithdrawn:
    """An owner took the item of an account back; the account is gone."""

    account: str
    owner: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRegistered:
    """An owner lets a key trade."""

    account: str
    owner: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRevoked:
    """An owner lets the key of an account trade no more."""

    account: str
    owner: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchSettled:
    """A whole batch: items to owners, wallets to signed lamports."""

    batch_id: int
    batch_hash: bytes
    items: tuple[tuple[int, str], ...]
    deltas: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PartSettled:
    """A part of a batch: lamports taken, lamports given, items moved."""

    batch_id: int
    index: int
    debits: tuple[tuple[str, int], ...]
    credits: tuple[tuple[str, int], ...]
    items: tuple[tuple[int, str], ...]


Step = (
    LedgerOpened
    | Deposited
    | WithdrawalRequested
    | Withdrawn
    | ItemDeposited
    | ItemRequested
    | ItemWithdrawn
    | SessionRegistered
    | SessionRevoked
    | BatchSettled
    | PartSettled
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Executed:
    """What was done at a path of a transaction, and which of the program's accounts of wallets, items and sessions it
    changed."""

    path: str
    step: Step
    touched: tuple[str, ...]


def decode_instruction(path: str, accounts: Sequence[str], content: bytes) -> Executed | None:
    """What an instruction of the program did; None for one that changes nothing of a wallet's, an item's or a
    session's. Raises InstructionMalformed."""
    read = _READERS.get(content[:8])
    if read is None:
        raise InstructionMalformed("the program has no instruction of this name")
    try:
        found = read(accounts, _Borsh(content[8:]))
    except (struct.error, IndexError) as short:
        raise InstructionMalformed("an instruction ends early") from short
    return None if found is None else Executed(path=path, step=found[0], touched=tuple(found[1]))


class _Borsh:
    def __init__(self, content: bytes) -> None:
        self._content, self._at = content, 0

    def take(self, layout: str) -> int:
        [number] = struct.unpack_from(f"<{layout}", self._content, self._at)
        self._at += struct.calcsize(f"<{layout}")
        return int(number)

    def octets(self, count: int = KEY_SIZE_BYTES) -> bytes:
        taken = self._content[self._at : self._at + count]
        if len(taken) < count:
            raise InstructionMalformed("an instruction ends early")
        self._at += count
        return taken

    def key(self) -> str:
        return base58.encode(self.octets())

    def items(self) -> tuple[tuple[int, str], ...]:
        return tuple((self.take("Q"), self.key()) for _ in range(self.take("I")))

    def amounts(self, layout: str) -> tuple[tuple[str, int], ...]:
        return tuple((self.key(), self.take(layout)) for _ in range(self.take("I")))

    def end(self) -> None:
        if self._at != len(self._content):
            raise InstructionMalformed("an instruction goes on behind its end")


_Found = tuple[Step, Sequence[str]] | None


def _nothing(_accounts: Sequence[str], _data: _Borsh) -> _Found:
    return None


def _opened(accounts: Sequence[str], data: _Borsh) -> _Found:
    wallet = data.key()
    data.end()
    return LedgerOpened(wallet=wallet), accounts[:1]


def _funds(step: Callable[..., Step]) -> Callable[[Sequence[str], _Borsh], _Found]:
    def read(accounts: Sequence[str], data: _Borsh) -> _Found:
        lamports = data.take("Q")
        data.end()
        return step(wallet=accounts[1], lamports=lamports), accounts[:1]

    return read


def _item_deposited(accounts: Sequence[str], data: _Borsh) -> _Found:
    number = data.take("Q")
    data.end()
    return ItemDeposited(number=number, owner=accounts[1]), accounts[:1]


def _owned(step: Callable[..., Step]) -> Callable[[Sequence[str], _Borsh], _Found]:
    def read(accounts: Sequence[str], data: _Borsh) -> _Found:
        data.end()
        return step(account=accounts[0], owner=accounts[1]), accounts[:1]

    return read


def _registered(accounts: Sequence[str], data: _Borsh) -> _Found:
    data.octets(16)  # the account says what was registered
    data.end()
    return SessionRegistered(account=accounts[0], owner=accounts[1], key=accounts[2]), accounts[:1]


def _batch(accounts: Sequence[str], data: _Borsh) -> _Found:
    batch_id, batch_hash = data.take("Q"), data.octets()
    items, deltas = data.items(), data.amounts("q")
    data.end()
    step = BatchSettled(batch_id=batch_id, batch_hash=batch_hash, items=items, deltas=deltas)
    return step, _counted(accounts, len(items) + len(deltas))


def _part(accounts: Sequence[str], data: _Borsh) -> _Found:
    batch_id, index = data.take("Q"), data.take("I")
    debits, credits_, items = data.amounts("Q"), data.amounts("Q"), data.items()
    data.end()
    step = PartSettled(batch_id=batch_id, index=index, debits=debits, credits=credits_, items=items)
    return step, _counted(accounts, len(debits) + len(credits_) + len(items))


def _counted(accounts: Sequence[str], count: int) -> Sequence[str]:
    touched = accounts[_TOUCHED_FROM : _TOUCHED_FROM + count]
    if len(touched) < count:
        raise InstructionMalformed("an instruction names fewer accounts than it changes")
    return touched


_READERS: Final[Mapping[bytes, Callable[[Sequence[str], _Borsh], _Found]]] = {
    discriminator("global", name): read
    for name, read in {
        "initialize": _nothing,
        "set_paused": _nothing,
        "open_ledger": _opened,
        "deposit": _funds(Deposited),
        "request_withdrawal": _funds(WithdrawalRequested),
        "withdraw": _funds(Withdrawn),
        "deposit_item": _item_deposited,
        "request_item": _owned(ItemRequested),
        "withdraw_item": _owned(ItemWithdrawn),
        "register_session_key": _registered,
        "revoke_session_key": _owned(SessionRevoked),
        "settle_net_batch": _batch,
        "begin_parts": _nothing,
        "settle_part": _part,
        "settle_state_root": _nothing,
    }.items()
}
