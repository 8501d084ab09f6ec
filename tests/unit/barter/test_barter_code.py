"""By which code contracts are known: what a deployer sets is left out, and nothing else."""

import pytest

from functions.barter.core.code import fingerprint, skeleton
from kernel.hashes import keccak256

pytestmark = pytest.mark.unit

PUSH1, PUSH31, PUSH32, STOP = b"\x60", b"\x7e", b"\x7f", b"\x00"
WORD = bytes(range(1, 33))


def test_operands_of_push32_are_left_out() -> None:
    """All of their bytes, wherever they stand; the operations themselves stay."""
    assert PUSH32 + bytes(32) + STOP == skeleton(PUSH32 + WORD + STOP)
    assert STOP + PUSH32 + bytes(32) + PUSH32 + bytes(32) + b"\x01" == skeleton(
        STOP + PUSH32 + WORD + PUSH32 + WORD + b"\x01"
    )


def test_shorter_operands_stay() -> None:
    """Selectors, places in memory and jumps."""
    for code in (PUSH1 + b"\x05" + STOP, PUSH31 + WORD[:31] + STOP, b"\x63" + WORD[:4] + b"\x57"):
        assert code == skeleton(code)


def test_an_operand_is_no_operation() -> None:
    """Whatever its bytes are: 7f behind PUSH1 pushes itself."""
    assert PUSH1 + PUSH32 + b"\x05" * 40 == skeleton(PUSH1 + PUSH32 + b"\x05" * 40)
    inside = PUSH32 + PUSH32 * 32
    assert PUSH32 + bytes(32) + b"\x05" * 3 == skeleton(inside + b"\x05" * 3)


def test_code_may_end_in_the_middle_of_an_operand() -> None:
    """As its metadata may: nothing is added and nothing lost."""
    assert PUSH32 + bytes(3) == skeleton(PUSH32 + b"\x01\x02\x03")
    assert PUSH31 + b"\x01" == skeleton(PUSH31 + b"\x01")
    assert b"" == skeleton(b"")


def test_a_fingerprint_is_of_everything_else() -> None:
    """Each byte that is no operand of PUSH32 changes it, and its length does."""
    code = b"\x5b" + PUSH32 + WORD + PUSH1 + b"\x40" + b"\x57"
    known = fingerprint(code)

    assert keccak256(skeleton(code)).hex() == known
    for place in range(len(code)):
        changed = bytearray(code)
        changed[place] ^= 1
        assert (fingerprint(bytes(changed)) == known) == (2 <= place < 34)
    assert known != fingerprint(code + STOP)
