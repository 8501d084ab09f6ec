"""Owns the pool of RPC endpoints of one chain: which of them may be believed, and whom to ask next.

1. Before its first use in a container an endpoint must name the configured chain id; one that names another is left
   out for good, and one that is silent until it answers. When all name another, WrongChain says what to correct.
2. Every few seconds the heads are compared: an endpoint behind the best by more than `lag_blocks_max` blocks or
   `lag_s_max` seconds is left out of reads until the next comparison. It still receives broadcasts.
3. A read goes to the first endpoint in order and fails over on time-outs, connection errors, HTTP 429/5xx and any
   refusal that another node may not share. A revert is an answer of the chain, and is raised at once as RpcRefused.
4. A broadcast goes to every endpoint of the right chain at once, and every answer comes back.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeVar

from kernel.clock import Clock, SystemClock
from kernel.errors import WrongChain
from kernel.evm.blocks import BlockId, Head, Log, Receipt, block_id, hexadecimal, octets, quantity
from kernel.evm.refusals import Refusal, meaning_of
from kernel.jsonrpc.endpoint import Call, Endpoint, EndpointUnavailable, RpcLimited, RpcRefused, RpcUnavailable

LOG_RANGE_BLOCKS: Final = 2_000
THREADS_PER_ENDPOINT: Final = 4

T = TypeVar("T")


class Standing(StrEnum):
    """What the pool thinks of an endpoint."""

    INITIALIZING = "initializing"
    ACTIVE = "active"
    DEGRADED = "degraded"  # Away, or its head is stale: not read from, still broadcast to.
    WRONG_CHAIN = "wrong_chain"  # Never used again by this container.


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One endpoint's answer to a broadcast; neither accepted nor refused means that no answer came."""

    endpoint: str
    accepted: bool
    refusal: Refusal | None = None
    words: str = ""


