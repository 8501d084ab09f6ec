"""The administrator of the transfers' scene: asks for everything over HTTP, as any client of the treasury does."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, Self

import httpx

from infra.local.demo.stage import SceneFailed, wait_for
from infra.local.treasury_stage import SERVICE, Market, TreasuryStage
from kernel.auth import ApiKeys, Role, Tier
from kernel.postgres import Postgres

#: Every so many transfers one is asked for twice, as a client does that heard no answer.
TWICE_EVERY: Final = 5
TRIES_MAX: Final = 20
ANSWER_WITHIN_S: Final = 30.0
CHECKED_WITHIN_S: Final = 30.0


class Desk:
    """The treasury's API with an administrator's key. Threads may share it."""

    def __init__(self, stage: TreasuryStage) -> None:
        self._stage = stage
        self._http = httpx.Client(
            base_url=stage.stack.gateway_url, headers={"X-Api-Key": stage.admin_key}, timeout=ANSWER_WITHIN_S
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def open_wallets(self) -> None:
        """Take a wallet on each chain into the treasury, and wait until its books begin."""
        for market in self._stage.markets:
            body = {"service": SERVICE, "chain": market.chain, "address": market.wallet, "reason": "the demo"}
            self.post("/v1/ops/treasury/wallets", body | {"floor_base_units": "0", "target_base_units": "0"})
        self._wait_for_wallets("opened_at")

    def ask(self, market: Market, number: int) -> None:
        """Ask for one transfer, some twice; the same key is the same transfer, whatever the answer was."""
        body = {
            "chain": market.chain,
            "sender": market.wallet,
            "recipient": market.recipient(number),
            "amount_base_units": str(market.amount(number)),
            "reason": f"transfer {number} of the demo",
        }
        headers = {"Idempotency-Key": f"demo-{market.name.lower()}-{number}"}
        for _ in range(2 if number % TWICE_EVERY == 0 else 1):
            self.post("/v1/ops/treasury/transfers", body, 202, headers)

    def verdicts(self) -> dict[str, str]:
        """Have every wallet compared with its chain now; chain -> verdict."""
        before = datetime.now(UTC)
        self._stage.check_wallets("after the transfers")
        self._wait_for_wallets("read_at", after=before)
        return {wallet["chain"]: wallet["verdict"] for wallet in self._wallets()}

    def balance(self, market: Market) -> int:
        """What the books say that the wallet holds."""
        path = f"/v1/ops/treasury/wallets/{market.chain}/{market.wallet}/statement"
        return int(self.get(path)["balance_base_units"])

    def _wait_for_wallets(self, field: str, after: datetime | None = None) -> None:
        def done() -> bool | None:
            times = [wallet[field] for wallet in self._wallets()]
            return all(time and (after is None or datetime.fromisoformat(time) > after) for time in times) or None

        wait_for(done, f"the wallets' {field}", within_s=CHECKED_WITHIN_S)

    def _wallets(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get("/v1/ops/treasury/wallets")["wallets"]
        return found

    def get(self, path: str) -> Any:
        """The document there."""
        answer = self._http.get(path)
        if not answer.is_success:
            raise SceneFailed(f"GET {path} answered {answer.status_code}: {answer.text}")
        return answer.json()

    def make_administrator(self, subject: str) -> None:
        """Two administrators make a wallet one, too: we, and another key of the command."""
        path, body = f"/v1/ops/people/{subject}", {"role": "admin", "tier": "admin"}
        postgres = Postgres(self._stage.cloud.database_url, role="counterpart_ops")
        other = ApiKeys(postgres).issue(tier=Tier.ADMIN, role=Role.ADMIN, label="the demo's other", actor="demo")
        postgres.close()
        self.put(path, body)
        self.put(path, body, headers={"X-Api-Key": other.key})

    def put(self, path: str, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> None:
        """Put a document there."""
        answer = self._http.put(path, json=body, headers=headers)
        if not answer.is_success:
            raise SceneFailed(f"PUT {path} answered {answer.status_code}: {answer.text}")

    def post(
        self, path: str, body: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None
    ) -> Any:
        """Post until it is taken; a failure of ours or silence is answered by asking again."""
        said = "nothing"
        for _ in range(TRIES_MAX):
            try:
                answer = self._http.post(path, json=body, headers=headers)
            except httpx.TransportError as silence:
                said = type(silence).__name__
                continue
            if answer.status_code == status:
                return answer.json()
            said = f"{answer.status_code}: {answer.text}"
            if answer.status_code < 500:
                break
        raise SceneFailed(f"POST {path} was not taken; see {self._stage.stack.log_path}. The last answer was {said}")
