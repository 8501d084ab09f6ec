"""The clearing rule told once more by somebody else, over what the traders sent: slow, and without the service's code.

Take the intents by (created at, nonce, id). One counts if its seller has the item now and its buyer can pay with what
it had, has been paid and has not spent yet. Then the item and the money move at once, as if each were settled alone.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from infra.local.netting.client import Intent
from infra.local.netting.world import Piece

_BPS: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What must be on the chain afterwards; skipped: intent to the reason. Amounts in lamports."""

    owners: Mapping[str, str]
    locked: Mapping[str, int]
    accepted: frozenset[str]
    skipped: Mapping[str, str]
    traded_lamports: int

    @property
    def reasons(self) -> Counter[str]:
        """How many were skipped for which reason."""
        return Counter(self.skipped.values())


def expect(
    intents: Iterable[Intent], pieces: Iterable[Piece], locked: Mapping[str, int], *, fee_bps: int, fee_wallet: str
) -> Expected:
    """What one batch of all these intents comes to."""
    known = {piece.item_id: piece for piece in pieces}
    owners = {item_id: piece.owner.address for item_id, piece in known.items()}
    purse, accepted, skipped, traded = dict(locked), set[str](), dict[str, str](), 0
    for one in sorted(intents, key=lambda it: (it.created_at, it.nonce, it.id.encode())):
        seller, buyer, amount = one.seller.address, one.buyer.address, one.amount_lamports
        if owners[one.item_id] != seller:
            skipped[one.id] = "not_owner"
        elif purse[buyer] < amount:
            skipped[one.id] = "insufficient_funds"
        else:
            piece = known[one.item_id]
            fee, royalty = amount * fee_bps // _BPS, amount * piece.royalty_bps // _BPS
            purse[buyer] -= amount
            purse[seller] += amount - fee - royalty
            purse[fee_wallet] += fee
            purse[piece.creator or fee_wallet] += royalty
            owners[one.item_id] = buyer
            accepted.add(one.id)
            traded += amount
    assert sum(purse.values()) == sum(locked.values())
    return Expected(owners=owners, locked=purse, accepted=frozenset(accepted), skipped=skipped, traded_lamports=traded)
