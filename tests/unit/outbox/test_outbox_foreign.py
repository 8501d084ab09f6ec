"""Which transaction of somebody else is what an entry owes."""

from typing import Any

import pytest

from kernel.evm.fees import GWEI
from kernel.outbox.evm.foreign import is_the_effect
from tests.unit.outbox.test_outbox_decision import SIGNER, entry

pytestmark = pytest.mark.unit

TO = "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"
THEIRS: dict[str, Any] = {
    "from": SIGNER.lower(),
    "to": TO.lower(),
    "nonce": "0x4",
    "value": "0x7",
    "input": "0x01",
    "chainId": "0xe",
    "gas": "0xfffff",
    "maxFeePerGas": hex(900 * GWEI),
}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, True),
        ({"gas": "0x5208", "maxFeePerGas": "0x1"}, True),  # what it costs is not what it does
        ({"from": TO}, False),
        ({"from": "0x" + "11" * 20}, False),
        ({"to": SIGNER}, False),
        ({"to": None}, False),  # it creates a contract
        ({"nonce": "0x5"}, False),
        ({"value": "0x8"}, False),
        ({"input": "0x"}, False),
        ({"input": "0x0100"}, False),
        ({"chainId": "0x1"}, False),
        ({"chainId": None}, False),
    ],
)
def test_what_is_our_effect(changes: dict[str, Any], expected: bool) -> None:
    """The same signer, nonce, chain, recipient, value and calldata; nothing else matters."""
    assert expected == is_the_effect(entry(to=TO), {**THEIRS, **changes})
