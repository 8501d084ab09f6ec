"""Owns what a broadcast to several endpoints came to. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from kernel.jsonrpc.pool import Delivery

R = TypeVar("R", bound=StrEnum)


@dataclass(frozen=True, kw_only=True)  # no slots: Python 3.11 cannot make a subscripted generic of both
class Verdict(Generic[R]):
    """Whether any endpoint has the bytes; if none has, why not. Without a refusal nobody answered."""

    accepted: bool
    refusal: R | None = None
    words: str = ""


def verdict_of(deliveries: Sequence[Delivery[R]], telling: Sequence[R]) -> Verdict[R]:
    """One acceptance is enough; otherwise the refusal that stands first in `telling`, if any endpoint answered."""
    if any(delivery.accepted for delivery in deliveries):
        return Verdict(accepted=True)
    refused = [delivery for delivery in deliveries if delivery.refusal is not None]
    if not refused:
        return Verdict(accepted=False)
    found = min(refused, key=lambda delivery: telling.index(delivery.refusal))
    return Verdict(accepted=False, refusal=found.refusal, words=found.words)
