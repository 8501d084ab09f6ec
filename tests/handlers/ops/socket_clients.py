"""WebSocket clients of the handler tests: their events, the register in a real Redis, and who is pushed what."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from functions.ops.queue_fan_out import handler as fan_out
from functions.ops.wiring import RealtimeDeps
from functions.ops.ws_connect import handler as connect
from functions.ops.ws_default import handler as default
from functions.ops.ws_disconnect import handler as disconnect
from kernel.auth import Role
from kernel.realtime import Realtime, Registry
from kernel.realtime.plan import Fate
from kernel.testing import FakeClock
from kernel.testing.kernel import FakedKernel
from kernel.upstash import Upstash

EVENTS = {
    name: json.loads(Path(f"events/ops/{name}.json").read_text(encoding="utf-8"))
    for name in ("ws_connect", "ws_default", "ws_disconnect", "queue_fan_out")
}


@dataclass
class Screens:
    """A kernel.realtime.pusher.Pusher: what each client has been shown; some are gone, slow or throttled."""

    shown: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    fates: dict[str, Fate] = field(default_factory=dict)
    dropped: list[str] = field(default_factory=list)
    on_post: Callable[[str, str], None] = lambda _id, _text: None

    def post(self, connection_id: str, text: str) -> Fate:
        self.on_post(connection_id, text)
        fate = self.fates.get(connection_id, Fate.PUSHED)
        if fate is Fate.PUSHED:
            self.shown.setdefault(connection_id, []).append(json.loads(text))
        return fate

    def drop(self, connection_id: str) -> None:
        self.dropped.append(connection_id)

    def sequences(self, connection_id: str) -> list[int]:
        return [message["sequence"] for message in self.shown.get(connection_id, []) if message["type"] == "data"]


class Clients:
    """Clients of one deployment."""

    def __init__(self, upstash: Upstash, **options: Any) -> None:
        self.kernel = FakedKernel("postgresql://127.0.0.1:1/none")
        self.screens = Screens()
        self.registry = Registry(upstash, **options)
        self.deps = RealtimeDeps(self.kernel, registry=self.registry, pusher=self.screens)

    @property
    def realtime(self) -> Realtime:
        return self.deps.realtime

    @property
    def clock(self) -> FakeClock:
        assert isinstance(self.kernel.clock, FakeClock)
        return self.kernel.clock

    def token(self, subject: str = "evm:0xabc", role: Role = Role.VIEWER) -> str:
        return self.kernel.tokens.issue(subject, role=role)

    def connect(self, client: str, *, token: str | None = None, **headers: str) -> dict[str, Any]:
        if token is not None:
            headers["Sec-WebSocket-Protocol"] = f"counterpart.v1, bearer.{token}"
        event = self._event("ws_connect", client)
        event["headers"] = {**event["headers"], **headers}
        return dict(connect.bind(self.deps)(event, None))

    def say(self, client: str, /, **body: Any) -> dict[str, Any]:
        return self.send(client, json.dumps(body))

    def send(self, client: str, text: str) -> dict[str, Any]:
        answer = default.bind(self.deps)({**self._event("ws_default", client), "body": text}, None)
        told: dict[str, Any] = json.loads(answer["body"])
        return told

    def leave(self, client: str) -> dict[str, Any]:
        return dict(disconnect.bind(self.deps)(self._event("ws_disconnect", client), None))

    def fan_out(self) -> int:
        """Deliver the queue's messages to the handler until none is left; how many there were."""
        count = 0
        while received := self.kernel.queue.receive("ops-fan-out"):
            for message in received:
                count += 1
                record = {**EVENTS["queue_fan_out"]["Records"][0], "body": json.dumps(message.body)}
                answer = fan_out.bind(self.deps)({"Records": [record]}, None)
                assert answer == {"batchItemFailures": []}
                self.kernel.queue.delete("ops-fan-out", message.receipt)
        return count

    def _event(self, name: str, client: str) -> dict[str, Any]:
        event = EVENTS[name]
        return {**event, "requestContext": {**event["requestContext"], "connectionId": client}}
