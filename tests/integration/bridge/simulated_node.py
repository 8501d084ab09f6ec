"""RPC endpoints of a simulated chain: each answers JSON-RPC as a node does, until it is away, behind, or lies.

`pool_of` is the product's own pool over three of them. Nothing crosses a socket and nobody waits, so that a test may
ask as often as it likes; what a pool concludes from the answers is the product's.
"""

import threading
from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final, TypeVar

from kernel.clock import Clock
from kernel.evm.addresses import checksum
from kernel.evm.blocks import Log, hexadecimal, octets, quantity
from kernel.evm.fees import Fees
from kernel.evm.rpc import RpcPool
from kernel.evm.transactions import DYNAMIC_FEE_TYPE, Signature, UnsignedTransaction, recovered_address
from kernel.hashes import keccak256
from kernel.jsonrpc.endpoint import Endpoint, EndpointUnavailable
from kernel.jsonrpc.roster import Roster, Tolerances
from tests.integration.bridge.simulated_chain import (
    GWEI,
    Block,
    Mined,
    OutOfGas,
    Reverted,
    SimulatedChain,
    Transaction,
    Unfunded,
    balance_of,
    nonce_of,
)

REVERTED_CODE: Final = 3
TIP_WEI: Final = GWEI // 10
BEHIND_BLOCKS: Final = 3
Overrides = dict[str, dict[str, str]]
T = TypeVar("T")


class Refused(Exception):
    """The node's error answer."""

    def __init__(self, words: str, code: int = -32000) -> None:
        super().__init__(words)
        self.words, self.code = words, code


class Fault(StrEnum):
    """What is wrong with an endpoint."""

    NONE = "none"
    AWAY = "away"
    BEHIND = "behind"  # it does not know the newest blocks
    DEAF = "deaf"  # it takes transactions, and passes none on
    DENIES = "denies"  # it says of everything that it is not there
    INVENTS = "invents"  # it calls everything final, paid, closed, and mined without success


