"""What entrants ask for. Apart from what is done about it, since a handler that takes wishes needs nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from functions.contests.core.evaluation import Side


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """An entry, and the signature of the transfer that paid for it."""

    contest: UUID
    wallet: str
    signature: str
    weights_bps: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeWish:
    """A trade. quantity: in the token's smallest unit."""

    contest: UUID
    wallet: str
    key: str
    side: Side
    mint: str
    quantity: int
