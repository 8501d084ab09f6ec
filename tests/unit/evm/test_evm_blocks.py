"""What a node tells of blocks, and what only looks like it."""

from typing import Any

import pytest

from kernel.evm.blocks import HEIGHT_MAX, Head, quantity

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(("text", "number"), [("0x0", 0), ("0x1f", 31), ("0xDE0B6B3A7640000", 10**18)])
def test_a_quantity(text: str, number: int) -> None:
    """Hexadecimal, of any size."""
    assert number == quantity(text)


@pytest.mark.parametrize(
    "odd", ["-0x5", "0x-5", "0x", "", "5", "0x 5", "0x1_0", "0xg", " 0x5", "0X5", 5, None, ["0x5"]]
)
def test_what_is_no_quantity(odd: Any) -> None:
    """A nonce of minus five would be leased, and could never be signed."""
    with pytest.raises((ValueError, TypeError)):
        quantity(odd)


@pytest.mark.parametrize(("number", "fits"), [(HEIGHT_MAX, True), (HEIGHT_MAX + 1, False)])
def test_a_height_that_no_chain_reaches_is_passed_over(number: int, fits: bool) -> None:
    """What was signed at it could not be stored."""
    block = {"number": hex(number), "hash": "0x" + "11" * 32, "timestamp": "0x0"}
    try:
        assert number == Head.from_rpc(block).number
    except ValueError:
        assert not fits
    else:
        assert fits
