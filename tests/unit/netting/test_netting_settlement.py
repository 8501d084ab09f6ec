"""The bytes of the program's instructions and events."""

import struct
from collections.abc import Callable

import pytest

from functions.netting.core import settlement
from functions.netting.core.settlement import NetBatchSettled, SettlementUnfit, StateRootSettled, decode_event
from kernel import base58

pytestmark = pytest.mark.unit
A, B = (base58.encode(bytes([n]) * 32) for n in (1, 2))
HASH = bytes(range(32))


@pytest.mark.parametrize(
    ("told", "published"),
    [
        (settlement.SETTLE_NET_BATCH, [191, 105, 4, 22, 61, 119, 77, 47]),
        (settlement.REGISTER_SESSION_KEY, [69, 94, 60, 44, 49, 199, 183, 233]),
        (settlement.SETTLE_STATE_ROOT, [92, 231, 55, 86, 236, 158, 89, 40]),
        (settlement.NET_BATCH_SETTLED, [234, 155, 138, 60, 142, 199, 240, 125]),
        (settlement.STATE_ROOT_SETTLED, [187, 241, 31, 39, 237, 226, 152, 4]),
    ],
)
def test_published_discriminators(told: bytes, published: list[int]) -> None:
    """Of Anchor's names."""
    assert list(told) == published


def test_a_batch_byte_for_byte() -> None:
    """Every number where Borsh has it."""
    told = settlement.settle_net_batch_data(7, HASH, [(5, A), (2**64 - 1, B)], [(A, 300), (B, -300)])

    by_hand = bytes([191, 105, 4, 22, 61, 119, 77, 47]) + struct.pack("<Q", 7) + HASH
    by_hand += struct.pack("<IQ", 2, 5) + b"\1" * 32 + b"\xff" * 8 + b"\2" * 32
    by_hand += struct.pack("<I", 2) + b"\1" * 32 + struct.pack("<q", 300) + b"\2" * 32 + struct.pack("<q", -300)
    assert told == by_hand


def test_parts_byte_for_byte() -> None:
    """The opening, and a part with each kind of entry."""
    begin = settlement.begin_parts_data(7, 3, HASH)
    part = settlement.settle_part_data(7, 2, [(A, 5)], [(B, 4)], [(9, A)])

    assert begin == settlement.BEGIN_PARTS + struct.pack("<QI", 7, 3) + HASH
    by_hand = settlement.SETTLE_PART + struct.pack("<QI", 7, 2) + struct.pack("<I", 1) + b"\1" * 32
    by_hand += struct.pack("<QI", 5, 1) + b"\2" * 32 + struct.pack("<QIQ", 4, 1, 9) + b"\1" * 32
    assert part == by_hand


def test_a_session_key_and_a_root_byte_for_byte() -> None:
    """Amounts unsigned, times signed."""
    assert settlement.register_session_key_data(5, -1)[8:] == struct.pack("<Qq", 5, -1)
    root = settlement.settle_state_root_data(1, HASH, b"\7" * 32, 10, 20)
    assert root[8:] == struct.pack("<Q", 1) + HASH + b"\7" * 32 + struct.pack("<QQ", 10, 20)


def test_events_are_read() -> None:
    """As the program writes them."""
    settled = settlement.NET_BATCH_SETTLED + struct.pack("<QII", 7, 2, 3) + HASH + struct.pack("<q", 1_700_000_000)
    kept = settlement.STATE_ROOT_SETTLED + struct.pack("<Q", 7) + HASH + b"\7" * 32 + struct.pack("<QQq", 4, 5, 6)

    assert decode_event(settled) == NetBatchSettled(
        batch_id=7, num_items=2, num_wallets=3, batch_hash=HASH, settled_at=1_700_000_000
    )
    assert decode_event(kept) == StateRootSettled(
        batch_id=7, root=HASH, da_hash=b"\7" * 32, num_intents=4, num_items=5, timestamp=6
    )


@pytest.mark.parametrize(
    "content", [b"", bytes(8), settlement.NET_BATCH_SETTLED, settlement.STATE_ROOT_SETTLED + bytes(97)]
)
def test_other_events_are_refused(content: bytes) -> None:
    """Foreign, cut or too long."""
    with pytest.raises(SettlementUnfit):
        decode_event(content)


@pytest.mark.parametrize(
    "act",
    [
        lambda: settlement.settle_net_batch_data(1, HASH, [], [(A, 1)]),
        lambda: settlement.settle_net_batch_data(1, HASH, [(5, A), (5, B)], []),
        lambda: settlement.settle_net_batch_data(1, HASH, [], [(A, 1), (A, -1)]),
        lambda: settlement.settle_net_batch_data(1, HASH[1:], [], []),
        lambda: settlement.settle_net_batch_data(1, HASH, [(1, base58.encode(bytes(31)))], []),
    ],
    ids=["unbalanced", "item twice", "wallet twice", "short hash", "short key"],
)
def test_what_the_program_would_refuse_is_not_written(act: Callable[[], bytes]) -> None:
    """It would only cost a fee."""
    with pytest.raises(SettlementUnfit):
        act()


def test_items_are_told_by_their_numbers() -> None:
    """Ascending."""
    assert settlement.by_item({"x": A, "y": B}, {"x": 9, "y": 3}) == [(3, B), (9, A)]
