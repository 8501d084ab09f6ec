"""http_contests: announcing, entering, trading, and what is shown of contests."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest

from functions.contests.adapters.life_steps import EVALUATE, SNAPSHOT, STEP
from functions.contests.core.portfolio import WORTH_MAX
from tests.handlers.contests.duel import ALICE, BOB, CAROL, COAL, DAVE, FEE, GOLD, SALT, Duel, code

pytestmark = pytest.mark.handlers


@pytest.fixture
def duel(database_url: str) -> Iterator[Duel]:
    """Gold at 2 and salt at 1; no contest."""
    with Duel.open(database_url) as duel:
        yield duel


def entrants(duel: Duel, contest: UUID) -> tuple[int, int, int]:
    """Entries, the contest's count, and lamports in the books of its pool."""
    found = duel.one("select entrants, pool_lamports from contests.contests where id = %(id)s", id=contest)
    stored = duel.rows("select from contests.entries where contest_id = %(id)s", id=contest)
    with duel.office.transaction() as tx:
        booked = duel.deps.pools.balance(tx, contest)
    assert found["pool_lamports"] == booked
    return len(stored), found["entrants"], booked


def test_an_entry_is_accepted_once_its_transfer_is_final(duel: Duel) -> None:
    """Entry, portfolio, count and books are one commit; the same request again finds the same entry."""
    contest = duel.contest()
    signature = duel.bank.paid((ALICE, duel.wallet(contest), FEE))

    first = duel.enter(contest, ALICE, {GOLD: 6_000, SALT: 4_000}, signature=signature)
    again = duel.enter(contest, ALICE, {GOLD: 6_000, SALT: 4_000}, signature=signature)
    alias = duel.person(
        ALICE, "POST", f"/contests/{contest}/enter", {"signature": signature, "weights_bps": {GOLD: 10_000}}
    )

    assert 200 == first[0] == again[0] == alias[0], first
    assert first[1] == again[1] == alias[1]
    assert (ALICE, 0, signature, str(FEE)) == tuple(
        first[1][name] for name in ("wallet", "number", "signature", "lamports")
    )
    assert (1, 1, FEE) == entrants(duel, contest)
    assert [{"contest": str(contest), "entrants": 1}] == duel.told(f"contest:{contest}")
    mine = duel.person(ALICE, "GET", f"/v1/contests/{contest}/portfolio")[1]
    assert ({GOLD: 6_000, SALT: 4_000}, None) == (mine["weights_bps"], mine["cash_micros"])
    assert [str(contest)] == [one["contest"] for one in duel.person(ALICE, "GET", "/v1/contests/entries")[1]["entries"]]


def test_an_entry_signature_is_used_once_ever(duel: Duel) -> None:
    """Neither another contest nor another wallet gets in on a transfer that has paid for an entry."""
    contest, another = duel.contest(), duel.contest()
    both = duel.bank.paid((ALICE, duel.wallet(contest), FEE), (ALICE, duel.wallet(another), FEE))
    assert 200 == duel.enter(contest, ALICE, signature=both)[0]

    elsewhere = duel.enter(another, ALICE, signature=both)
    by_another = duel.enter(contest, BOB, signature=both)

    assert (409, "signature_spent") == code(elsewhere) == code(by_another)
    assert (0, 0, 0) == entrants(duel, another)
    assert (1, 1, FEE) == entrants(duel, contest)


def test_a_wallet_enters_a_contest_once(duel: Duel) -> None:
    """A second transfer of the same wallet is no second entry."""
    contest = duel.contest()
    duel.enter(contest, ALICE)

    assert (409, "entry_taken") == code(duel.enter(contest, ALICE))
    assert (1, 1, FEE) == entrants(duel, contest)


