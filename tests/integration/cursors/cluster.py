"""A cluster whose history is written by hand: endpoints that speak Solana's JSON-RPC, each with gaps of its own.

No local cluster can be made to cut logs off, to forget transactions or to lag by single ones; this one can. The answers
have the shapes of Agave's.
"""

import base64
import json
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from kernel import base58

PROGRAM = base58.encode(bytes([7]) * 32)
CALLER = base58.encode(bytes([8]) * 32)
FINAL_SLOT = 1_000


@dataclass
class Written:
    """One transaction: each of the instructions calls the program, which says what it is told to."""

    signature: str
    slot: int
    said: Sequence[bytes]
    error: str | None = None

    def logs(self) -> list[str]:
        lines = []
        for data in self.said:
            text = base64.b64encode(data).decode()
            lines += [f"Program {CALLER} invoke [1]", f"Program {PROGRAM} invoke [2]", f"Program data: {text}"]
            lines += [f"Program {PROGRAM} success", f"Program {CALLER} success"]
        return lines

    def answer(self, logs: Sequence[str]) -> dict[str, Any]:
        call = {"programIdIndex": 1, "accounts": [], "data": "", "stackHeight": 2}
        return {
            "slot": self.slot,
            "blockTime": None,
            "transaction": {
                "signatures": [self.signature],
                "message": {
                    "accountKeys": [CALLER, PROGRAM],
                    "instructions": [{"programIdIndex": 0, "accounts": [], "data": ""} for _ in self.said],
                },
            },
            "meta": {
                "err": self.error,
                "fee": 5_000,
                "preBalances": [0, 0],
                "postBalances": [0, 0],
                "logMessages": list(logs),
                "innerInstructions": [{"index": n, "instructions": [call]} for n in range(len(self.said))],
            },
        }


@dataclass
class Gaps:
    """What one endpoint does not tell."""

    unknown: set[str] = field(default_factory=set)  # signatures it has never heard of
    unlisted: set[str] = field(default_factory=set)  # signatures missing from the address's history alone
    logs_max: int | None = None  # so many lines of a log, then it is cut off
    lines_max: int = 1_000  # lines of a page, whatever is asked for
    replaced: dict[str, str] = field(default_factory=dict)  # words of a log, and what it says instead


class Cluster:
    """The history, oldest first, and its endpoints."""

    def __init__(self) -> None:
        self.history: list[Written] = []
        self.calls: list[str] = []

    def write(self, *said: bytes, slot: int | None = None, error: str | None = None) -> str:
        """A further transaction; its signature."""
        number = len(self.history)
        signature = base58.encode(bytes([number % 256, number // 256 + 1]) * 32)
        self.history.append(Written(signature, number + 1 if slot is None else slot, said, error))
        return signature

    @contextmanager
    def endpoint(self, gaps: Gaps) -> Iterator[str]:
        """An endpoint's URL, as long as the block lasts."""
        cluster = self

        class Listener(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                call = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                cluster.calls.append(call["method"])
                name = re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", call["method"])
                answer = getattr(cluster, f"_{name}")(gaps, *call["params"])
                body = json.dumps({"jsonrpc": "2.0", "id": call["id"], "result": answer}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Listener)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            server.server_close()

    def _get_genesis_hash(self, _: Gaps) -> str:
        return PROGRAM

    def _get_slot(self, _: Gaps, __: object) -> int:
        return FINAL_SLOT

    def _get_block_height(self, _: Gaps, __: object) -> int:
        return FINAL_SLOT

    def _get_block_time(self, _: Gaps, __: object) -> int:
        return 1_800_000_000

    def _get_signature_statuses(self, gaps: Gaps, signatures: list[str], _: object) -> dict[str, Any]:
        known = {one.signature: one for one in self.history if one.signature not in gaps.unknown}
        return {
            "value": [
                (one := known.get(signature))
                and {"slot": one.slot, "confirmationStatus": "finalized", "confirmations": None, "err": one.error}
                for signature in signatures
            ]
        }

    def _get_signatures_for_address(self, gaps: Gaps, _: str, options: dict[str, Any]) -> list[dict[str, Any]]:
        newest = [one for one in self.history[::-1] if one.signature not in gaps.unknown | gaps.unlisted]
        names = [one.signature for one in newest]
        before, until = options.get("before"), options.get("until")
        if before is not None and before not in names:
            return []
        first = 0 if before is None else names.index(before) + 1
        last = names.index(until) if until in names else len(names)
        page = newest[first : min(last, first + gaps.lines_max, first + options["limit"])]
        return [{"signature": one.signature, "slot": one.slot, "err": one.error, "blockTime": None} for one in page]

    def _get_transaction(self, gaps: Gaps, signature: str, _: object) -> dict[str, Any] | None:
        found = {one.signature: one for one in self.history if one.signature not in gaps.unknown}.get(signature)
        if found is None:
            return None
        logs = [gaps.replaced.get(line, line) for line in found.logs()]
        cut = logs if gaps.logs_max is None else [*logs[: gaps.logs_max], "Log truncated"]
        return found.answer(cut)
