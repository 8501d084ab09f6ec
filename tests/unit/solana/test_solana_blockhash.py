"""What a node tells of the newest blockhash."""

from typing import Any

import pytest

from kernel import base58
from kernel.solana.agreement import SLOT_MAX, blockhash_told

pytestmark = pytest.mark.unit


def told(*, value: bytes = bytes(32), slot: Any = 7) -> dict[str, Any]:
    return {"context": {"slot": slot}, "value": {"blockhash": base58.encode(value), "lastValidBlockHeight": 157}}


@pytest.mark.parametrize("slot", [0, SLOT_MAX])
def test_a_blockhash_and_the_slot_it_was_read_at(slot: int) -> None:
    """Both are stored with what is signed over it."""
    assert (slot, 157) == (
        blockhash_told(told(slot=slot)).slot,
        blockhash_told(told(slot=slot)).last_valid_block_height,
    )


@pytest.mark.parametrize("odd", [told(slot=-1), told(slot=SLOT_MAX + 1), told(slot=None), told(value=bytes(31)), {}])
def test_what_is_none_is_asked_of_the_next_endpoint(odd: Any) -> None:
    """What was signed over it could be neither stored nor sent."""
    with pytest.raises((ValueError, TypeError, LookupError)):
        blockhash_told(odd)
