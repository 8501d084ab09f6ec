"""Owns what filling an order costs, and whether its fee pays for that.

    cost = transfer gas * gas price + message fee + claim gas * gas price

Transfer gas is estimated for this recipient, the message fee is asked of the origin, and both gas prices are today's:
the claim is sent later, at a price that nobody knows, for which there is the margin. All in wei, rounded against us.
"""

from dataclasses import dataclass
from typing import Final

from functions.bridge.core.registry import Family, Version
from kernel.amounts import bps_ceil

#: Measured on the deployed registries. The first generation's claim for zkSync was not: it does what the second's does.
CLAIM_GAS: Final = {
    (Version.V1, Family.STARKNET): 86_139,
    (Version.V1, Family.ZKSYNC): 143_785,
    (Version.V2, Family.STARKNET): 94_642,
    (Version.V2, Family.ZKSYNC): 143_785,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What one order costs, in gas and in wei."""

    gas_price_wei: int
    transfer_gas: int
    claim_gas: int
    message_fee_wei: int

    @property
    def transfer_wei(self) -> int:
        """To pay the recipient, beside the amount."""
        return self.transfer_gas * self.gas_price_wei

    @property
    def total_wei(self) -> int:
        """Until we are repaid."""
        return self.transfer_wei + self.message_fee_wei + self.claim_gas * self.gas_price_wei


def gas_price_max_wei(fee_wei: int, gas_limit: int) -> int:
    """What a payment may cost a gas: all of it never costs more than the order brings."""
    return max(1, fee_wei // gas_limit)


def fee_wanted_wei(costs: Costs, margin_bps: int) -> int:
    """The least fee for which an order is filled: its cost and the margin on it, rounded up."""
    return costs.total_wei + bps_ceil(costs.total_wei, margin_bps)
