"""Owns what the mailbox of a zkSync chain asks on L1 for a call on L2, and where it is.

Its price moves with L1's gas, and a call whose value does not cover it reverts. So it is asked at a gas price with
headroom, and what it answers gets some, too; what is too much comes back on L2.

Where no mailbox is set, the registry is asked for its own; one that does not tell leaves the price of L2's own gas.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

from functions.bridge.adapters.recent import Recent
from functions.bridge.adapters.registry import Registry
from functions.bridge.core.estimates import with_headroom
from functions.bridge.core.registry import L2Gas
from kernel.abi import WordMalformed, address_of_word, uint_word, uint_words
from kernel.errors import Broken
from kernel.evm.blocks import quantity
from kernel.evm.contracts import selector
from kernel.evm.quorum import Quorum, Reverted

_BASE_COST: Final = selector("l2TransactionBaseCost(uint256,uint256,uint256)")
_OWN_MAILBOX: Final = selector("zkSync()")
#: Three full blocks of L1 raise its base fee by 42 %.
GAS_PRICE_HEADROOM_BPS: Final = 5_000
FEE_HEADROOM_BPS: Final = 1_000
RECENT_S: Final = 3.0


class NoMailbox(Broken):
    """The contract that should send messages to the origin does not name their price."""

    cause = "The mailbox in the origin's settings is no zkSync mailbox, or the registry sends through another contract."
    remedy = "Set the origin's mailbox to the diamond that the registry calls."


@dataclass(frozen=True, slots=True)
class Quote:
    """What a call on L2 costs, with headroom; told by a mailbox, or only the price of L2's own gas."""

    fee_wei: int
    is_told: bool


class Mailbox:
    """The mailbox that a registry sends through."""

    def __init__(self, registry: Registry, l2: Quorum, address: str | None = None) -> None:
        self._registry, self._l2, self._address = registry, l2, address
        self._quotes: dict[L2Gas, Recent[Quote]] = {}

    def quote(self, gas: L2Gas) -> Quote:
        """What a call on L2 with this gas costs, as it was read lately.

        Raises NoQuorum, QuestionRefused, RpcUnavailable, WrongChain, and NoMailbox where a wrong one is set.
        """
        if gas not in self._quotes:
            self._quotes[gas] = Recent(lambda: self._quote(gas), ttl_s=RECENT_S)
        return self._quotes[gas]()

    def _quote(self, gas: L2Gas) -> Quote:
        address = self._address or self._registrys
        cost_wei = None if address is None else self._cost_wei(address, gas)
        if cost_wei is None and self._address is not None:
            raise NoMailbox(address=self._address)
        if cost_wei is not None:
            return Quote(with_headroom(cost_wei, FEE_HEADROOM_BPS), is_told=True)
        price_wei = self._l2.floor("eth_gasPrice", [], by=quantity)
        return Quote(with_headroom(price_wei * gas.limit, FEE_HEADROOM_BPS), is_told=False)

    def _cost_wei(self, address: str, gas: L2Gas) -> int | None:
        gas_price_wei = with_headroom(self._registry.gas_price_wei(), GAS_PRICE_HEADROOM_BPS)
        words = uint_word(gas_price_wei) + uint_word(gas.limit) + uint_word(gas.per_pubdata_byte)
        return self._word(address, _BASE_COST + words)

    @cached_property
    def _registrys(self) -> str | None:
        """The mailbox that the registry tells of."""
        word = self._word(self._registry.address, _OWN_MAILBOX)
        try:
            return address_of_word(word) if word else None
        except WordMalformed:
            return None

    def _word(self, address: str, call: bytes) -> int | None:
        """The number that a contract answers; None where it has no such function."""
        try:
            [word] = uint_words(self._registry.read(address, call), 1)
        except (Reverted, WordMalformed):
            return None
        return word
