"""The Submission contract: what voters sent, read from whole blocks because the contract emits no events."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from functions.oracle.core.submissions import Submission
from kernel.errors import Transient
from kernel.evm.blocks import SUCCEEDED, Head, octets, quantity
from kernel.evm.contracts import Contract
from kernel.jsonrpc.endpoint import Call

BLOCKS_PER_BATCH: Final = 20
HEADERS_FIRST: Final = 32
HEADERS_MAX: Final = 512
RECEIPTS_PER_BATCH: Final = 100


class WindowStillOpen(Transient):
    """The chain has not reached the end of the window yet, so a later block may still belong to it."""

    cause = "The newest block is older than the end of the window that is to be read."
    remedy = "The work is tried again when the next block is there."
    retry_after_s = 0.5


class BlockAbsent(Transient):
    """A node does not have a block or receipt up to the head that was named."""

    cause = "Another node named the head, and this one has not caught up; or it has pruned what is asked for."
    remedy = "The work is tried again; use an endpoint with the history of an hour if this lasts."
    retry_after_s = 0.5


class Submissions:
    """Calls of the Submission contract in a window of block times."""

    def __init__(self, contract: Contract) -> None:
        self._pool, self._address = contract.pool, contract.address.lower()

    def between(self, start_s: int, end_s: int, head: Head) -> list[Submission]:
        """Every successful call in blocks with start_s <= time < end_s, in chain order.

        Reads no block after `head`. Raises WindowStillOpen when the window reaches past it.
        """
        if head.time_s < end_s:
            raise WindowStillOpen(head_time_s=head.time_s, end_s=end_s)
        return self.seen(start_s, end_s, head)

    def seen(self, start_s: int, end_s: int, head: Head) -> list[Submission]:
        """The same as far as the chain has come: what a window that is still open holds by now."""
        found = [
            (submission, transaction_hash)
            for block in self._blocks(start_s, end_s, head)
            for submission, transaction_hash in self._calls(block)
        ]
        succeeded = self._succeeded([transaction_hash for _, transaction_hash in found])
        return [submission for (submission, _), good in zip(found, succeeded, strict=True) if good]

    def first_block_at(self, time_s: int, head: Head) -> int:
        """The lowest block number whose time is at or after `time_s`; block times ascend.

        Walks back from the head in growing batches of headers, because the windows that are asked for are recent;
        what lies further back is found by halving.
        """
        high, span = head.number + 1, HEADERS_FIRST
        while high > 0 and span <= HEADERS_MAX:
            low = max(0, high - span)
            times_s = self._times_s(range(low, high))
            if times_s[0] < time_s:
                return low + bisect_left(times_s, time_s)
            high, span = low, 2 * span
        return bisect_left(range(high), time_s, key=lambda number: self._times_s([number])[0])

    def _times_s(self, numbers: Iterable[int]) -> list[int]:
        headers = self._all([("eth_getBlockByNumber", [hex(number), False]) for number in numbers])
        return [quantity(header["timestamp"]) for header in headers]

    def _blocks(self, start_s: int, end_s: int, head: Head) -> Iterator[dict[str, Any]]:
        first = self.first_block_at(start_s, head)
        for start in range(first, head.number + 1, BLOCKS_PER_BATCH):
            numbers = range(start, min(start + BLOCKS_PER_BATCH, head.number + 1))
            for block in self._all([("eth_getBlockByNumber", [hex(number), True]) for number in numbers]):
                if quantity(block["timestamp"]) >= end_s:
                    return
                if quantity(block["timestamp"]) >= start_s:
                    yield block

    def _calls(self, block: dict[str, Any]) -> Iterator[tuple[Submission, str]]:
        for transaction in block["transactions"]:
            if (transaction.get("to") or "").lower() == self._address:
                submission = Submission(
                    sender=transaction["from"].lower(),
                    calldata=octets(transaction["input"]),
                    block_time_s=quantity(block["timestamp"]),
                    block_number=quantity(block["number"]),
                    transaction_index=quantity(transaction["transactionIndex"]),
                )
                yield submission, transaction["hash"]

    def _succeeded(self, hashes: Sequence[str]) -> list[bool]:
        outcomes: list[bool] = []
        for start in range(0, len(hashes), RECEIPTS_PER_BATCH):
            calls = [("eth_getTransactionReceipt", [h]) for h in hashes[start : start + RECEIPTS_PER_BATCH]]
            outcomes += [quantity(receipt["status"]) == SUCCEEDED for receipt in self._all(calls)]
        return outcomes

    def _all(self, calls: Sequence[Call]) -> list[dict[str, Any]]:
        """Every answer of a batch. Raises BlockAbsent for a null among them."""
        answers = self._pool.batch(calls)
        if None in answers:
            raise BlockAbsent(method=calls[0][0], wanted=str(calls[answers.index(None)][1][0]))
        return answers
