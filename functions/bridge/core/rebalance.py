"""Owns where the bridge's money should be: what is sent away from an origin, and when a person must be told.

Every order moves money from Ethereum to its origin. It comes back by the operator's hand: what is above the target of
an origin's wallet goes to the operator's collecting address there, and the signer on Ethereum is topped up by the
treasury, from the wallet that funds it, once it is below its floor.

1. Nothing is sent while the service is halted, while a wallet's books and its chain differ, or while an earlier
   collection of the same wallet is under way.
2. A wallet above its target is brought down to its floor, less what the transfer may cost: floor and target lie apart,
   so that one order does not make one transfer.
3. A signer below its floor whom no top-up can help, while nothing is collected either, needs a person.
4. So does a wallet above its target with nowhere to send it to.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

CAPITAL_SHORT: Final = "bridge.capital_short"
NOWHERE_TO_COLLECT: Final = "bridge.nowhere_to_collect"


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A wallet of the treasury: what its books hold, its marks, and whether they agree with the chain."""

    balance_wei: int
    floor_wei: int
    target_wei: int
    is_sound: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerLevel(Level):
    """The signer on Ethereum. funder_spare_wei: what its funder holds above its own floor; None if nobody funds it."""

    funder_spare_wei: int | None
    is_topped_up: bool  # a top-up is under way


@dataclass(frozen=True, slots=True, kw_only=True)
class Earnings(Level):
    """The wallet that an origin's escrow repays. reserve_wei: the most that a transfer from it can cost."""

    origin: str
    collect_to: str | None
    reserve_wei: int
    is_collecting: bool  # an earlier collection is under way


@dataclass(frozen=True, slots=True, kw_only=True)
class Collect:
    """Send so much of an origin's earnings to the operator."""

    origin: str
    recipient: str
    amount_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to send now, and the alarms that hold."""

    collects: tuple[Collect, ...]
    alarms: tuple[str, ...]


def plan(signer: SignerLevel, earnings: Sequence[Earnings], *, is_halted: bool) -> Plan:
    """What follows from the levels; the module's essay numbers the rules."""
    collects = () if is_halted else tuple(found for one in earnings if (found := _collect(one)) is not None)
    alarms = {NOWHERE_TO_COLLECT for one in earnings if _is_above(one) and one.collect_to is None}
    is_helped = collects or any(one.is_collecting for one in earnings)
    if signer.balance_wei < signer.floor_wei and not is_helped and not _can_be_topped_up(signer, is_halted):
        alarms.add(CAPITAL_SHORT)
    return Plan(collects=collects, alarms=tuple(sorted(alarms)))


def _is_above(level: Earnings) -> bool:
    return level.balance_wei > level.target_wei


def _collect(one: Earnings) -> Collect | None:
    amount_wei = one.balance_wei - one.floor_wei - one.reserve_wei
    if one.collect_to is None or not one.is_sound or one.is_collecting or not _is_above(one) or amount_wei <= 0:
        return None
    return Collect(origin=one.origin, recipient=one.collect_to, amount_wei=amount_wei)


def _can_be_topped_up(signer: SignerLevel, is_halted: bool) -> bool:
    if signer.is_topped_up:
        return True
    wanted_wei = signer.target_wei - signer.balance_wei
    return not is_halted and signer.is_sound and (signer.funder_spare_wei or 0) >= wanted_wei
