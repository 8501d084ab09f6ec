"""How much the authority's calls compute: always below the limits that are asked, and paid, for."""

from collections.abc import Sequence

import pytest
from solders.instruction import Instruction
from solders.keypair import Keypair

from functions.netting.adapters.ledgers_opened import OPENING_UNITS
from functions.netting.adapters.recording import BEGIN_UNITS, CALL_UNITS, ENTRY_UNITS
from functions.netting.adapters.roots import ROOT_UNITS
from tests.unit.netting.program import market as m
from tests.unit.netting.program.market import SOL, Market, ledger_of
from tests.unit.netting.program.test_program_settlement import root_call

pytestmark = pytest.mark.unit

#: What the outbox adds: the limit and the price.
BUDGET_UNITS = 300
ENTRIES = 21


def units(market: Market, call: Instruction) -> int:
    return int(market.must(market.authority, call).compute_units_consumed()) + BUDGET_UNITS


def limit_of(call: Instruction) -> int:
    return CALL_UNITS + ENTRY_UNITS * len(call.accounts)


def escrowed(market: Market, owners: Sequence[Keypair]) -> list[tuple[int, Keypair]]:
    for number, owner in enumerate(owners, 1):
        market.must(owner, market.authority, market.deposit_item(number, owner))
    return [(number, owners[number % len(owners)]) for number, _ in enumerate(owners, 1)]


@pytest.mark.parametrize("items", [0, 10])
def test_a_full_settlement_stays_within_its_limit(market: Market, items: int) -> None:
    """With room to spare: the list is compared with itself, so the last entry costs the most."""
    wallets = [market.deposited(SOL) for _ in range(ENTRIES - items)]
    moved = escrowed(market, wallets[:items])
    deltas = [(wallet, 0) for wallet in wallets]
    call = market.settle(1, moved, deltas)

    assert units(market, call) < limit_of(call)


def test_full_parts_stay_within_their_limits(market: Market) -> None:
    """The opening, which looks for its account's address; a part that takes, and one that gives and closes."""
    payers, payees = [[market.deposited(SOL) for _ in range(ENTRIES)] for _ in range(2)]
    opened = [units(market, market.begin(number, 2)) for number in range(1, 20)]
    parts = [market.part(19, 0, [(one, 5) for one in payers]), market.part(19, 1, [], [(one, 5) for one in payees])]

    assert max(opened) < BEGIN_UNITS
    assert all(units(market, part) < limit_of(part) for part in parts)


def test_openings_and_roots_stay_within_their_limits(market: Market) -> None:
    """The first root makes its account."""
    keys = [Keypair().pubkey() for _ in range(30)]
    calls = [
        market.call("open_ledger", [(ledger_of(key), "w"), (market.authority, "sw"), (m.SYSTEM, "")], bytes(key))
        for key in keys
    ]

    assert max(units(market, call) for call in calls) < OPENING_UNITS
    assert max(units(market, root_call(market, number)) for number in (1, 2)) < ROOT_UNITS
