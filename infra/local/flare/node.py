"""JSON-RPC to one anvil node, with the node's own methods for mining and balances."""

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import httpx

TIMEOUT_S = 10.0


class NodeRefused(Exception):
    """The node answered a JSON-RPC call with an error."""

    def __init__(self, method: str, error: dict[str, Any]) -> None:
        super().__init__(f"{method}: {error.get('message', error)}")
        self.method = method
        self.data = str(error.get("data") or "")


class Node:
    """A client of one node; use as a context manager."""

    def __init__(self, url: str) -> None:
        self.url = url
        # Loopback only: no proxy settings, and no certificates, whose loading would take longer than the calls.
        self._http = httpx.Client(timeout=TIMEOUT_S, trust_env=False, verify=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._http.close()

    def call(self, method: str, *params: Any) -> Any:
        """The result of one call; NodeRefused when the node answers with an error."""
        return self.batch([(method, list(params))])[0]

    def batch(self, calls: Sequence[tuple[str, list[Any]]]) -> list[Any]:
        """The results of several calls in one request, in the order of the calls."""
        if not calls:
            return []
        body = [
            {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
            for number, (method, params) in enumerate(calls)
        ]
        response = self._http.post(self.url, json=body)
        response.raise_for_status()
        answers = {answer["id"]: answer for answer in response.json()}
        for number, (method, _) in enumerate(calls):
            if "error" in answers[number]:
                raise NodeRefused(method, answers[number]["error"])
        return [answers[number]["result"] for number in range(len(calls))]

    def latest_block(self) -> dict[str, Any]:
        """The newest block, without its transactions' bodies."""
        block: dict[str, Any] = self.call("eth_getBlockByNumber", "latest", False)
        return block

    def mine(self) -> None:
        """Mine one block now."""
        self.call("evm_mine")
