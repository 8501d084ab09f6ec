"""Duels under test: the slice's handlers on a real Postgres, before a cluster whose transfers are written by hand.

Prices stand in the database as the market would have stored them; whoever plays signs in with a wallet.
"""

import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from functions.contests import (
    cron_evaluate_contests,
    cron_open_contests,
    http_contests,
    queue_evaluate_contest,
    queue_step_contest,
    queue_take_snapshot,
)
from functions.contests.adapters.life_steps import EVALUATE, SNAPSHOT, STEP
from functions.contests.wiring import EVALUATION_ROLE, ROLE, Deps, Settings
from infra.local.runner.events import ApiSite, HttpCall, http_event
from kernel import base58
from kernel.auth import Role
from kernel.postgres import Postgres
from kernel.testing import FakeClock
from kernel.testing.kernel import FakedKernel
from tests.handlers.contests.market_stage import EVENT, Context
from tests.integration.cursors.cluster import Cluster, Gaps, Written

SITE: Final = ApiSite(api_id="a1b2c3d4e5", domain="a1b2c3d4e5.execute-api.test", stage="$default", account="1")
BEGIN: Final = datetime(2026, 11, 21, 12, tzinfo=UTC)
SOL: Final = 10**9
FEE: Final = SOL // 10
STAKE: Final = 10_000_000_000
SYSTEM: Final = "1" * 32
ALICE, BOB, CAROL, DAVE = (base58.encode(bytes([n]) * 32) for n in (1, 2, 3, 4))
GOLD, SALT, COAL = (base58.encode(bytes([n]) * 32) for n in (41, 42, 43))
PAYER: Final = base58.encode(bytes([9]) * 32)
SLOT: Final = 1_000
LIQUID: Final = 1_000_000
Answer = tuple[int, dict[str, Any]]
QUEUES: Final[Mapping[str, Any]] = {
    STEP: (queue_step_contest.handler, ROLE),
    SNAPSHOT: (queue_take_snapshot.handler, ROLE),
    EVALUATE: (queue_evaluate_contest.handler, EVALUATION_ROLE),
}


@dataclass
class Paid(Written):
    """A transaction of System transfers: sender, receiver, lamports."""

    moves: Sequence[tuple[str, str, int]] = ()
    confirmation: str = "finalized"

    def answer(self, logs: Sequence[str]) -> dict[str, Any]:
        """As getTransaction tells it."""
        keys = list(dict.fromkeys([SYSTEM, *(name for move in self.moves for name in move[:2])]))
        ran = [
            {
                "programIdIndex": 0,
                "accounts": [keys.index(sender), keys.index(receiver)],
                "data": base58.encode(struct.pack("<IQ", 2, lamports)),
            }
            for sender, receiver, lamports in self.moves
        ]
        told = super().answer(logs)
        told["transaction"]["message"] = {"accountKeys": keys, "instructions": ran}
        told["meta"] |= {"preBalances": [0] * len(keys), "postBalances": [0] * len(keys), "innerInstructions": []}
        return told | {"blockTime": int(BEGIN.timestamp())}


class Bank(Cluster):
    """Where entrants pay."""

    def paid(self, *moves: tuple[str, str, int], error: str | None = None, confirmation: str = "finalized") -> str:
        """A further transaction; its signature."""
        signature = self.write(error=error)
        slot = len(self.history)
        self.history[-1] = Paid(signature, slot, (), error, moves=moves, confirmation=confirmation)
        return signature

    def finalize(self, signature: str) -> None:
        """Nobody can drop the transaction any more."""
        self._paid()[signature].confirmation = "finalized"

    def _paid(self) -> dict[str, Paid]:
        return {one.signature: one for one in self.history if isinstance(one, Paid)}

    def _get_signature_statuses(self, gaps: Gaps, signatures: list[str], options: object) -> dict[str, Any]:
        told = super()._get_signature_statuses(gaps, signatures, options)
        known = self._paid()
        for signature, status in zip(signatures, told["value"], strict=True):
            if status is not None:
                status["confirmationStatus"] = known[signature].confirmation
        return told | {"context": {"slot": SLOT}}

    def _get_first_available_block(self, _: Gaps) -> int:
        return 0


