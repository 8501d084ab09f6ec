"""An EVM chain in this process, for as many orders as no node would bear: blocks, transactions, reorganisations.

What accounts and contracts remember is kept by block, so that any block can be asked, and the newest can be taken back.
`simulated_node` answers JSON-RPC for it; `simulated_contracts` is the code that lives on it.
"""

from bisect import bisect_right
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Protocol

from kernel.clock import Clock
from kernel.evm.blocks import Log
from kernel.evm.log_cursor.bloom import bloom_of
from kernel.hashes import keccak256

GWEI: Final = 10**9
BASE_GAS: Final = 21_000

Place = Hashable


class Reverted(Exception):
    """A contract refuses, in these words."""


class OutOfGas(Exception):
    """A call wants more gas than it may use."""


class Unfunded(Exception):
    """A sender does not have the value of its call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """What somebody sent. nonce: None for people whom nobody doubts, users and the relayer, who pay no gas either."""

    hash: bytes
    sender: str
    to: str
    value_wei: int
    data: bytes
    nonce: int | None = None
    gas_limit: int = 10_000_000
    fee_max_wei: int = 0
    tip_wei: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Mined:
    """A transaction in a block, and how it went there."""

    transaction: Transaction
    position: int
    succeeded: bool
    gas_used: int
    gas_price_wei: int
    logs: tuple[Log, ...]


@dataclass(slots=True, kw_only=True)
class Block:
    """A block; `touched` is what changed in it."""

    number: int
    hash: bytes
    parent_hash: bytes
    time_s: int
    mined: list[Mined] = field(default_factory=list)
    bloom: int = 0
    touched: set[Place] = field(default_factory=set)


class Frame:
    """What one call sees and changes; nothing of it counts before it is over. Everything starts as 0."""

    def __init__(self, chain: "SimulatedChain", block: int, origin: str, gas_limit: int) -> None:
        self.chain, self.block, self.origin = chain, block, origin
        self.changes: dict[Place, Any] = {}
        self.events: list[tuple[str, tuple[bytes, ...], bytes]] = []
        self._gas_limit, self.gas_used = gas_limit, 0

    def get(self, place: Place) -> Any:
        """What is remembered there."""
        return self.changes[place] if place in self.changes else self.chain.read(place, self.block)

    def put(self, place: Place, value: Any) -> None:
        """Remember it there."""
        self.changes[place] = value

    def burn(self, gas: int) -> None:
        """Use gas. Raises OutOfGas."""
        self.gas_used += gas
        if self.gas_used > self._gas_limit:
            self.gas_used = self._gas_limit
            raise OutOfGas

    def move(self, sender: str, recipient: str, value_wei: int) -> None:
        """Money from one to the other. Raises Reverted."""
        if self.get(balance_of(sender)) < value_wei:
            raise Reverted("insufficient balance")
        self.put(balance_of(sender), self.get(balance_of(sender)) - value_wei)
        self.put(balance_of(recipient), self.get(balance_of(recipient)) + value_wei)

    def emit(self, address: str, topics: Sequence[bytes], data: bytes) -> None:
        """Log it."""
        self.events.append((address, tuple(topics), data))

    def call(self, sender: str, to: str, value_wei: int, data: bytes) -> bytes:
        """Call an account, a contract or not. Raises Reverted, OutOfGas."""
        self.move(sender, to, value_wei)
        code = self.chain.code.get(to)
        return b"" if code is None else code.run(self, sender, value_wei, data)


class Code(Protocol):
    """A contract."""

    def run(self, frame: Frame, sender: str, value_wei: int, data: bytes) -> bytes:
        """What a call of it does and returns. Raises Reverted, OutOfGas."""
        ...


class SimulatedChain:
    """The truth about one chain. It mines only when told."""

    def __init__(self, chain_id: int, clock: Clock, *, final_after: int, base_fee_wei: int = GWEI) -> None:
        """final_after: so many blocks behind the newest the chain calls its blocks final."""
        self.chain_id, self.final_after, self.base_fee_wei = chain_id, final_after, base_fee_wei
        self.code: dict[str, Code] = {}
        self.waiting: dict[bytes, Transaction] = {}
        self._clock, self._sent = clock, 0
        self._memory: dict[Place, list[tuple[int, Any]]] = {}
        self.blocks = [Block(number=0, hash=keccak256(b"genesis"), parent_hash=bytes(32), time_s=int(clock.time_s()))]
        self.where: dict[bytes, tuple[int, int]] = {}

    @property
    def head(self) -> int:
        """The newest block's number."""
        return len(self.blocks) - 1

    def read(self, place: Place, block: int | None = None) -> Any:
        """What was remembered there as of a block."""
        kept = self._memory.get(place, [])
        at = len(kept) if block is None or block >= self.head else bisect_right(kept, block, key=lambda one: one[0])
        return kept[at - 1][1] if at else 0

    def grant(self, address: str, wei: int) -> None:
        """Give somebody ether out of nothing."""
        self._write(self.blocks[-1], balance_of(address), self.read(balance_of(address)) + wei)

    def put(self, place: Place, value: Any) -> None:
        """Set what is remembered, as from the newest block on."""
        self._write(self.blocks[-1], place, value)

    def act(self, sender: str, to: str, value_wei: int = 0, data: bytes = b"") -> bytes:
        """A user's or the relayer's transaction, for the next block; its hash."""
        self._sent += 1
        hashed = keccak256(f"{self.chain_id}/{self._sent}".encode())
        self.waiting[hashed] = Transaction(hash=hashed, sender=sender, to=to, value_wei=value_wei, data=data)
        return hashed

    def simulate(
        self,
        sender: str,
        to: str,
        value_wei: int,
        data: bytes,
        *,
        block: int | None = None,
        gas: int = 30_000_000,
        changed: Mapping[Place, Any] = MappingProxyType({}),
    ) -> tuple[bytes, int]:
        """What a call would return and what gas it would use. Raises Reverted, OutOfGas, Unfunded."""
        frame = Frame(self, self.head if block is None else block, sender, gas)
        frame.changes |= changed
        if frame.get(balance_of(sender)) < value_wei:
            raise Unfunded
        frame.burn(BASE_GAS)
        return frame.call(sender, to, value_wei, data), frame.gas_used

    def mine(self, blocks: int = 1, *, wanted: Callable[[Transaction], bool] = lambda _: True) -> None:
        """The waiting transactions that are wanted and can be mined, in a block; then empty ones."""
        for _ in range(blocks):
            parent = self.blocks[-1]
            seed = f"{self.chain_id}/{parent.number + 1}/{self._next()}".encode()
            block = Block(
                number=parent.number + 1,
                hash=keccak256(parent.hash + seed),
                parent_hash=parent.hash,
                time_s=max(int(self._clock.time_s()), parent.time_s),
            )
            self.blocks.append(block)
            for transaction in self._ready(wanted):
                self._include(block, transaction)
            block.bloom = bloom_of(log for mined in block.mined for log in mined.logs)

    def reorganise(self, depth: int) -> list[Transaction]:
        """Take the newest blocks back; their transactions, which wait nowhere now."""
        assert 0 < depth < len(self.blocks), "the first block stays"
        dropped: list[Transaction] = []
        for block in reversed(self.blocks[-depth:]):
            for place in block.touched:
                self._memory[place].pop()
            dropped = [one.transaction for one in block.mined] + dropped
        del self.blocks[-depth:]
        for transaction in dropped:
            del self.where[transaction.hash]
        return dropped

    def resubmit(self, transactions: Iterable[Transaction]) -> None:
        """Let these wait again."""
        self.waiting |= {one.hash: one for one in transactions}

    def _ready(self, wanted: Callable[[Transaction], bool]) -> Iterable[Transaction]:
        """In the order of each sender's nonces; whoever offers too little waits."""
        by_nonce = sorted(self.waiting.values(), key=lambda one: (one.sender, one.nonce or 0))
        for transaction in by_nonce:
            if transaction.nonce is None:
                if wanted(transaction):
                    yield transaction
                continue
            used = self.read(nonce_of(transaction.sender))
            if transaction.nonce < used:
                del self.waiting[transaction.hash]
            elif transaction.nonce == used and transaction.fee_max_wei >= self.base_fee_wei and wanted(transaction):
                yield transaction

    def _include(self, block: Block, transaction: Transaction) -> None:
        del self.waiting[transaction.hash]
        frame = Frame(self, block.number, transaction.sender, transaction.gas_limit)
        price_wei = min(transaction.fee_max_wei, self.base_fee_wei + transaction.tip_wei)
        try:
            frame.burn(BASE_GAS)
            frame.call(transaction.sender, transaction.to, transaction.value_wei, transaction.data)
            succeeded = True
        except (Reverted, OutOfGas):
            frame.changes, frame.events, succeeded = {}, [], False
        for place, value in frame.changes.items():
            self._write(block, place, value)
        if transaction.nonce is not None:
            paid = self.read(balance_of(transaction.sender)) - frame.gas_used * price_wei
            self._write(block, balance_of(transaction.sender), paid)
            self._write(block, nonce_of(transaction.sender), transaction.nonce + 1)
        self._record(block, transaction, frame, price_wei, succeeded)

    def _record(self, block: Block, transaction: Transaction, frame: Frame, price_wei: int, succeeded: bool) -> None:
        first = sum(len(one.logs) for one in block.mined)
        logs = tuple(
            Log(
                address=address,
                topics=topics,
                data=data,
                block_number=block.number,
                block_hash=block.hash,
                transaction_hash=transaction.hash,
                log_index=first + nth,
            )
            for nth, (address, topics, data) in enumerate(frame.events)
        )
        self.where[transaction.hash] = (block.number, len(block.mined))
        block.mined.append(
            Mined(
                transaction=transaction,
                position=len(block.mined),
                succeeded=succeeded,
                gas_used=frame.gas_used,
                gas_price_wei=price_wei,
                logs=logs,
            )
        )

    def _write(self, block: Block, place: Place, value: Any) -> None:
        kept = self._memory.setdefault(place, [])
        if place in block.touched:
            kept[-1] = (block.number, value)
        else:
            kept.append((block.number, value))
            block.touched.add(place)

    def _next(self) -> int:
        self._sent += 1
        return self._sent


def balance_of(address: str) -> Place:
    """Where an account's ether is kept."""
    return "balance", address


def nonce_of(address: str) -> Place:
    """Where an account's number of transactions is kept."""
    return "nonce", address
