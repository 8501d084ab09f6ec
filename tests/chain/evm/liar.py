"""An RPC endpoint that passes everything on to a node and lies where a test says so."""

import json
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

# Given the parameters and the node's result: the result to tell, or an `Instead`.
Lie = Callable[[list[Any], Any], Any]


@dataclass(frozen=True, slots=True)
class Instead:
    """An answer that is given without the node ever hearing the call: `{"result": …}` or `{"error": …}`."""

    answer: dict[str, Any]


class Liar:
    """`lies` by method, changed at will; `calls` counts what it was asked."""

    def __init__(self, node_url: str, **lies: Lie | Instead) -> None:
        self.lies, self.calls = lies, Counter[str]()
        self._http = httpx.Client(timeout=30.0)
        liar = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
                told = liar.answers(node_url, asked)
                body = json.dumps(told).encode()
                self.send_response(200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Silence."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    @property
    def name(self) -> str:
        """By what the pool knows it."""
        return self.url.removeprefix("http://")

    def answers(self, node_url: str, asked: Any) -> Any:
        """The node's answers, changed."""
        calls = asked if isinstance(asked, list) else [asked]
        self.calls.update(call["method"] for call in calls)
        passed_on = [call for call in calls if not isinstance(self.lies.get(call["method"]), Instead)]
        told = [self._http.post(node_url, json=call).json() for call in passed_on]  # not every node knows batches
        by_id = {one["id"]: one for one in told}
        answers = [self._lied(call, by_id.get(call["id"], {})) for call in calls]
        return answers if isinstance(asked, list) else answers[0]

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()
        self._http.close()

    def _lied(self, call: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
        lie = self.lies.get(call["method"])
        if isinstance(lie, Instead):
            return {"jsonrpc": "2.0", "id": call["id"], **lie.answer}
        if lie is None or "error" in answer:
            return answer
        told = lie(list(call.get("params") or ()), answer["result"])
        return {"jsonrpc": "2.0", "id": call["id"], **(told.answer if isinstance(told, Instead) else {"result": told})}


def ahead_by(blocks: int) -> Lie:
    """A head that is so many blocks above the real one, at the real one's time."""

    def lie(params: list[Any], block: Any) -> Any:
        return {**block, "number": hex(int(block["number"], 16) + blocks)} if params[0] == "latest" else block

    return lie


def always(answer: Any) -> Lie:
    """The same answer whatever is asked."""
    return lambda _params, _result: answer
