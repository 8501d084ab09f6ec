"""Owns what headers prove about the logs that a node gave: which are impossible, where some seem to be missing (pure).

A log that is not of the block it names, that nobody asked for, or that its block's bloom excludes was not in the chain:
the node is incoherent. A block whose bloom claims what was asked for, without a log to show for it, is *suspicious*:
full blocks set bits by accident, so somebody else is asked. The claim is looked at for each address with each wanted
first topic, so that one log that came does not cover for another that did not.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

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


def suspicious(logs: Iterable[Log], headers: Iterable[Header], watch: Watch) -> list[Header]:
    """The blocks whose bloom claims what did not come, in order."""
    came: dict[int, list[Log]] = {}
    for log in logs:
        came.setdefault(log.block_number, []).append(log)
    return [header for header in headers if any(_unmet(header, came.get(header.number, ()), watch))]


def is_whole(logs: Iterable[Log], header: Header) -> bool:
    """Whether these can be all logs of the block: together they must set exactly the bits of its bloom."""
    return bloom_of(logs) == header.bloom


def _unmet(header: Header, logs: Iterable[Log], watch: Watch) -> Iterator[bool]:
    """True for each claim of the bloom that no log meets."""
    if not header.bloom:
        return
    first, *others = watch.alternatives() or ((),)
    if any(any_of and not any(claims(header.bloom, topic) for topic in any_of) for any_of in others):
        return
    firsts: list[bytes | None] = [topic for topic in first if claims(header.bloom, topic)]
    if first and not firsts:
        return
    pairs: set[tuple[str, bytes | None]] = {(log.address, topic) for log in logs for topic in (None, *log.topics[:1])}
    for address in watch.addresses:
        if claims(header.bloom, bytes.fromhex(address[2:])):
            yield from ((address, topic) not in pairs for topic in firsts or [None])
