"""The monitor over JSON-RPC 2.0: watch an exchange, and get the proof of its trades."""

from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.responses import JSONResponse, Response

from functions.barter.adapters.rpc_document import BODY, RESPONSES
from functions.barter.wiring import Deps, build_deps
from kernel.auth.http import anyone
from kernel.auth.principal import Principal
from kernel.handler.http import api, lambda_handler, wired


async def sent(request: Request) -> bytes:
    """The body as it came: what is wrong with it is JSON-RPC's to say."""
    return await request.body()


app = api("barter", build_deps, body_limit_bytes=64 * 1024)
Wired = Annotated[Deps, Depends(wired)]
Anyone = Annotated[Principal, Depends(anyone)]
Body = Annotated[bytes, Depends(sent)]


@app.post("/barter/rpc", openapi_extra=BODY, responses=RESPONSES)
@app.post("/v1/barter/rpc", openapi_extra=BODY, responses=RESPONSES)
def rpc(body: Body, deps: Wired, caller: Anyone) -> Response:
    """JSON-RPC 2.0: watchContract, getProof, getProofStatus, getImageIDContract, healthCheck; at most 20 a batch."""
    answer: Any | None = deps.monitor.rpc(caller).answer(body)
    return Response(status_code=204) if answer is None else JSONResponse(answer)


handler = lambda_handler(app)
