"""Several at the same moment, each a container of its own: what the original lets happen twice happens once."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from functions.contests.adapters.entries import ContestClosed, SignatureSpent
from functions.contests.adapters.life_steps import EVALUATE, STEP, evaluate_task
from functions.contests.adapters.wishes import TradeWish, Wish
from functions.contests.core.evaluation import Side
from functions.contests.wiring import EVALUATION_ROLE, ROLE, Deps
from kernel import base58
from kernel.errors import CounterpartError
from kernel.testing.kernel import FakedKernel
from tests.handlers.contests.duel import ALICE, BOB, FEE, GOLD, SALT, Duel
from tests.races import at_once

pytestmark = pytest.mark.integration
CONTAINERS = 4


@pytest.fixture
def duel(database_url: str) -> Iterator[Duel]:
    """Gold at 2 and salt at 1; no contest."""
    with Duel.open(database_url) as duel:
        yield duel


@pytest.fixture
def containers(duel: Duel, database_url: str) -> Iterator[list[Deps]]:
    """Some that play."""
    made = [Deps(FakedKernel(database_url, role=ROLE, clock=duel.clock), duel.settings) for _ in range(CONTAINERS)]
    yield made
    for deps in made:
        deps.pool.close()
        deps.close()


def test_two_evaluators_at_the_same_moment_rank_once(duel: Duel, database_url: str) -> None:
    """The row of the contest is the lock: one ranks, and the other finds it ranked; nothing is owed twice."""
    contest = duel.started({ALICE: {GOLD: 10_000}, BOB: {SALT: 10_000}})
    duel.clock.advance(3_600)
    duel.price({GOLD: 3_000_000, SALT: 1_000_000})
    duel.tick()
    duel.work(STEP)
    asked = evaluate_task(contest, duel.clock.now())
    others = [replace(asked, business_key=f"{asked.business_key}-{n}") for n in range(1, CONTAINERS)]
    duel.deps.tasks.enqueue(others)
    judges = [Deps(FakedKernel(database_url, role=EVALUATION_ROLE, clock=duel.clock), duel.settings) for _ in range(4)]

    at_once(list(zip(duel.due(EVALUATE), judges, strict=True)), lambda turn: duel.deliver(*turn))

    for judge in judges:
        judge.close()
    assert [("done", None), *[("skipped", "skipped")] * 3] == sorted(duel.tasks(EVALUATE))
    assert "paying" == duel.state(contest)
    assert [(2, 2, 1)] == [
        tuple(row.values())
        for row in duel.rows(
            "select (select count(*) from contests.contest_results) as ranked,"
            " (select count(*) from contests.obligations) as owed,"
            " (select count(*) from kernel.audit_log where action = 'contests.rank') as acts"
        )
    ]


def test_one_transfer_is_one_entry_however_many_ask_at_once(duel: Duel, containers: list[Deps]) -> None:
    """The same transfer pays two contests' wallets: it gets into one of them."""
    first, second = duel.contest(), duel.contest()
    both = duel.bank.paid((ALICE, duel.wallet(first), FEE), (ALICE, duel.wallet(second), FEE))
    wishes = [_wish(contest, ALICE, both) for contest in (first, second) * (CONTAINERS // 2)]

    ends = at_once(list(zip(containers, wishes, strict=True)), lambda turn: _ended(turn[0], turn[1]))

    [entry] = duel.rows("select contest_id, wallet from contests.entries")
    assert {entry["contest_id"], SignatureSpent} == set(ends)
    assert [FEE] == [
        row["pool_lamports"] for row in duel.rows("select pool_lamports from contests.contests where entrants > 0")
    ]


def test_the_last_place_is_given_once(duel: Duel, containers: list[Deps]) -> None:
    """Four pay for two places: two play, and the books have two fees."""
    contest = duel.contest(entrants_max=2)
    wallets = [base58.encode(bytes([50 + n]) * 32) for n in range(CONTAINERS)]
    wishes = [_wish(contest, one, duel.bank.paid((one, duel.wallet(contest), FEE))) for one in wallets]

    ends = at_once(list(zip(containers, wishes, strict=True)), lambda turn: _ended(turn[0], turn[1]))

    assert (2, 2) == (ends.count(contest), ends.count(ContestClosed))
    with duel.office.transaction() as tx:
        assert 2 * FEE == duel.deps.pools.balance(tx, contest)
    assert [0, 1] == [row["number"] for row in duel.rows("select number from contests.entries order by number")]


def test_a_trade_that_is_asked_for_at_once_is_made_once(duel: Duel, containers: list[Deps]) -> None:
    """One key, one trade, whoever was first."""
    contest = duel.started({ALICE: {GOLD: 10_000}, BOB: {SALT: 10_000}})
    wish = TradeWish(contest=contest, wallet=ALICE, key="k", side=Side.SELL, mint=GOLD, quantity=1_000)

    trades = at_once(containers, lambda deps: deps.trading.trade(wish))

    assert 1 == len({one.id for one in trades}) == len(duel.rows("select from contests.trades"))
    [held] = duel.rows("select positions, sales from contests.portfolios where wallet = %(w)s", w=ALICE)
    assert (4_999_999_000, 1) == (held["positions"][GOLD][0], held["sales"])


def _wish(contest: UUID, wallet: str, signature: str) -> Wish:
    return Wish(contest=contest, wallet=wallet, signature=signature, weights_bps={GOLD: 10_000})


def _ended(deps: Deps, wish: Wish) -> Any:
    """The contest that was entered, or the kind of refusal."""
    try:
        return deps.entries.enter(wish).contest_id
    except CounterpartError as refused:
        return type(refused)
