"""What an administrator may move: only what is free, and only what the chain takes."""

from collections.abc import Callable
from functools import partial

import pytest

from functions.contests.core.contest import State
from functions.contests.core.sweep import RENT_EXEMPT_LAMPORTS, SWEPT_MIN_LAMPORTS
from functions.contests.core.transfers import (
    LINES_MAX,
    AmountUnfit,
    BatchUnfit,
    Free,
    WalletInPlay,
    reclaimable,
    require_amount,
    require_free,
    require_lines,
    require_no_entry,
)

pytestmark = pytest.mark.unit

RENT = RENT_EXEMPT_LAMPORTS
SOL = 10**9


def wallet(balance: int = SOL, unpaid: int = 0, state: State | None = None, *, is_busy: bool = False) -> Free:
    return Free(state=state, is_busy=is_busy, balance_lamports=balance, unpaid_lamports=unpaid)


def test_money_is_free_once_everybody_has_come_to_the_end_of_a_payment() -> None:
    """Of a contest that is paid, refunded, or over since then; of a wallet without a contest always."""
    free = {state for state in State if _passes(partial(require_free, wallet(state=state)))}

    assert {State.PAID, State.RAKED, State.REFUNDED, State.SWEPT} == free
    require_free(wallet())
    with pytest.raises(WalletInPlay):
        require_free(wallet(is_busy=True))


def test_nothing_comes_to_a_pool_that_is_still_counted() -> None:
    """Once the payments are written down it may: what is short is made good so."""
    barred = {state for state in State if not _passes(partial(require_no_entry, state))}

    assert {State.PENDING, State.ACTIVE, State.EVALUATING} == barred
    require_no_entry(None)


@pytest.mark.parametrize(
    ("balance", "unpaid", "moves", "may"),
    [
        (SOL, 0, SOL, True),
        (SOL, 0, SOL - RENT, True),
        (SOL, 0, SOL - RENT + 1, False),
        (SOL, 0, SOL - 1, False),
        (SOL, 0, SOL + 1, False),
        (SOL, 2 * RENT, SOL - 2 * RENT, True),
        (SOL, 2 * RENT, SOL - 2 * RENT + 1, False),
    ],
)
def test_what_leaves_a_wallet_leaves_what_is_owed_and_its_rent(
    balance: int, unpaid: int, moves: int, may: bool
) -> None:
    """Or nothing at all."""
    assert may == _passes(lambda: require_amount(wallet(balance, unpaid), moves))


@pytest.mark.parametrize(
    ("balance", "unpaid", "leaving", "taken"),
    [
        (SOL, 0, 0, SOL),
        (SOL, 0, 1, SOL - RENT),
        (SOL, 3 * RENT, 2 * RENT, SOL - 3 * RENT),
        (SOL, 1, 0, SOL - RENT),
        (SWEPT_MIN_LAMPORTS, 0, 0, SWEPT_MIN_LAMPORTS),
        (SWEPT_MIN_LAMPORTS - 1, 0, 0, None),
    ],
)
def test_a_wallet_is_reclaimed_but_for_what_it_keeps(
    balance: int, unpaid: int, leaving: int, taken: int | None
) -> None:
    """The greater of what is asked to stay and what is owed, and at least the rent."""
    if taken is None:
        with pytest.raises(AmountUnfit):
            reclaimable(wallet(balance, unpaid), leaving)
    else:
        assert taken == reclaimable(wallet(balance, unpaid), leaving)


@pytest.mark.parametrize("lines", [[], [1, 1], [-1], list(range(LINES_MAX + 1))])
def test_a_batch_numbers_its_lines(lines: list[int]) -> None:
    """Each once, from zero on, and not too many."""
    require_lines(list(range(LINES_MAX)))
    with pytest.raises(BatchUnfit):
        require_lines(lines)


def _passes(act: Callable[[], None]) -> bool:
    try:
        act()
    except (AmountUnfit, WalletInPlay):
        return False
    return True
