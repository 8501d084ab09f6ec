"""Owns the price of a Solana transaction: what is offered for a compute unit, and for how many units. Pure.

A transaction pays 5,000 lamports a signature, and on top of it the compute unit price times the compute unit limit,
used or not. The price is an auction over the accounts that it writes to, so the first offer is a percentile of what
was paid for these very accounts lately; each further attempt offers half as much again, up to the cap.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from kernel.errors import Broken
from kernel.solana.transactions import UNIT_CAP

SIGNATURE_FEE_LAMPORTS: Final = 5_000
MICRO_LAMPORTS_PER_LAMPORT: Final = 1_000_000
RAISE_NUMERATOR, RAISE_DENOMINATOR = 3, 2
# Beyond it the cap has long been reached; it bounds the work with big numbers.
ATTEMPTS_RAISED_MAX: Final = 64


class SolanaFeePolicyInvalid(Broken):
    """The limits of Solana's fees contradict each other."""

    cause = "The floor of the price is above its cap, or a percentile, margin or unit cap is out of its range."
    remedy = "Set 0 <= price_floor <= price_cap, 0 <= percentile <= 100, and 0 < unit_cap <= 1400000."


@dataclass(frozen=True, slots=True, kw_only=True)
class SolanaFeePolicy:
    """What a payer is willing to pay. Prices in micro-lamports a compute unit.

    percentile: of the recent prices for the accounts written to. unit_margin_percent: what the limit leaves above the
    units of the simulation, because the state may differ when the transaction lands.
    """

    price_floor: int = 1_000
    price_cap: int = 2_000_000
    percentile: int = 75
    unit_margin_percent: int = 20
    unit_cap: int = UNIT_CAP

    def __post_init__(self) -> None:
        prices = 0 <= self.price_floor <= self.price_cap
        shares = 0 <= self.percentile <= 100 and self.unit_margin_percent >= 0
        if not (prices and shares and 0 < self.unit_cap <= UNIT_CAP):
            raise SolanaFeePolicyInvalid(
                floor=self.price_floor, cap=self.price_cap, percentile=self.percentile, unit_cap=self.unit_cap
            )


def price(recent: Sequence[int], policy: SolanaFeePolicy, attempt: int = 0) -> int:
    """The offer of an attempt, counted from 0, in micro-lamports a unit: within floor and cap, rounded up."""
    offer = max(percentile(recent, policy.percentile), policy.price_floor)
    for _ in range(min(attempt, ATTEMPTS_RAISED_MAX)):
        offer = max(offer + 1, -(-offer * RAISE_NUMERATOR // RAISE_DENOMINATOR))
        if offer >= policy.price_cap:
            break
    return min(offer, policy.price_cap)


def percentile(recent: Sequence[int], share: int) -> int:
    """The smallest of the prices that at least `share` percent of them do not exceed; 0 of none."""
    if not recent:
        return 0
    rank = max(1, -(-len(recent) * share // 100))
    return sorted(recent)[rank - 1]


def unit_limit(simulated_units: int, policy: SolanaFeePolicy) -> int:
    """The compute unit limit: the simulation's units and the margin, rounded up, within 1 and the cap."""
    wanted = -(-simulated_units * (100 + policy.unit_margin_percent) // 100)
    return min(max(wanted, 1), policy.unit_cap)


def fee_lamports(signatures: int, *, compute_unit_limit: int, compute_unit_price: int) -> int:
    """What the payer is charged, landed or failed: signatures and priority fee, the latter rounded up."""
    priority = -(-compute_unit_limit * compute_unit_price // MICRO_LAMPORTS_PER_LAMPORT)
    return signatures * SIGNATURE_FEE_LAMPORTS + priority
