"""The chains as the world itself moves them: funds, blocks, reorganisations, foreign transactions."""

import json
from typing import Any, cast

import urllib3

from infra.local.children import Child
from infra.local.solana import SolanaNode
from tests.crash.harness.points import Points

ETHER = 10**18


def solana_at(url: str) -> SolanaNode:
    """The running cluster at a URL, as the world moves it. Its child belongs to the process that started it."""
    nobody = cast("Child", None)
    return SolanaNode(
        name="solana", url=url, ws_url="", payer="", payer_secret=b"", genesis_hash="", child=nobody, proxy=None
    )


class EvmChain:
    """An anvil node, past the RPC identities that the product uses; nothing here is a point."""

    def __init__(self, url: str, points: Points | None = None) -> None:
        self.url = url
        self._points = points
        self._http = urllib3.PoolManager(retries=False)

    def rpc(self, method: str, *params: object) -> Any:
        """The node's answer; AssertionError with its words when it refuses."""
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        if self._points is None:
            return self._answer(method, body)
        with self._points.unwatched():
            return self._answer(method, body)

    def mine(self, blocks: int = 1) -> None:
        """Add blocks."""
        self.rpc("anvil_mine", hex(blocks))

    def fund(self, address: str, ether: int = 1_000) -> None:
        """Set the account's balance."""
        self.rpc("anvil_setBalance", address, hex(ether * ETHER))

    def balance_wei(self, address: str) -> int:
        """As of the latest block."""
        return int(self.rpc("eth_getBalance", address, "latest"), 16)

    def nonce(self, address: str, block: str = "latest") -> int:
        """How many transactions of the account are mined, or with "pending" also wait."""
        return int(self.rpc("eth_getTransactionCount", address, block), 16)

    def close(self) -> None:
        """Let go of the connections."""
        self._http.clear()

    def _answer(self, method: str, body: str) -> Any:
        headers = {"Content-Type": "application/json"}
        answer = json.loads(self._http.request("POST", self.url, body=body, headers=headers).data)
        assert "error" not in answer, f"{method}: {answer['error']}"
        return answer["result"]
