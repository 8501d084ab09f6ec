"""Prizes, refunds and sweeps on a real cluster: each lamport arrives once, or stands where somebody sees it."""

from collections.abc import Callable, Iterator

import pytest

from infra.local.solana import SolanaNode
from tests.chain.contests.cashier import FEE, SOL, Cashier

pytestmark = pytest.mark.chain

POOL = 3 * FEE
PRIZES = (186_300_000, 54_000_000, 29_700_000)


@pytest.fixture
def cashier(start_solana: Callable[..., SolanaNode], database_url: str) -> Iterator[Cashier]:
    """A deployment at a chain whose blocks come on demand."""
    node = start_solana(paused=True)
    cashier = Cashier(node, database_url, (node.url,))
    yield cashier
    cashier.close()


def test_prizes_are_paid_and_the_rest_is_swept(cashier: Cashier) -> None:
    """Payouts, then rake and dust but for a hundredth; books and chain agree to the lamport."""
    contest = cashier.contest("duel", 3)
    winners = [cashier.entrant("duel", number) for number in range(3)]
    cashier.rank(contest, list(zip(winners, PRIZES, strict=True)))
    cashier.work()

    assert "paid" == cashier.state(contest)
    assert list(PRIZES) == [cashier.balance(winner) for winner in winners]

    cashier.rake()
    cashier.work()

    assert "raked" == cashier.state(contest)
    assert SOL // 100 == cashier.balance(cashier.wallet(contest)) == cashier.booked(contest)
