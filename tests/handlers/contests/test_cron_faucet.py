"""cron_faucet: three low checks in a row, and test wallets give back what they do not use."""

from collections.abc import Iterator

import pytest

from kernel.solana.transactions import Instruction, system_transfer
from tests.handlers.contests.custody import FEE_PAYER, Balances, Custody

pytestmark = pytest.mark.handlers
SOL = 10**9
LOW = SOL // 20
SWEPT_ABOVE, LEFT = SOL // 100, SOL // 200


@pytest.fixture
def scene(database_url: str) -> Iterator[tuple[Custody, Balances]]:
    """Five test wallets, and a faucet that holds its reserve and no more."""
    with Custody.open(database_url, wallets_free=0, test_wallets=5) as (custody, balances):
        custody.generate()
        balances.lamports[custody.faucet] = LOW
        yield custody, balances


def wallets(custody: Custody) -> list[str]:
    return [row["address"] for row in custody.rows("select address from contests.test_wallets order by number")]


def standing(custody: Custody) -> tuple[int, int, int]:
    [row] = custody.rows("select balance_lamports, low_checks, sweeps from contests.faucet")
    return row["balance_lamports"], row["low_checks"], row["sweeps"]


def swept(custody: Custody) -> list[Instruction]:
    rows = custody.rows("select instructions from kernel.solana_outbox order by id")
    return [Instruction.from_json(one) for row in rows for one in row["instructions"]]


def check(custody: Custody, times: int) -> None:
    for _ in range(times):
        custody.check_faucet()
        custody.clock.advance(3_600)


def test_the_third_low_check_takes_back(scene: tuple[Custody, Balances]) -> None:
    """Of each wallet above 0.01 SOL all but 0.005; the fee payer pays; counting begins anew."""
    custody, balances = scene
    [rich, richer, just, poor, _] = wallets(custody)
    balances.lamports |= {rich: SWEPT_ABOVE + 1, richer: SOL, just: SWEPT_ABOVE, poor: 1}
    check(custody, 2)
    before = swept(custody), standing(custody)
    check(custody, 1)

    assert before == ([], (LOW, 2, 0))
    assert swept(custody) == [
        system_transfer(rich, custody.faucet, SWEPT_ABOVE + 1 - LEFT),
        system_transfer(richer, custody.faucet, SOL - LEFT),
    ]
    assert standing(custody) == (LOW, 0, 1)
    payers = custody.rows("select distinct payer, cardinality(signers) as n from kernel.solana_outbox")
    assert payers == [{"payer": FEE_PAYER, "n": 1}]


def test_a_check_that_finds_enough_begins_anew(scene: tuple[Custody, Balances]) -> None:
    """Two low, one not, two low: nothing is taken back."""
    custody, balances = scene
    balances.lamports[wallets(custody)[0]] = SOL
    check(custody, 2)
    balances.lamports[custody.faucet] = SOL
    check(custody, 1)
    balances.lamports[custody.faucet] = LOW
    check(custody, 2)

    assert (swept(custody), standing(custody)) == ([], (LOW, 2, 0))


def test_a_wallet_that_is_being_swept_is_left_alone(scene: tuple[Custody, Balances]) -> None:
    """Three further low checks while the first sweep is on its way take nothing twice; once it is over they do."""
    custody, balances = scene
    balances.lamports[wallets(custody)[0]] = SOL
    check(custody, 6)
    on_its_way = len(swept(custody))
    custody.change("update kernel.solana_outbox set state = 'cancelled', reason = 'late', settled_at = now()")
    check(custody, 3)

    assert (on_its_way, len(swept(custody)), standing(custody)[2]) == (1, 2, 3)


def test_a_sweep_that_died_half_way_is_not_repeated(scene: tuple[Custody, Balances]) -> None:
    """The next sweep has a number of its own; of the same number nothing is taken twice."""
    custody, balances = scene
    balances.lamports[wallets(custody)[0]] = SOL
    check(custody, 3)
    custody.change("update contests.faucet set sweeps = 0, low_checks = 2")
    custody.change("update kernel.solana_outbox set state = 'cancelled', reason = 'late', settled_at = now()")
    check(custody, 1)

    assert len(swept(custody)) == 1


def test_there_is_nothing_to_look_at_on_mainnet(database_url: str) -> None:
    """No RPC is asked, and nothing is counted."""
    for changes in ({"cluster": "mainnet"}, {"faucet": None}):
        with Custody.open(database_url, **changes) as (custody, balances):
            check(custody, 3)

            assert (balances.calls, swept(custody)) == ([], [])
