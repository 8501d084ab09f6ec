"""Transactions of the local network: signed with sequential nonces, sent in one request, mined in one block."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eth_account import Account

from infra.local.flare.accounts import DevAccount
from infra.local.flare.contracts import Artifact, explain
from infra.local.flare.node import Node, NodeRefused

# The hard fork that anvil runs refuses transactions of more than 2^24 gas.
GAS_LIMIT = 16_000_000
GAS_PRICE_WEI = 100 * 10**9
POLL_S = 0.2


class TransactionReverted(Exception):
    """A transaction of the local network failed."""

    def __init__(self, note: str, reason: str) -> None:
        super().__init__(f"{note}: {reason}")
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """One call or, with to=None, one deployment."""

    sender: DevAccount
    to: str | None
    data: bytes
    value_wei: int = 0
    note: str = ""


class Sender:
    """Sends groups of transactions from development accounts; each group is one block."""

    def __init__(self, node: Node, artifacts: Sequence[Artifact]) -> None:
        """artifacts: whose errors a failure may be named by."""
        self._node = node
        self._artifacts = artifacts
        self._chain_id = int(node.call("eth_chainId"), 16)
        self._nonces: dict[str, int] = {}

    def mine(self, transactions: Sequence[Transaction]) -> list[dict[str, Any]]:
        """The receipts of the transactions, in their order, all in one new block; TransactionReverted for the first
        that failed."""
        hashes = self._broadcast(transactions)
        self._node.mine()
        return self._sound(transactions, self._receipts(hashes))

    def send(self, transactions: Sequence[Transaction], *, within_s: float = 30.0) -> list[dict[str, Any]]:
        """The same on a node that mines by itself: as many blocks as it takes. None is left out of the receipts unless
        the time is over, which raises TransactionReverted too."""
        hashes, until = self._broadcast(transactions), time.monotonic() + within_s
        while None in (receipts := self._receipts(hashes)) and time.monotonic() < until:
            time.sleep(POLL_S)
        return self._sound(transactions, receipts)

    def _broadcast(self, transactions: Sequence[Transaction]) -> list[str]:
        self._read_nonces({transaction.sender.address for transaction in transactions})
        # The node orders a block by price, so a falling price keeps the order of the list.
        prices = range(GAS_PRICE_WEI + len(transactions), GAS_PRICE_WEI, -1)
        signed = [self._sign(transaction, price) for transaction, price in zip(transactions, prices, strict=True)]
        return self._node.batch([("eth_sendRawTransaction", [raw]) for raw in signed])

    def _receipts(self, hashes: Sequence[str]) -> list[dict[str, Any]]:
        return self._node.batch([("eth_getTransactionReceipt", [tx_hash]) for tx_hash in hashes])

    def _sound(self, transactions: Sequence[Transaction], receipts: list[dict[str, Any]]) -> list[dict[str, Any]]:
        for transaction, receipt in zip(transactions, receipts, strict=True):
            if receipt is None or receipt["status"] != "0x1":
                raise TransactionReverted(transaction.note, self._reason(transaction))
        return receipts

    def _read_nonces(self, addresses: set[str]) -> None:
        unknown = sorted(addresses - self._nonces.keys())
        counts = self._node.batch([("eth_getTransactionCount", [address, "latest"]) for address in unknown])
        self._nonces.update({address: int(count, 16) for address, count in zip(unknown, counts, strict=True)})

    def _sign(self, transaction: Transaction, gas_price_wei: int) -> str:
        sender = transaction.sender
        fields: dict[str, Any] = {
            "chainId": self._chain_id,
            "nonce": self._nonces[sender.address],
            "gas": GAS_LIMIT,
            "gasPrice": gas_price_wei,
            "value": transaction.value_wei,
            "data": transaction.data,
        }
        if transaction.to is not None:
            fields["to"] = transaction.to
        self._nonces[sender.address] += 1
        return "0x" + bytes(Account.sign_transaction(fields, sender.private_key).raw_transaction).hex()

    def _reason(self, transaction: Transaction) -> str:
        call = {
            "from": transaction.sender.address,
            "data": "0x" + transaction.data.hex(),
            "value": hex(transaction.value_wei),
        }
        if transaction.to is not None:
            call["to"] = transaction.to
        try:
            self._node.call("eth_call", call, "latest")
        except NodeRefused as refused:
            return explain(refused.data, self._artifacts)
        return "it succeeds when repeated"
