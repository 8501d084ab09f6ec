"""Owns Starknet's JSON-RPC: the pool of its endpoints, and what one node shows of blocks and of a contract's events.

Names and shapes are those of the published specification, version 0.8 (github.com/starkware-libs/starknet-specs), and
nothing is asked that 0.9 and 0.10 changed: only blocks, never what is pending or pre-confirmed, and no method whose
parameters must be named. Numbers of blocks are JSON integers, all else are felts in hexadecimal.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from functions.bridge.core.starknet import felt
from kernel.clock import Clock
from kernel.evm.blocks import HEIGHT_MAX
from kernel.evm.log_cursor.reorganisation import Link
from kernel.jsonrpc.endpoint import Call, Endpoint, EndpointUnavailable, RpcRefused
from kernel.jsonrpc.pool import Pool
from kernel.jsonrpc.roster import Health
from kernel.jsonrpc.standings import Sight

BLOCK_NOT_FOUND: Final = 24
PAGE_SIZE_TOO_BIG: Final = 31
CONTRACT_ERROR: Final = 40

ACCEPTED_ON_L1: Final = "ACCEPTED_ON_L1"
_ACCEPTED: Final = frozenset(("ACCEPTED_ON_L2", ACCEPTED_ON_L1))

BLOCKS_PER_CALL: Final = 32
PAGE_EVENTS: Final = 1_000
#: An endpoint that goes on with tokens for longer than this is not believed to come to an end.
PAGES_MAX: Final = 500

_FELT_SIZE_BYTES: Final = 32


class Incoherent(ValueError):
    """A node's answer cannot be true."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """One block; `time_s` is the Unix time that it claims."""

    number: int
    hash: bytes
    parent_hash: bytes
    time_s: int
    is_final: bool

    @classmethod
    def from_rpc(cls, block: Mapping[str, Any]) -> "Header":
        """From starknet_getBlockWithTxHashes. Raises ValueError for a block that is not accepted at all."""
        if block["status"] not in _ACCEPTED:
            raise ValueError(f"a block that is {block['status']!r}")
        return cls(
            number=height(block["block_number"]),
            hash=felt_octets(block["block_hash"]),
            parent_hash=felt_octets(block["parent_hash"]),
            time_s=int(block["timestamp"]),
            is_final=block["status"] == ACCEPTED_ON_L1,
        )

    @property
    def link(self) -> Link:
        """Its place among the others."""
        return Link(self.number, self.hash, self.parent_hash)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One event as a node tells it. `ordinal` counts the events of one question within their transaction."""

    block_number: int
    block_hash: bytes
    transaction_hash: bytes
    ordinal: int
    keys: tuple[int, ...]
    data: tuple[int, ...]


class StarknetPool(Pool):
    """The endpoints of one network, in order of preference. chain_id: as the network spells it, "SN_MAIN"."""

    def __init__(
        self,
        urls: Sequence[str],
        chain_id: str,
        clock: Clock | None = None,
        *,
        timeout_s: float = 3.0,
        lag_blocks_max: int = 10,
        lag_s_max: float = 120.0,
        survey_ttl_s: float = 5.0,
        grace_s: float = 0.5,
        quorum: int | None = None,
        health: Health | None = None,
    ) -> None:
        self.chain_id: Final = chain_id
        self.network: Final = network_of(chain_id)
        super().__init__(
            urls,
            clock,
            chain=f"starknet:{self.network}",
            lag_max=lag_blocks_max,
            lag_s_max=lag_s_max,
            timeout_s=timeout_s,
            survey_ttl_s=survey_ttl_s,
            grace_s=grace_s,
            quorum=quorum,
            health=health,
        )

    def _is_the_chain(self, endpoint: Endpoint) -> bool:
        return felt(endpoint.call("starknet_chainId", [])) == int.from_bytes(self.chain_id.encode("ascii"), "big")

    def _sight(self, endpoint: Endpoint) -> Sight:
        # With its transactions' hashes no small answer, but the only one that tells the time: a head that is invented
        # far ahead shows by it.
        newest = Header.from_rpc(endpoint.call("starknet_getBlockWithTxHashes", ["latest"]))
        return Sight(newest.number, newest.time_s)


class StarknetView:
    """What one node shows. Raises RpcRefused, EndpointUnavailable, and what reading an odd answer raises."""

    def __init__(self, node: Endpoint) -> None:
        self.node: Final = node

    def head(self) -> int:
        """The height of the newest block."""
        return height(self.node.call("starknet_blockNumber", []))

    def block(self, number: int) -> Header | None:
        """The block at a height, or None above the node's head."""
        try:
            return self.blocks(range(number, number + 1))[0]
        except RpcRefused as refused:
            if refused.rpc_code == BLOCK_NOT_FOUND:
                return None
            raise

    def blocks(self, numbers: range) -> list[Header]:
        """The blocks at these heights. Raises RpcRefused where one is above the node's head."""
        found: list[Header] = []
        for start in range(numbers.start, numbers.stop, BLOCKS_PER_CALL):
            some = range(start, min(start + BLOCKS_PER_CALL, numbers.stop))
            calls: list[Call] = [("starknet_getBlockWithTxHashes", [at_height(number)]) for number in some]
            answers = self.node.batch(calls) if len(calls) > 1 else [self.node.call(*calls[0])]
            headers = [Header.from_rpc(answer) for answer in answers]
            if [header.number for header in headers] != list(some):
                raise Incoherent("a block is not of the height that was asked for")
            found += headers
        return found

    def events(self, address: int, key: int, first: int, last: int) -> tuple[Said, ...]:
        """All events of a contract under one key in the inclusive range, in the order of the chain."""
        wanted = {
            "from_block": at_height(first),
            "to_block": at_height(last),
            "address": hex(address),
            "keys": [[hex(key)]],
        }
        size = PAGE_EVENTS
        while True:
            try:
                told = self._pages(wanted | {"chunk_size": size})
                break
            except RpcRefused as refused:
                if refused.rpc_code != PAGE_SIZE_TOO_BIG or size == 1:
                    raise
                size //= 2
        said = _numbered(told, address, key)
        heights = [first, *(one.block_number for one in said), last]
        if heights != sorted(heights):
            raise Incoherent("events are not in the order of the blocks that were asked for")
        return said

    def events_of(self, block_hash: bytes, address: int, key: int) -> tuple[Said, ...]:
        """The same of one block, but from the receipts of its transactions: what the node has beside its index."""
        block = self.node.call("starknet_getBlockWithReceipts", [of_hash(block_hash)])
        context = {"block_hash": block["block_hash"], "block_number": block["block_number"]}
        told = [
            event | context | {"transaction_hash": one["receipt"]["transaction_hash"]}
            for one in block["transactions"]
            for event in one["receipt"]["events"]
        ]
        return _numbered([one for one in told if _is_wanted(one, address, key)], address, key)

    def _pages(self, wanted: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        told: list[Mapping[str, Any]] = []
        seen: set[str] = set()
        page = self.node.call("starknet_getEvents", [wanted])
        for _ in range(PAGES_MAX):
            told += page["events"]
            token = page.get("continuation_token")
            if token is None:
                return told
            if token in seen:
                raise Incoherent("a continuation token leads back to itself")
            seen.add(token)
            page = self.node.call("starknet_getEvents", [{**wanted, "continuation_token": token}])
        raise EndpointUnavailable(endpoint=self.node.name, reason=f"more than {PAGES_MAX} pages of events")


def network_of(chain_id: str) -> str:
    """A network's name in chains and assets: "main" of SN_MAIN, "sepolia" of SN_SEPOLIA."""
    return chain_id.removeprefix("SN_").lower().replace("_", "-")


def at_height(number: int) -> dict[str, int]:
    """A block's id by its height."""
    return {"block_number": number}


def of_hash(block_hash: bytes) -> dict[str, str]:
    """A block's id by its hash."""
    return {"block_hash": hex(int.from_bytes(block_hash, "big"))}


def height(told: Any) -> int:
    """The height of a block in a node's answer. Raises ValueError."""
    if not isinstance(told, int) or isinstance(told, bool) or not 0 <= told <= HEIGHT_MAX:
        raise ValueError("no height of a block")
    return told


def felt_octets(text: str) -> bytes:
    """A hash in a node's answer, as 32 bytes. Raises FeltsMalformed."""
    return felt(text).to_bytes(_FELT_SIZE_BYTES, "big")


def _is_wanted(event: Mapping[str, Any], address: int, key: int) -> bool:
    return felt(event["from_address"]) == address and bool(event["keys"]) and felt(event["keys"][0]) == key


def _numbered(told: Sequence[Mapping[str, Any]], address: int, key: int) -> tuple[Said, ...]:
    """Events as a node tells them, each with its place in its transaction. Raises Incoherent, FeltsMalformed."""
    if not all(_is_wanted(one, address, key) for one in told):
        raise Incoherent("an event came that nobody asked for")
    counts: dict[bytes, int] = {}
    said: list[Said] = []
    for one in told:
        transaction_hash = felt_octets(one["transaction_hash"])
        ordinal = counts[transaction_hash] = counts.get(transaction_hash, -1) + 1
        said.append(
            Said(
                block_number=height(one["block_number"]),
                block_hash=felt_octets(one["block_hash"]),
                transaction_hash=transaction_hash,
                ordinal=ordinal,
                keys=tuple(map(felt, one["keys"])),
                data=tuple(map(felt, one["data"])),
            )
        )
    # No escrow says the same thing twice in one transaction: each order has an id of its own.
    if len({(one.transaction_hash, one.keys, one.data) for one in said}) != len(said):
        raise Incoherent("an event came twice")
    return tuple(said)
