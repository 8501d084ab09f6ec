"""Who asks the monitor of exchanges: JSON-RPC 2.0 over the deployment's gateway, and REST beside it."""

from typing import Any, Self

import httpx

from functions.barter.core.json_rpc import Code
from infra.local.barter.stage import BarterStage
from infra.local.demo.stage import SceneFailed, wait_for

#: As many blocks as a proof may take, and what follows from it.
WITHIN_S = 300.0


class Desk:
    """A context manager."""

    def __init__(self, stage: BarterStage) -> None:
        self._client = httpx.Client(
            base_url=stage.stack.gateway_url, headers={"X-Api-Key": stage.key}, timeout=httpx.Timeout(30.0)
        )

    def ask(self, method: str, *params: Any) -> Any:
        """The result of a method. SceneFailed for an error."""
        return self.answers([(method, params)])[0]

    def answers(self, calls: list[tuple[str, tuple[Any, ...]]]) -> list[Any]:
        """The results of a batch. SceneFailed for an error."""
        body = [
            {"jsonrpc": "2.0", "method": method, "params": list(params), "id": number}
            for number, (method, params) in enumerate(calls)
        ]
        told = wait_for(lambda: self._answered(body), "an answer", within_s=WITHIN_S)
        refused = [answer["error"] for answer in told if "error" in answer]
        if refused:
            raise SceneFailed(f"the monitor refuses: {refused[0]}")
        return [answer["result"] for answer in sorted(told, key=lambda one: int(one["id"]))]

    def _answered(self, body: list[dict[str, Any]]) -> list[dict[str, Any]] | None:
        """The answers; None where the monitor, or what it needs, is away: the same may be asked again."""
        answer = self._client.post("/barter/rpc", json=body)
        if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            return None
        told: list[dict[str, Any]] = answer.raise_for_status().json()
        is_away = any(one.get("error", {}).get("code") == Code.UNAVAILABLE for one in told)
        return None if is_away else told

    def story(self, address: str) -> dict[str, Any]:
        """Everything about an exchange."""

        def look() -> dict[str, Any] | None:
            answer = self._client.get(f"/barter/contracts/{address}")
            is_away = answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
            return None if is_away else dict(answer.raise_for_status().json())

        return wait_for(look, "an answer", within_s=WITHIN_S)

    def wait_for_job(self, address: str, state: str) -> dict[str, Any]:
        """The exchange's story, once its proof is in this state."""

        def look() -> dict[str, Any] | None:
            story = self.story(address)
            return story if story["job"] is not None and story["job"]["state"] == state else None

        return wait_for(look, f"a proof that is {state}", within_s=WITHIN_S)

    def wait_for_phase(self, address: str, phase: str) -> dict[str, Any]:
        """The exchange's story, once the monitor has seen it in this phase."""

        def look() -> dict[str, Any] | None:
            story = self.story(address)
            return story if story["phase"] == phase else None

        return wait_for(look, f"the phase {phase}", within_s=WITHIN_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()
