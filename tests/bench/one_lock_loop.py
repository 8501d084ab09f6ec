"""The loop that the bridge replaces, told again: one lock, held from an order's send until its receipt, order by order.

Every order runs by itself, and all of them share one key. So that no two take the same nonce, each holds one lock while
it asks for the nonce, estimates, signs, sends and waits for the receipt, once to pay and once more to claim. What the
receipt says is not read. Nothing is written down, so nothing of it outlives the process.
"""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from eth_account import Account

from functions.bridge.core.registry import Family, L2Gas, Payment, Version, claim_call, transfer_call
from kernel.evm.blocks import hexadecimal, quantity
from kernel.jsonrpc.endpoint import Endpoint

#: What its client library waits between two looks for a receipt.
RECEIPT_POLL_S: Final = 0.1
TIP_WEI: Final = 10**9


@dataclass(slots=True)
class Told:
    """What came of the orders of one run. Seconds since its start, in the order in which they happened."""

    sent_s: list[float] = field(default_factory=list)
    filled_s: list[float] = field(default_factory=list)
    claimed_s: list[float] = field(default_factory=list)


class OneLockLoop:
    """Pays and claims orders of a zkSync-like origin through a registry, from one key."""

    def __init__(
        self, url: str, chain_id: int, key: bytes, registry: str, version: Version, gas: L2Gas, message_fee_wei: int
    ) -> None:
        self._rpc, self._chain_id = Endpoint(url, timeout_s=10), chain_id
        self._account, self._registry, self._version = Account.from_key(key), registry, version
        self._gas, self._message_fee_wei = gas, message_fee_wei
        self._lock, self._told, self._started_s = threading.Lock(), Told(), 0.0

    def fill(self, payments: Sequence[Payment]) -> Told:
        """All of them at once, as far as the lock lets them; returns when the last is claimed."""
        self._told, self._started_s = Told(), time.perf_counter()
        orders = [threading.Thread(target=self._run, args=(payment,)) for payment in payments]
        for order in orders:
            order.start()
        for order in orders:
            order.join()
        return self._told

    def _run(self, payment: Payment) -> None:
        with self._lock:
            sent = self._send(transfer_call(self._version, payment), payment.amount_wei)
            self._note(self._told.sent_s)
            self._wait(sent)
            self._note(self._told.filled_s)
        with self._lock:
            claim = claim_call(self._version, Family.ZKSYNC, [payment], self._gas)
            self._wait(self._send(claim, self._message_fee_wei))
            self._note(self._told.claimed_s)

    def _send(self, data: bytes, value_wei: int) -> str:
        call: dict[str, Any] = {"from": self._account.address, "to": self._registry, "data": hexadecimal(data)}
        gas = quantity(self._rpc.call("eth_estimateGas", [{**call, "value": hex(value_wei)}]))
        transaction = {
            "type": 2,
            "chainId": self._chain_id,
            "nonce": quantity(self._rpc.call("eth_getTransactionCount", [self._account.address, "latest"])),
            "to": self._registry,
            "data": data,
            "value": value_wei,
            "gas": gas,
            "maxFeePerGas": quantity(self._rpc.call("eth_gasPrice", [])) * 2,
            "maxPriorityFeePerGas": TIP_WEI,
        }
        raw = self._account.sign_transaction(transaction).raw_transaction
        return str(self._rpc.call("eth_sendRawTransaction", [hexadecimal(raw)]))

    def _wait(self, transaction_hash: str) -> None:
        while self._rpc.call("eth_getTransactionReceipt", [transaction_hash]) is None:
            time.sleep(RECEIPT_POLL_S)

    def _note(self, moments: list[float]) -> None:
        moments.append(time.perf_counter() - self._started_s)
