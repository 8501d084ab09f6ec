"""The accuracy reward once more, slowly: the specification's sentences as plain loops, with the vendors' encoder."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from Crypto.Hash import keccak
from eth_abi.abi import encode


def is_odd(feed: bytes, voting_round: int, voter: str) -> bool:
    words = encode(["bytes", "uint256", "address"], [feed, voting_round, voter])
    return int(keccak.new(digest_bits=256, data=words).hexdigest(), 16) % 2 == 1


def split(
    median: tuple[int, int, int],
    votes: Sequence[tuple[str, int | None, int]],
    pool: int,
    rules: Mapping[str, Any],
) -> dict[str, int]:
    """median: value, q1, q3. votes: voter, value, weight, in the signing policy's order."""
    value, low, high = median
    half = abs(value) * rules["band"] // 10**6
    near: list[tuple[str, int, bool, bool]] = []
    for voter, vote, weight in votes:
        if vote is not None:
            inside = low < vote < high or (vote in (low, high) and is_odd(rules["feed"], rules["round"], voter))
            near.append((voter, weight, inside, value - half < vote < value + half))
    iqr = sum(weight for _, weight, inside, _ in near if inside)
    pct = sum(weight for _, weight, _, close in near if close)
    shares = []
    for voter, weight, inside, close in near:
        share = 0
        if pct == 0:
            share += weight if inside else 0
        else:
            share += rules["primary"] * weight * pct if inside else 0
            share += (10**6 - rules["primary"]) * weight * iqr if close else 0
        shares.append((voter, share))
    paid, left, rest = {}, pool, sum(share for _, share in shares)
    for voter, share in shares:
        if share:
            amount = int(Fraction(left * share, rest))
            left, rest = left - amount, rest - share
            if amount:
                paid[voter] = amount
    return paid
