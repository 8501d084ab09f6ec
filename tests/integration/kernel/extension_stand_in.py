"""AWS's Parameters-and-Secrets extension as a function meets it: its two paths, its token, its refusals, its memory."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

TOKEN = "the-session-token"
READING = {"/secretsmanager/get": "secretId", "/systemsmanager/parameters/get": "name"}


class ExtensionStandIn:
    """A server on 127.0.0.1; a context manager."""

    def __init__(self) -> None:
        self.secrets: dict[str, Any] = {}
        self.asked: list[str] = []
        #: Status and body of every answer, once it is set.
        self.says: tuple[int, bytes] | None = None
        #: Set: it answers nothing before the test is over.
        self.hangs = False
        self._over = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._requests())
        self._server.daemon_threads = True

    @property
    def port(self) -> int:
        return self._server.server_port

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path: str, token: str | None) -> tuple[int, bytes]:
        """Status and body for one request."""
        if self.hangs:
            self._over.wait()
        if self.says is not None:
            return self.says
        if token != TOKEN:
            return 401, b"bad session token or header key"
        parts = urlsplit(path)
        query = parse_qs(parts.query, strict_parsing=True)
        (name,) = query[READING[parts.path]]
        self.asked.append(name)
        if name not in self.secrets:
            return 400, b"an unexpected error occurred while executing request"
        if parts.path == "/secretsmanager/get":
            return 200, json.dumps({"Name": name, **self.secrets[name]}).encode()
        assert query["withDecryption"] == ["true"]
        return 200, json.dumps({"Parameter": {"Name": name, **self.secrets[name]}}).encode()

    def _requests(self) -> type[BaseHTTPRequestHandler]:
        stand_in = self

        class Requests(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = stand_in.answer(self.path, self.headers["X-Aws-Parameters-Secrets-Token"])
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Nothing."""

        return Requests
