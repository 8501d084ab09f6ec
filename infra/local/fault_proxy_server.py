"""The proxy program: `python -m infra.local.fault_proxy_server UPSTREAM CONTROL_PORT NAME=PORT...`.

Every identity listens on a port of its own, applies its faults to each JSON-RPC call and passes the rest on. On the
control port, GET /NAME tells an identity's state and PUT /NAME replaces its faults.
"""

import asyncio
import contextlib
import json
import random
import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from infra.local import log_faults, ports, solana_faults
from infra.local.faults import HEALTHY, Faults
from infra.local.loopback_http import HttpMessage, read_message, write_request, write_response
from infra.local.stale_head import StaleView

Call = dict[str, Any]
SEND_METHODS = frozenset(("eth_sendRawTransaction", solana_faults.SEND_METHOD))
CHAIN_ID_METHODS = frozenset(("eth_chainId", "net_version"))
STATUS_OF_FAILURE = {"http_500": 500, "http_429": 429}


class Cut(Exception):
    """The connection is to be cut without an answer."""


class Silence(Exception):
    """The connection is to stay open without an answer."""


@dataclass(slots=True)
class Upstream:
    """Keep-alive connections to the node, one request at a time on each."""

    host: str
    port: int
    idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = field(default_factory=list)

    async def post(self, body: bytes) -> bytes:
        """The node's answer; a connection that it closed meanwhile is replaced once."""
        while self.idle:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                return await self._exchange(*self.idle.pop(), body)
        return await self._exchange(*await asyncio.open_connection(self.host, self.port), body)

    async def call(self, method: str, *params: object) -> Any:
        """The result of one call of the proxy's own; None when the node refuses it."""
        call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        return json.loads(await self.post(json.dumps(call).encode())).get("result")

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> bytes:
        write_request(writer, f"{self.host}:{self.port}", body)
        await writer.drain()
        answer = await read_message(reader)
        if answer is None:
            raise ConnectionResetError("the node closed the connection")
        self.idle.append((reader, writer))
        return answer.body


