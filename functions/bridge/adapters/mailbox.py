"""Owns what the mailbox of a zkSync chain asks on L1 for a call on L2, and where it is.

Its price moves with L1's gas, and a call whose value does not cover it reverts. So it is asked at a gas price with
headroom, and what it answers gets some, too; what is too much comes back on L2.

Where no mailbox is set, the registry is asked for its own; one that does not tell leaves the price of L2's own gas.
"""

from functools import cached_property
from typing import Final

from functions.bridge.adapters.recent import Recent
from functions.bridge.adapters.registry import Registry
from functions.bridge.core.estimates import with_headroom
from functions.bridge.core.registry import L2Gas
from kernel.abi import WordMalformed, address_of_word, uint_word, uint_words
from kernel.evm.addresses import ZERO_ADDRESS
from kernel.evm.blocks import quantity
from kernel.evm.contracts import selector
from kernel.evm.rpc import RpcPool
from kernel.jsonrpc.endpoint import RpcRefused

_BASE_COST: Final = selector("l2TransactionBaseCost(uint256,uint256,uint256)")
_OWN_MAILBOX: Final = selector("zkSync()")
#: Three full blocks of L1 raise its base fee by 42 %.
GAS_PRICE_HEADROOM_BPS: Final = 5_000
FEE_HEADROOM_BPS: Final = 1_000
RECENT_S: Final = 3.0


class Mailbox:
    """The mailbox that a registry sends through."""

    def __init__(self, registry: Registry, l2: RpcPool, address: str | None = None) -> None:
        self._registry, self._l2, self._set_address = registry, l2, address
        self._fees: dict[L2Gas, Recent[int]] = {}

    @cached_property
    def address(self) -> str | None:
        """Where it is; None where neither the settings nor the registry tell. Raises NoQuorum, RpcUnavailable."""
        if self._set_address is not None:
            return self._set_address
        try:
            [word] = uint_words(self._registry.read(self._registry.address, _OWN_MAILBOX), 1)
            found = address_of_word(word)
        except (RpcRefused, WordMalformed):
            return None
        return None if found == ZERO_ADDRESS else found

    def fee_wei(self, gas: L2Gas) -> int:
        """What a call on L2 with this gas costs, with headroom: what was read lately.

        Raises NoQuorum, RpcUnavailable, WrongChain, and RpcRefused or WordMalformed where the address is no mailbox.
        """
        if gas not in self._fees:
            self._fees[gas] = Recent(lambda: self._fee_wei(gas), ttl_s=RECENT_S)
        return self._fees[gas]()

    def _fee_wei(self, gas: L2Gas) -> int:
        if self.address is None:
            price_wei = self._l2.agreed_floor("eth_gasPrice", [], by=quantity, quorum=self._l2.unreduced())
            return with_headroom(price_wei * gas.limit, FEE_HEADROOM_BPS)
        gas_price_wei = with_headroom(self._registry.gas_price_wei(), GAS_PRICE_HEADROOM_BPS)
        words = uint_word(gas_price_wei) + uint_word(gas.limit) + uint_word(gas.per_pubdata_byte)
        [cost_wei] = uint_words(self._registry.read(self.address, _BASE_COST + words), 1)
        return with_headroom(cost_wei, FEE_HEADROOM_BPS)
