"""Clearing beside the plain loop, pandas and networkx, in the same process and the same run; then what an enemy sends.

Each peer must first give the same answer. They check ownership and funds and keep deltas; none of them hashes.
"""

import sys
import time
from collections.abc import Callable
from typing import NamedTuple

import networkx as nx  # type: ignore[import-untyped]  # no stubs
import numpy as np
import pandas as pd  # type: ignore[import-untyped]  # no stubs
import pytest

from functions.netting.core.columns import Column, clear_arrays

pytestmark = pytest.mark.bench
SECONDS_PER_FIGURE = 1.5


class Market(NamedTuple):
    """The arguments of `clear_arrays`."""

    item: Column
    seller: Column
    buyer: Column
    amount: Column
    owner: Column
    balance: Column


def market(intents: int) -> Market:
    """A tenth as many wallets and a fifth as many items; nine of ten sellers would own if all before were accepted."""
    dice = np.random.default_rng(1)
    wallets, items = max(intents // 10, 2), max(intents // 5, 1)
    item, buyer = dice.integers(0, items, intents), dice.integers(0, wallets, intents)
    owner = dice.integers(0, wallets, items)
    now, seller = owner.tolist(), np.empty(intents, dtype=np.int64)
    for number, (one, to) in enumerate(zip(item.tolist(), buyer.tolist(), strict=True)):
        seller[number], now[one] = now[one], to
    stranger = dice.random(intents) < 0.1
    seller[stranger] = dice.integers(0, wallets, int(stranger.sum()))
    return Market(item, seller, buyer, dice.integers(1, 10**9, intents), owner, dice.integers(0, 10**10, wallets))


def plain(given: Market) -> list[int]:
    """Dictionaries, as one would begin."""
    owner = dict(enumerate(given.owner.tolist()))
    funds = dict(enumerate(given.balance.tolist()))
    for item, seller, buyer, amount in zip(*(one.tolist() for one in given[:4]), strict=True):
        if owner.get(item) == seller and funds[buyer] >= amount:
            owner[item] = buyer
            funds[buyer] -= amount
            funds[seller] += amount
    return [funds[wallet] - before for wallet, before in enumerate(given.balance.tolist())]


def pandas(given: Market) -> list[int]:
    """A frame of intents, row by row: the rule looks back at every step."""
    frame = pd.DataFrame({"item": given.item, "seller": given.seller, "buyer": given.buyer, "amount": given.amount})
    owner, funds = given.owner.tolist(), given.balance.tolist()
    for row in frame.itertuples(index=False):
        if owner[row.item] == row.seller and funds[row.buyer] >= row.amount:
            owner[row.item] = row.buyer
            funds[row.buyer] -= row.amount
            funds[row.seller] += row.amount
    return [after - before for after, before in zip(funds, given.balance.tolist(), strict=True)]


def networkx(given: Market) -> list[int]:
    """A graph of wallets, an edge for each accepted sale; deltas are what flows in less what flows out."""
    owner, funds = given.owner.tolist(), given.balance.tolist()
    graph = nx.MultiDiGraph()
    graph.add_nodes_from(range(len(funds)))
    for item, seller, buyer, amount in zip(*(one.tolist() for one in given[:4]), strict=True):
        if owner[item] == seller and funds[buyer] >= amount:
            owner[item] = buyer
            funds[buyer] -= amount
            funds[seller] += amount
            graph.add_edge(buyer, seller, amount=amount)
    into, out = dict(graph.in_degree(weight="amount")), dict(graph.out_degree(weight="amount"))
    return [into[wallet] - out[wallet] for wallet in range(len(funds))]


PEERS: dict[str, Callable[[Market], list[int]]] = {"plain loop": plain, "pandas": pandas, "networkx": networkx}


@pytest.mark.parametrize("intents", [1_000, 100_000, 1_000_000])
def test_clearing_beside_its_peers(intents: int, capsys: pytest.CaptureFixture[str]) -> None:
    """With funds check, deltas and result hash."""
    given = market(intents)
    ours = clear_arrays(*given)
    base_s = timed(clear_arrays, *given)
    lines = []
    for name, peer in PEERS.items():
        assert peer(given) == ours.delta_of_wallet.tolist(), name
        spent_s = timed(peer, given)
        lines.append(f"{name:<12}{spent_s * 1000:>10.1f} ms{spent_s / base_s:>8.2f} x")
    say(f"clearing {intents:,} intents: {base_s * 1000:.2f} ms", capsys)
    say("\n".join(lines), capsys)


def test_what_an_enemy_sends_stays_linear(capsys: pytest.CaptureFixture[str]) -> None:
    """Twice the intents, about twice the time: one item handed round, one wallet in all, nobody with funds, limits."""
    for name, shape in ENEMIES.items():
        small, large = shape(50_000), shape(200_000)
        ratio = timed(clear_arrays, *large) / timed(clear_arrays, *small)
        say(f"{name}: four times the intents, {ratio:.1f} times as long", capsys)


def _enemy(intents: int, item: Column, seller: Column, buyer: Column, amount: int, balance: int) -> Market:
    owners = np.zeros(intents, dtype=np.int64)
    everybody = np.full(intents + 1, balance, dtype=np.int64)
    return Market(item, seller, buyer, np.full(intents, amount, dtype=np.int64), owners, everybody)


def _numbers(intents: int) -> Column:
    return np.arange(intents, dtype=np.int64)


def _zeros(intents: int) -> Column:
    return np.zeros(intents, dtype=np.int64)


ENEMIES: dict[str, Callable[[int], Market]] = {
    "one item goes round": lambda n: _enemy(n, _zeros(n), _numbers(n), _numbers(n) + 1, 1, 10),
    "one wallet sells to itself": lambda n: _enemy(n, _numbers(n), _zeros(n), _zeros(n), 1, 10),
    "nobody can pay": lambda n: _enemy(n, _numbers(n), _zeros(n), _numbers(n) + 1, 1, 0),
    "nobody owns": lambda n: _enemy(n, _numbers(n), _numbers(n) + 1, _zeros(n), 1, 10),
    "every sale is at the limit": lambda n: _enemy(n, _numbers(n), _zeros(n), _numbers(n) + 1, 10**12 - 1, 10**13),
}


def timed(act: Callable[..., object], *given: object) -> float:
    """The best of as many runs as fit, in seconds."""
    best_s, began_s = float("inf"), time.perf_counter()
    while best_s == float("inf") or time.perf_counter() - began_s < SECONDS_PER_FIGURE:
        start_s = time.perf_counter()
        act(*given)
        best_s = min(best_s, time.perf_counter() - start_s)
    return best_s


def say(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Show a figure also when the test passes."""
    with capsys.disabled():
        sys.stdout.write(f"\n{line}\n")