class SimulatedNode:
    """One view of a chain."""

    def __init__(self, chain: SimulatedChain) -> None:
        self.chain, self.fault = chain, Fault.NONE
        #: What happens in the world right after an answer; told the method.
        self.meanwhile: Callable[[str], object] = lambda _: None
        self._lock = threading.Lock()
        self._methods: dict[str, Callable[..., Any]] = {
            "eth_chainId": lambda: hex(chain.chain_id),
            "eth_blockNumber": lambda: hex(self.head),
            "eth_gasPrice": lambda: hex(chain.base_fee_wei + TIP_WEI),
            "eth_feeHistory": self._fees,
            "eth_maxPriorityFeePerGas": lambda: hex(TIP_WEI),
            "eth_getBlockByNumber": self._block_by_number,
            "eth_getBlockByHash": self._block_by_hash,
            "eth_getTransactionByHash": self._transaction,
            "eth_getTransactionReceipt": self._receipt,
            "eth_getTransactionCount": self._count,
            "eth_getBalance": self._balance,
            "eth_getCode": lambda address, _: "0x01" if checksum(address) in chain.code else "0x",
            "eth_getLogs": self._logs,
            "eth_call": self._call,
            "eth_estimateGas": self._estimate,
            "eth_sendRawTransaction": self._send,
        }

    @property
    def head(self) -> int:
        """The newest block that it knows."""
        return max(0, self.chain.head - (BEHIND_BLOCKS if self.fault == Fault.BEHIND else 0))

    def answer(self, method: str, params: Sequence[Any]) -> dict[str, Any]:
        """The JSON-RPC answer without its frame. Raises KeyError for a method that no test of ours needs."""
        with self._lock:
            try:
                told = self._methods[method](*params)
            except Refused as refused:
                return {"error": {"code": refused.code, "message": refused.words}}
        if self.fault == Fault.DENIES:
            told = _denied(method, told)
        if self.fault == Fault.INVENTS:
            told = _invented(method, told, params)
        self.meanwhile(method)
        return {"result": told}

    def _number(self, block: str) -> int | None:
        named = {"latest": self.head, "pending": self.head, "earliest": 0}
        is_final = block in {"finalized", "safe"}
        number = self.chain.head - self.chain.final_after if is_final else named.get(block)
        number = int(block, 16) if number is None else number
        return number if 0 <= number <= self.head else None

    def _height(self, block: str | dict[str, Any]) -> int:
        if isinstance(block, dict):  # EIP-1898
            found = self._by_hash(block["blockHash"])
            if found is None:
                raise Refused("block not found")
            return found.number
        number = self._number(block)
        if number is None:
            raise Refused("block not found")
        return number

    def _by_hash(self, hashed: str) -> Block | None:
        wanted = octets(hashed)
        return next((one for one in reversed(self.chain.blocks[: self.head + 1]) if one.hash == wanted), None)

    def _block_by_number(self, block: str, _full: bool = False) -> Any:
        number = self._number(block)
        return None if number is None else self._block(self.chain.blocks[number])

    def _block_by_hash(self, hashed: str, _full: bool = False) -> Any:
        found = self._by_hash(hashed)
        return None if found is None else self._block(found)

    def _block(self, block: Block) -> dict[str, Any]:
        return {
            "number": hex(block.number),
            "hash": hexadecimal(block.hash),
            "parentHash": hexadecimal(block.parent_hash),
            "timestamp": hex(block.time_s),
            "baseFeePerGas": hex(self.chain.base_fee_wei),
            "logsBloom": f"0x{block.bloom:0512x}",
            "transactions": [hexadecimal(one.transaction.hash) for one in block.mined],
        }

    def _mined(self, hashed: str) -> tuple[Block, Mined] | None:
        number, position = self.chain.where.get(octets(hashed), (self.head + 1, 0))
        if number > self.head:
            return None
        block = self.chain.blocks[number]
        return block, block.mined[position]

    def _transaction(self, hashed: str) -> Any:
        found = self._mined(hashed)
        waiting = self.chain.waiting.get(octets(hashed))
        if found is None and waiting is None:
            return None
        transaction = waiting if found is None else found[1].transaction
        assert transaction is not None
        return {
            "hash": hashed,
            "blockNumber": None if found is None else hex(found[0].number),
            "blockHash": None if found is None else hexadecimal(found[0].hash),
            "from": transaction.sender,
            "to": transaction.to,
            "nonce": hex(transaction.nonce or 0),
            "value": hex(transaction.value_wei),
            "input": hexadecimal(transaction.data),
        }

    def _receipt(self, hashed: str) -> Any:
        found = self._mined(hashed)
        if found is None:
            return None
        block, mined = found
        return {
            "transactionHash": hashed,
            "transactionIndex": hex(mined.position),
            "blockNumber": hex(block.number),
            "blockHash": hexadecimal(block.hash),
            "from": mined.transaction.sender,
            "to": mined.transaction.to,
            "status": hex(mined.succeeded),
            "gasUsed": hex(mined.gas_used),
            "effectiveGasPrice": hex(mined.gas_price_wei),
            "logs": [_log(log) for log in mined.logs],
        }

    def _count(self, address: str, block: str) -> str:
        owner = checksum(address)
        count = int(self.chain.read(nonce_of(owner), self._height(block)))
        if block == "pending":
            offered = {one.nonce for one in self.chain.waiting.values() if one.sender == owner}
            while count in offered:
                count += 1
        return hex(count)

    def _balance(self, address: str, block: str) -> str:
        return hex(self.chain.read(balance_of(checksum(address)), self._height(block)))

    def _logs(self, wanted: dict[str, Any]) -> list[dict[str, Any]]:
        if "blockHash" in wanted:
            found = self._by_hash(wanted["blockHash"])
            if found is None:
                raise Refused("block not found")
            first = last = found.number
        else:
            first, last = self._height(wanted["fromBlock"]), self._height(wanted["toBlock"])
        is_wanted = _filter(wanted)
        blocks = (block for block in self.chain.blocks[first : last + 1] if block.mined)
        return [_log(log) for block in blocks for mined in block.mined for log in mined.logs if is_wanted(log)]

    def _fees(self, count: str, newest: str, _percentiles: Sequence[float]) -> dict[str, Any]:
        blocks = min(quantity(count), self._height(newest) + 1)
        base_fees = [hex(self.chain.base_fee_wei)] * (blocks + 1)
        return {"baseFeePerGas": base_fees, "reward": [[hex(TIP_WEI)]] * blocks, "gasUsedRatio": [0.5] * blocks}

    def _call(self, call: dict[str, str], block: str | dict[str, Any] = "latest", *_: Any) -> str:
        return hexadecimal(self._simulated(call, self._height(block))[0])

    def _estimate(self, call: dict[str, str], block: str = "latest", others: Overrides | None = None) -> str:
        return hex(self._simulated(call, self._height(block), others)[1])

    def _simulated(self, call: dict[str, str], block: int, others: Overrides | None = None) -> tuple[bytes, int]:
        sender = checksum(call.get("from") or "0x" + "00" * 20)
        data = octets(call.get("data") or call.get("input") or "0x")
        value_wei, gas = quantity(call.get("value") or "0x0"), quantity(call.get("gas") or hex(30_000_000))
        changed = {balance_of(checksum(who)): quantity(what["balance"]) for who, what in (others or {}).items()}
        try:
            return self.chain.simulate(
                sender, checksum(call["to"]), value_wei, data, block=block, gas=gas, changed=changed
            )
        except Reverted as reverted:
            raise Refused(f"execution reverted: {reverted}", REVERTED_CODE) from None
        except OutOfGas:
            raise Refused("out of gas: gas required exceeds allowance") from None
        except Unfunded:
            raise Refused("insufficient funds for gas * price + value") from None

    def _send(self, raw: str) -> str:
        transaction = decoded(octets(raw))
        if transaction.hash in self.chain.waiting:
            raise Refused("already known")
        if transaction.nonce is not None and transaction.nonce < self.chain.read(nonce_of(transaction.sender)):
            raise Refused("nonce too low")
        cost_wei = transaction.gas_limit * transaction.fee_max_wei + transaction.value_wei
        if self.chain.read(balance_of(transaction.sender)) < cost_wei:
            raise Refused("insufficient funds for gas * price + value")
        place = (transaction.sender, transaction.nonce)
        before = next((one for one in self.chain.waiting.values() if (one.sender, one.nonce) == place), None)
        if self.fault != Fault.DEAF:
            if before is not None:
                if transaction.fee_max_wei * 10 < before.fee_max_wei * 11:
                    raise Refused("replacement transaction underpriced")
                del self.chain.waiting[before.hash]
            self.chain.waiting[transaction.hash] = transaction
        return hexadecimal(transaction.hash)


