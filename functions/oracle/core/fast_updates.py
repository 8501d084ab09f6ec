"""Owns what a fast update says, what it makes of the block-latency feeds, and who is rewarded for updates.

    deltas = { 2 bits }*, from the highest bits of the first byte on, in the order of the fast updates' own feeds
             01 up, 11 down, 00 (and 10, which nobody should send) unchanged; feeds beyond the end are unchanged

A feed is a number below 2**32, the scale a fixed-point number with 127 bits behind the point, above 1:

    up    floor(feed * scale / 2**127)         down    floor(feed * 2**127 / scale)

An update is signed by its provider's signing-policy key: EIP-191 of sha256(abi.encode(uint256 sortition block,
credential, bytes deltas)). The chain has checked that, and its owner's right to update, before it tells of one.

The accuracy reward of a round is paid if its rewarded feed, as it stood when the voting epoch ended, lies in
a band around the round's median, borders included: equally to every update of that epoch, the remainder a unit each to
the first ones. Otherwise it is burnt.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from kernel.amounts import ONE_PPM

ONE: Final = 1 << 127
_UP, _DOWN = 1, 3


def decode_deltas(deltas: bytes, feed_count: int) -> tuple[int, ...]:
    """+1, 0 or -1 a feed."""
    step = {_UP: 1, _DOWN: -1}
    codes = [octet >> shift & 3 for octet in deltas for shift in (6, 4, 2, 0)]
    return tuple(step.get(code, 0) for code in codes[:feed_count]) + (0,) * max(0, feed_count - len(codes))


def encode_deltas(steps: Sequence[int]) -> bytes:
    """The same the other way round; ValueError for a step that is none."""
    if not set(steps) <= {-1, 0, 1}:
        raise ValueError("a step is up, down or none")
    codes = [step & 3 for step in steps] + [0] * (-len(steps) % 4)
    return bytes(
        codes[at] << 6 | codes[at + 1] << 4 | codes[at + 2] << 2 | codes[at + 3] for at in range(0, len(codes), 4)
    )


def updated(feeds: Sequence[int], steps: Sequence[int], scale: int) -> list[int]:
    """The feeds after one update. scale: above `ONE`."""
    return [_moved(feed, step, scale) for feed, step in zip(feeds, steps, strict=True)]


def accuracy_shares(
    pool: int, updaters: Sequence[str], feed: tuple[int, int], median: tuple[int | None, int], band_ppm: int
) -> dict[str, int]:
    """Signing-policy address to what it earns; nothing where the pool is burnt.

    updaters: of each update of the voting epoch, in chain order. feed, median: the value and its decimals.
    """
    value, decimals = feed
    middle, middle_decimals = median
    if middle is None or not updaters:
        return {}
    shared = max(decimals, middle_decimals)
    value, middle = value * 10 ** (shared - decimals), middle * 10 ** (shared - middle_decimals)
    if abs(value - middle) > abs(middle) * band_ppm // ONE_PPM:
        return {}
    share, remainder = divmod(pool, len(updaters))
    earned: Counter[str] = Counter()
    for position, updater in enumerate(updaters):
        earned[updater] += share + (position < remainder)
    return {updater: amount for updater, amount in earned.items() if amount}


def _moved(feed: int, step: int, scale: int) -> int:
    if step > 0:
        return feed * scale // ONE
    return feed * ONE // scale if step < 0 else feed
