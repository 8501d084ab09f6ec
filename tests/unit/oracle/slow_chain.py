"""The reading of the chain once more, slowly: the specification's sentences about calldata, deadlines and the bench.

Shares nothing with the product but the shape of a transaction.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from functions.oracle.core.feeds import Feed
from functions.oracle.core.submissions import Submission
from tests.unit.oracle import slow_reference

EPOCH_S, DEADLINE_S, PROTOCOL = 90, 45, 100
SUBMIT1, SUBMIT2 = bytes.fromhex("6c532fae"), bytes.fromhex("9d00c9fd")


def rounds(
    sent: Iterable[Submission],
    numbers: Sequence[int],
    weights: Mapping[str, int],
    feeds: Sequence[Feed],
    *,
    first_epoch_start_s: int,
) -> Iterator[dict[str, Any]]:
    """The result of each round, the offenders of the rounds before it benched."""
    in_order = sorted(sent, key=lambda one: (one.block_number, one.transaction_index))
    offenders: dict[int, set[str]] = {}
    for number in numbers:
        start_s = first_epoch_start_s + EPOCH_S * number
        commits: dict[str, bytes] = {}
        reveals: dict[str, tuple[int, bytes]] = {}
        for one in in_order:
            since_s = one.block_time_s - start_s
            for protocol, voting_round, payload in _messages(one.calldata):
                if protocol != PROTOCOL or voting_round != number:
                    continue
                if one.calldata.startswith(SUBMIT1) and 0 <= since_s < EPOCH_S and len(payload) == 32:
                    commits[one.sender.lower()] = payload
                if one.calldata.startswith(SUBMIT2) and EPOCH_S <= since_s < EPOCH_S + DEADLINE_S:
                    readable = len(payload) >= 32 and slow_reference.values_of(payload[32:], len(feeds)) is not None
                    if readable:
                        reveals[one.sender.lower()] = (int.from_bytes(payload[:32], "big"), payload[32:])
        benched = {voter for earlier in range(number - 20, number) for voter in offenders.get(earlier, ())}
        registered = sum(weights.values())
        result = slow_reference.compute_round(commits, reveals, weights, feeds, number, benched, registered)
        offenders[number] = result["offenders"]
        yield result


def _messages(calldata: bytes) -> list[tuple[int, int, bytes]]:
    """Protocol, round and payload of each message; none of a transaction with broken framing."""
    found, rest = [], calldata[4:]
    while rest:
        if len(rest) < 7:
            return []
        length = int.from_bytes(rest[5:7], "big")
        if len(rest) < 7 + length:
            return []
        found.append((rest[0], int.from_bytes(rest[1:5], "big"), rest[7 : 7 + length]))
        rest = rest[7 + length :]
    return found
