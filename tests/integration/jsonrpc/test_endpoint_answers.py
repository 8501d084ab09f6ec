"""What one RPC endpoint may answer, and what is made of it: an answer, a refusal, or nothing."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from kernel.jsonrpc.endpoint import ANSWER_MAX_BYTES, Endpoint, EndpointUnavailable

pytestmark = pytest.mark.integration
CALLS: Any = [("first", []), ("second", [1])]


class Node:
    """An HTTP server that answers what it is told to; without that, as a node that takes batches or does not."""

    def __init__(self) -> None:
        self.answer, self.takes_batches = b"", True
        self.asked: list[Any] = []
        node = self

        class Answers(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                node.asked.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                body = node.answer or json.dumps(node.answered(node.asked[-1])).encode()
                self.send_response(200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Nothing is printed."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def answered(self, asked: Any) -> Any:
        if isinstance(asked, dict):
            return {"id": asked["id"], "result": asked["method"]}
        if not self.takes_batches:
            return {"id": None, "error": {"code": -32600, "message": "Only method calls are supported"}}
        return [self.answered(one) for one in reversed(asked)]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def node() -> Iterator[Node]:
    node = Node()
    yield node
    node.close()


@pytest.fixture
def endpoint(node: Node) -> Iterator[Endpoint]:
    endpoint = Endpoint(node.url, timeout_s=5.0)
    yield endpoint
    endpoint.close()


@pytest.mark.parametrize(
    "answer",
    [
        b'{"id": 1, "error": null}',
        b'{"id": 1}',
        b"[]",
        b'"result"',
        b'{"id": 1, "result": Infinity}',
        b'{"id": 1, "result": 1e999}',
        b'{"id": 1, "result": "\\ud800"}',
        b'{"id": 1, "result": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
    ids=["no error", "nothing", "a list", "a text", "infinity", "beyond a float", "half a character", "bottomless"],
)
def test_what_is_no_answer_is_asked_of_the_next_endpoint(node: Node, endpoint: Endpoint, answer: bytes) -> None:
    """One endpoint's nonsense must not fail the task: others are there to be asked."""
    node.answer = answer

    with pytest.raises(EndpointUnavailable):
        endpoint.call("height", [])
    with pytest.raises(EndpointUnavailable):
        endpoint.batch(CALLS)


@pytest.mark.parametrize("numbers", [[[], {}], ["0", "1"], [0, None]], ids=["no numbers", "texts", "one of them"])
def test_an_answer_without_its_number_is_none(node: Node, endpoint: Endpoint, numbers: list[Any]) -> None:
    """Which call it answers is anybody's guess."""
    node.answer = json.dumps([{"id": number, "result": "0x1"} for number in numbers]).encode()

    with pytest.raises(EndpointUnavailable):
        endpoint.batch(CALLS)


def test_a_batch_is_answered_in_the_order_of_its_calls(node: Node, endpoint: Endpoint) -> None:
    """Whatever order the node answers in; in one round trip."""
    assert ["first", "second"] == endpoint.batch(CALLS)
    assert 1 == len(node.asked)


def test_a_node_without_batches_is_asked_for_one_once(node: Node, endpoint: Endpoint) -> None:
    """From then on it is asked call by call, without a round trip in vain."""
    node.takes_batches = False

    assert ["first", "second"] == endpoint.batch(CALLS)
    assert ["first", "second"] == endpoint.batch(CALLS)
    assert [list, dict, dict, dict, dict] == [type(one) for one in node.asked]


def test_an_answer_without_an_end_is_not_read_to_its_end(node: Node, endpoint: Endpoint) -> None:
    """A node could fill a container's memory with it; the next answer is read from a connection of its own."""
    node.answer = b'"' + b"x" * ANSWER_MAX_BYTES + b'"'

    with pytest.raises(EndpointUnavailable) as refused:
        endpoint.call("height", [])
    node.answer = b""

    assert f"an answer of more than {ANSWER_MAX_BYTES} bytes" == refused.value.details["reason"]
    assert "height" == endpoint.call("height", [])
