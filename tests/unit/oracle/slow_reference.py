"""The voting round once more, slowly: the specification's sentences as plain loops, with the vendors' ABI encoder.

Shares nothing with the product but the data types.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from Crypto.Hash import keccak as crypto_keccak
from eth_abi.abi import encode as abi_encode

from functions.oracle.core.feeds import Feed


def keccak(data: bytes) -> bytes:
    return crypto_keccak.new(digest_bits=256, data=data).digest()


def median(votes: Sequence[tuple[int | None, int]]) -> tuple[int | None, int | None, int | None, int]:
    """Weighted median and quartiles by walking up and down."""
    cast = sorted(((value, weight) for value, weight in votes if value is not None), key=lambda vote: vote[0])
    total = sum(weight for _, weight in cast)
    if total == 0:
        return None, None, None, 0

    middle: int | None = None
    seen = 0
    for position, (value, weight) in enumerate(cast):
        seen += weight
        if seen >= -(-total // 2):
            exactly_half = total % 2 == 0 and seen == total // 2
            middle = (value + cast[position + 1][0]) // 2 if exactly_half else value
            break
    return middle, _quartile(cast, total // 4), _quartile(cast[::-1], total // 4), total


def _quartile(cast: Sequence[tuple[int, int]], bound: int) -> int:
    seen = 0
    for value, weight in cast:
        seen += weight
        if seen > bound:
            return value
    raise AssertionError


def values_of(vector: bytes, feed_count: int) -> list[int | None] | None:
    if len(vector) % 4 or len(vector) // 4 > feed_count:
        return None
    slots = [int.from_bytes(vector[at : at + 4], "big") for at in range(0, len(vector), 4)]
    slots += [0] * (feed_count - len(slots))
    return [slot - 2**31 if slot != 0 else None for slot in slots]


def commit_hash(submitter: str, voting_round: int, random: int, vector: bytes) -> bytes:
    return keccak(abi_encode(["address", "uint32", "uint256", "bytes"], [submitter, voting_round, random, vector]))


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    nodes = sorted(set(leaves))
    heap = [b""] * (len(nodes) - 1) + nodes
    for at in range(len(nodes) - 2, -1, -1):
        pair = sorted([heap[2 * at + 1], heap[2 * at + 2]])
        heap[at] = keccak(pair[0] + pair[1])
    return heap[0]


def compute_round(
    commits: Mapping[str, bytes],
    reveals: Mapping[str, tuple[int, bytes]],
    weights: Mapping[str, int],
    feeds: Sequence[Feed],
    voting_round: int,
    benched: set[str],
    registered_weight: int,
) -> dict[str, Any]:
    good = {}
    for voter, commit in commits.items():
        if voter in reveals:
            random, vector = reveals[voter]
            readable = values_of(vector, len(feeds)) is not None
            if readable and commit_hash(voter, voting_round, random, vector) == commit:
                good[voter] = reveals[voter]
    offenders = {voter for voter in commits if voter not in good}
    voters = [voter for voter in weights if voter in good]
    if not voters:
        return {
            "medians": [(None, None, None, 0)] * len(feeds),
            "offenders": offenders,
            "root": None,
            "random": None,
            "secure": False,
        }

    columns = [values_of(good[voter][1], len(feeds)) for voter in voters]
    medians = [
        median([(column[at], weights[voter]) for voter, column in zip(voters, columns, strict=True) if column])
        for at in range(len(feeds))
    ]
    counted = [good[voter][0] for voter in voters if voter not in benched]
    spoilers = [voter for voter in offenders if voter in weights and voter not in benched]
    random = sum(counted) % 2**256
    secure = not spoilers and len(counted) >= 2
    leaves = [
        keccak(
            abi_encode(
                ["uint32", "bytes21", "int32", "uint16", "int8"],
                [voting_round, feed.id, value or 0, weight * 10_000 // registered_weight, feed.decimals],
            )
        )
        for feed, (value, _, _, weight) in zip(feeds, medians, strict=True)
    ]
    leaves.append(keccak(abi_encode(["uint32", "uint256", "bool"], [voting_round, random, secure])))
    return {"medians": medians, "offenders": offenders, "root": merkle_root(leaves), "random": random, "secure": secure}
