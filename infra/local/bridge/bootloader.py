"""Makes on L2 the calls that L1 has ordered, and gives back what they left of their fee, as zkSync's bootloader does.

The contracts that do it need no deployment: their code is put where the live network has it, at the base token's
address and at the alias of whoever ordered.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from eth_utils.address import to_checksum_address

from infra.local.flare.accounts import ETHER
from infra.local.flare.contracts import Contract, artifact

ALIAS: Final = 0x1111000000000000000000000000000000001111
ALIAS_WEI: Final = 1_000_000 * ETHER
BASE_TOKEN: Final = "0x000000000000000000000000000000000000800A"
#: Over the gas of the call itself: the bootloader's own, and what EIP-150 keeps back.
OVERHEAD_GAS: Final = 200_000

Rpc = Callable[..., Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderedCall:
    """A call on L2 as the mailbox took it; it is made once.

    sender: the alias of whoever ordered it. paid_wei: on L1, for all of it.
    """

    tx_id: int
    sender: str
    contract: str
    value_wei: int
    gas_limit: int
    gas_price_wei: int
    paid_wei: int
    refund_to: str
    data: bytes = field(repr=False)


def make(rpc: Rpc, call: OrderedCall) -> str:
    """Make one call; the hash of its transaction on L2. rpc: asks a node of L2."""
    for address, code in ((BASE_TOKEN, _code(rpc, "BaseToken")), (call.sender, _code(rpc, "Bootloader"))):
        rpc("anvil_setCode", address, code)
    rpc("anvil_setBalance", call.sender, hex(ALIAS_WEI))
    rpc("anvil_impersonateAccount", call.sender)
    request = (
        call.tx_id,
        call.contract,
        call.value_wei,
        call.data,
        call.gas_limit,
        call.gas_price_wei,
        call.paid_wei,
        call.refund_to,
    )
    data = Contract(call.sender, artifact("Bootloader", "bridge")).data("carry", request)
    gas = hex(call.gas_limit * 64 // 63 + OVERHEAD_GAS)
    return str(
        rpc("eth_sendTransaction", {"from": call.sender, "to": call.sender, "data": "0x" + data.hex(), "gas": gas})
    )


def alias(sender: str) -> str:
    """Who a contract on L1 is on L2."""
    return to_checksum_address(((int(sender, 16) + ALIAS) % 2**160).to_bytes(20, "big"))


def _code(rpc: Rpc, name: str) -> str:
    """What a contract's constructor leaves on the chain; it depends on nothing there."""
    return _codes().setdefault(
        name, str(rpc("eth_call", {"data": "0x" + artifact(name, "bridge").bytecode.hex()}, "latest"))
    )


@cache
def _codes() -> dict[str, str]:
    return {}
