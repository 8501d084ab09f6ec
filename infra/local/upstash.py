"""The Upstash-REST front of a real Redis: `python -m infra.local.upstash SOCKET PORT TOKEN`.

Speaks what the `upstash-redis` client and `upstash-ratelimit` use: one command as a JSON array at `/` or as the path,
`/pipeline`, `/multi-exec`, bearer tokens, base64 replies. Commands that would need a connection of their own are
refused, as Upstash refuses them.
"""

import base64
import hmac
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from redis.asyncio import Connection, ConnectionPool, UnixDomainSocketConnection
from redis.exceptions import RedisError, ResponseError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

Command = list[Any]
Endpoint = Callable[[Request], Awaitable[JSONResponse]]
REFUSED = {"SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "MONITOR", "CLIENT", "SELECT", "SHUTDOWN"}
REFUSED |= {"WATCH", "UNWATCH", "MULTI", "EXEC", "DISCARD"}
REFUSED |= {"BLPOP", "BRPOP", "BLMOVE", "BZPOPMIN", "BZPOPMAX"}


class BadRequest(Exception):
    """A request that Upstash would refuse."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class Gateway:
    """The routes, over a pool of connections to one Redis."""

    def __init__(self, socket: str, token: str) -> None:
        """Replies are asked for in RESP2 and undecoded: flat lists of bytes, as Upstash relays them."""
        self._token = token.encode()
        self._pool: ConnectionPool = ConnectionPool(
            connection_class=UnixDomainSocketConnection, path=socket, protocol=2, decode_responses=False
        )

    async def single(self, request: Request) -> JSONResponse:
        """`POST /` with a JSON array."""
        command = _checked_command(await _body(request))
        async with self._connection() as connection:
            return _reply(await _run(connection, command, _wants_base64(request)))

    async def by_path(self, request: Request) -> JSONResponse:
        """`/set/key/value?EX=10`, where a POST body is one more argument."""
        command: Command = request.path_params["words"].split("/")
        if body := await request.body():
            command.append(body)
        for name, value in request.query_params.multi_items():
            if name != "_token":
                command += [name, value] if value else [name]
        async with self._connection() as connection:
            return _reply(await _run(connection, command, _wants_base64(request)))

    async def pipeline(self, request: Request) -> JSONResponse:
        """`POST /pipeline`: each command answers for itself."""
        commands = _checked_commands(await _body(request))
        async with self._connection() as connection:
            return _json([await _run(connection, command, _wants_base64(request)) for command in commands])

    async def multi_exec(self, request: Request) -> JSONResponse:
        """`POST /multi-exec`: all commands or none; a malformed one refuses the whole."""
        commands = _checked_commands(await _body(request))
        async with self._connection() as connection:
            try:
                replies = await _transaction(connection, commands)
            except ResponseError as error:
                raise BadRequest(400, _message(error)) from error
        return _json([_result(reply, _wants_base64(request)) for reply in replies])

    def app(self) -> Starlette:
        """The ASGI application; every route asks for the token first."""
        routes = [
            Route("/", self._guarded(self.single), methods=["POST"]),
            Route("/pipeline", self._guarded(self.pipeline), methods=["POST"]),
            Route("/multi-exec", self._guarded(self.multi_exec), methods=["POST"]),
            Route("/{words:path}", self._guarded(self.by_path), methods=["GET", "POST", "PUT", "HEAD"]),
        ]
        return Starlette(routes=routes, exception_handlers={BadRequest: _refuse, RedisError: _unreachable})

    def _guarded(self, endpoint: Endpoint) -> Endpoint:
        async def checked(request: Request) -> JSONResponse:
            scheme, _, token = request.headers.get("authorization", "").partition(" ")
            if scheme.lower() != "bearer":
                token = request.query_params.get("_token", "")
            if not hmac.compare_digest(token.encode(), self._token):
                raise BadRequest(401, "Unauthorized")
            return await endpoint(request)

        return checked

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        connection = await self._pool.get_connection()  # type: ignore[no-untyped-call]  # redis-py's own
        try:
            yield connection
        finally:
            await self._pool.release(connection)


async def _run(connection: Connection, command: Command, base64_wanted: bool) -> dict[str, Any]:
    """One command's answer in Upstash's shape; a refusal by Redis is an answer too."""
    try:
        return _result(await _exchange(connection, command), base64_wanted)
    except ResponseError as error:
        return {"error": _message(error)}


async def _transaction(connection: Connection, commands: list[Command]) -> list[Any]:
    """MULTI, the commands, EXEC; DISCARD and ResponseError when one of them cannot be queued."""
    await _exchange(connection, ["MULTI"])
    try:
        for command in commands:
            await _exchange(connection, command)
    except ResponseError:
        await _exchange(connection, ["DISCARD"])
        raise
    replies: list[Any] = await _exchange(connection, ["EXEC"])
    return replies


async def _exchange(connection: Connection, command: Command) -> Any:
    await connection.send_command(*map(_argument, _without_shebang(command)))
    return await connection.read_response(disable_decoding=True)


def _without_shebang(command: Command) -> Command:
    """upstash-ratelimit heads its scripts with `#!lua flags=allow-key-locking`, which only Upstash knows."""
    name, *rest = command
    if str(name).upper() in ("EVAL", "EVAL_RO") and rest and str(rest[0]).startswith("#!lua"):
        # An empty line stays, so that the line numbers in Lua errors still fit.
        return ["EVAL", "\n" + str(rest[0]).partition("\n")[2], *rest[1:]]
    return command


def _argument(value: Any) -> str | bytes | int | float:
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, (str, bytes, int, float)):
        return value
    return json.dumps(value, separators=(",", ":"))


def _checked_commands(commands: object) -> list[Command]:
    if not isinstance(commands, list) or not commands:
        raise BadRequest(400, "ERR empty pipeline request")
    return [_checked_command(command) for command in commands]


def _checked_command(command: object) -> Command:
    if not isinstance(command, list) or not command:
        raise BadRequest(400, "ERR empty command")
    if str(command[0]).upper() in REFUSED:
        raise BadRequest(400, f"ERR Command is not available: '{command[0]}'")
    return command


def _result(reply: Any, base64_wanted: bool) -> dict[str, Any]:
    if isinstance(reply, ResponseError):
        return {"error": _message(reply)}
    return {"result": _encoded(reply, base64_wanted)}


def _encoded(reply: Any, base64_wanted: bool) -> Any:
    """Bytes as text, or as base64 where the client asked; Upstash leaves a plain OK as it is."""
    if isinstance(reply, list | tuple):
        return [_encoded(part, base64_wanted) for part in reply]
    if not isinstance(reply, bytes):
        return reply
    if base64_wanted and reply != b"OK":
        return base64.b64encode(reply).decode()
    return reply.decode(errors="replace")


def _message(error: Exception) -> str:
    """Redis names the kind of error in capitals first; redis-py drops a plain ERR."""
    text = str(error)
    return text if text.partition(" ")[0].isupper() else f"ERR {text}"


def _wants_base64(request: Request) -> bool:
    return request.headers.get("upstash-encoding", "").lower() == "base64"


async def _body(request: Request) -> object:
    try:
        return json.loads(await request.body())
    except ValueError:
        raise BadRequest(400, "ERR failed to parse the request body as JSON") from None


def _reply(answer: dict[str, Any]) -> JSONResponse:
    return _json(answer, 400 if "error" in answer else 200)


def _json(content: object, status: int = 200) -> JSONResponse:
    # The client of version 1.8 hands this header back, for reads after its own writes.
    return JSONResponse(content, status, headers={"Upstash-Sync-Token": "local=1"})


def _refuse(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, BadRequest)
    return _json({"error": error.message}, error.status)


def _unreachable(_: Request, error: Exception) -> JSONResponse:
    return _json({"error": f"ERR Redis is unreachable: {error}"}, 503)


def main(socket: str, port: str, token: str) -> None:
    """Serve until told to end."""
    uvicorn.run(Gateway(socket, token).app(), host="127.0.0.1", port=int(port), log_level="warning", access_log=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