class Duel:
    """One deployment: `deps` play, `judge` evaluates under the role that owns results."""

    def __init__(self, database_url: str, urls: Sequence[str], bank: Bank, gaps: Sequence[Gaps]) -> None:
        self.bank, self.gaps, self.clock = bank, gaps, FakeClock(BEGIN)
        self.kernel = FakedKernel(database_url, role=ROLE, clock=self.clock)
        self.settings = Settings(
            cluster="localnet",
            rpc_urls="plain:" + " ".join(urls),
            fee_payer=PAYER,
            entry_fee_lamports=FEE,
            oracle_feeds="{}",
        )
        self.deps = Deps(self.kernel, self.settings)
        self.judge = Deps(FakedKernel(database_url, role=EVALUATION_ROLE, clock=self.clock), self.settings)
        self.office = Postgres(database_url)
        self._keys: dict[Role, str] = {}
        for mint, symbol in ((GOLD, "GOLD"), (SALT, "SALT")):
            self.list_token(mint, symbol)
        self.price({GOLD: 2_000_000, SALT: 1_000_000})

    @classmethod
    @contextmanager
    def open(cls, database_url: str) -> Iterator["Duel"]:
        """Gold at 2 and salt at 1; no contest."""
        with ExitStack() as stack:
            bank, gaps = Bank(), [Gaps(), Gaps()]
            urls = [stack.enter_context(bank.endpoint(one)) for one in gaps]
            duel = cls(database_url, urls, bank, gaps)
            stack.callback(duel.close)
            yield duel

    def close(self) -> None:
        """Give the connections back."""
        for deps in (self.deps, self.judge):
            if "pool" in vars(deps):
                deps.pool.close()
            deps.close()
        self.office.close()

    # The market.

    def list_token(self, mint: str, symbol: str, decimals: int = 6) -> None:
        """A token that may be played with."""
        with self.office.transaction() as tx:
            tx.execute(_LISTED, mint=mint, symbol=symbol, decimals=decimals, now=self.clock.now())

    def price(self, micros: Mapping[str, int], *, liquidity_usd: int | None = LIQUID) -> None:
        """What whole tokens cost from now on, in micro-units, and how many dollars are behind that."""
        with self.office.transaction() as tx:
            for mint, price in micros.items():
                tx.execute(_PRICED, mint=mint, price=price * 10**6, now=self.clock.now(), liquidity=liquidity_usd)

    # Contests.

    def contest(self, *, starts_in_s: int = 600, lasts_s: int = 3_600, wallet: str | None = "", **terms: Any) -> UUID:
        """A contest with a wallet of its own, or none."""
        start = self.clock.now() + timedelta(seconds=starts_in_s)
        times = {"starts_at": start.isoformat(), "ends_at": (start + timedelta(seconds=lasts_s)).isoformat()}
        status, body = self.admin("POST", "/v1/contests", {"name": "duel", **times, **terms})
        assert 201 == status, body
        number = len(self.rows("select id from contests.contests"))
        address = base58.encode(bytes([100, number]) * 16) if wallet == "" else wallet
        with self.office.transaction() as tx:
            tx.execute("update contests.contests set wallet = %(w)s where id = %(id)s", w=address, id=body["id"])
        return UUID(body["id"])

    def wallet(self, contest: UUID) -> str:
        """Where its fee goes."""
        return str(self.one("select wallet from contests.contests where id = %(id)s", id=contest)["wallet"])

    def enter(
        self, contest: UUID, wallet: str, weights: Mapping[str, int] | None = None, *, signature: str | None = None
    ) -> Answer:
        """Pay, unless a signature is given, and enter."""
        paid = signature or self.bank.paid((wallet, self.wallet(contest), FEE))
        body = {"signature": paid, "weights_bps": dict(weights or {GOLD: 10_000})}
        return self.person(wallet, "POST", f"/v1/contests/{contest}/enter", body)

    def started(self, weights: Mapping[str, Mapping[str, int]], **terms: Any) -> UUID:
        """A contest that has just started, with an entrant for each of the weights."""
        contest = self.contest(**terms)
        for wallet, spread in weights.items():
            status, body = self.enter(contest, wallet, spread)
            assert 200 == status, body
        self.clock.advance(600)
        self.price({GOLD: 2_000_000, SALT: 1_000_000})
        self.tick()
        self.work(STEP)
        assert "active" == self.state(contest)
        return contest

    def trade(self, contest: UUID, wallet: str, side: str, mint: str, quantity: int, key: str) -> Answer:
        """Buy or sell."""
        body = {"side": side, "mint": mint, "quantity": str(quantity)}
        return self.person(wallet, "POST", f"/v1/contests/{contest}/trades", body, key=key)

    def state(self, contest: UUID) -> str:
        """Where it is."""
        return str(self.one("select state from contests.contests where id = %(id)s", id=contest)["state"])

    # Time and work.

    def tick(self) -> None:
        """The minute's schedules."""
        for cron, deps in ((cron_open_contests, self.deps), (cron_evaluate_contests, self.deps)):
            cron.handler.bind(deps)(_tick(self.clock.now()), Context())

    def work(self, *kinds: str) -> int:
        """Deliver every message that is due, until none is; how many."""
        delivered = 0
        while due := self.due(*kinds):
            for task in due:
                self.deliver(task)
            delivered += len(due)
        return delivered

    def due(self, *kinds: str) -> list[dict[str, Any]]:
        """Tasks whose message would be delivered now."""
        return self.rows(_DUE, kinds=list(kinds or QUEUES), now=self.clock.now())

    def deliver(self, task: Mapping[str, Any], deps: Deps | None = None) -> Any:
        """Deliver one task's message to its handler."""
        handler, role = QUEUES[task["kind"]]
        bound = handler.bind(deps or (self.deps if role == ROLE else self.judge))
        return bound({"Records": [{**EVENT, "body": json.dumps({"task_id": str(task["id"])})}]}, Context())

    def tasks(self, kind: str) -> list[tuple[str, str | None]]:
        """State and error code of the tasks of a kind."""
        found = self.rows("select state, error_code from kernel.tasks where kind = %(kind)s order by id", kind=kind)
        return [(row["state"], row["error_code"]) for row in found]

    # The API.

    def admin(self, method: str, path: str, body: Any = None) -> Answer:
        """Ask as an administrator."""
        return self.call(method, path, body, token=self.token("admin", Role.ADMIN))

    def person(self, wallet: str, method: str, path: str, body: Any = None, *, key: str | None = None) -> Answer:
        """Ask as whoever has signed in with a wallet."""
        return self.call(method, path, body, token=self.token(wallet, Role.VIEWER), key=key)

    def token(self, wallet: str, role: Role) -> str:
        """A session's."""
        return self.kernel.tokens.issue(f"solana:{wallet}", role=role)

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        """What anybody is shown."""
        status, body = self.call("GET", path, query=query)
        assert 200 == status, body
        return body

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = None,
        key: str | None = None,
        query: Mapping[str, Any] | None = None,
    ) -> Answer:
        """Status and body of an answer."""
        headers = [("content-type", "application/json"), ("host", SITE.domain)]
        headers += [] if token is None else [("authorization", f"Bearer {token}")]
        headers += [] if key is None else [("idempotency-key", key)]
        asked = HttpCall(
            method=method,
            path=path,
            query=urlencode(query or {}),
            headers=headers,
            body=b"" if body is None else json.dumps(body).encode(),
            source_ip="203.0.113.7",
            request_id="f7ba6f6a12b795f=",
            at=self.clock.now(),
        )
        answer = http_contests.handler.bind(self.deps)(http_event(SITE, asked, f"{method} {path}", {}), Context())
        return answer["statusCode"], json.loads(answer["body"])

    def rows(self, sql: str, **params: Any) -> list[dict[str, Any]]:
        """What the database holds."""
        with self.office.transaction() as tx:
            return list(tx.all(sql, **params))

    def one(self, sql: str, **params: Any) -> dict[str, Any]:
        """The only row."""
        [row] = self.rows(sql, **params)
        return row

    def told(self, topic: str) -> list[Mapping[str, Any]]:
        """What was published under a topic."""
        return [body for name, body in self.kernel.news.published if name == topic]


def code(answer: Answer) -> tuple[int, str]:
    """Status and code of a refusal."""
    return answer[0], answer[1]["error"]["code"]


def _tick(now: datetime) -> dict[str, Any]:
    return {"version": "0", "id": "0", "detail-type": "Scheduled Event", "time": now.isoformat(), "detail": {}}


_LISTED: Final = """
    insert into contests.token_whitelist (id, mint, symbol, name, decimals, program, added_by, experience, fee_lamports,
                                          added_at)
    values (gen_random_uuid(), %(mint)s, %(symbol)s, %(symbol)s, %(decimals)s, 'p', 'test', 0, 0, %(now)s)
"""
_PRICED: Final = """
    insert into contests.market_data (mint, observed_at, source, price, liquidity_usd, ingested_at)
    values (%(mint)s, %(now)s, 'test', %(price)s, %(liquidity)s, %(now)s)
"""
_DUE: Final = """
    select id, kind, business_key from kernel.tasks
    where kind = any (%(kinds)s) and state = 'ready' and run_at <= %(now)s
    order by run_at, id
"""