@pytest.mark.parametrize(
    ("moves", "error", "confirmation", "status", "reason"),
    [
        pytest.param([(BOB, "", FEE)], None, "finalized", 400, "another_sender", id="another person's transfer"),
        pytest.param([(ALICE, "", FEE - 1)], None, "finalized", 400, "another_amount", id="a lamport too little"),
        pytest.param([(ALICE, "", FEE + 1)], None, "finalized", 400, "another_amount", id="a lamport too much"),
        pytest.param([(ALICE, CAROL, FEE)], None, "finalized", 400, "no_transfer", id="to somebody else"),
        pytest.param(
            [(ALICE, "", FEE), (ALICE, "", FEE)], None, "finalized", 400, "several_transfers", id="twice in one"
        ),
        pytest.param([(ALICE, "", FEE), (BOB, "", 1)], None, "finalized", 400, "several_transfers", id="with company"),
        pytest.param([(ALICE, "", FEE)], "AccountInUse", "finalized", 400, "failed", id="one that failed"),
        pytest.param([(ALICE, "", FEE)], None, "confirmed", 409, "unknown", id="one that is not final"),
    ],
)
def test_what_is_no_payment_of_the_fee_is_no_entry(
    duel: Duel,
    moves: list[tuple[str, str, int]],
    error: str | None,
    confirmation: str,
    status: int,
    reason: str,
) -> None:
    """Each is refused with its reason, and leaves nothing behind."""
    contest = duel.contest()
    paid = [(sender, receiver or duel.wallet(contest), lamports) for sender, receiver, lamports in moves]
    signature = duel.bank.paid(*paid, error=error, confirmation=confirmation)

    refused = duel.enter(contest, ALICE, signature=signature)

    assert (status, reason) == (refused[0], refused[1]["error"]["details"]["reason"])
    assert (0, 0, 0) == entrants(duel, contest)


def test_a_transfer_that_becomes_final_is_taken_then(duel: Duel) -> None:
    """Too early is not never: the same request is answered otherwise once a quorum calls the transfer final."""
    contest = duel.contest()
    signature = duel.bank.paid((ALICE, duel.wallet(contest), FEE), confirmation="processed")
    early = duel.enter(contest, ALICE, signature=signature)
    duel.bank.finalize(signature)

    assert (409, "entry_not_final") == code(early)
    assert 200 == duel.enter(contest, ALICE, signature=signature)[0]


def test_one_endpoint_is_not_believed(duel: Duel) -> None:
    """What only one of two endpoints knows is not known: somebody may win the pool by it."""
    contest = duel.contest()
    signature = duel.bank.paid((ALICE, duel.wallet(contest), FEE))
    duel.gaps[1].unknown.add(signature)

    refused = duel.enter(contest, ALICE, signature=signature)

    assert refused[0] in (409, 503), refused
    assert (0, 0, 0) == entrants(duel, contest)


def test_who_comes_too_late_is_told_so(duel: Duel) -> None:
    """Cancelled, full, started, or without a wallet: no entry, and a reason."""
    full = duel.contest(entrants_max=2)
    for wallet in (ALICE, BOB):
        duel.enter(full, wallet)
    bare, cancelled = duel.contest(wallet=None), duel.contest()
    duel.admin("POST", f"/v1/contests/{cancelled}/cancel", {"reason": "rain"})
    old = duel.contest(starts_in_s=60)
    reasons = {}
    duel.clock.advance(60 + 59)
    for contest in (full, bare, cancelled, old):
        refused = duel.enter(contest, CAROL, signature="2" * 88)
        assert (409, "contest_closed") == code(refused)
        reasons[contest] = refused[1]["error"]["details"]["reason"]

    assert {full: "full", bare: "no_wallet_yet", cancelled: "refunding", old: "started"} == reasons


def test_weights_are_all_of_the_stake_over_listed_tokens_until_the_start(duel: Duel) -> None:
    """They may change before the start, and are locked from then on."""
    contest = duel.contest()
    path = f"/v1/contests/{contest}/portfolio"

    assert (400, "portfolio_unfit") == code(duel.enter(contest, ALICE, {GOLD: 9_999}))
    assert (400, "token_not_listed") == code(duel.enter(contest, ALICE, {COAL: 10_000}))
    assert (404, "portfolio_unknown") == code(duel.person(ALICE, "PUT", path, {"weights_bps": {GOLD: 10_000}}))
    for wallet in (ALICE, BOB):
        duel.enter(contest, wallet)
    changed = duel.person(ALICE, "PUT", path, {"weights_bps": {SALT: 10_000}})
    assert (200, {SALT: 10_000}) == (changed[0], changed[1]["weights_bps"])
    duel.clock.advance(600)
    duel.price({GOLD: 2_000_000, SALT: 1_000_000})
    duel.tick()
    duel.work()
    assert (409, "portfolio_locked") == code(duel.person(ALICE, "PUT", path, {"weights_bps": {GOLD: 10_000}}))


