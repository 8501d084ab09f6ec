"""The clearing rule once more, slowly: the specification's sentences, one after the other, over dictionaries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

LIMIT = 10**12


@dataclass(frozen=True)
class Traded:
    """A signed intent, as far as clearing reads it."""

    id: str
    item_id: str
    seller: str
    buyer: str
    amount_lamports: int
    created_at: int = 0
    nonce: int = 0


@dataclass(frozen=True)
class Outcome:
    owners: dict[str, str]
    deltas: dict[str, int]
    accepted: list[str]
    skipped: dict[str, str]


def slow_clear(
    intents: Sequence[Traded],
    owners: Mapping[str, str],
    balances: Mapping[str, int] | None = None,
    fee_bps: int = 0,
    treasury: str = "",
    royalties: Mapping[str, tuple[str, int]] | None = None,
) -> Outcome:
    now, deltas, accepted, skipped = dict(owners), dict[str, int](), list[str](), dict[str, str]()
    for one in sorted(intents, key=lambda i: (i.created_at, i.nonce, i.id.encode())):
        if one.item_id not in now:
            skipped[one.id] = "unknown_item"
            continue
        if now[one.item_id] != one.seller:
            skipped[one.id] = "not_owner"
            continue
        if balances is not None and balances.get(one.buyer, 0) + deltas.get(one.buyer, 0) < one.amount_lamports:
            skipped[one.id] = "insufficient_funds"
            continue
        creator, royalty_bps = (royalties or {}).get(one.item_id, ("", 0))
        fee, royalty = one.amount_lamports * fee_bps // 10_000, one.amount_lamports * royalty_bps // 10_000
        after = dict(deltas)
        for wallet, change in (
            (one.buyer, -one.amount_lamports),
            (one.seller, one.amount_lamports - fee - royalty),
            (treasury, fee),
            (creator, royalty),
        ):
            after[wallet] = after.get(wallet, 0) + change
        if any(abs(delta) >= LIMIT for delta in after.values()):
            skipped[one.id] = "position_limit"
            continue
        deltas, now[one.item_id] = after, one.buyer
        accepted.append(one.id)
    moved = {wallet: delta for wallet, delta in deltas.items() if delta}
    traded = {one.item_id for one in intents if one.id in set(accepted)}
    return Outcome({item: now[item] for item in traded}, moved, accepted, skipped)
