"""EIP-55: the capitals of an Ethereum address."""

import pytest
from eth_utils.address import to_checksum_address
from hypothesis import given
from hypothesis import strategies as st

from kernel.evm.addresses import checksum

pytestmark = pytest.mark.unit


@given(st.binary(min_size=20, max_size=20))
def test_capitals_are_those_of_eip_55(address: bytes) -> None:
    """Our check sum agrees with the reference library's."""
    assert to_checksum_address(address) == checksum("0x" + address.hex())
