"""Lambda's Runtime API as its runtime client asks it: hands out one event at a time and times the answer."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import SimpleQueue
from typing import Any

RESTORE = "/2018-06-01/runtime/restore/next"


class RuntimeApi:
    """A server with one client; a context manager."""

    def __init__(self) -> None:
        self._events: SimpleQueue[bytes] = SimpleQueue()
        self._answers: SimpleQueue[tuple[str, bytes, float]] = SimpleQueue()
        self._handed_s = 0.0
        self._frozen, self._restored = threading.Event(), threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._requests())
        self._server.daemon_threads = True

    @property
    def address(self) -> str:
        """What AWS_LAMBDA_RUNTIME_API names."""
        return f"127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "RuntimeApi":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def invoke(self, event: Any, patience_s: float = 60.0) -> tuple[Any, float]:
        """The answer to one event, and the seconds from its hand-out to it. AssertionError for an error."""
        self._events.put(json.dumps(event).encode())
        end, body, took_s = self._answers.get(timeout=patience_s)
        assert end == "response", body[:500]
        return json.loads(body), took_s

    def frozen(self, patience_s: float = 60.0) -> None:
        """Return when the client waits to be restored from its snapshot. AssertionError if it never does."""
        assert self._frozen.wait(patience_s), "no snapshot"

    def restore(self) -> None:
        """Resume the client."""
        self._restored.set()

    def _requests(self) -> type[BaseHTTPRequestHandler]:
        api = self

        class Requests(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # A reply in one packet, and no waiting for the receipt of the one before.
            disable_nagle_algorithm = True
            wbufsize = -1

            def do_GET(self) -> None:
                if self.path == RESTORE:
                    self._restore()
                    return
                event = api._events.get()
                self.send_response(200)
                self.send_header("Lambda-Runtime-Aws-Request-Id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
                self.send_header("Lambda-Runtime-Deadline-Ms", str(int(time.time() * 1000) + 30_000))
                self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-central-1:1:function:bench")
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(event)))
                self.end_headers()
                api._handed_s = time.perf_counter()
                self.wfile.write(event)

            def _restore(self) -> None:
                api._frozen.set()
                api._restored.wait()
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"] or 0))
                took_s = time.perf_counter() - api._handed_s
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()
                self.wfile.flush()
                api._answers.put((self.path.rpartition("/")[2], body, took_s))

            def log_message(self, *_: Any) -> None:
                """Nothing."""

        return Requests
