"""Where a window of block times begins on the chain."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.oracle.adapters.submission import Submissions
from kernel.evm.blocks import Head
from kernel.evm.contracts import Contract

pytestmark = pytest.mark.unit


class Headers:
    """A chain of which only block times are known; it counts how often it is asked."""

    address = "0x00"

    def __init__(self, times_s: Sequence[int]) -> None:
        self.pool, self.times_s, self.batches = self, times_s, 0

    def batch(self, calls: Sequence[tuple[str, list[Any]]]) -> list[dict[str, str]]:
        self.batches += 1
        return [{"timestamp": hex(self.times_s[int(number, 16)])} for _, (number, _) in calls]

    def first_at(self, time_s: int) -> int:
        last = len(self.times_s) - 1
        head = Head(number=last, hash=bytes(32), time_s=self.times_s[last], base_fee_wei=0)
        return Submissions(cast("Contract", self)).first_block_at(time_s, head)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=2_000), st.integers(-1, 6_000))
def test_it_is_the_first_block_at_or_after_the_moment(steps: list[int], time_s: int) -> None:
    """However far back, also where several blocks share a second, and past the head when no block is so late."""
    times_s = list(accumulate(steps))

    assert bisect_left(times_s, time_s) == Headers(times_s).first_at(time_s)


def test_what_lies_far_back_is_found_by_halving() -> None:
    """A day of blocks takes a handful of batches and twenty headers, not all of them."""
    chain = Headers(range(0, 200_000, 2))

    assert 500 == chain.first_at(1_000)
    assert chain.batches <= 5 + 17
