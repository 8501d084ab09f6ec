"""Owns the comparison of what several endpoints say about the logs of one block: who is believed, and who is left out.

1. A block that its bloom claims for the watch is asked of a second endpoint by its hash. Two that say the same are
   believed.
2. Where two differ, their receipts are heard first: an endpoint whose own receipts show the logs that it left out is
   distrusted, and one that has pruned them is no witness. A contradiction that remains is decided by a third endpoint;
   whoever stands alone is distrusted. Without a third one the block is disputed: nothing is delivered, a person is
   called.
3. Where nobody else knows the block, the endpoint is asked for all its logs, by its hash: they must add up to the
   bloom, and contain the same logs of the watch. The same is asked once a range of a block that is claimed and empty,
   because two endpoints that have both pruned their logs would agree on nothing.
"""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TypeVar

from kernel.evm.blocks import Log
from kernel.evm.log_cursor.headers import Header
from kernel.evm.log_cursor.proof import impossible, is_claimed, is_whole
from kernel.evm.log_cursor.view import ChainView, Forgetful, Incoherent, Testimony
from kernel.evm.log_cursor.watch import Watch
from kernel.evm.rpc import RpcPool
from kernel.jsonrpc.endpoint import Endpoint, EndpointUnavailable, RpcRefused

logger = logging.getLogger(__name__)

T = TypeVar("T")
Logs = frozenset[Log]
Dissent = list[tuple[Endpoint, Logs]]


class Disputed(Exception):
    """Two endpoints contradict each other about a block, and nothing says which of them is right."""


class Witnesses:
    """The endpoints of one chain, as far as they are asked about each other."""

    def __init__(self, pool: RpcPool, watch: Watch) -> None:
        self._pool, self._watch = pool, watch

    def others(self, node: Endpoint) -> list[Endpoint]:
        """Everybody else who is believed now."""
        return [other for other in self._pool.readers() if other is not node]

    def asked(self, node: Endpoint, ask: Callable[[ChainView], T]) -> T | None:
        """An endpoint's answer, or None when it has none that can be believed; the pool is told why."""
        try:
            return ask(ChainView(node, self._watch))
        except EndpointUnavailable as away:
            self._pool.fail(node, type(away).__name__)
            reason = str(away.details.get("reason"))
        except RpcRefused as refused:
            reason = refused.words
        except Forgetful as forgetful:
            reason = str(forgetful)
        except Incoherent as lie:
            self._pool.distrust(node, str(lie))
            reason = str(lie)
        fields = {"watch": self._watch.name, "endpoint": node.name, "reason": reason[:512]}
        logger.warning("An endpoint could not be read from.", extra=fields)
        return None

    def confirm(self, view: ChainView, headers: Sequence[Header], logs: Sequence[Log]) -> None:
        """That these are the logs of these blocks. Raises Incoherent when the view's node is wrong, and Disputed."""
        reason = impossible(logs, {header.number: header for header in headers}, self._watch)
        if reason is not None:
            raise Incoherent(reason)
        shown = _by_block(headers, logs)
        claimed = [header for header in headers if is_claimed(header, self._watch)]
        unconfirmed, dissent = claimed, dict[bytes, Dissent]()
        for node in self.others(view.node):
            if unconfirmed:
                unconfirmed = self._heard(node, unconfirmed, shown, dissent)
        alone = {header.hash for header in unconfirmed}
        for header in claimed:
            if header.hash in alone | set(dissent):
                dissenters = dissent.get(header.hash, [])
                self._settle(view, header, shown[header.hash], dissenters, is_confirmed=header.hash not in alone)
        # Two that have pruned their logs agree on nothing, too; what is old is pruned first.
        oldest = next((one for one in claimed if not shown[one.hash] and one.hash not in alone), None)
        if oldest is not None:
            self._prove(view, oldest, frozenset())

    def _heard(
        self, node: Endpoint, headers: list[Header], shown: dict[bytes, Logs], dissent: dict[bytes, Dissent]
    ) -> list[Header]:
        """Hear one more endpoint; the blocks that are still unconfirmed."""
        opinions = self.asked(node, lambda view: self._possible(view, headers))
        if opinions is None:
            return headers
        unconfirmed = []
        for header, opinion in zip(headers, opinions, strict=True):
            if opinion != shown[header.hash]:
                unconfirmed.append(header)
                if opinion is not None:
                    dissent.setdefault(header.hash, []).append((node, opinion))
        return unconfirmed

    def _possible(self, view: ChainView, headers: Sequence[Header]) -> list[Logs | None]:
        opinions = view.logs_of(headers)
        for header, opinion in zip(headers, opinions, strict=True):
            reason = impossible(opinion or [], {header.number: header}, self._watch)
            if reason is not None:
                raise Incoherent(reason)
        return [None if opinion is None else frozenset(opinion) for opinion in opinions]

    def _settle(self, view: ChainView, header: Header, shown: Logs, dissent: Dissent, *, is_confirmed: bool) -> None:
        """Weigh the dissent about a block, or let the view's node prove alone what nobody else knows."""
        real = [one for one in dissent if self._contradicts(view, header, shown, one)]
        if is_confirmed:
            for node, _ in real:
                self._pool.distrust(node, "two others contradict the logs that it gives")
        elif real and Counter(opinion for _, opinion in real).most_common(1)[0][1] > 1:
            raise Incoherent(f"two others contradict its logs of block {header.number}")
        elif real:
            raise Disputed(f"block {header.number}")
        else:
            self._prove(view, header, shown)

    def _contradicts(self, view: ChainView, header: Header, shown: Logs, dissent: tuple[Endpoint, Logs]) -> bool:
        """Whether an answer that differs counts, after the receipts of both sides are heard.

        Raises Incoherent when the view's node convicts itself, Forgetful when it has pruned its receipts.
        """
        node, opinion = dissent
        if opinion - shown:
            own = view.testimony(header, opinion - shown)
            if own == Testimony.SHOWN:
                raise Incoherent(f"its own receipts show logs of block {header.number} that it left out")
            if own == Testimony.FORGOTTEN:
                raise Forgetful(f"it has no receipts of block {header.number}")
        left_out = shown - opinion
        if not left_out:
            return True
        other = self.asked(node, lambda theirs: theirs.testimony(header, left_out))
        if other == Testimony.SHOWN:
            self._pool.distrust(node, "its own receipts show logs that it left out")
        return other == Testimony.DENIED

    def _prove(self, view: ChainView, header: Header, shown: Logs) -> None:
        """All logs of the block must add up to its bloom. Raises Incoherent, and Forgetful where there are none."""
        whole = view.all_logs_of(header)
        if header.bloom and not whole:
            raise Forgetful(f"it has no logs of block {header.number}")
        if not is_whole(whole, header) or frozenset(filter(self._watch.wants, whole)) != shown:
            raise Incoherent(f"the bloom of block {header.number} claims logs that did not come")


def _by_block(headers: Sequence[Header], logs: Sequence[Log]) -> dict[bytes, Logs]:
    shown: dict[bytes, set[Log]] = {header.hash: set() for header in headers}
    for log in logs:
        shown[log.block_hash].add(log)
    return {block: frozenset(logs) for block, logs in shown.items()}
