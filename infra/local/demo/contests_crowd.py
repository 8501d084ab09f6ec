"""Who plays in the contests' scene, and how: most trade at random, two hold one token and tie.

The twins put everything on one token that nobody else holds, and never trade: whatever it comes to, they are worth the
same to the micro-unit, and only the bytes of their addresses decide who is ahead.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from infra.local.contests.client import Desk, Refused
from infra.local.contests.players import Player
from infra.local.tokens.market import LocalToken
from kernel import base58

TWINS: Final = 2
#: Of the cash that a sale brought, so much is spent: the price may have moved before the purchase.
SPENT_SHARE: Final = Decimal("0.9")
MICRO: Final = 1_000_000


@dataclass(slots=True)
class Crowd:
    """The players and their dice; the first two are the twins. tokens: the last is the twins'."""

    players: Sequence[Player]
    tokens: Sequence[LocalToken]
    seed: int
    trades: int = 0
    refused: dict[str, int] = field(default_factory=dict)

    @property
    def twins(self) -> Sequence[Player]:
        """The two, in the order in which a tie between them ends."""
        return sorted(self.players[:TWINS], key=lambda one: base58.decode(one.address))

    @property
    def twins_token(self) -> LocalToken:
        """What only they hold."""
        return self.tokens[-1]

    def weights_bps(self, number: int) -> Mapping[str, int]:
        """How the player of a number spreads the stake at first."""
        if number < TWINS:
            return {self.twins_token.mint: 10_000}
        dice = random.Random(f"{self.seed}:{number}")
        chosen = dice.sample(list(self.tokens[:-1]), min(3, len(self.tokens) - 1))
        parts = [dice.randint(1, 10) for _ in chosen]
        weights = [10_000 * part // sum(parts) for part in parts]
        weights[0] += 10_000 - sum(weights)
        return {token.mint: weight for token, weight in zip(chosen, weights, strict=True)}

    def trade(self, desk: Desk, contest: str, turn: int) -> None:
        """Somebody sells a part of something and buys something else."""
        dice = random.Random(f"{self.seed}:turn:{turn}")
        player = dice.choice(self.players[TWINS:])
        portfolio = desk.of(player).get(f"/{contest}/portfolio")
        held = sorted(portfolio["positions"])
        if not held or portfolio["cash_micros"] is None:
            return
        mint = dice.choice(held)
        quantity = int(portfolio["positions"][mint]["quantity"]) * dice.randint(2, 9) // 10
        self._do(desk, player, contest, f"sale-{turn}", "sell", mint, quantity)
        other = dice.choice([token for token in self.tokens[:-1] if token.mint != mint])
        cash = int(desk.of(player).get(f"/{contest}/portfolio")["cash_micros"])
        self._do(desk, player, contest, f"purchase-{turn}", "buy", other.mint, _bought(desk, other, cash))

    def _do(
        self, desk: Desk, player: Player, contest: str, key: str, side: str, mint: str, quantity: int
    ) -> dict[str, Any] | None:
        if quantity <= 0:
            return None
        try:
            told: dict[str, Any] = desk.trade(player, contest, key, side, mint, quantity)
        except Refused as refused:  # the price moved, or the contest ended a moment ago
            self.refused[refused.code] = self.refused.get(refused.code, 0) + 1
            return None
        self.trades += 1
        return told


def _bought(desk: Desk, token: LocalToken, cash_micros: int) -> int:
    """How much of a token so much cash buys, in its smallest unit."""
    [price] = desk.admin.get("/market-data", mints=token.mint)["prices"]
    whole = SPENT_SHARE * cash_micros / MICRO / Decimal(price["price_usd"])
    return int(whole.scaleb(token.decimals))
