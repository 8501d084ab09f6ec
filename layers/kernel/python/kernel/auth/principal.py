"""Owns who is calling: a principal with a tier, which limits how often, and a role, which limits what."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Tier(StrEnum):
    """How often a principal may call."""

    ANONYMOUS = "anonymous"
    PUBLIC = "public"
    INTERNAL = "internal"
    PAID = "paid"
    ADMIN = "admin"

    @property
    def limit_per_minute(self) -> int | None:
        """Requests in a sliding minute; None is without limit."""
        return _LIMITS[self]


_LIMITS: dict[Tier, int | None] = {
    Tier.ANONYMOUS: 100,
    Tier.PUBLIC: 1_000,
    Tier.INTERNAL: 5_000,
    Tier.PAID: 10_000,
    Tier.ADMIN: None,
}


class Role(IntEnum):
    """What a principal may do; a higher role may do all that a lower one may."""

    NOBODY = 0
    VIEWER = 1
    OPERATOR = 2
    ADMIN = 3

    @property
    def label(self) -> str:
        """The role as it is written in rows, tokens and errors."""
        return self.name.lower()

    @classmethod
    def of(cls, label: str) -> "Role":
        """The role so written; ValueError when there is none."""
        for role in cls:
            if role.label == label:
                return role
        raise ValueError(f"{label!r} is no role")


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """A caller: "key:<prefix>", "person:<subject>" or "address:<ip>"."""

    identity: str
    tier: Tier
    role: Role
