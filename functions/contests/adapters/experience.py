"""Experience and achievements in Postgres: given once for each reason, and added up in the commit that gives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from functions.contests.core.achievements import Field, Tier, experience_of, level, reached
from kernel.clock import Clock
from kernel.postgres import Postgres, Queries, Statements, Transaction
from kernel.realtime import Publisher

Q: Final = Queries.load(Path(__file__).with_name("experience.sql"))


@dataclass(frozen=True, slots=True)
class Gift:
    """So many points for a wallet; whoever gives them again under the same key gives nothing."""

    business_key: str
    wallet: str
    points: int


@dataclass(frozen=True, slots=True)
class Achievement:
    """A tier that a player has reached in a field."""

    field: Field
    tier: Tier
    reached_at: datetime


@dataclass(frozen=True, slots=True)
class Player:
    """A wallet's experience, the level that this is, and what it has reached, the oldest first."""

    wallet: str
    experience: int
    level: str
    achievements: Sequence[Achievement]


class Experience:
    """The tables of players."""

    def __init__(self, postgres: Postgres, realtime: Publisher, clock: Clock) -> None:
        self._postgres, self._realtime, self._clock = postgres, realtime, clock

    def of(self, tx: Statements, wallet: str) -> int:
        """What a wallet has; 0 where it was never given any."""
        row = tx.maybe(Q["experience"], wallet=wallet)
        return 0 if row is None else int(row["experience"])

    def player(self, wallet: str) -> Player:
        """Everything about one player."""
        with self._postgres.transaction() as tx:
            experience, rows = self.of(tx, wallet), tx.all(Q["achievements"], wallet=wallet)
        achievements = [Achievement(Field(row["field"]), Tier(row["tier"]), row["reached_at"]) for row in rows]
        return Player(wallet, experience, level(experience), achievements)

    def give(self, tx: Transaction, gifts: Sequence[Gift]) -> dict[str, int]:
        """Give what was not given before; what those have now who got something."""
        rows = tx.all(
            Q["give"],
            keys=[gift.business_key for gift in gifts],
            wallets=[gift.wallet for gift in gifts],
            points=[gift.points for gift in gifts],
            now=self._clock.now(),
        )
        return {row["wallet"]: int(row["experience"]) for row in rows}

    def achieve(
        self, tx: Transaction, totals: Mapping[str, Mapping[Field, int]]
    ) -> dict[str, list[tuple[Field, Tier]]]:
        """Every tier that these wallets' totals reach and that is new to them, with its experience; they are told."""
        found = [(wallet, *one) for wallet, mine in totals.items() for one in reached(mine)]
        rows = tx.all(
            Q["achieve"],
            wallets=[wallet for wallet, _, _ in found],
            fields=[field for _, field, _ in found],
            tiers=[tier for _, _, tier in found],
            now=self._clock.now(),
        )
        fresh: dict[str, list[tuple[Field, Tier]]] = {}
        for row in rows:
            fresh.setdefault(row["wallet"], []).append((Field(row["field"]), Tier(row["tier"])))
        self.give(
            tx,
            [
                Gift(f"contests:achievement:{wallet}:{field}:{tier}", wallet, experience_of([tier]))
                for wallet, mine in fresh.items()
                for field, tier in mine
            ],
        )
        for wallet, mine in fresh.items():
            self._tell(tx, wallet, mine)
        return fresh

    def _tell(self, tx: Transaction, wallet: str, mine: Sequence[tuple[Field, Tier]]) -> None:
        experience = self.of(tx, wallet)
        told = {
            "achievements": [{"field": field, "tier": tier} for field, tier in mine],
            "experience": experience,
            "level": level(experience),
        }
        key = "+".join(f"{field}/{tier}" for field, tier in mine)
        self._realtime.publish(f"user:solana:{wallet}", told, after=tx, key=f"{wallet}/{key}")