def test_a_token_without_a_usable_price_is_not_entered_or_weighed_with(duel: Duel) -> None:
    """Be it one basis point of it: a listed mint that nobody trades would keep a contest from its start."""
    duel.list_token(COAL, "COAL")
    contest = duel.contest()
    signature = duel.bank.paid((ALICE, duel.wallet(contest), FEE))
    weights = {GOLD: 9_999, COAL: 1}

    entered = duel.enter(contest, ALICE, weights, signature=signature)
    again = duel.enter(contest, ALICE, signature=signature)
    weighed = duel.person(ALICE, "PUT", f"/v1/contests/{contest}/portfolio", {"weights_bps": weights})
    duel.price({COAL: 1})
    priced = duel.person(ALICE, "PUT", f"/v1/contests/{contest}/portfolio", {"weights_bps": weights})

    assert (409, "token_not_priced") == code(entered) == code(weighed)
    assert {"mints": COAL} == entered[1]["error"]["details"]
    assert (200, 200) == (again[0], priced[0])
    assert (1, 1, FEE) == entrants(duel, contest)


def test_a_trade_needs_a_price_of_the_last_half_minute(duel: Duel) -> None:
    """An older one values, and is traded at by nobody: whoever watches the market would know better."""
    contest = duel.started({ALICE: {GOLD: 10_000}, BOB: {SALT: 10_000}})
    duel.clock.advance(30)
    taken = duel.trade(contest, ALICE, "sell", GOLD, 1_000, "young")
    duel.clock.advance(1)

    refused = duel.trade(contest, ALICE, "sell", GOLD, 1_000, "old")

    assert 200 == taken[0]
    assert (503, "token_price_stale") == code(refused)
    assert 1 == len(duel.rows("select from contests.trades"))


def test_the_owner_of_a_thin_market_trades_with_nobody_at_his_price(duel: Duel) -> None:
    """Neither entered nor weighed with, bought nor sold, while its market holds less than the floor."""
    duel.list_token(COAL, "COAL")
    duel.price({COAL: 1_000_000})
    running = duel.started({ALICE: {GOLD: 9_000, SALT: 1_000}, BOB: {SALT: 10_000}})
    duel.price({COAL: 1_000_000})
    kept = [duel.trade(running, ALICE, *trade) for trade in (("sell", GOLD, 2_000_000, "a"), ("buy", COAL, 1, "b"))]
    duel.clock.advance(1)
    duel.price({COAL: 900_000_000}, liquidity_usd=49_999)
    later = duel.contest()

    bought = duel.trade(running, ALICE, "buy", COAL, 1, "c")
    sold = duel.trade(running, ALICE, "sell", COAL, 1, "d")
    entered = duel.enter(later, CAROL, {COAL: 10_000})
    duel.enter(later, DAVE, {GOLD: 10_000})
    weighed = duel.person(DAVE, "PUT", f"/v1/contests/{later}/portfolio", {"weights_bps": {COAL: 10_000}})

    assert [200, 200] == [one[0] for one in kept]
    assert [(409, "token_not_tradable")] * 4 == [code(one) for one in (bought, sold, entered, weighed)]
    assert {"mints": COAL, "liquidity_min_usd": 50_000} == bought[1]["error"]["details"]


def test_a_price_without_bound_stops_nobody_elses_contest(duel: Duel) -> None:
    """Its owner's position is worth the ceiling and no more; snapshot, results and everybody else's values stand."""
    contest = duel.started({ALICE: {GOLD: 10_000}, BOB: {SALT: 10_000}}, lasts_s=60)
    duel.tick()
    duel.clock.advance(15)
    duel.price({GOLD: 10**17, SALT: 1_000_000})
    duel.work(SNAPSHOT)
    board = duel.get(f"/v1/contests/{contest}/leaderboard")
    sold = [duel.trade(contest, ALICE, "sell", GOLD, 1_000_000_000, f"{n}")[0] for n in range(2)]
    duel.clock.advance(45)
    duel.price({GOLD: 10**17, SALT: 1_000_000})
    duel.tick()
    duel.work(STEP, EVALUATE)

    assert [str(WORTH_MAX), "10000000000"] == [one["value_micros"] for one in board["standings"]]
    assert [200, 200] == sold
    results = duel.get(f"/v1/contests/{contest}/results")["results"]
    assert [(ALICE, str(3 * WORTH_MAX)), (BOB, "10000000000")] == [
        (one["wallet"], one["balance_micros"]) for one in results
    ]


