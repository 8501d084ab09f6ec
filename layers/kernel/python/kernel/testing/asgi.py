"""Owns the way tests call an application without a server: requests in, answers out, one after the other."""

import asyncio
from typing import TYPE_CHECKING, Any

from kernel.handler.entry import Container

if TYPE_CHECKING:
    import httpx
    from fastapi import FastAPI


class AsgiClient:
    """Calls a FastAPI application in this process; every request has an event loop of its own, as it has in Lambda."""

    def __init__(self, app: "FastAPI", headers: dict[str, str] | None = None) -> None:
        self._app = app
        self._headers = headers or {}

    @property
    def container(self) -> Container[Any]:
        """The dependencies' container of the application."""
        container: Container[Any] = self._app.state.container
        return container

    def request(self, method: str, path: str, **options: Any) -> "httpx.Response":
        """One request; the options are httpx's (json, content, headers, params)."""
        return asyncio.run(self._send(method, path, options))

    def get(self, path: str, **options: Any) -> "httpx.Response":
        """A GET request."""
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> "httpx.Response":
        """A POST request."""
        return self.request("POST", path, **options)

    async def _send(self, method: str, path: str, options: dict[str, Any]) -> "httpx.Response":
        import httpx

        transport = httpx.ASGITransport(app=self._app, client=("203.0.113.7", 50_000))
        async with httpx.AsyncClient(
            transport=transport, base_url="https://api.example", headers=self._headers
        ) as client:
            return await client.request(method, path, **options)
