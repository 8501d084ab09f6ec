"""Who asks the monitor of exchanges: JSON-RPC 2.0 over the deployment's gateway, and REST beside it."""

from types import TracebackType
from typing import Any, Self

import httpx

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
        answers = self._client.post("/barter/rpc", json=body).raise_for_status().json()
        refused = [answer["error"] for answer in answers if "error" in answer]
        if refused:
            raise SceneFailed(f"the monitor refuses: {refused[0]}")
        return [answer["result"] for answer in sorted(answers, key=lambda one: int(one["id"]))]

    def story(self, address: str) -> dict[str, Any]:
        """Everything about an exchange."""
        told: dict[str, Any] = self._client.get(f"/barter/contracts/{address}").raise_for_status().json()
        return told

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

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._client.close()
