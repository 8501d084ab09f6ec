"""The trading floor seen over HTTP: the real handler of batches, asked by anybody or by operators."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from functions.netting import http_batches
from kernel.auth import Role, Tier
from tests.integration.netting.floor import Context, Floor

Answer = tuple[int, dict[str, Any]]


class Window(Floor):
    """A floor with a window to it."""

    @classmethod
    @contextmanager
    def open(cls, database_url: str, **changes: Any) -> Iterator["Window"]:
        """As the floor's."""
        window = cls(database_url)
        window.tune(batch_least=1)
        keys = window.kernel.api_keys
        window.keys = {
            role: keys.issue(tier=Tier.ADMIN, role=role, label="a test", actor="a test").key
            for role in (Role.VIEWER, Role.OPERATOR, Role.ADMIN)
        }
        yield window
        window.close()

    keys: Mapping[Role, str]

    def get(self, path: str, *, role: Role | None = None, **query: Any) -> Answer:
        """Ask the API."""
        return self.call("GET", path, role=role, query=query)

    def call(
        self,
        method: str,
        path: str,
        *,
        role: Role | None = None,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
    ) -> Answer:
        """Status and body of the answer."""
        sent = json.loads(Path("events/netting/http_batches.json").read_text(encoding="utf-8"))
        headers = {
            name: value for name, value in sent["headers"].items() if name not in ("x-api-key", "content-length")
        }
        if role is not None:
            headers["x-api-key"] = self.keys[role]
        if body is not None:
            headers["content-type"], sent["body"] = "application/json", json.dumps(body)
        sent["rawPath"] = sent["requestContext"]["http"]["path"] = path
        sent["requestContext"]["http"]["method"] = method
        sent["headers"], sent["rawQueryString"] = headers, urlencode(query or {})
        answer = http_batches.handler.bind(self.deps)(sent, Context())
        return answer["statusCode"], json.loads(answer["body"])

    def shown(self, path: str, **query: Any) -> dict[str, Any]:
        """What anybody is shown."""
        status, body = self.get(path, **query)
        assert 200 == status, body
        return body
