"""What players' software and an administrator's ask of contests, over HTTP; written from the API alone."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Self

import httpx

from infra.local.contests.players import Player
from infra.local.contests.stage import ContestsStage
from infra.local.demo.stage import wait_for
from infra.local.tokens.market import LocalToken

ANSWER_WITHIN_S: Final = 60.0
TRIES_MAX: Final = 40
WAIT_S: Final = 0.25
#: Until a token is known, or a contest has a wallet.
SOON_S: Final = 180.0
#: Too much at once, or nobody there yet.
BUSY: Final = frozenset((429, 503))
#: Not yet, and soon: the transfer is not final, the contest has no wallet, or a token's price is a moment too old.
EARLY: Final = frozenset(("entry_not_final", "contest_without_wallet", "token_not_priced"))


class Refused(Exception):
    """A request was refused; `code` says why."""

    def __init__(self, method: str, path: str, answer: httpx.Response) -> None:
        self.code = str(answer.json().get("error", {}).get("code", answer.status_code))
        super().__init__(f"{method} {path} answered {answer.status_code}: {answer.text[:500]}")


@dataclass(frozen=True, slots=True)
class Client:
    """Somebody's requests, with the credential that they are sent with."""

    http: httpx.Client
    headers: Mapping[str, str]

    def get(self, path: str, **query: Any) -> Any:
        """The document there. Raises Refused."""
        return self.send("GET", path, params=query)

    def post(self, path: str, body: Mapping[str, Any] | None = None, *, key: str | None = None) -> Any:
        """The answer to a document; key: the request's own. Raises Refused."""
        headers = {} if key is None else {"Idempotency-Key": key}
        return self.send("POST", path, json=body, headers=headers)

    def send(self, method: str, path: str, **request: Any) -> Any:
        """Ask, again while others are before us. Raises Refused."""
        request["headers"] = {**self.headers, **request.get("headers", {})}
        for _ in range(TRIES_MAX):
            answer = self.http.request(method, f"/v1/contests{path}", **request)
            if answer.status_code not in BUSY:
                break
            time.sleep(WAIT_S)
        if not answer.is_success:
            raise Refused(method, path, answer)
        return answer.json()


class Desk:
    """Everybody's clients of one deployment; a context manager."""

    def __init__(self, stage: ContestsStage) -> None:
        self._stage = stage
        limits = httpx.Limits(max_connections=8, max_keepalive_connections=8)
        self._http = httpx.Client(base_url=stage.stack.gateway_url, timeout=ANSWER_WITHIN_S, limits=limits)
        self._clients: dict[str, Client] = {}
        self.admin = Client(self._http, {"X-Api-Key": stage.admin_key})
        self.visitor = Client(self._http, {})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def of(self, player: Player) -> Client:
        """A player who has signed in."""
        if player.address not in self._clients:
            token = self._stage.session(player)
            self._clients[player.address] = Client(self._http, {"Authorization": f"Bearer {token}"})
        return self._clients[player.address]

    def list_tokens(self, tokens: Iterable[LocalToken]) -> None:
        """Know the market's tokens, put these on the list where they are not yet, and have their prices."""
        self._stage.stack.fire("cron_sync_tokens", datetime.now(UTC))
        wait_for(lambda: self.admin.get("/tokens")["tokens"] or None, "the list of tokens", within_s=SOON_S)
        listed = {token["mint"] for token in self.visitor.get("/whitelist")["tokens"]}
        for token in tokens:
            gift = {"mint": token.mint, "symbol": token.symbol[:10], "name": token.name[:50]}
            if token.mint not in listed:
                self.admin.post("/whitelist/gifts", gift)
        self._stage.stack.fire("cron_market_data", datetime.now(UTC))

    def announce(self, name: str, fee_lamports: int, *, lead_s: int, length_s: int, **terms: str) -> str:
        """A contest that begins so much later, once it has a wallet; its id."""
        starts_at = datetime.now(UTC) + timedelta(seconds=lead_s)
        body = {
            "name": name,
            "fee_lamports": str(fee_lamports),
            "starts_at": starts_at.isoformat(),
            "ends_at": (starts_at + timedelta(seconds=length_s)).isoformat(),
            **terms,
        }
        contest = str(self.admin.post("", body)["id"])
        wait_for(lambda: self.admin.get(f"/{contest}")["pay_to"] or None, f"a wallet for {name}", within_s=SOON_S)
        return contest

    def enter(self, player: Player, contest: str, signature: str, weights_bps: Mapping[str, int]) -> Any:
        """Enter with a transfer that was sent, once it is final. Raises Refused."""
        body = {"signature": signature, "weights_bps": dict(weights_bps)}
        for _ in range(TRIES_MAX):
            try:
                return self.of(player).post(f"/{contest}/enter", body)
            except Refused as refused:
                if refused.code not in EARLY:
                    raise
                time.sleep(WAIT_S)
        raise TimeoutError(f"the entry of {player.name} was never final")

    def trade(self, player: Player, contest: str, key: str, side: str, mint: str, quantity: int) -> Any:
        """Buy or sell so much. Raises Refused."""
        body = {"side": side, "mint": mint, "quantity": str(quantity)}
        return self.of(player).post(f"/{contest}/trades", body, key=key)
