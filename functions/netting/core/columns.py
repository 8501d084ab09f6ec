"""Owns the clearing rule itself, over columns of numbers: one pass over the intents in priority order.

Every item has an owner, every wallet a position, which begins at 0. An intent is accepted if and only if

1. its seller owns the item now,
2. the buyer's available balance and position together cover the amount, and
3. no position that it moves reaches POSITION_LIMIT, in either direction.

Acceptance moves the item and the four positions; anything else moves nothing. So the positions add up to 0 after each
intent, nobody is ever short, and the pass is linear in the intents whatever they are.

The pass is a plain loop over lists: each step depends on the one before it, and a list's elements are read five times
faster than an array's. What surrounds it is numpy's.
"""

import hashlib
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from functions.netting.core.bounds import POSITION_LIMIT

Column = NDArray[np.int64]


class Verdict(IntEnum):
    """What became of an intent."""

    ACCEPTED = 0
    UNKNOWN_ITEM = 1
    NOT_OWNER = 2
    INSUFFICIENT_FUNDS = 3
    POSITION_LIMIT = 4


_NOT_OWNER, _INSUFFICIENT_FUNDS, _POSITION_LIMIT = (
    int(one) for one in (Verdict.NOT_OWNER, Verdict.INSUFFICIENT_FUNDS, Verdict.POSITION_LIMIT)
)
#: More than any wallet can pay in a batch of less than ten million intents.
_PLENTY: Final = 1 << 62
_FLOAT_SLACK: Final = 10**6


class ColumnsUnfit(ValueError):
    """The columns do not belong together, or an amount or a wallet is out of its bounds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Charges:
    """What is taken out of the seller's proceeds, per intent, and the wallet that each share goes to; in lamports."""

    fee: Column
    treasury: int
    royalty: Column
    creator: Column


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleared:
    """verdicts: a Verdict an intent. owner_of_item, delta_of_wallet: when all is done."""

    verdicts: NDArray[np.uint8]
    owner_of_item: Column
    delta_of_wallet: Column


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearedArrays(Cleared):
    """The same, and the 32 bytes that name the result."""

    result_hash: bytes


def clear_arrays(
    item: Column,
    seller: Column,
    buyer: Column,
    amount_lamports: Column,
    owner_of_item: Column,
    balance_of_wallet: Column | None = None,
) -> ClearedArrays:
    """Clear intents that are given as columns in priority order; items and wallets are numbers from 0.

    owner_of_item: -1 for an item that nobody owns. balance_of_wallet: what each wallet can spend; without it nobody's
    funds are asked for. Raises ColumnsUnfit.
    """
    everybody = (seller, buyer, owner_of_item)
    wallets = 1 + max((int(column.max()) for column in everybody if len(column)), default=-1)
    if balance_of_wallet is not None:
        wallets = max(wallets, len(balance_of_wallet))
    done = clear_columns(item, seller, buyer, amount_lamports, owner_of_item, wallets, balance_of_wallet)
    return ClearedArrays(
        verdicts=done.verdicts,
        owner_of_item=done.owner_of_item,
        delta_of_wallet=done.delta_of_wallet,
        result_hash=_hash(item, done),
    )


def clear_columns(
    item: Column,
    seller: Column,
    buyer: Column,
    amount: Column,
    owner_of_item: Column,
    wallets: int,
    available: Column | None = None,
    charges: Charges | None = None,
) -> Cleared:
    """The pass over all intents. Raises ColumnsUnfit."""
    _require_fit(item, seller, buyer, amount, wallets, available)
    is_known = np.isin(item, np.flatnonzero(owner_of_item >= 0))
    # One more item, which nobody owns, stands for all that are unknown.
    places = np.where(is_known, item, len(owner_of_item))
    owners, verdicts = [*owner_of_item.tolist(), -1], bytearray(len(item))
    funds = [_PLENTY] * wallets if available is None else available.tolist()
    intents = zip(places.tolist(), seller.tolist(), buyer.tolist(), amount.tolist(), strict=True)
    if charges is None and not _may_reach_limit(seller, buyer, amount):
        before = np.array(funds, dtype=np.int64)
        _plain_pass(intents, verdicts, owners, funds)
        deltas = np.array(funds, dtype=np.int64) - before
    else:
        positions = [0] * wallets
        _whole_pass(zip(intents, _shares(charges, len(item)), strict=True), verdicts, owners, positions, funds)
        deltas = np.array(positions, dtype=np.int64)
    if deltas.sum() != 0:
        raise AssertionError("the positions do not add up to zero")
    told = np.frombuffer(verdicts, dtype=np.uint8)
    return Cleared(
        verdicts=np.where(is_known, told, np.uint8(Verdict.UNKNOWN_ITEM)),
        owner_of_item=np.array(owners[:-1], dtype=np.int64),
        delta_of_wallet=deltas,
    )