def test_a_trade_is_made_at_the_markets_price_once(duel: Duel) -> None:
    """The same key is the same trade, at the price of its moment; another trade under it is refused."""
    contest = duel.started({ALICE: {GOLD: 10_000}, BOB: {SALT: 10_000}})
    duel.clock.advance(20)
    duel.price({GOLD: 3_000_000})

    sold = duel.trade(contest, ALICE, "sell", GOLD, 1_000_000_000, "k1")
    duel.price({SALT: 9_000_000})
    again = duel.trade(contest, ALICE, "sell", GOLD, 1_000_000_000, "k1")
    changed = duel.trade(contest, ALICE, "sell", GOLD, 2, "k1")
    bought = duel.trade(contest, ALICE, "buy", SALT, 1_000_000, "k2")

    assert (200, "3000000000", "1000000000") == (sold[0], sold[1]["money_micros"], sold[1]["profit_micros"])
    assert sold == again
    assert (409, "trade_changed") == code(changed)
    assert (200, "9000000") == (bought[0], bought[1]["money_micros"])
    mine = duel.person(ALICE, "GET", f"/v1/contests/{contest}/portfolio")[1]
    assert "2991000000" == mine["cash_micros"]
    assert {GOLD: "4000000000", SALT: "1000000"} == {mint: one["quantity"] for mint, one in mine["positions"].items()}
    assert [bought[1]["id"], sold[1]["id"]] == [
        one["id"] for one in duel.person(ALICE, "GET", f"/v1/contests/{contest}/trades")[1]["trades"]
    ]
    assert 2 == len(duel.told(f"portfolio:solana:{ALICE}"))


def test_a_trade_that_cannot_be_is_refused(duel: Duel) -> None:
    """More than is held or paid for, a token off the list, by a stranger, or out of time."""
    contest = duel.started({ALICE: {GOLD: 10_000}, BOB: {SALT: 10_000}})

    assert (400, "trade_unfit") == code(duel.trade(contest, ALICE, "sell", GOLD, 5_000_000_001, "a"))
    assert (400, "trade_unfit") == code(duel.trade(contest, ALICE, "buy", SALT, 1_000_000, "b"))
    assert (400, "token_not_listed") == code(duel.trade(contest, ALICE, "buy", COAL, 1, "c"))
    assert (404, "portfolio_unknown") == code(duel.trade(contest, CAROL, "buy", GOLD, 1, "d"))
    duel.clock.advance(3_600)
    duel.price({GOLD: 2_000_000, SALT: 1_000_000})
    assert (409, "contest_not_running") == code(duel.trade(contest, ALICE, "sell", GOLD, 1, "e"))
    assert [] == duel.rows("select from contests.trades")


def test_a_trade_that_waits_past_the_end_is_refused(duel: Duel) -> None:
    """Its price would be newer than those by which the contest is decided."""
    contest = duel.started({ALICE: {GOLD: 10_000}, BOB: {SALT: 10_000}})
    duel.clock.advance(3_599)
    duel.price({GOLD: 2_000_000})
    with ThreadPoolExecutor(1) as pool:
        with duel.office.transaction() as tx:
            tx.all("select from contests.portfolios where wallet = %(wallet)s for update", wallet=ALICE)
            late = pool.submit(duel.trade, contest, ALICE, "sell", GOLD, 1, "late")
            while not tx.one("select count(*) as waiting from pg_locks where not granted")["waiting"]:
                assert not late.done()
            duel.clock.advance(1)
        refused = late.result(timeout=30)

    assert (409, "contest_not_running") == code(refused)
    assert [] == duel.rows("select from contests.trades")


