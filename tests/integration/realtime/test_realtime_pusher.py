"""The way to one client: what is asked of API Gateway, and what its answers mean."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import pytest

from kernel.realtime.plan import Fate
from kernel.realtime.pusher import ApiGatewayPusher

pytestmark = pytest.mark.integration
ID = "L0SM9cOFv/Hc+Ihw="


class Gateway:
    """An HTTP server that answers what it is told to, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, bytes]] = []
        self.answers: list[tuple[int, str]] = []
        self.delay = threading.Event()
        gateway = self

        class Answers(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                gateway.asked.append((self.command, self.path, body))
                status, kind = gateway.answers.pop(0) if gateway.answers else (200, "")
                if kind == "silence":
                    gateway.delay.wait(20)
                    self.close_connection = True
                    return
                self.send_response(status)
                if kind:
                    self.send_header("x-amzn-errortype", kind)
                self.send_header("content-length", "0")
                self.end_headers()

            do_DELETE = do_POST  # noqa: N815 (the name is the library's)

            def log_message(self, *_: Any) -> None:
                """Nothing is printed."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/prod"

    def close(self) -> None:
        self.delay.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    for name, value in {"ACCESS_KEY_ID": "a", "SECRET_ACCESS_KEY": "b", "DEFAULT_REGION": "eu-central-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    gateway = Gateway()
    yield gateway
    gateway.close()


@pytest.fixture
def pusher(gateway: Gateway) -> Iterator[ApiGatewayPusher]:
    pusher = ApiGatewayPusher(gateway.url)
    yield pusher
    pusher.close()


def test_the_short_way_asks_what_boto3_asks(gateway: Gateway, pusher: ApiGatewayPusher) -> None:
    """The same method, address and body, whatever the connection's id has in it."""
    client = boto3.client("apigatewaymanagementapi", endpoint_url=gateway.url)
    client.post_to_connection(ConnectionId=ID, Data="é".encode())
    fate = pusher.post(ID, "é")
    client.close()

    assert fate is Fate.PUSHED
    assert gateway.asked[0] == gateway.asked[1]


@pytest.mark.parametrize(
    ("answers", "fate"),
    [
        ([(410, "GoneException")] * 2, Fate.GONE),
        ([(429, "LimitExceededException")] * 4, Fate.LATER),
        ([(429, "LimitExceededException")] * 2, Fate.PUSHED),
        ([(500, "InternalServerError")], Fate.PUSHED),
        ([(403, "ForbiddenException")] * 2, Fate.LATER),
        ([(0, "silence")], Fate.SLOW),
    ],
    ids=["gone", "throttled", "throttled a moment", "a bad moment", "forbidden", "silent"],
)
def test_what_the_answers_mean(
    gateway: Gateway, pusher: ApiGatewayPusher, answers: list[tuple[int, str]], fate: Fate
) -> None:
    """Gone, slow, later, or taken after all; a message that may have been taken is not sent again."""
    gateway.answers = list(answers)

    assert pusher.post(ID, "{}") is fate
    if fate is Fate.SLOW:
        assert len(gateway.asked) == 1


def test_a_slow_client_is_closed(gateway: Gateway, pusher: ApiGatewayPusher) -> None:
    """One that is gone by then is no error."""
    gateway.answers = [(204, ""), (410, "GoneException")]

    pusher.drop(ID)
    pusher.drop(ID)

    assert [method for method, _, _ in gateway.asked] == ["DELETE", "DELETE"]
