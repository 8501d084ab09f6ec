"""Settings of origins: what one registry cannot keep apart is refused before anything is paid."""

import json
from typing import Any

import pytest

from functions.bridge.wiring import Settings
from kernel.errors import Invalid

pytestmark = pytest.mark.unit

ZKSYNC = {
    "kind": "zksync",
    "name": "zksync",
    "chain_id": 324,
    "rpc_urls": "plain:http://rpc.invalid",
    "escrow": "0x" + "a3" * 20,
    "start_block": 1,
    "account": "0x" + "a4" * 20,
}
STARKNET = ZKSYNC | {"kind": "starknet", "name": "starknet", "chain_id": "SN_MAIN"}


def settings(*origins: dict[str, Any]) -> Settings:
    """Of a registry with these origins."""
    return Settings(
        l1_chain_id=1,
        l1_rpc_urls="plain:http://rpc.invalid",
        registry_address="0x" + "a2" * 20,
        registry_version=2,
        signer="0x" + "a1" * 20,
        origins=json.dumps(origins),
    )


def test_an_origin_of_each_family_is_served() -> None:
    """The registry gives each a number of its own."""
    assert ["zksync", "starknet"] == [one.name for one in settings(ZKSYNC, STARKNET).origins]


@pytest.mark.parametrize("second", [ZKSYNC | {"name": "other", "chain_id": 325}, STARKNET | {"name": "zksync"}])
def test_two_origins_that_would_pass_for_one_are_refused(second: dict[str, Any]) -> None:
    """The payment of order 5 of one would be taken for that of order 5 of the other, and be claimed there."""
    with pytest.raises((ValueError, Invalid), match="one origin of each kind"):
        settings(ZKSYNC, second)
