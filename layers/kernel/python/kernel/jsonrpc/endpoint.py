"""Owns one RPC endpoint: JSON-RPC over one kept-alive HTTP connection, with a time-out on every call.

The client is urllib3, which boto3 brings into every function anyway: 0.08 s of import, thread-safe, and no retries of
its own once told so. `import web3` takes 4 s of a cold start and adds nothing that a transaction outbox wants.
An endpoint's URL often carries a credential, so only its host ever reaches an error or a log.
"""

import json
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from kernel import strict_json
from kernel.errors import Broken, Transient

if TYPE_CHECKING:
    import urllib3

# A provider's limit is said in many ways.
LIMIT_CODES: Final = frozenset({-32005, -32097, 429})
LIMIT_WORDS: Final = ("rate limit", "too many requests", "capacity", "timeout", "timed out", "more than", "range")
# What every node of the chain would answer: a revert, and parameters that cannot be read.
REVERTED_CODE, UNREADABLE_CODE = 3, -32602
INVALID_REQUEST_CODE: Final = -32600
CONNECT_TIMEOUT_S: Final = 1.5
# Several times what a provider sends of logs at once; more would only fill the container's memory.
ANSWER_MAX_BYTES: Final = 64 * 1024 * 1024

Call = tuple[str, Sequence[Any]]

# What reading an answer of another shape raises.
MISSHAPEN: Final = (ValueError, TypeError, LookupError, AttributeError)


class RpcUnavailable(Transient):
    """No RPC endpoint of this chain answers."""

    cause = "Every configured endpoint refused the connection, timed out, or is behind the others."
    remedy = "The work is tried again; check the endpoints' state in /health if this lasts."
    retry_after_s = 2.0


class EndpointUnavailable(RpcUnavailable):
    """This RPC endpoint does not answer."""


class RpcLimited(RpcUnavailable):
    """Every RPC endpoint of this chain answers that a limit is reached."""

    cause = "Too many calls for the providers' plans, or a range that is too large for them."
    remedy = "The work is tried again; add an endpoint or a larger plan if this lasts."


class RpcRefused(Broken):
    """The node understood the call and refused it."""

    cause = (
        "The call's parameters, the contract or the account's state do not allow it; details carry the node's words."
    )
    remedy = "Read the node's words in details."

    def __init__(
        self, *, method: str, rpc_code: int, words: str, revert_data: str | None = None, data: Any = None
    ) -> None:
        """data: whatever else the node says, of a shape that only its chain's readers know."""
        super().__init__(method=method, rpc_code=rpc_code, words=words[:512], revert_data=revert_data)
        self.rpc_code, self.words, self.revert_data, self.data = rpc_code, words, revert_data, data

    @property
    def is_the_chains(self) -> bool:
        """True when every other endpoint would say the same; anything else is worth asking somebody else."""
        return self.rpc_code in {REVERTED_CODE, UNREADABLE_CODE} or "revert" in self.words.lower()

    @property
    def is_a_limit(self) -> bool:
        """True when the provider, not the chain, refuses."""
        lower = self.words.lower()
        return self.rpc_code in LIMIT_CODES or any(words in lower for words in LIMIT_WORDS)


class Endpoint:
    """One URL. Raises EndpointUnavailable for everything that is not an answer of the node."""

    def __init__(self, url: str, *, timeout_s: float) -> None:
        self._url, self._timeout_s = url, timeout_s
        self._http: urllib3.PoolManager | None = None
        self._process_id = 0
        self._takes_batches = True
        self.name: Final = urlsplit(url).netloc.rpartition("@")[2]

    def __repr__(self) -> str:
        return f"Endpoint({self.name})"

    def call(self, method: str, params: Sequence[Any]) -> Any:
        """The result. Raises RpcRefused for the node's own error, EndpointUnavailable otherwise."""
        return self._result(method, self._post({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}))

    def batch(self, calls: Sequence[Call]) -> list[Any]:
        """The results in the order of `calls`, in one round trip. Raises like `call`, for the first refusal."""
        requests = [
            {"jsonrpc": "2.0", "id": number, "method": method, "params": list(params)}
            for number, (method, params) in enumerate(calls)
        ]
        answers = self._post(requests) if self._takes_batches else None
        if not isinstance(answers, list):
            # A provider that knows no batches answers with one error object, and by its code it always will.
            self._takes_batches = self._takes_batches and not _is_invalid_request(answers)
            return [self.call(method, params) for method, params in calls]
        by_number = {answer["id"]: answer for answer in answers if isinstance(answer, dict) and _is_numbered(answer)}
        return [self._result(method, by_number.get(number)) for number, (method, _) in enumerate(calls)]

    def close(self) -> None:
        """Let go of the connections; the next call opens new ones."""
        if self._http is not None and self._process_id == os.getpid():
            self._http.clear()
        self._http = None

    def _result(self, method: str, answer: Any) -> Any:
        if isinstance(answer, dict) and answer.get("error") is not None:
            raise _refusal(method, answer["error"])
        if not isinstance(answer, dict) or "result" not in answer:
            raise EndpointUnavailable(endpoint=self.name, reason="no JSON-RPC answer")
        return answer["result"]

    def _post(self, body: Any) -> Any:
        import urllib3

        try:
            response = self._connected().request(
                "POST",
                self._url,
                body=json.dumps(body).encode(),
                headers={"Content-Type": "application/json"},
                timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT_S, read=self._timeout_s),
                preload_content=False,
            )
            answer = response.read(ANSWER_MAX_BYTES + 1)
        except urllib3.exceptions.HTTPError as away:
            # Not chained: urllib3's message repeats the whole URL, and with it the credential.
            raise EndpointUnavailable(endpoint=self.name, reason=type(away).__name__) from None
        if len(answer) > ANSWER_MAX_BYTES:
            response.close()
            raise EndpointUnavailable(endpoint=self.name, reason=f"an answer of more than {ANSWER_MAX_BYTES} bytes")
        response.release_conn()
        return self._decoded(response.status, answer)

    def _decoded(self, status: int, body: bytes) -> Any:
        try:
            answer = strict_json.read(body)
        except strict_json.NotStrictJson:
            raise EndpointUnavailable(endpoint=self.name, reason=f"HTTP {status} without JSON") from None
        # Some nodes put a JSON-RPC error into a 4xx; an answer is an answer. A 429 or 5xx is none.
        if status in {408, 429} or status >= 500:
            raise EndpointUnavailable(endpoint=self.name, reason=f"HTTP {status}")
        return answer

    def _connected(self) -> "urllib3.PoolManager":
        # A connection that came through a fork is the parent's; two processes on it would read each other's answers.
        if self._http is None or self._process_id != os.getpid():
            import urllib3

            self._http, self._process_id = urllib3.PoolManager(maxsize=4, retries=False), os.getpid()
        return self._http


def _is_numbered(answer: dict[str, Any]) -> bool:
    return isinstance(answer.get("id"), int)


def _is_invalid_request(answer: Any) -> bool:
    error = answer.get("error") if isinstance(answer, dict) else None
    return isinstance(error, dict) and error.get("code") == INVALID_REQUEST_CODE


def _refusal(method: str, error: Any) -> RpcRefused:
    if not isinstance(error, dict):
        return RpcRefused(method=method, rpc_code=0, words=str(error))
    revert_data, code = error.get("data"), error.get("code")
    return RpcRefused(
        method=method,
        rpc_code=code if isinstance(code, int) else 0,  # some providers put words there
        words=str(error.get("message", "")),
        revert_data=revert_data if isinstance(revert_data, str) else None,
        data=revert_data,
    )
