"""Owns the pool of RPC endpoints of one chain: which of them may be believed, and whom to ask next.

1. Before the first use in a container each endpoint must name the configured chain id; one that names another is left
   out for good. When all do, WrongChain says what to correct.
2. Every few seconds the heads are compared: an endpoint behind the best by more than `lag_blocks_max` blocks or
   `lag_s_max` seconds is left out of reads until the next comparison. It still receives broadcasts.
3. A read goes to the first endpoint in order and fails over on time-outs, connection errors, HTTP 429/5xx and any
   refusal that another node may not share. A revert is an answer of the chain, and is raised at once as RpcRefused.
4. A broadcast goes to every endpoint of the right chain at once, and every answer comes back.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeVar

from kernel.clock import Clock, SystemClock
from kernel.errors import WrongChain
from kernel.evm.blocks import BlockId, Head, Log, Receipt, block_id, hexadecimal, octets, quantity
from kernel.evm.endpoint import Call, Endpoint, EndpointUnavailable, RpcLimited, RpcRefused, RpcUnavailable
from kernel.evm.refusals import Refusal, meaning_of

LOG_RANGE_BLOCKS: Final = 2_000

T = TypeVar("T")


class Standing(StrEnum):
    """What the pool thinks of an endpoint."""

    INITIALIZING = "initializing"
    ACTIVE = "active"
    DEGRADED = "degraded"  # Away, or its head is stale: not read from, broadcast to.
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
        heads_ttl_s: float = 5.0,
    ) -> None:
        if not urls:
            raise ValueError("a pool needs at least one endpoint")
        self.chain_id: Final = chain_id
        self._clock: Clock = clock or SystemClock()
        self._endpoints = tuple(Endpoint(url, timeout_s=timeout_s) for url in urls)
        self._standings = dict.fromkeys(self._endpoints, Standing.INITIALIZING)
        self._lag_blocks_max, self._lag_s_max = lag_blocks_max, lag_s_max
        self._heads_ttl_s, self._compared_at_s = heads_ttl_s, float("-inf")
        self._threads: ThreadPoolExecutor | None = None
        self._process_id = 0

    def call(self, method: str, params: Sequence[Any] = ()) -> Any:
        """The result of one JSON-RPC call. Raises RpcRefused, RpcUnavailable, WrongChain."""
        return self._read(lambda endpoint: endpoint.call(method, params))

    def batch(self, calls: Sequence[Call]) -> list[Any]:
        """Several results of *one* node in one round trip, in order. Raises RpcRefused, RpcUnavailable, WrongChain."""
        return list(self._read(lambda endpoint: endpoint.batch(calls)))

    def everywhere(self, method: str, params: Sequence[Any]) -> list[Any]:
        """What each believed endpoint answers to one call; None, refusals and silence are left out."""
        self._compare_heads()

        def answer(endpoint: Endpoint) -> Any:
            try:
                return endpoint.call(method, params)
            except (EndpointUnavailable, RpcRefused):
                return None

        return [found for found in self._each(self._believed(), answer) if found is not None]

    def broadcast(self, raw: bytes) -> list[Delivery]:
        """Send signed bytes to every endpoint of the right chain and collect the answers. Raises only WrongChain."""
        self._verify_chain()
        receivers = [endpoint for endpoint in self._endpoints if self._standings[endpoint] != Standing.WRONG_CHAIN]
        return self._each(receivers, lambda endpoint: _delivery(endpoint, raw))

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
        self._compare_heads()
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
        self._compared_at_s = float("-inf")
        if refused is not None and not refused.is_a_limit:
            raise refused
        raise (RpcUnavailable if refused is None else RpcLimited)(chain_id=self.chain_id)

    def _believed(self) -> list[Endpoint]:
        """Whom to read from, best first; a lone endpoint cannot be behind anybody."""
        usable = [endpoint for endpoint in self._endpoints if self._standings[endpoint] != Standing.WRONG_CHAIN]
        active = [endpoint for endpoint in usable if self._standings[endpoint] == Standing.ACTIVE]
        return active or usable[:1]

    def _verify_chain(self) -> None:
        unknown = [endpoint for endpoint in self._endpoints if self._standings[endpoint] == Standing.INITIALIZING]
        for endpoint, claimed in zip(unknown, self._each(unknown, _claimed_chain), strict=True):
            if claimed is not None:
                self._standings[endpoint] = Standing.ACTIVE if claimed == self.chain_id else Standing.WRONG_CHAIN
        standings = set(self._standings.values())
        if standings == {Standing.WRONG_CHAIN}:
            raise WrongChain(chain_id=self.chain_id, endpoints=", ".join(host for host, _ in self.standings()))
        if standings <= {Standing.WRONG_CHAIN, Standing.INITIALIZING}:
            # Nobody has proved to be of the right chain: better no answer than the answer of another chain.
            raise RpcUnavailable(chain_id=self.chain_id)

    def _compare_heads(self) -> None:
        self._verify_chain()
        candidates = [e for e in self._endpoints if self._standings[e] in {Standing.ACTIVE, Standing.DEGRADED}]
        now_s = self._clock.time_s()
        if len(candidates) == 1 or now_s - self._compared_at_s < self._heads_ttl_s:
            return
        heads = dict(zip(candidates, self._each(candidates, _head), strict=True))
        seen = [head for head in heads.values() if head is not None]
        if not seen:
            raise RpcUnavailable(chain_id=self.chain_id)
        best = max(seen, key=lambda head: head.number)
        for endpoint, head in heads.items():
            self._standings[endpoint] = Standing.ACTIVE if self._fresh(head, best) else Standing.DEGRADED
        self._compared_at_s = now_s

    def _fresh(self, head: Head | None, best: Head) -> bool:
        return (
            head is not None
            and best.number - head.number <= self._lag_blocks_max
            and best.time_s - head.time_s <= self._lag_s_max
        )

    def _each(self, endpoints: Sequence[Endpoint], ask: Callable[[Endpoint], T]) -> list[T]:
        if len(endpoints) <= 1:
            return [ask(endpoint) for endpoint in endpoints]
        if self._threads is None or self._process_id != os.getpid():  # threads do not come through a fork
            self._threads = ThreadPoolExecutor(max_workers=len(self._endpoints), thread_name_prefix="rpc")
            self._process_id = os.getpid()
        return list(self._threads.map(ask, endpoints))


def _claimed_chain(endpoint: Endpoint) -> int | None:
    try:
        return quantity(endpoint.call("eth_chainId", []))
    except (EndpointUnavailable, RpcRefused):
        return None


def _head(endpoint: Endpoint) -> Head | None:
    try:
        return Head.from_rpc(endpoint.call("eth_getBlockByNumber", ["latest", False]))
    except (EndpointUnavailable, RpcRefused):
        return None


def _delivery(endpoint: Endpoint, raw: bytes) -> Delivery:
    try:
        endpoint.call("eth_sendRawTransaction", [hexadecimal(raw)])
    except RpcRefused as refused:
        meaning = meaning_of(refused.words)
        return Delivery(
            endpoint=endpoint.name, accepted=meaning == Refusal.KNOWN, refusal=meaning, words=refused.words[:512]
        )
    except EndpointUnavailable as away:
        return Delivery(endpoint=endpoint.name, accepted=False, words=str(away.details.get("reason", "")))
    return Delivery(endpoint=endpoint.name, accepted=True)


def _topic(topic: bytes | Sequence[bytes] | None) -> str | list[str] | None:
    if topic is None or isinstance(topic, bytes):
        return None if topic is None else hexadecimal(topic)
    return [hexadecimal(one) for one in topic]
