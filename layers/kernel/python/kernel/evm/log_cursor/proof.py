"""Owns what headers prove about the logs that a node gave: which are impossible, which blocks to ask about (pure).

A log that is not of the block it names, that nobody asked for, or that its block's bloom excludes was not in the chain.
A block whose bloom excludes what a watch wants has no log of it. All others are *claimed*: they hold what was asked
for, or others set the same bits by accident, as full blocks do. A bloom does not count, and does not cover the logs'
data; so of claimed blocks, with logs or without, the answers of two endpoints are compared.
"""

from collections.abc import Iterable, Mapping, Sequence

from kernel.evm.blocks import Log
from kernel.evm.log_cursor.bloom import bloom_of, claims
from kernel.evm.log_cursor.headers import Header
from kernel.evm.log_cursor.watch import Watch


def impossible(logs: Sequence[Log], headers: Mapping[int, Header], watch: Watch) -> str | None:
    """Why these cannot be the logs of these blocks; None when they can."""
    seen: set[tuple[int, int]] = set()
    for log in logs:
        header = headers.get(log.block_number)
        if header is None or header.hash != log.block_hash:
            return f"a log names a block {log.block_number} that is not the chain's"
        if not watch.wants(log):
            return f"a log of block {log.block_number} was not asked for"
        mask = bloom_of([log])
        if header.bloom & mask != mask:
            return f"the bloom of block {log.block_number} excludes a log that came"
        if (log.block_number, log.log_index) in seen:
            return f"a log of block {log.block_number} came twice"
        seen.add((log.block_number, log.log_index))
    return None


def is_claimed(header: Header, watch: Watch) -> bool:
    """Whether the block may hold logs of the watch, as far as its bloom tells."""
    if not any(claims(header.bloom, bytes.fromhex(address[2:])) for address in watch.addresses):
        return False
    wanted = [any_of for any_of in watch.alternatives() if any_of]
    return all(any(claims(header.bloom, topic) for topic in any_of) for any_of in wanted)


def is_whole(logs: Iterable[Log], header: Header) -> bool:
    """Whether these can be all logs of the block, whoever's: together they set exactly the bits of its bloom."""
    return bloom_of(logs) == header.bloom
