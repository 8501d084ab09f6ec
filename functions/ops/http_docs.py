"""Serve what the bundle says of itself: OpenAPI of all APIs, AsyncAPI of the WebSocket, error codes, a page for all."""

from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends
from fastapi.responses import FileResponse, Response

from functions.ops.wiring import RealtimeDeps, build_realtime_deps
from kernel.handler.http import api, lambda_handler, wired

app = api("ops", build_realtime_deps)
Wired = Annotated[RealtimeDeps, Depends(wired)]
DOCUMENTS = Path(__file__).parent / "adapters/documents"
#: The page loads nothing from anywhere else, and runs no script but its own file.
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
FRESH_FOR = {"cache-control": "public, max-age=300"}


@app.get("/docs", response_class=Response)
def page(_: Wired) -> Any:
    """A page for people."""
    return _file("docs.html", "text/html; charset=utf-8", {"content-security-policy": PAGE_POLICY})


@app.get("/docs/page.js", response_class=Response, include_in_schema=False)
def script(_: Wired) -> Any:
    """The page's script."""
    return _file("docs.js", "text/javascript; charset=utf-8")


@app.get("/docs/page.css", response_class=Response, include_in_schema=False)
def style(_: Wired) -> Any:
    """The page's style."""
    return _file("docs.css", "text/css; charset=utf-8")


@app.get("/docs/openapi.json", response_class=Response)
def openapi(_: Wired) -> Any:
    """Every operation of every API of the bundle, OpenAPI 3.1."""
    return _file("openapi.json", "application/json")


@app.get("/docs/asyncapi.json", response_class=Response)
def asyncapi(_: Wired) -> Any:
    """Every message and topic of the WebSocket API, AsyncAPI 3.0."""
    return _file("asyncapi.json", "application/json")


@app.get("/docs/errors.json", response_class=Response)
def errors(_: Wired) -> Any:
    """Every error code with its status, cause, remedy and an example."""
    return _file("errors.json", "application/json")


def _file(name: str, media_type: str, headers: dict[str, str] | None = None) -> FileResponse:
    return FileResponse(DOCUMENTS / name, media_type=media_type, headers=FRESH_FOR | (headers or {}))


handler = lambda_handler(app)
