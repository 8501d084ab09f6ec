"""http_contests: neither one portfolio nor one entrant's trades grow without end."""

from collections.abc import Iterator

import pytest

from tests.handlers.contests.duel import ALICE, BOB, GOLD, SALT, Duel, code

pytestmark = pytest.mark.handlers


@pytest.fixture
def duel(database_url: str) -> Iterator[Duel]:
    """Two tokens with a price, and no contest."""
    with Duel.open(database_url) as duel:
        yield duel


def test_neither_positions_nor_trades_are_without_end(duel: Duel) -> None:
    """Fifty tokens, of which more may be bought, and ten thousand trades, the sales among them."""
    contest = duel.started({ALICE: {GOLD: 10_000}, BOB: {GOLD: 10_000}})
    with duel.office.transaction() as tx:
        tx.execute(
            """update contests.portfolios set cash_micros = 1000000, positions = positions
               || (select jsonb_object_agg('t' || n, '[1, 1]'::jsonb) from generate_series(1, 49) n)
               where wallet = %(wallet)s""",
            wallet=ALICE,
        )
        tx.execute("update contests.portfolios set trades = 10000 where wallet = %(wallet)s", wallet=BOB)

    assert (409, "positions_full") == code(duel.trade(contest, ALICE, "buy", SALT, 1, "a"))
    assert (200, 200) == tuple(duel.trade(contest, ALICE, side, GOLD, 1, side)[0] for side in ("buy", "sell"))
    assert (409, "trades_full") == code(duel.trade(contest, BOB, "sell", GOLD, 1, "b"))
