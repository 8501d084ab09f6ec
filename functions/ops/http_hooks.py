"""Take webhooks: each event of a watched contract becomes one task; a GPU function's word wakes its job's."""

from typing import Annotated, Any

from fastapi import Depends, Path, Request

from functions.ops.wiring import Deps, build_deps
from kernel.handler.http import Document, api, lambda_handler, wired

#: What Lambda itself takes. The intake's own limit is lower, and its refusals are counted as such.
LARGEST_BYTES = 6 * 1024 * 1024
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The provider's payload, as functions/ops/README.md says; its octets are what was signed.",
        "content": {"application/json": {"schema": {}}},
    }
}

app = api("ops", build_deps, body_limit_bytes=LARGEST_BYTES)
Wired = Annotated[Deps, Depends(wired)]


async def raw_body(request: Request) -> bytes:
    """The body exactly as it came: API Gateway's base64 is undone, nothing else."""
    return await request.body()


class Stored(Document):
    """How many events, or transactions, the delivery told, and how many tasks of them are stored, or woken."""

    events: int
    tasks: int


@app.post("/hooks/{provider}", openapi_extra=BODY)
def take(
    provider: Annotated[str, Path(pattern="^[a-z]{1,20}$")],
    request: Request,
    body: Annotated[bytes, Depends(raw_body)],
    deps: Wired,
) -> Stored:
    """A delivery of Alchemy, QuickNode, Helius or our Modal app; its signature is the credential. 200: it is stored."""
    taken = deps.intake.take(provider, dict(request.headers), body)
    return Stored(events=taken.events, tasks=taken.tasks)


handler = lambda_handler(app)