class RpcPool:
    """The endpoints of one chain, in order of preference."""

    def __init__(
        self,
        urls: Sequence[str],
        chain_id: int,
        clock: Clock | None = None,
        *,
        timeout_s: float = 3.0,
        lag_blocks_max: int = 5,
        lag_s_max: float = 60.0,
        survey_ttl_s: float = 5.0,
        grace_s: float = 0.5,
    ) -> None:
        if not urls:
            raise ValueError("a pool needs at least one endpoint")
        self.chain_id: Final = chain_id
        self._clock: Clock = clock or SystemClock()
        self._endpoints = tuple(Endpoint(url, timeout_s=timeout_s) for url in urls)
        self._standings = dict.fromkeys(self._endpoints, Standing.INITIALIZING)
        self._lag_blocks_max, self._lag_s_max = lag_blocks_max, lag_s_max
        self._survey_ttl_s, self._surveyed_at_s = survey_ttl_s, float("-inf")
        self._grace_s = grace_s
        self._threads: ThreadPoolExecutor | None = None
        self._process_id = 0

    def call(self, method: str, params: Sequence[Any] = ()) -> Any:
        """The result of one JSON-RPC call. Raises RpcRefused, RpcUnavailable, WrongChain."""
        return self._read(lambda endpoint: endpoint.call(method, params))

    def batch(self, calls: Sequence[Call]) -> list[Any]:
        """Several results of *one* node in one round trip, in order. Raises RpcRefused, RpcUnavailable, WrongChain."""
        return list(self._read(lambda endpoint: endpoint.batch(calls)))

    def check(self) -> None:
        """Raises WrongChain when every endpoint names another chain; that nobody answers is no reason not to start."""
        with suppress(RpcUnavailable):
            self._survey()

    def everywhere(self, method: str, params: Sequence[Any]) -> list[Any]:
        """What each believed endpoint answers to one call; None, refusals and silence are left out."""
        self._survey()

        def answer(endpoint: Endpoint) -> Any:
            try:
                return endpoint.call(method, params)
            except (EndpointUnavailable, RpcRefused):
                return None

        return [found for found in self._each(self._believed(), answer) if found is not None]

    def broadcast(self, raw: bytes) -> list[Delivery]:
        """Send signed bytes to every endpoint of the right chain, and collect the answers that come in time.

        Raises only WrongChain, and RpcUnavailable when no endpoint has ever proved to be of the right chain.
        """
        self._survey()
        receivers = self._proven()
        answers = self._each(receivers, lambda endpoint: _delivery(endpoint, raw))
        silent = (Delivery(endpoint=endpoint.name, accepted=False) for endpoint in receivers)
        return [answer or nothing for answer, nothing in zip(answers, silent, strict=True)]

    def head(self, block: BlockId = "latest") -> Head:
        """The header of a block. Raises RpcRefused when the node has no such block."""
        found = self.call("eth_getBlockByNumber", [block_id(block), False])
        if found is None:
            raise RpcRefused(method="eth_getBlockByNumber", rpc_code=0, words=f"no block {block}")
        return Head.from_rpc(found)

    def nonce(self, address: str, block: BlockId = "latest") -> int:
        """How many transactions `address` has sent as of `block`."""
        return quantity(self.call("eth_getTransactionCount", [address, block_id(block)]))

    def nonce_claimed(self, address: str) -> int:
        """The first nonce that no endpoint has seen used, mined or pending: the highest count over all of them."""
        counts = self.everywhere("eth_getTransactionCount", [address, "pending"])
        if not counts:
            raise RpcUnavailable(chain_id=self.chain_id)
        return max(quantity(count) for count in counts)

    def balance_wei(self, address: str, block: BlockId = "latest") -> int:
        """The account's balance in wei."""
        return quantity(self.call("eth_getBalance", [address, block_id(block)]))

    def receipt(self, transaction_hash: bytes) -> Receipt | None:
        """The receipt, or None while the transaction is in no block."""
        found = self.call("eth_getTransactionReceipt", [hexadecimal(transaction_hash)])
        return None if found is None else Receipt.from_rpc(found)

    def contract_call(self, to: str, calldata: bytes, block: BlockId = "latest") -> bytes:
        """The return bytes of a read-only call at `block`. Raises RpcRefused when it reverts."""
        return octets(self.call("eth_call", [{"to": to, "data": hexadecimal(calldata)}, block_id(block)]))

    def logs(
        self,
        addresses: Sequence[str],
        topics: Sequence[bytes | Sequence[bytes] | None],
        *,
        from_block: int,
        to_block: int,
    ) -> list[Log]:
        """All logs of the inclusive range, in chain order; a refused range is halved, down to one block."""
        found: list[Log] = []
        start, span = from_block, LOG_RANGE_BLOCKS
        while start <= to_block:
            end = min(start + span - 1, to_block)
            try:
                found += self._logs(addresses, topics, start, end)
            except (RpcRefused, RpcLimited):
                if end == start:
                    raise
                span = max(1, (end - start + 1) // 2)
                continue
            start = end + 1
        return found

    def standings(self) -> list[tuple[str, Standing]]:
        """The host of each endpoint and what the pool thinks of it, in order of preference, for /health."""
        return [(endpoint.name, standing) for endpoint, standing in self._standings.items()]

    def close(self) -> None:
        """Let go of connections and threads; the next call makes new ones."""
        for endpoint in self._endpoints:
            endpoint.close()
        if self._threads is not None:
            self._threads.shutdown(wait=False)
            self._threads = None

    def _logs(
        self, addresses: Sequence[str], topics: Sequence[bytes | Sequence[bytes] | None], start: int, end: int
    ) -> list[Log]:
        wanted = {
            "address": list(addresses),
            "topics": [_topic(topic) for topic in topics],
            "fromBlock": hex(start),
            "toBlock": hex(end),
        }
        return [Log.from_rpc(log) for log in self.call("eth_getLogs", [wanted])]

    def _read(self, ask: Callable[[Endpoint], T]) -> T:
        self._survey()
        refused: RpcRefused | None = None
        for endpoint in self._believed():
            try:
                return ask(endpoint)
            except EndpointUnavailable:
                self._standings[endpoint] = Standing.DEGRADED
            except RpcRefused as refusal:
                if refusal.is_the_chains:
                    raise
                refused = refusal
        # Nobody answered: whoever was left out before may be the one that lives.
        self._surveyed_at_s = float("-inf")
        if refused is not None and not refused.is_a_limit:
            raise refused
        raise (RpcUnavailable if refused is None else RpcLimited)(chain_id=self.chain_id)

    def _believed(self) -> list[Endpoint]:
        """Whom to read from, best first; if all are degraded, the first one that is of the right chain."""
        proven = self._proven()
        return [endpoint for endpoint in proven if self._standings[endpoint] == Standing.ACTIVE] or proven[:1]

    def _proven(self) -> list[Endpoint]:
        """The endpoints that have named the right chain, in order of preference."""
        return [one for one in self._endpoints if self._standings[one] in {Standing.ACTIVE, Standing.DEGRADED}]

    def _survey(self) -> None:
        """Points 1 and 2 of the module: whose chain it is, and whose head is fresh; at most once in `survey_ttl_s`."""
        asked = [one for one in self._endpoints if self._standings[one] != Standing.WRONG_CHAIN]
        if not asked:
            raise self._nobody()
        alone = asked == self._proven() and len(asked) == 1  # a lone endpoint cannot be behind anybody
        now_s = self._clock.time_s()
        if alone or now_s - self._surveyed_at_s < self._survey_ttl_s:
            return
        heads = dict(zip(asked, self._each(asked, self._sight), strict=True))
        if not self._proven():
            # Nobody has proved to be of the right chain: better no answer than the answer of another chain.
            raise self._nobody()
        self._surveyed_at_s = now_s
        best = max((head for head in heads.values() if head is not None), key=lambda head: head.number, default=None)
        for endpoint in self._proven():
            fresh = best is not None and self._fresh(heads.get(endpoint), best)
            self._standings[endpoint] = Standing.ACTIVE if fresh else Standing.DEGRADED

    def _nobody(self) -> WrongChain | RpcUnavailable:
        if set(self._standings.values()) == {Standing.WRONG_CHAIN}:
            return WrongChain(chain_id=self.chain_id, endpoints=", ".join(host for host, _ in self.standings()))
        return RpcUnavailable(chain_id=self.chain_id)

    def _sight(self, endpoint: Endpoint) -> Head | None:
        """The endpoint's head, once it has proved to be of the right chain."""
        try:
            if self._standings[endpoint] == Standing.INITIALIZING:
                right = quantity(endpoint.call("eth_chainId", [])) == self.chain_id
                self._standings[endpoint] = Standing.DEGRADED if right else Standing.WRONG_CHAIN
            if self._standings[endpoint] == Standing.WRONG_CHAIN:
                return None
            return Head.from_rpc(endpoint.call("eth_getBlockByNumber", ["latest", False]))
        except (EndpointUnavailable, RpcRefused, ValueError, TypeError, LookupError):
            return None  # Also for a result of another shape: one broken provider must not speak for the others.

    def _fresh(self, head: Head | None, best: Head) -> bool:
        return (
            head is not None
            and best.number - head.number <= self._lag_blocks_max
            and best.time_s - head.time_s <= self._lag_s_max
        )

    def _each(self, endpoints: Sequence[Endpoint], ask: Callable[[Endpoint], T | None]) -> list[T | None]:
        """Ask all at once. After the first answer the others have `grace_s`; who is later than that is None.

        A silent provider would otherwise cost its whole time-out each time, where another has long answered.
        """
        if len(endpoints) <= 1:
            return [ask(endpoint) for endpoint in endpoints]
        asked = [self._workers().submit(ask, endpoint) for endpoint in endpoints]
        answered, late = wait(asked, return_when=FIRST_COMPLETED)
        while late and not any(one.result() is not None for one in answered):
            more, late = wait(late, return_when=FIRST_COMPLETED)
            answered |= more
        answered |= wait(late, timeout=self._grace_s).done
        return [one.result() if one in answered else None for one in asked]

    def _workers(self) -> ThreadPoolExecutor:
        if self._threads is None or self._process_id != os.getpid():  # threads do not come through a fork
            # More than endpoints, since a silent one keeps its thread until its time-out.
            size = THREADS_PER_ENDPOINT * len(self._endpoints)
            self._threads = ThreadPoolExecutor(max_workers=size, thread_name_prefix="rpc")
            self._process_id = os.getpid()
        return self._threads


def _delivery(endpoint: Endpoint, raw: bytes) -> Delivery | None:
    try:
        endpoint.call("eth_sendRawTransaction", [hexadecimal(raw)])
    except RpcRefused as refused:
        meaning = meaning_of(refused.words)
        return Delivery(
            endpoint=endpoint.name, accepted=meaning == Refusal.KNOWN, refusal=meaning, words=refused.words[:512]
        )
    except EndpointUnavailable:
        return None
    return Delivery(endpoint=endpoint.name, accepted=True)


def _topic(topic: bytes | Sequence[bytes] | None) -> str | list[str] | None:
    if topic is None or isinstance(topic, bytes):
        return None if topic is None else hexadecimal(topic)
    return [hexadecimal(one) for one in topic]
