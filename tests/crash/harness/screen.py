"""A client's screen: what was pushed to it, in order, whoever pushed it."""

import json
import threading
from typing import Any

from kernel.realtime.plan import Fate
from tests.crash.harness.world import World


class Screen:
    """A kernel.realtime.pusher.Pusher for one client; a post is a point."""

    def __init__(self, world: World) -> None:
        self._points, self._path = world.points, world.site.path("screen")
        self._lock = threading.Lock()

    def post(self, connection_id: str, text: str) -> Fate:
        """Show one message."""
        with self._points.at("post to the client"), self._lock, self._path.open("a") as screen:
            screen.write(text + "\n")
        return Fate.PUSHED

    def drop(self, connection_id: str) -> None:
        """Nobody is slow here."""
        raise AssertionError(f"{connection_id} is not slow")

    def shown(self) -> list[dict[str, Any]]:
        """What the client keeps: a number that it has already is dropped."""
        told = [json.loads(line) for line in self._path.read_text().splitlines()] if self._path.exists() else []
        kept: list[dict[str, Any]] = []
        for message in told:
            assert message["type"] == "data", message
            if message["sequence"] > (kept[-1]["sequence"] if kept else 0):
                kept.append(message)
        return kept
