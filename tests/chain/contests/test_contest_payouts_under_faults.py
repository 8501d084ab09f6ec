"""Payments in a seeded storm: endpoints that fail, lie and swallow, workers that die, wallets that lack a lamport.

Each line arrives once, or stands parked with its reason; nobody is paid twice and nobody is forgotten.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

import pytest

from infra.local.fault_proxy import FaultProxy
from infra.local.faults import Faults
from infra.local.solana import SolanaNode
from tests.chain.contests.cashier import Cashier, Dying
from tests.chain.workbench import Died

pytestmark = [pytest.mark.chain, pytest.mark.timeout(7_200)]

SEED: Final = 812_576
#: Refunds of one contest, at most. Of every other contest the wallet lacks a lamport.
CROWD: Final = 100
FEE_LAMPORTS: Final = 1_000_000
ROUNDS_MAX: Final = 2_000
#: So many turns of a contest's storm are rough; then it is over.
ROUGH: Final = 40
WEATHER: Final = (
    Faults(),
    Faults(send="error"),
    Faults(send="lost"),
    Faults(send="swallowed"),
    Faults(failure="http_500", failure_rate=0.3),
    Faults(failure="rpc_error", failure_rate=0.3),
    Faults(outage=True),
)
LIES: Final = (Faults(signatures="forgotten"), Faults(height_offset=500), Faults(signatures="invented"))


@pytest.fixture
def node(start_solana: Callable[..., SolanaNode]) -> SolanaNode:
    """A chain behind two RPC identities, whose blocks come on demand."""
    return start_solana(paused=True, proxied=True)


@pytest.fixture
def cashier(node: SolanaNode, database_url: str) -> Iterator[Cashier]:
    """A deployment behind those identities."""
    cashier = Cashier(node, database_url, node.proxy_urls)
    yield cashier
    cashier.close()


class Storm:
    """Draws what happens next from a seed."""

    def __init__(self, cashier: Cashier, proxy: FaultProxy) -> None:
        self.cashier, self.proxy, self.dice = cashier, proxy, random.Random(SEED)

    def weather(self, contest: UUID) -> None:
        """Work until the contest's task is over."""
        for turn in range(ROUNDS_MAX):
            self.blow() if turn < ROUGH else self.proxy.heal()
            due = self.cashier.due()
            for task in self.dice.sample(due, k=min(len(due), 30)):
                self.deliver(task)
            if not due and not self.cashier.wait():
                return
        raise AssertionError(self.cashier.lines(contest))

    def blow(self) -> None:
        """Time, blocks and faults."""
        dice = self.dice
        self.cashier.clock.advance(dice.choice((0, 1, 5, 20)))
        self.cashier.node.mine(dice.choice((1, 5, 20, 40)))
        liar = dice.choice((*self.proxy.identities, *[None] * 6))
        self.proxy.heal()
        for identity in self.proxy.identities:
            faults = dice.choice(LIES if identity is liar else WEATHER)
            identity.inject(replace(faults, seed=dice.getrandbits(30)))

    def deliver(self, task: dict[str, Any]) -> None:
        """To a worker who may die over it."""
        cashier = self.cashier
        if self.dice.random() > 0.03:
            cashier.deliver(task)
            return
        doomed = Dying(cashier.kernel, cashier.settings)
        try:
            cashier.deliver(task, doomed)
        except Died:
            doomed.close()


def test_each_of_ten_thousand_payments_arrives_once_or_stands_parked(
    cashier: Cashier,
    node: SolanaNode,
    volume: Callable[[int, int], int],
    record_property: Callable[[str, object], None],
) -> None:
    """Of a contest that can pay all are paid; where a fee is short by a lamport one is parked, and the others paid."""
    record_property("seed", SEED)
    assert node.proxy is not None
    storm = Storm(cashier, node.proxy)
    parked = arrived = 0
    total = volume(20, 10_000)
    crowd = min(total, CROWD)
    for number in range(total // crowd):
        node.proxy.heal()
        contest = cashier.contest(f"storm {number}", crowd, fee=FEE_LAMPORTS, state="pending")
        short = 1 - number % 2
        node.fund(cashier.wallet(contest), crowd * FEE_LAMPORTS - short)
        cashier.cancel(contest)
        storm.weather(contest)

        states = [state for _, _, state, _ in cashier.lines(contest)]
        got = [node.balance(cashier.entrant(f"storm {number}", entrant)) for entrant in range(crowd)]
        assert [FEE_LAMPORTS if state == "paid" else 0 for state in states] == got
        assert crowd - short == states.count("paid"), states
        assert short == states.count("parked"), states
        assert ("refunding" if short else "refunded", short * FEE_LAMPORTS) == (
            cashier.state(contest),
            cashier.booked(contest),
        )
        parked, arrived = parked + states.count("parked"), arrived + states.count("paid")
    reasons = cashier.rows("select distinct reason from contests.obligations where state = 'parked'")
    told = cashier.rows("select count(*) as lines from contests.obligations")[0]["lines"]

    assert told == parked + arrived
    assert all(row["reason"] for row in reasons)