def test_the_leaderboard_shares_ranks(duel: Duel) -> None:
    """Equals share a rank, and the next is one more than all before."""
    contest = duel.started({ALICE: {GOLD: 10_000}, BOB: {GOLD: 10_000}, CAROL: {SALT: 10_000}})
    duel.clock.advance(15)
    duel.price({GOLD: 4_000_000, SALT: 1_000_000})
    duel.tick()
    duel.work()

    board = duel.get(f"/v1/contests/{contest}/leaderboard")
    rest = duel.get(f"/v1/contests/{contest}/leaderboard", skip=2, limit=1)

    assert [(1, ALICE, "20000000000"), (1, BOB, "20000000000"), (3, CAROL, "10000000000")] == [
        (one["rank"], one["wallet"], one["value_micros"]) for one in board["standings"]
    ]
    assert (1, 3, None) == (board["snapshot"], board["entrants"], board["next_skip"])
    assert board["standings"][2:] == rest["standings"]
    assert 404 == duel.call("GET", f"/v1/contests/{contest}/results")[0]


def test_administrators_announce_and_cancel(duel: Duel) -> None:
    """Nobody else does; each act is in the record, and a cancelled contest owes every fee."""
    contest = duel.contest()
    for wallet in (ALICE, BOB):
        duel.enter(contest, wallet)
    path, body = f"/v1/contests/{contest}/cancel", {"reason": "rain"}

    assert 403 == duel.person(ALICE, "POST", path, body)[0]
    first, again = duel.admin("POST", path, body), duel.admin("POST", path, body)

    assert ("cancelled", "refunding", "rain") == tuple(first[1][name] for name in ("status", "state", "reason"))
    assert first == again
    owed = duel.rows("select kind, line, wallet, lamports from contests.obligations order by line")
    assert [("refund", 0, ALICE, FEE), ("refund", 1, BOB, FEE)] == [tuple(row.values()) for row in owed]
    acts = duel.rows("select action from kernel.audit_log order by seq")
    assert ["contests.announce", "contests.cancel"] == [row["action"] for row in acts]
    assert 403 == duel.person(ALICE, "POST", "/v1/contests", {})[0]


def test_contests_are_listed_page_by_page(duel: Duel) -> None:
    """The last to start first; by status where one is asked for."""
    first, second, third = (duel.contest(starts_in_s=seconds) for seconds in (100, 200, 300))
    duel.admin("POST", f"/v1/contests/{second}/cancel", {"reason": "rain"})

    page = duel.get("/v1/contests", limit=2)
    rest = duel.get("/v1/contests", limit=2, cursor=page["next_cursor"])

    assert [str(third), str(second)] == [one["id"] for one in page["contests"]]
    assert ([str(first)], None) == ([one["id"] for one in rest["contests"]], rest["next_cursor"])
    assert [str(second)] == [one["id"] for one in duel.get("/v1/contests", status="cancelled")["contests"]]
    assert str(first) == duel.get(f"/v1/contests/{first}")["id"]


@pytest.mark.parametrize(
    "terms",
    [
        pytest.param({"starts_in_s": -1}, id="in the past"),
        pytest.param({"lasts_s": 59}, id="less than a minute"),
        pytest.param({"entrants_min": 5, "entrants_max": 4}, id="for fewer than it needs"),
        pytest.param({"shares_bps": [9_000, 2_000]}, id="more than all"),
    ],
)
def test_terms_that_cannot_be_are_refused(duel: Duel, terms: dict[str, Any]) -> None:
    """Nothing is announced."""
    with pytest.raises(AssertionError, match="unfit"):
        duel.contest(**terms)

    assert [] == duel.rows("select from contests.contests")


def test_a_template_is_added_and_stopped_by_administrators(duel: Duel) -> None:
    """And shown to everybody."""
    body = {"name": "daily", "days": [1, 2, 3], "hours": [12], "duration_s": 3_600}

    added = duel.admin("POST", "/v1/contests/templates", body)
    stopped = duel.admin("PUT", f"/v1/contests/templates/{added[1]['id']}", {"is_active": False})

    assert (201, 200) == (added[0], stopped[0])
    assert [stopped[1]] == duel.get("/v1/contests/templates")["templates"]
    assert 403 == duel.person(ALICE, "POST", "/v1/contests/templates", body)[0]
    unfit = duel.admin("POST", "/v1/contests/templates", {**body, "entrants_min": 9, "entrants_max": 8})
    assert (422, "terms_unfit") == code(unfit)
    unknown = duel.admin("PUT", "/v1/contests/templates/00000000-0000-4000-8000-000000000000", {"is_active": True})
    assert 404 == unknown[0]
