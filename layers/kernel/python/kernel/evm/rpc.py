"""Owns the pool of RPC endpoints of one EVM chain: what `kernel.jsonrpc.pool` does, in the words of Ethereum."""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from kernel.clock import Clock
from kernel.evm.blocks import BlockId, Head, Log, Receipt, Topics, block_id, hexadecimal, octets, quantity, topics_asked
from kernel.evm.refusals import Refusal, meaning_of
from kernel.jsonrpc import pool as jsonrpc
from kernel.jsonrpc.endpoint import Endpoint, EndpointUnavailable, RpcLimited, RpcRefused, RpcUnavailable
from kernel.jsonrpc.pool import Pool
from kernel.jsonrpc.roster import Health
from kernel.jsonrpc.standings import Sight, Standing

__all__ = ["Delivery", "RpcPool", "Standing"]

LOG_RANGE_BLOCKS: Final = 2_000

Delivery = jsonrpc.Delivery[Refusal]
T = TypeVar("T")


class RpcPool(Pool):
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
        quorum: int | None = None,
        health: Health | None = None,
    ) -> None:
        super().__init__(
            urls,
            clock,
            chain=f"evm:{chain_id}",
            lag_max=lag_blocks_max,
            lag_s_max=lag_s_max,
            timeout_s=timeout_s,
            survey_ttl_s=survey_ttl_s,
            grace_s=grace_s,
            quorum=quorum,
            health=health,
        )
        self.chain_id: Final = chain_id

    def broadcast(self, raw: bytes) -> list[Delivery]:
        """Send signed bytes to every endpoint of the right chain, and collect the answers that come in time.

        Raises only WrongChain, and RpcUnavailable when no endpoint has ever proved to be of the right chain.
        """
        return self.deliver(lambda endpoint: _delivery(endpoint, raw))

    def head(self, block: BlockId = "latest") -> Head:
        """The header of a block. Raises RpcRefused when the node has no such block."""
        found = self.told_one("eth_getBlockByNumber", [block_id(block), False], _or_none(Head.from_rpc))
        if found is None:
            raise RpcRefused(method="eth_getBlockByNumber", rpc_code=0, words=f"no block {block}")
        return found

    def nonce(self, address: str, block: BlockId = "latest") -> int:
        """How many transactions `address` has sent as of `block`."""
        return self.told_one("eth_getTransactionCount", [address, block_id(block)], quantity)

    def nonce_agreed(self, address: str, block: int) -> int:
        """The same by a quorum that nobody's absence reduces, as of a block that all have. Raises NoQuorum."""
        asked = [address, block_id(block)]
        return quantity(self.agreed("eth_getTransactionCount", asked, by=quantity, quorum=self.unreduced()))

    def nonce_claimed(self, address: str) -> int:
        """The first nonce that is free, pending transactions included: the highest count that a quorum reaches.

        Not simply the highest, or one endpoint that exaggerates would open a gap that stops the signer. Where too few
        answer, those who do decide: a nonce too low is noticed when it is used, and one too high leaves a gap that is
        filled.
        """
        counts = sorted(self.everywhere("eth_getTransactionCount", [address, "pending"], quantity), reverse=True)
        if not counts:
            raise RpcUnavailable(chain_id=self.chain_id)
        return int(counts[min(self.needed(), len(counts)) - 1])

    def balance_wei(self, address: str, block: BlockId = "latest") -> int:
        """The account's balance in wei."""
        return self.told_one("eth_getBalance", [address, block_id(block)], quantity)

    def receipt(self, transaction_hash: bytes) -> Receipt | None:
        """The receipt, or None while the transaction is in no block."""
        return self.told_one("eth_getTransactionReceipt", [hexadecimal(transaction_hash)], _or_none(Receipt.from_rpc))

    def contract_call(self, to: str, calldata: bytes, block: BlockId = "latest") -> bytes:
        """The return bytes of a read-only call at `block`. Raises RpcRefused when it reverts."""
        return self.told_one("eth_call", [{"to": to, "data": hexadecimal(calldata)}, block_id(block)], octets)

    def logs(
        self,
        addresses: Sequence[str],
        topics: Topics,
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

    def _logs(self, addresses: Sequence[str], topics: Topics, start: int, end: int) -> list[Log]:
        wanted = {
            "address": list(addresses),
            "topics": topics_asked(topics),
            "fromBlock": hex(start),
            "toBlock": hex(end),
        }
        return self.told_one("eth_getLogs", [wanted], lambda found: [Log.from_rpc(log) for log in found])

    def _is_the_chain(self, endpoint: Endpoint) -> bool:
        return quantity(endpoint.call("eth_chainId", [])) == self.chain_id

    def _sight(self, endpoint: Endpoint) -> Sight:
        head = Head.from_rpc(endpoint.call("eth_getBlockByNumber", ["latest", False]))
        return Sight(head.number, head.time_s)

    def _whose(self) -> dict[str, Any]:
        return {"chain_id": self.chain_id}


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


def _or_none(read: Callable[[Any], T]) -> Callable[[Any], T | None]:
    return lambda found: None if found is None else read(found)
