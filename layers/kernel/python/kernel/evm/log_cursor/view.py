"""Owns one node's view of the chain: every question of one step goes to the same node, so that its answers fit.

Several nodes may hide behind one URL, so nothing is taken on trust even so: a range of logs counts only between two
looks at its last block that show the same hash.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeVar

from kernel.evm.blocks import Log, Receipt, hexadecimal
from kernel.evm.log_cursor.headers import Header
from kernel.evm.log_cursor.reorganisation import Block, Track, lowest_needed
from kernel.evm.log_cursor.watch import Watch
from kernel.jsonrpc.endpoint import Call, Endpoint, EndpointUnavailable, RpcRefused

T = TypeVar("T")

HEADERS_PER_CALL: Final = 100
BLOCKS_PER_CALL: Final = 32


class Incoherent(Exception):
    """A node's answer has another shape than the protocol's, or cannot be true."""


class Forgetful(Exception):
    """A node has the block, but no longer the receipts of its transactions."""


class Testimony(StrEnum):
    """What a node's receipts say of logs."""

    SHOWN = "shown"
    DENIED = "denied"  # its receipts are others, or its block has no such transactions
    FORGOTTEN = "forgotten"  # its block has the transactions, and their receipts are pruned


@dataclass(frozen=True, slots=True)
class TooWide:
    """The node refused a range of so many blocks, in these words."""

    asked: int
    words: str


class ChainView:
    """What one node shows. Raises RpcRefused, EndpointUnavailable, Incoherent."""

    def __init__(self, node: Endpoint, watch: Watch) -> None:
        self.node: Final = node
        self._watch = watch

    def target(self) -> int:
        """The newest block whose events the watch wants; negative while there is none."""
        confirmations = self._watch.confirmations
        tag = "finalized" if confirmations is None else "latest"
        found = self._headers([("eth_getBlockByNumber", [tag, False])])[0]
        if found is not None:
            return found.number - (confirmations or 0)
        if confirmations is None:
            return -1  # of a young chain nothing is final yet
        raise Incoherent("the chain has no newest block")

    def header(self, number: int) -> Header | None:
        """The block at a height, or None above the node's head."""
        return self.headers([number])[0]

    def headers(self, numbers: Sequence[int]) -> list[Header | None]:
        """The blocks at these heights, each None above the node's head."""
        found: list[Header | None] = []
        for start in range(0, len(numbers), HEADERS_PER_CALL):
            some = numbers[start : start + HEADERS_PER_CALL]
            headers = self._headers([("eth_getBlockByNumber", [hex(number), False]) for number in some])
            if any(one is not None and one.number != number for one, number in zip(headers, some, strict=True)):
                raise Incoherent("a block is not of the height that was asked for")
            found += headers
        return found

    def fork(self, track: Track) -> Block | None:
        """The highest block of the track that this node's chain still has; looked for from the newest down."""
        for end in range(len(track.blocks), 0, -BLOCKS_PER_CALL):
            blocks = track.blocks[max(0, end - BLOCKS_PER_CALL) : end]
            headers = self.headers([block.number for block in blocks])
            for block, header in zip(reversed(blocks), reversed(headers), strict=True):
                if header is not None and header.hash == block.hash:
                    return block
        return None

    def first_new(self, track: Track) -> int:
        """The lowest height at which this node's chain has a block that is not the track's."""
        fork = self.fork(track)
        return lowest_needed(track) if fork is None else fork.number + 1

    def logs(self, first: int, last: int) -> list[Log] | TooWide:
        """The watch's logs of a range, in the order of the chain; a single block is never too wide.

        That a node falls silent over a range is taken for a limit, too: it has told its headers a moment ago.
        """
        wanted = {**self._watch.filter(), "fromBlock": hex(first), "toBlock": hex(last)}
        try:
            answer = self.node.call("eth_getLogs", [wanted])
        except RpcRefused as refused:
            if first == last:
                raise
            return TooWide(last - first + 1, refused.words)
        except EndpointUnavailable:
            if first == last:
                raise
            return TooWide(last - first + 1, "")
        return _parsed(lambda: sorted(map(Log.from_rpc, answer), key=lambda log: (log.block_number, log.log_index)))

    def logs_of(self, blocks: Sequence[Header]) -> list[list[Log] | None]:
        """The watch's logs of each of these blocks, named by its hash; None for a block that the node does not have."""
        found: list[list[Log] | None] = []
        for start in range(0, len(blocks), BLOCKS_PER_CALL):
            some = blocks[start : start + BLOCKS_PER_CALL]
            known = self.node.batch([("eth_getBlockByHash", [hexadecimal(one.hash), False]) for one in some])
            asked = [one for one, block in zip(some, known, strict=True) if block is not None]
            calls: list[Call] = [
                ("eth_getLogs", [{**self._watch.filter(), "blockHash": hexadecimal(one.hash)}]) for one in asked
            ]
            answers = iter(self.node.batch(calls) if calls else [])
            found += [None if block is None else self._of_block(next(answers)) for block in known]
        return found

    def all_logs_of(self, block: Header) -> list[Log]:
        """Every log of a block, whoever it is of."""
        return self._of_block(self.node.call("eth_getLogs", [{"blockHash": hexadecimal(block.hash)}]))

    def testimony(self, block: Header, logs: Iterable[Log]) -> Testimony:
        """What the node's own receipts say of logs that somebody claims for a block which the node has."""
        wanted = set(logs)
        hashes = sorted({log.transaction_hash for log in wanted})
        answers = self.node.batch([("eth_getTransactionReceipt", [hexadecimal(one)]) for one in hashes])
        receipts = _parsed(lambda: [Receipt.from_rpc(answer) for answer in answers if answer is not None])
        if wanted <= {log for receipt in receipts for log in receipt.logs}:
            return Testimony.SHOWN
        if len(receipts) < len(hashes) and self._has(block, hashes):
            return Testimony.FORGOTTEN
        return Testimony.DENIED

    def _has(self, block: Header, hashes: Iterable[bytes]) -> bool:
        body = self.node.call("eth_getBlockByHash", [hexadecimal(block.hash), False])
        return body is not None and _parsed(lambda: set(map(hexadecimal, hashes)) <= set(body["transactions"]))

    def _of_block(self, answer: Any) -> list[Log]:
        return _parsed(lambda: sorted(map(Log.from_rpc, answer), key=lambda log: log.log_index))

    def _headers(self, calls: Sequence[Call]) -> list[Header | None]:
        answers = self.node.batch(calls) if len(calls) > 1 else [self.node.call(*calls[0])]
        return _parsed(lambda: [None if answer is None else Header.from_rpc(answer) for answer in answers])


def _parsed(parse: Callable[[], T]) -> T:
    try:
        return parse()
    except (KeyError, ValueError, TypeError, AttributeError) as odd:
        raise Incoherent(f"an answer of another shape: {type(odd).__name__}") from odd