def _plain_pass(
    intents: Iterable[tuple[int, int, int, int]], verdicts: bytearray, owners: list[int], funds: list[int]
) -> None:
    """Without charges, and where no position can reach the limit: what a million intents wait for."""
    for number, (item, seller, buyer, amount) in enumerate(intents):
        if owners[item] != seller:
            verdicts[number] = _NOT_OWNER
            continue
        left = funds[buyer] - amount
        if left < 0:
            verdicts[number] = _INSUFFICIENT_FUNDS
            continue
        owners[item] = buyer
        funds[buyer] = left
        funds[seller] += amount


def _whole_pass(
    intents: Iterable[tuple[tuple[int, int, int, int], tuple[int, int, int, int]]],
    verdicts: bytearray,
    owners: list[int],
    positions: list[int],
    funds: Sequence[int],
) -> None:
    """The whole rule. Two of the four wallets may be one."""
    for number, ((item, seller, buyer, amount), (fee, treasury, royalty, creator)) in enumerate(intents):
        if owners[item] != seller:
            verdicts[number] = _NOT_OWNER
            continue
        if funds[buyer] + positions[buyer] < amount:
            verdicts[number] = _INSUFFICIENT_FUNDS
            continue
        moves = ((buyer, -amount), (seller, amount - fee - royalty), (treasury, fee), (creator, royalty))
        for wallet, change in moves:
            positions[wallet] += change
        if any(abs(positions[wallet]) >= POSITION_LIMIT for wallet, _ in moves):
            for wallet, change in moves:
                positions[wallet] -= change
            verdicts[number] = _POSITION_LIMIT
            continue
        owners[item] = buyer


def _may_reach_limit(seller: Column, buyer: Column, amount: Column) -> bool:
    """Whether all that a wallet could sell, or all that it could buy, is as much as the limit."""
    sums = (np.bincount(side, weights=amount) for side in (seller, buyer))
    # Sums of floats may be off by a few lamports in 10^12.
    return any(len(one) > 0 and one.max() >= POSITION_LIMIT - _FLOAT_SLACK for one in sums)


def _shares(charges: Charges | None, intents: int) -> Iterable[tuple[int, int, int, int]]:
    if charges is None:
        return itertools.repeat((0, 0, 0, 0), intents)
    return zip(
        charges.fee.tolist(),
        itertools.repeat(charges.treasury, intents),
        charges.royalty.tolist(),
        charges.creator.tolist(),
        strict=True,
    )


def _require_fit(
    item: Column, seller: Column, buyer: Column, amount: Column, wallets: int, available: Column | None
) -> None:
    columns = (item, seller, buyer, amount)
    if len({len(column) for column in columns}) != 1 or any(column.dtype != np.int64 for column in columns):
        raise ColumnsUnfit("columns are of one length and of int64")
    if available is not None and (
        len(available) != wallets or (wallets and not 0 <= available.min() <= available.max() < _PLENTY)
    ):
        raise ColumnsUnfit("each wallet has a balance, below 2^62 lamports")
    if not len(item):
        return
    if min(seller.min(), buyer.min()) < 0 or max(seller.max(), buyer.max()) >= wallets:
        raise ColumnsUnfit("a wallet is a number from 0 on")
    if amount.min() < 1 or amount.max() >= POSITION_LIMIT:
        raise ColumnsUnfit(f"an amount is 1 to {POSITION_LIMIT - 1} lamports")


def _hash(item: Column, done: Cleared) -> bytes:
    """SHA-256 over three lists, each behind its length: traded items and owners, wallets and deltas, accepted intents.

    Numbers take the place that names have in `canonical.py`, in ascending order.
    """
    accepted = np.flatnonzero(done.verdicts == Verdict.ACCEPTED)
    is_traded = np.zeros(len(done.owner_of_item), dtype=bool)
    is_traded[item[accepted]] = True
    traded = np.flatnonzero(is_traded)
    moved = np.flatnonzero(done.delta_of_wallet)
    digest = hashlib.sha256()
    for columns in ((traded, done.owner_of_item[traded]), (moved, done.delta_of_wallet[moved]), (accepted,)):
        digest.update(len(columns[0]).to_bytes(8, "little"))
        digest.update(np.ascontiguousarray(np.stack(columns, axis=1).astype("<i8")).tobytes())
    return digest.digest()
