"""Owns the search for a log of the past: from the newest block down, each range as a quorum tells it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from kernel.evm.blocks import Log, Topics, topics_asked
from kernel.evm.quorum import QuestionRefused, Quorum
from kernel.jsonrpc.quorum import NoQuorum

SPAN_BLOCKS: Final = 2_000
SPAN_BLOCKS_MAX: Final = 50_000


def newest_first(quorum: Quorum, address: str, topics: Topics, *, first: int, last: int) -> Iterator[Log]:
    """A contract's logs of the inclusive range, the last one first; blocks that may still change are no good range.

    A range that is refused is halved, down to one block; nobody's absence reduces the quorum. Raises NoQuorum,
    QuestionRefused, RpcUnavailable, WrongChain.
    """
    span = SPAN_BLOCKS
    while last >= first:
        start = max(first, last - span + 1)
        wanted = {"address": address, "topics": topics_asked(topics), "fromBlock": hex(start), "toBlock": hex(last)}
        try:
            found = _agreed(quorum, wanted)
        except (QuestionRefused, NoQuorum):
            # Where too few are there to agree, no narrower range will make them.
            if start == last or len(quorum.pool.readers()) < quorum.needed:
                raise
            span = max(1, (last - start + 1) // 2)
            continue
        yield from reversed(found)
        last, span = start - 1, min(2 * span, SPAN_BLOCKS_MAX)


def _agreed(quorum: Quorum, wanted: Mapping[str, Any]) -> Sequence[Log]:
    def read(told: Any) -> tuple[Log, ...]:
        return tuple(sorted(map(Log.from_rpc, told), key=lambda log: (log.block_number, log.log_index)))

    return read(quorum.agreed("eth_getLogs", [wanted], by=read))
