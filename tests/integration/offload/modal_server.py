"""A stand-in for Modal's servers, which Modal's own client speaks to over gRPC; it runs what is spawned when told to.

Only what one app with plain functions needs. Functions are given as they stand in gpu/app.py, run in this process.
"""

import asyncio
import pickle
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from grpclib import GRPCError, Status
from grpclib.server import Server, Stream
from modal_proto import api_grpc, api_pb2

APP, TOKEN_ID, TOKEN_SECRET = "counterpart", "ak-local", "as-local"
PICKLE = api_pb2.DATA_FORMAT_PICKLE


@dataclass
class ModalServer:
    """The calls that were spawned, and what is said about each.

    failing: the status of every answer. silent: what is asked is done, and never answered.
    """

    functions: Mapping[str, Callable[[Any], Any]]
    calls: dict[str, tuple[str, Any]] = field(default_factory=dict)
    results: dict[str, api_pb2.GenericResult] = field(default_factory=dict)
    expired: set[str] = field(default_factory=set)
    cancelled: list[str] = field(default_factory=list)
    failing: Status | None = None
    silent: bool = False
    port: int = 0

    def start(self) -> None:
        """Listen on a port of the loopback."""
        self._loop = asyncio.new_event_loop()
        ready: Future[int] = Future()
        self._thread = threading.Thread(target=self._serve, args=(ready,), daemon=True)
        self._thread.start()
        self.port = ready.result(10)

    def stop(self) -> None:
        """Close every connection."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    @property
    def url(self) -> str:
        """Where Modal's client finds it."""
        return f"http://127.0.0.1:{self.port}"

    def run(self, call_id: str) -> None:
        """Run a spawned call to its end, as a container would."""
        name, payload = self.calls[call_id]
        try:
            told = self.functions[name](payload)
            status, data = api_pb2.GenericResult.GENERIC_STATUS_SUCCESS, pickle.dumps(told)
        except Exception as failure:
            status, data = api_pb2.GenericResult.GENERIC_STATUS_FAILURE, pickle.dumps(failure)
        self.results[call_id] = api_pb2.GenericResult(status=status, data=data)

    def end(self, call_id: str, status: Any) -> None:
        """End a call without a result: timed out, terminated, failed inside Modal."""
        self.results[call_id] = api_pb2.GenericResult(status=status, exception="told by the server")

    def _serve(self, ready: "Future[int]") -> None:
        asyncio.set_event_loop(self._loop)
        self._server = Server([_service(self)])
        self._loop.run_until_complete(self._server.start("127.0.0.1", 0))
        (socket,) = self._server._server.sockets  # type: ignore[union-attr]  # it has started
        ready.set_result(socket.getsockname()[1])
        self._loop.run_forever()

    async def _close(self) -> None:
        self._server.close()
        await self._server.wait_closed()


async def _request(server: ModalServer, stream: Stream[Any, Any]) -> Any:
    """The request of an authorised client; or what is to fail now."""
    request = await stream.recv_message()
    told: Mapping[str, Any] = stream.metadata or {}
    if (told.get("x-modal-token-id"), told.get("x-modal-token-secret")) != (TOKEN_ID, TOKEN_SECRET):
        raise GRPCError(Status.UNAUTHENTICATED, "Token ID is malformed")
    if server.failing is not None:
        raise GRPCError(server.failing, "told to fail")
    return request


def _service(server: ModalServer) -> Any:
    async def function_get(_: Any, stream: Stream[Any, Any]) -> None:
        request = await _request(server, stream)
        if request.app_name != APP or request.object_tag not in server.functions:
            raise GRPCError(Status.NOT_FOUND, "no such function")
        handle = api_pb2.FunctionHandleMetadata(
            function_name=request.object_tag, function_type=api_pb2.Function.FUNCTION_TYPE_FUNCTION
        )
        ranked = api_pb2.FunctionData.RankedFunction(function=api_pb2.Function(function_name=request.object_tag))
        function = api_pb2.FunctionData(ranked_functions=[ranked])
        function_id = f"fu-{request.object_tag}"
        await stream.send_message(
            api_pb2.FunctionGetResponse(function_id=function_id, handle_metadata=handle, function=function)
        )

    async def function_map(_: Any, stream: Stream[Any, Any]) -> None:
        request = await _request(server, stream)
        (item,) = request.pipelined_inputs
        (payload,), _kwargs = pickle.loads(item.input.args)
        call_id = f"fc-{len(server.calls) + 1}"
        server.calls[call_id] = (request.function_id.removeprefix("fu-"), payload)
        while server.silent:
            await asyncio.sleep(0.05)
        accepted = api_pb2.FunctionPutInputsResponseItem(idx=0, input_id="in-1")
        await stream.send_message(api_pb2.FunctionMapResponse(function_call_id=call_id, pipelined_inputs=[accepted]))

    async def get_outputs(_: Any, stream: Stream[Any, Any]) -> None:
        request = await _request(server, stream)
        call_id = request.function_call_id
        if call_id not in server.calls:
            raise GRPCError(Status.NOT_FOUND, "no such call")
        result = server.results.get(call_id)
        items = [] if result is None else [api_pb2.FunctionGetOutputsItem(idx=0, result=result, data_format=PICKLE)]
        left = 0 if result is not None or call_id in server.expired else 1
        await stream.send_message(api_pb2.FunctionGetOutputsResponse(outputs=items, num_unfinished_inputs=left))

    async def cancel(_: Any, stream: Stream[Any, Any]) -> None:
        request = await _request(server, stream)
        server.cancelled.append(request.function_call_id)
        from google.protobuf.empty_pb2 import Empty  # type: ignore[import-untyped]  # no stubs

        await stream.send_message(Empty())

    async def unimplemented(_: Any, stream: Stream[Any, Any]) -> None:
        raise GRPCError(Status.UNIMPLEMENTED, stream.user_agent or "")

    methods = {name: unimplemented for name in dir(api_grpc.ModalClientBase) if name[0].isupper()}
    methods |= {
        "FunctionGet": function_get,
        "FunctionMap": function_map,
        "FunctionGetOutputs": get_outputs,
        "FunctionCallCancel": cancel,
    }
    return type("ModalServicer", (api_grpc.ModalClientBase,), methods)()