class SimulatedEndpoint(Endpoint):
    """The product's endpoint, whose answers come from a node in this process."""

    def __init__(self, name: str, node: SimulatedNode, point: Callable[[], None]) -> None:
        super().__init__(f"http://{name}", timeout_s=1.0)
        self.node, self.point = node, point

    def _post(self, body: Any) -> Any:
        if self.node.fault == Fault.AWAY:
            raise EndpointUnavailable(endpoint=self.name, reason="away")
        self.point()
        calls = body if isinstance(body, list) else [body]
        answers = [{"id": one["id"], **self.node.answer(one["method"], one["params"])} for one in calls]
        self.point()
        return answers if isinstance(body, list) else answers[0]


class InTurn:
    """Asks one endpoint after the other, in no thread: all answer at once, and always in the same order."""

    def each(
        self,
        endpoints: Sequence[Endpoint],
        ask: Callable[[Endpoint], T | None],
        enough: object = None,
    ) -> list[T | None]:
        """All of their answers."""
        return [ask(endpoint) for endpoint in endpoints]

    def close(self) -> None:
        """Nothing is open."""


def pool_of(nodes: Sequence[SimulatedNode], clock: Clock, point: Callable[[], None] = lambda: None) -> RpcPool:
    """The product's pool over these nodes of one chain; `point` is called before and after each call of a node."""
    endpoints = tuple(SimulatedEndpoint(f"node-{nth}", node, point) for nth, node in enumerate(nodes))
    chain = nodes[0].chain
    pool = RpcPool([f"http://{one.name}" for one in endpoints], chain.chain_id, clock, survey_ttl_s=1.0)
    pool._endpoints, pool._fan = endpoints, InTurn()  # type: ignore[assignment]  # in process, and in turn
    tolerances = Tolerances(lag_max=5, lag_s_max=1e12, away_s=10.0, distrust_s=300.0)
    pool._roster = Roster(endpoints, pool.chain, clock, tolerances, None)
    return pool


