"""Owns the clearing of a batch: intents by name, in any order, become final owners, deltas and one hash of all that.

Priority is (created at, nonce, id as bytes), so that the result is the same whatever the order in which intents come.
The rule is in `columns.py`; here names become numbers and numbers names again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Generic, Protocol, TypeVar

import numpy as np

from functions.netting.core.canonical import result_hash
from functions.netting.core.columns import Charges, Verdict, clear_columns
from kernel.amounts import ONE_BPS

T = TypeVar("T")


class Intent(Protocol):
    """What clearing reads of a signed intent. `created_at` is in milliseconds."""

    @property
    def id(self) -> str: ...
    @property
    def item_id(self) -> str: ...
    @property
    def seller(self) -> str: ...
    @property
    def buyer(self) -> str: ...
    @property
    def amount_lamports(self) -> int: ...
    @property
    def created_at(self) -> int: ...
    @property
    def nonce(self) -> int: ...


class Reason(StrEnum):
    """Why an intent moved nothing."""

    UNKNOWN_ITEM = "unknown_item"
    NOT_OWNER = "not_owner"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    POSITION_LIMIT = "position_limit"
    NOT_CHOSEN = "not_chosen"  # of the optimal mode alone: others were worth more


@dataclass(frozen=True, slots=True, kw_only=True)
class Royalty:
    """What the creator of an item gets of each of its sales."""

    creator: str
    bps: int


@dataclass(frozen=True, slots=True)
class Clearing:
    """The outcome of a batch.

    final_owners: of every item with an accepted intent. deltas: wallet to lamports, without zeros; they add up to 0.
    accepted: ids in priority order. result_hash: 32 bytes, as `canonical.py` defines them.
    """

    final_owners: dict[str, str]
    deltas: dict[str, int]
    accepted: list[str]
    skipped: dict[str, Reason]
    result_hash: bytes


_REASONS: Final = {
    Verdict.UNKNOWN_ITEM: Reason.UNKNOWN_ITEM,
    Verdict.NOT_OWNER: Reason.NOT_OWNER,
    Verdict.INSUFFICIENT_FUNDS: Reason.INSUFFICIENT_FUNDS,
    Verdict.POSITION_LIMIT: Reason.POSITION_LIMIT,
}


def clear(
    intents: Sequence[Intent],
    owners: Mapping[str, str],
    balances: Mapping[str, int] | None = None,
    fee_bps: int = 0,
    treasury: str | None = None,
    royalties: Mapping[str, Royalty] | None = None,
) -> Clearing:
    """Clear a batch.

    owners: item to wallet. balances: wallet to the lamports it can spend, none where absent; without the mapping funds
    are not asked for. fee_bps: of each sale, to `treasury`. royalties: item to its creator's share. Raises ValueError
    for two intents of one id, rates above all of a sale, a fee without a treasury, and ColumnsUnfit.
    """
    ordered = sorted(intents, key=priority)
    if len({intent.id for intent in ordered}) != len(ordered):
        raise ValueError("two intents have one id")
    royalties = royalties or {}
    _require_rates(fee_bps, treasury, royalties)
    items, wallets = Numbering(owners), Numbering[str]()
    owner_numbers = [wallets.number(owner) for owner in owners.values()]
    item = _column([items.known(intent.item_id) for intent in ordered])
    seller = _column([wallets.number(intent.seller) for intent in ordered])
    buyer = _column([wallets.number(intent.buyer) for intent in ordered])
    amount = _column([intent.amount_lamports for intent in ordered])
    charges = _charges(ordered, amount, wallets, fee_bps, treasury, royalties)
    available = None if balances is None else _column([balances.get(name, 0) for name in wallets.names])
    done = clear_columns(item, seller, buyer, amount, _column(owner_numbers), len(wallets.names), available, charges)

    verdicts = [Verdict(code) for code in done.verdicts.tolist()]
    accepted = [intent for intent, verdict in zip(ordered, verdicts, strict=True) if verdict is Verdict.ACCEPTED]
    final = done.owner_of_item.tolist()
    final_owners = {name: wallets.names[final[items.known(name)]] for name in {one.item_id for one in accepted}}
    deltas = {name: delta for name, delta in zip(wallets.names, done.delta_of_wallet.tolist(), strict=True) if delta}
    ids = [intent.id for intent in accepted]
    return Clearing(
        final_owners=final_owners,
        deltas=deltas,
        accepted=ids,
        skipped={one.id: _REASONS[verdict] for one, verdict in zip(ordered, verdicts, strict=True) if verdict},
        result_hash=result_hash(final_owners, deltas, ids),
    )


def priority(intent: Intent) -> tuple[int, int, bytes]:
    """Who comes first; unique, since ids are."""
    return intent.created_at, intent.nonce, intent.id.encode()


class Numbering(Generic[T]):
    """Numbers from 0 for names, in the order in which they come."""

    def __init__(self, names: Mapping[T, object] | Sequence[T] = ()) -> None:
        self.names = list(names)
        self._numbers = {name: number for number, name in enumerate(self.names)}

    def number(self, name: T) -> int:
        """The name's number; a new one for a new name."""
        if name not in self._numbers:
            self._numbers[name] = len(self.names)
            self.names.append(name)
        return self._numbers[name]

    def known(self, name: T) -> int:
        """The name's number, or -1."""
        return self._numbers.get(name, -1)


def _column(values: Sequence[int]) -> "np.typing.NDArray[np.int64]":
    return np.array(values, dtype=np.int64)


def _require_rates(fee_bps: int, treasury: str | None, royalties: Mapping[str, Royalty]) -> None:
    highest = max((royalty.bps for royalty in royalties.values()), default=0)
    lowest = min((royalty.bps for royalty in royalties.values()), default=0)
    if min(fee_bps, lowest) < 0 or fee_bps + highest > ONE_BPS:
        raise ValueError("fee and royalty are shares of a sale")
    if fee_bps and treasury is None:
        raise ValueError("a fee goes to a treasury")


def _charges(
    ordered: Sequence[Intent],
    amount: "np.typing.NDArray[np.int64]",
    wallets: Numbering[str],
    fee_bps: int,
    treasury: str | None,
    royalties: Mapping[str, Royalty],
) -> Charges | None:
    """None where nobody takes anything. A seller stands in for a creator or a treasury that there is not: it gets 0."""
    if not fee_bps and not royalties:
        return None
    mine = [royalties.get(intent.item_id) for intent in ordered]
    # Both factors are below 10^12 and 10^4: no product leaves int64.
    return Charges(
        fee=amount * fee_bps // ONE_BPS,
        treasury=wallets.number(treasury) if treasury is not None else 0,
        royalty=amount * _column([royalty.bps if royalty else 0 for royalty in mine]) // ONE_BPS,
        creator=_column(
            [wallets.number(one.creator if one else intent.seller) for one, intent in zip(mine, ordered, strict=True)]
        ),
    )
