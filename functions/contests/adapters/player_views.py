"""Owns the document of a player."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import AwareDatetime, Field

from functions.contests.core.achievements import Field as Counted
from functions.contests.core.achievements import Tier
from kernel.handler.http import Document

if TYPE_CHECKING:
    from functions.contests.adapters.experience import Player


class AchievementView(Document):
    """A tier that was reached."""

    field: Counted
    tier: Tier
    reached_at: AwareDatetime


class PlayerView(Document):
    """What a wallet has, and has reached, the oldest first; a wallet that never played has nothing."""

    wallet: str
    experience: int = Field(ge=0)
    level: str = Field(examples=["apprentice"])
    achievements: list[AchievementView]


def player_view(player: Player) -> PlayerView:
    """A player as everybody sees it."""
    return PlayerView(
        wallet=player.wallet,
        experience=player.experience,
        level=player.level,
        achievements=[
            AchievementView(field=one.field, tier=one.tier, reached_at=one.reached_at) for one in player.achievements
        ],
    )