def decoded(raw: bytes) -> Transaction:
    """Signed bytes, as any node reads them."""
    import rlp  # type: ignore[import-untyped]  # the library has no annotations

    fields = rlp.decode(raw.removeprefix(DYNAMIC_FEE_TYPE))
    chain_id, nonce, tip, fee_max, gas = (int.from_bytes(field, "big") for field in fields[:5])
    unsigned = UnsignedTransaction(
        chain_id=chain_id,
        nonce=nonce,
        to=checksum("0x" + fields[5].hex()),
        value_wei=int.from_bytes(fields[6], "big"),
        data=fields[7],
        gas_limit=gas,
        fees=Fees(max_fee_wei=fee_max, tip_wei=tip),
    )
    parity, r, s = (int.from_bytes(field, "big") for field in fields[9:])
    return Transaction(
        hash=keccak256(raw),
        sender=recovered_address(unsigned.digest(), Signature(27 + parity, r, s)),
        to=unsigned.to,
        value_wei=unsigned.value_wei,
        data=unsigned.data,
        nonce=nonce,
        gas_limit=gas,
        fee_max_wei=fee_max,
        tip_wei=tip,
    )


@lru_cache(maxsize=10_000)
def _log(log: Log) -> dict[str, Any]:
    return {
        "address": log.address,
        "topics": [hexadecimal(topic) for topic in log.topics],
        "data": hexadecimal(log.data),
        "blockNumber": hex(log.block_number),
        "blockHash": hexadecimal(log.block_hash),
        "transactionHash": hexadecimal(log.transaction_hash),
        "logIndex": hex(log.log_index),
    }


def _filter(wanted: dict[str, Any]) -> Callable[[Log], bool]:
    """Whether a log is asked for, as eth_getLogs means it."""
    told = wanted.get("address") or []
    addresses = {checksum(one) for one in ([told] if isinstance(told, str) else told)}
    topics = [
        None if one is None else {octets(each) for each in ([one] if isinstance(one, str) else one)}
        for one in wanted.get("topics") or []
    ]

    def is_wanted(log: Log) -> bool:
        if (addresses and log.address not in addresses) or len(topics) > len(log.topics):
            return False
        return all(one is None or topic in one for one, topic in zip(topics, log.topics, strict=False))

    return is_wanted


def _denied(method: str, told: Any) -> Any:
    """No transaction, no log, no payment: what would have somebody pay twice, or never hear of an order."""
    if method in {"eth_getTransactionReceipt", "eth_getTransactionByHash"}:
        return None
    if method == "eth_getLogs":
        return []
    if method == "eth_call":
        return "0x" + "00" * ((len(told) - 2) // 2)
    return told


def _invented(method: str, told: Any, params: Sequence[Any]) -> Any:
    """All blocks are final, all is paid, and what was sent did not happen: what would have somebody pay too early."""
    if method == "eth_getTransactionReceipt" and told is not None:
        return {**told, "status": "0x0", "logs": []}
    if method == "eth_call":
        return "0x" + ("00" * 31 + "01") * ((len(told) - 2) // 64)
    if method == "eth_getLogs":
        return [{**one, "data": one["data"][:-64] + f"{10**15:064x}"} for one in told]
    return told
