"""Owns what several endpoints' estimates come to, and the headroom over them.

Gas that nodes estimate differs a little from client to client, so it cannot be compared as other answers are. A number
counts if as many endpoints as must agree are close to it; one that exaggerates, or plays down, stands alone.
"""

from collections.abc import Sequence
from typing import Final

from functions.bridge.core.fees import CLAIM_GAS
from functions.bridge.core.registry import Family, Version
from kernel.amounts import ONE_BPS, bps_ceil, mul_div_ceil

#: By so much may two honest clients' estimates differ: geth's search stops within 1.5 %, some add a quarter on top.
CLOSE_BPS: Final = 2_500
#: A further payment in one claim: its check and its event on L1, and its words in the message.
FURTHER_CLAIM_GAS: Final = 40_000
#: Over what a claim was seen to use: a slot that is written for the first time, a longer message.
CLAIM_GAS_HEADROOM_BPS: Final = 5_000
_USD_CENTS: Final = 100


def close_estimate(estimates: Sequence[int], needed: int) -> int | None:
    """The least number that `needed` estimates are at, or less than `CLOSE_BPS` below; None where they differ more."""
    ordered = sorted(estimates)
    for nth in range(needed - 1, len(ordered)):
        low, high = ordered[nth - needed + 1], ordered[nth]
        if high <= low + bps_ceil(low, CLOSE_BPS):
            return high
    return None


def gas_price_wei(base_fee_wei: int, tips_wei: Sequence[int]) -> int:
    """What a unit of gas costs in the next block: its base fee, and the middle one of what was paid on top lately."""
    tips = sorted(tips_wei)
    return base_fee_wei + (tips[len(tips) // 2] if tips else 0)


def with_headroom(amount: int, headroom_bps: int) -> int:
    """So much more, rounded up; at least 1, since a message that carries nothing is sent by nobody."""
    return max(1, mul_div_ceil(amount, ONE_BPS + headroom_bps, ONE_BPS))


def claim_gas_limit(version: int, family: Family, count: int) -> int:
    """The gas that a claim of so many payments may use, with headroom: what is not used is not paid for."""
    gas = CLAIM_GAS[Version(version), family] + (count - 1) * FURTHER_CLAIM_GAS
    return gas + bps_ceil(gas, CLAIM_GAS_HEADROOM_BPS)


def usd_cents(price: int, confidence: int, decimals: int) -> int:
    """The most that one unit may be worth, rounded up: more value asks for more confirmations."""
    return mul_div_ceil(price + confidence, _USD_CENTS, 10**decimals)
