"""Owns the price of a transaction (EIP-1559): the first offer, the raised offer, and the caps above both."""

from dataclasses import dataclass

from kernel.errors import Broken

GWEI = 10**9
# The dearest rule among clients; geth, reth and anvil ask for 10 %, some pools for an eighth.
RAISE_NUMERATOR, RAISE_DENOMINATOR = 1_125, 1_000
# The base fee rises by at most an eighth a block, so twice the present one still covers five full blocks.
BASE_FEE_HEADROOM = 2


class FeePolicyInvalid(Broken):
    """The fee caps contradict each other."""

    cause = "The floor of the priority fee is above its cap, or its cap above the cap of the whole fee."
    remedy = "Set tip_floor_wei <= tip_cap_wei <= fee_cap_wei in the chain's settings."


@dataclass(frozen=True, slots=True, kw_only=True)
class FeePolicy:
    """What a signer is willing to pay, all in wei per gas.

    `fee_cap_wei` bounds every offer, first or raised; `tip_cap_wei` only the first one's priority fee.
    """

    fee_cap_wei: int
    tip_cap_wei: int
    tip_floor_wei: int = 1

    def __post_init__(self) -> None:
        if not 0 < self.tip_floor_wei <= self.tip_cap_wei <= self.fee_cap_wei:
            raise FeePolicyInvalid(floor=self.tip_floor_wei, tip_cap=self.tip_cap_wei, cap=self.fee_cap_wei)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fees:
    """An offer in wei per gas: at most `max_fee_wei` in all, of which `tip_wei` goes to the block's producer."""

    max_fee_wei: int
    tip_wei: int

    def __post_init__(self) -> None:
        if not 0 < self.tip_wei <= self.max_fee_wei:
            raise ValueError(f"0 < tip <= max fee does not hold: {self.tip_wei}, {self.max_fee_wei}")


def first_offer(base_fee_wei: int, suggested_tip_wei: int, policy: FeePolicy) -> Fees:
    """The offer of a first attempt: twice the base fee plus the tip, never above the caps."""
    tip_wei = min(max(suggested_tip_wei, policy.tip_floor_wei), policy.tip_cap_wei)
    max_fee_wei = min(BASE_FEE_HEADROOM * base_fee_wei + tip_wei, policy.fee_cap_wei)
    return Fees(max_fee_wei=max_fee_wei, tip_wei=min(tip_wei, max_fee_wei))


def raised_offer(previous: Fees, fresh: Fees, policy: FeePolicy) -> Fees | None:
    """The offer that replaces `previous`: both parts raised by an eighth (rounded up) or to `fresh`, whichever is more.

    None when the cap does not allow it: a replacement below the raise would be refused by every node.
    """
    tip_wei = max(_raised(previous.tip_wei), fresh.tip_wei)
    max_fee_wei = max(_raised(previous.max_fee_wei), fresh.max_fee_wei, tip_wei)
    if max_fee_wei > policy.fee_cap_wei:
        return None
    return Fees(max_fee_wei=max_fee_wei, tip_wei=tip_wei)


def _raised(fee_wei: int) -> int:
    return -(-fee_wei * RAISE_NUMERATOR // RAISE_DENOMINATOR)
