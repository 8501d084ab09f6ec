"""A contest played over again from what is stored: every leaderboard that was shown, byte for byte."""

import hashlib
import json
from collections.abc import Callable
from random import Random
from typing import Any
from uuid import UUID

import pytest

from functions.contests.adapters.life_steps import SNAPSHOT
from functions.contests.adapters.portfolios import positions_of
from functions.contests.adapters.snapshots import board_lines
from functions.contests.core.evaluation import replayed
from functions.contests.core.snapshot import in_profit
from kernel import base58
from tests.handlers.contests.duel import FEE, GOLD, SALT, Duel

pytestmark = pytest.mark.integration
SEED = 20_261_121


def test_a_replayed_leaderboard_is_bit_identical(database_url: str, volume: Callable[[int, int], int]) -> None:
    """Weights, trades and prices give every snapshot's values, counts and ranks again, and every portfolio."""
    entrants, rounds = 12, volume(8, 400)
    dice = Random(SEED)
    with Duel.open(database_url) as duel:
        wallets = [base58.encode(hashlib.sha256(f"replay {n}".encode()).digest()) for n in range(entrants)]
        weights = [_weights(dice) for _ in wallets]
        contest = duel.started(dict(zip(wallets, weights, strict=True)), lasts_s=15 * rounds + 3_600)
        shown = [_shown(duel, contest)]
        for number in range(1, rounds):
            duel.clock.advance(15)
            duel.tick()
            duel.price({GOLD: dice.randrange(10**6, 9 * 10**6), SALT: dice.randrange(10**5, 3 * 10**6)})
            for wallet in dice.sample(wallets, entrants // 3):
                _trade(duel, contest, wallet, dice, number)
            duel.work(SNAPSHOT)
            shown.append(_shown(duel, contest))

        assert shown == _replayed(duel, contest)
        assert len(set(shown)) == rounds
        assert duel.rows("select from contests.trades") != []


def _weights(dice: Random) -> dict[str, int]:
    gold = dice.randrange(1, 10_000)
    return {GOLD: gold, SALT: 10_000 - gold}


def _trade(duel: Duel, contest: UUID, wallet: str, dice: Random, number: int) -> None:
    held = duel.person(wallet, "GET", f"/v1/contests/{contest}/portfolio")[1]
    mint = dice.choice([GOLD, SALT])
    position = int(held["positions"].get(mint, {"quantity": "0"})["quantity"])
    side = "sell" if position and dice.random() < 0.6 else "buy"
    quantity = dice.randrange(1, position + 1) if side == "sell" else dice.randrange(1, 10**8)
    status, body = duel.trade(contest, wallet, side, mint, quantity, f"{number}")
    assert status == 200 or body["error"]["code"] == "trade_unfit", body


def _shown(duel: Duel, contest: UUID) -> bytes:
    """What anybody is shown now, as bytes."""
    return _bytes(duel.get(f"/v1/contests/{contest}/leaderboard", limit=200)["standings"])


def _replayed(duel: Duel, contest: UUID) -> list[bytes]:
    """Every leaderboard, from weights, trades and prices alone."""
    deps = duel.deps
    with duel.office.transaction() as tx:
        told = deps.contests.get(tx, contest)
        entrants, portfolios = deps.contests.entrants(tx, contest), deps.portfolios.all(tx, contest)
        numbers = [row["number"] for row in tx.all("select number from contests.snapshots order by number")]
        taken = [deps.snapshots.one(tx, contest, number) for number in numbers]
        trades = [deps.portfolios.trades(tx, contest, last_trade=one.last_trade) for one in taken]
    found: list[bytes] = []
    counts: list[int] = []
    for snapshot, made in zip(taken, trades, strict=True):
        held = [
            replayed(told.stake_micros, one.weights_bps, taken[0].tokens, made.get(one.wallet, ()))
            for one in portfolios
        ]
        values = [one.value(snapshot.tokens) for one in held]
        counts = in_profit(counts, values, told.stake_micros)
        assert (values, counts) == (list(snapshot.values_micros), list(snapshot.in_profit))
        lines = board_lines(values, entrants)
        found.append(
            _bytes([{"rank": one.rank, "wallet": one.wallet, "value_micros": str(one.value_micros)} for one in lines])
        )
    assert [one.held for one in portfolios] == held
    assert [positions_of(one.held) for one in portfolios if one.held] == [positions_of(one) for one in held]
    assert told.pool_lamports == FEE * len(entrants)
    return found


def _bytes(lines: Any) -> bytes:
    return json.dumps(lines, sort_keys=True, separators=(",", ":")).encode()
