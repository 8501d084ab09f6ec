"""The traders of netting's scene: who wants what, and what must become of it, decided by a seed.

Wallets form circles that trade among themselves; a few wallets have locked nothing. An honest trade takes an item from
whom it was last sold to, so items go through many hands before any settlement. Around the honest ones stand trades that
go round in a ring, second sales of a sold item, purchases that nobody can pay, and attacks on the intake.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random
from typing import Any, Final

from infra.local.netting.client import Intent, Pen
from infra.local.netting.wallets import Wallet
from infra.local.netting.world import World
from infra.local.solana import LAMPORTS_PER_SOL

#: Of a hundred intents so many are of each kind; the rest are honest trades.
SHARES: Final = {"ring": 6, "conflict": 8, "poor": 5, "forged": 3, "unsigned": 2, "backdated": 3, "replayed": 2}
#: Sizes of circles, by turns; a circle that is large goes by parts, the small ones share transactions.
CIRCLES: Final = (24, 10, 6, 4, 3, 2, 2)
POOR_EVERY: Final = 20
PRICE_LAMPORTS: Final = LAMPORTS_PER_SOL // 5
BEYOND_LAMPORTS: Final = 90 * LAMPORTS_PER_SOL
BACKDATED_MS: Final = 90_000


class Kind(StrEnum):
    """What an intent is, as its maker knows."""

    HONEST = "honest"
    RING = "ring"
    CONFLICT = "conflict"
    POOR = "poor"
    FORGED = "forged"
    UNSIGNED = "unsigned"
    BACKDATED = "backdated"
    REPLAYED = "replayed"


#: What the intake must say to an attack; who is let in has no word here.
REFUSED_AS: Final = {
    Kind.FORGED: "bad_signature",
    Kind.UNSIGNED: "bad_counter_signature",
    Kind.BACKDATED: "created_at_out_of_window",
    Kind.REPLAYED: "nonce_used",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """An intent of the scene, as it is sent."""

    kind: Kind
    intent: Intent
    body: dict[str, Any]

    @property
    def refusal(self) -> str | None:
        """What the intake must answer; None where it must take it."""
        return REFUSED_AS.get(self.kind)


def funds(number: int) -> int:
    """What the wallet of a number locks, in lamports."""
    return 0 if number % POOR_EVERY == POOR_EVERY - 1 else (2 + 7 * number % 11) * LAMPORTS_PER_SOL


def circles(wallets: Sequence[Wallet]) -> list[Sequence[Wallet]]:
    """Wallets in circles of the sizes above, until all are in one."""
    made: list[Sequence[Wallet]] = []
    start = 0
    while start < len(wallets):
        size = CIRCLES[len(made) % len(CIRCLES)]
        made.append(wallets[start : start + size])
        start += size
    if len(made[-1]) == 1:  # nobody to trade with
        made[-2:] = [[*made[-2], *made[-1]]]
    return made


class Crowd:
    """Makes the intents of a world, one millisecond after the other."""

    def __init__(self, world: World, *, seed: int, started_ms: int) -> None:
        self._random = Random(seed)
        self._pen, self._now_ms = Pen(self._random), started_ms
        self._circles = circles(world.wallets)
        self._circle_of = {one.address: circle for circle in self._circles for one in circle}
        self._holders = {piece.item_id: piece.owner for piece in world.pieces}
        self._sold: list[Intent] = []

    def plan(self, count: int) -> list[Planned]:
        """So many intents, signed, in the order of their making."""
        made: list[Planned] = []
        while len(made) < count:
            made += self._some(self._draw(), count - len(made))
        return made

    def _draw(self) -> Kind:
        point = self._random.randrange(100)
        for name, share in SHARES.items():
            if point < share:
                return Kind(name)
            point -= share
        return Kind.HONEST

    def _some(self, kind: Kind, most: int) -> Iterator[Planned]:
        """One intent of a kind, or all of a ring's."""
        if kind is Kind.RING and most >= 3:
            yield from self._ring()
        elif kind is Kind.CONFLICT and self._sold:
            earlier = self._random.choice(self._sold)
            yield self._planned(kind, self._intent(earlier.item_id, earlier.seller))
        elif kind is Kind.POOR:
            item_id, seller = self._any_item()
            yield self._planned(kind, replace(self._intent(item_id, seller), amount_lamports=BEYOND_LAMPORTS))
        elif kind in REFUSED_AS:
            yield self._attack(kind)
        else:
            yield self._sale(Kind.HONEST, *self._any_item())

    def _ring(self) -> Iterator[Planned]:
        """An item goes round and comes back, at one price: nothing is left to settle."""
        item_id, first = self._any_item()
        circle = [one for one in self._circle_of[first.address] if one is not first]
        others = self._random.sample(circle, min(2, len(circle)))
        amount = self._price()
        for seller, buyer in zip((first, *others), (*others, first), strict=True):
            yield self._sale(Kind.RING, item_id, seller, buyer=buyer, amount=amount)

    def _attack(self, kind: Kind) -> Planned:
        item_id, seller = self._any_item()
        intent = self._intent(item_id, seller)
        if kind is Kind.FORGED:
            return Planned(kind=kind, intent=intent, body=intent.signed(by=intent.buyer.session))
        if kind is Kind.UNSIGNED:  # the seller signs for the buyer, who never did
            return Planned(kind=kind, intent=intent, body=intent.signed(countersigned_by=seller.session))
        if kind is Kind.BACKDATED:
            return self._planned(kind, replace(intent, created_at=intent.created_at - BACKDATED_MS))
        used = [one for one in self._sold if one.owner is intent.owner]
        nonce = self._random.choice(used).nonce if used else 0
        return self._planned(kind if used else Kind.CONFLICT, replace(intent, nonce=nonce))

    def _sale(self, kind: Kind, item_id: str, seller: Wallet, **chosen: Any) -> Planned:
        intent = self._intent(item_id, seller, **chosen)
        self._holders[item_id] = intent.buyer
        self._sold.append(intent)
        return self._planned(kind, intent)

    def _intent(
        self, item_id: str, seller: Wallet, *, buyer: Wallet | None = None, amount: int | None = None
    ) -> Intent:
        self._now_ms += 1
        return Intent(
            id=self._pen.ulid(self._now_ms),
            item_id=item_id,
            seller=seller,
            buyer=buyer or self._partner(seller),
            amount_lamports=amount or self._price(),
            nonce=self._pen.nonce(seller.session.address),
            created_at=self._now_ms,
            kind="TRADE",
        )

    def _any_item(self) -> tuple[str, Wallet]:
        item_id = self._random.choice(list(self._holders))
        return item_id, self._holders[item_id]

    def _partner(self, wallet: Wallet) -> Wallet:
        return self._random.choice([one for one in self._circle_of[wallet.address] if one is not wallet])

    def _price(self) -> int:
        return int(PRICE_LAMPORTS * self._random.lognormvariate(0, 0.8))

    @staticmethod
    def _planned(kind: Kind, intent: Intent) -> Planned:
        return Planned(kind=kind, intent=intent, body=intent.signed())