@dataclass(slots=True)
class Identity:
    """One identity: its faults, what it counted, and its open connections."""

    name: str
    upstream: Upstream
    faults: Faults = HEALTHY
    calls: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    connections: set[asyncio.StreamWriter] = field(default_factory=set)
    dice: random.Random = field(default_factory=lambda: random.Random(0))

    def state(self) -> dict[str, Any]:
        """For the control port."""
        return {"faults": self.faults.to_json(), "calls": self.calls, "failures": self.failures}

    def replace(self, faults: Faults) -> None:
        """Put `faults` in force; an outage cuts the open connections too."""
        self.faults = faults
        self.dice = random.Random(faults.seed)
        if faults.outage:
            for writer in list(self.connections):
                cut(writer)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection until it ends."""
        self.connections.add(writer)
        try:
            while not self.faults.outage and (request := await read_message(reader)) is not None:
                if request.upgrades:
                    await self._tunnel(request, reader, writer)
                    return
                await self._answer(request, writer)
            if self.faults.outage:
                self.failures["outage"] += 1
                cut(writer)
        except Cut:
            cut(writer)
        except Silence:
            await reader.read()
        except (OSError, asyncio.IncompleteReadError):
            cut(writer)
        finally:
            self.connections.discard(writer)
            writer.close()

    async def _answer(self, request: HttpMessage, writer: asyncio.StreamWriter) -> None:
        try:
            parsed = json.loads(request.body)
        except ValueError:
            write_response(writer, 400, b'{"error": "not JSON"}')
            return
        calls: list[Call] = parsed if isinstance(parsed, list) else [parsed]
        self.calls.update(str(call.get("method")) for call in calls)
        await asyncio.sleep(self.faults.latency_s + self.dice.random() * self.faults.jitter_s)
        failure = self._failure(calls)
        if failure in STATUS_OF_FAILURE:
            write_response(writer, STATUS_OF_FAILURE[failure], b"")
        elif failure == "rpc_error":
            write_response(writer, 200, _encoded(parsed, [_error(call, self.faults) for call in calls]))
        else:
            write_response(writer, 200, _encoded(parsed, [await self._result(call) for call in calls]))
        await writer.drain()

    def _failure(self, calls: list[Call]) -> str:
        """The failure that befalls this request as a whole, or an empty string; Cut and Silence for two of them."""
        faults = self.faults
        meant = any(faults.befall(str(call.get("method"))) for call in calls)
        if not meant or faults.failure is None or self.dice.random() >= faults.failure_rate:
            return ""
        self.failures[faults.failure] += 1
        if faults.failure == "reset":
            raise Cut
        if faults.failure == "timeout":
            raise Silence
        return faults.failure

    async def _result(self, call: Call) -> Call:
        """One call's answer, with the faults that change answers."""
        faults, method = self.faults, call.get("method")
        if method in SEND_METHODS and faults.send is not None:
            return await self._send(call)
        if faults.genesis_hash is not None and method == solana_faults.GENESIS_METHOD:
            self.failures["genesis_hash"] += 1
            return {"jsonrpc": "2.0", "id": call.get("id"), "result": faults.genesis_hash}
        if faults.chain_id is not None and method in CHAIN_ID_METHODS:
            self.failures["chain_id"] += 1
            claimed = hex(faults.chain_id) if method == "eth_chainId" else str(faults.chain_id)
            return {"jsonrpc": "2.0", "id": call.get("id"), "result": claimed}
        if refused := log_faults.refusal(call, faults.logs_range_max):
            self.failures["logs_range"] += 1
            return refused
        return log_faults.changed(call, await self._as_seen(call), faults)

    async def _as_seen(self, call: Call) -> Call:
        """The answer at the height where the identity stands."""
        faults = self.faults
        if solana_faults.befalls(call, faults):
            slot = int(await self.upstream.call("getSlot", {"commitment": "processed"}))
            return solana_faults.seen(call, await self._pass_on(call), faults, slot)
        if faults.stale_head is None:
            return await self._pass_on(call)
        view = StaleView(faults.stale_head)
        finalized = await self._height("finalized") if view.asks_for_finality(call) else 0
        return view.seen(call, await self._pass_on(view.rewritten(call, finalized)))

    async def _send(self, call: Call) -> Call:
        self.failures[f"send_{self.faults.send}"] += 1
        if self.faults.send == "swallowed":
            return {"jsonrpc": "2.0", "id": call.get("id"), "result": _known_by(call)}
        await self._pass_on(call)
        if self.faults.send == "lost":
            raise Cut
        return _error(call, self.faults)

    async def _pass_on(self, call: Call) -> Call:
        answer: Call = json.loads(await self.upstream.post(json.dumps(call).encode()))
        return answer

    async def _height(self, tag: str) -> int:
        block = await self.upstream.call("eth_getBlockByNumber", tag, False)
        return int(block["number"], 16) if block else 0

    async def _tunnel(self, request: HttpMessage, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass a WebSocket through, byte by byte, after its opening request."""
        up_reader, up_writer = await asyncio.open_connection(self.upstream.host, self.upstream.port)
        up_writer.write(request.head)
        await asyncio.wait(
            [asyncio.create_task(_pump(reader, up_writer)), asyncio.create_task(_pump(up_reader, writer))],
            return_when=asyncio.FIRST_COMPLETED,
        )
        up_writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(65_536):
            writer.write(chunk)
            await writer.drain()


def cut(writer: asyncio.StreamWriter) -> None:
    """End a connection with a reset, as a dying provider does."""
    writer.transport.abort()


def _error(call: Call, faults: Faults) -> Call:
    error = {"code": faults.rpc_code, "message": faults.rpc_words}
    return {"jsonrpc": "2.0", "id": call.get("id"), "error": error}


def _encoded(request: object, answers: list[Call]) -> bytes:
    """A batch is answered by a list, a single call by an object."""
    return json.dumps(answers if isinstance(request, list) else answers[0]).encode()


def _known_by(call: Call) -> str:
    """What a node answers that takes the transaction: its hash or signature."""
    encoded, *options = call["params"]
    if call["method"] == solana_faults.SEND_METHOD:
        return solana_faults.first_signature(encoded, options[0] if options else {})
    return "0x" + _keccak256(bytes.fromhex(str(encoded).removeprefix("0x"))).hex()


def _keccak256(raw: bytes) -> bytes:
    from kernel.hashes import keccak256  # only this rare fault needs it

    return keccak256(raw)


async def _control(identities: dict[str, Identity], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """GET /NAME, PUT /NAME."""
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        while (request := await read_message(reader)) is not None:
            identity = identities.get(request.path.strip("/"))
            if identity is None:
                write_response(writer, 404, b'{"error": "no such identity"}')
                continue
            if request.method == "PUT":
                identity.replace(Faults.from_json(json.loads(request.body)))
            write_response(writer, 200, json.dumps(identity.state()).encode())
            await writer.drain()
    writer.close()


async def main(upstream_url: str, control_port: str, *named_ports: str) -> None:
    """Serve until told to end."""
    upstream = urlsplit(upstream_url)
    identities: dict[str, Identity] = {}
    for named_port in named_ports:
        name, _, port = named_port.partition("=")
        # Each identity has connections of its own: providers share nothing.
        identities[name] = Identity(name, Upstream(str(upstream.hostname), int(upstream.port or 80)))
        await asyncio.start_server(identities[name].serve, ports.LOOPBACK, int(port))
    control = await asyncio.start_server(
        lambda reader, writer: _control(identities, reader, writer), ports.LOOPBACK, int(control_port)
    )
    await control.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
