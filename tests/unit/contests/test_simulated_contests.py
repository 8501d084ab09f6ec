"""Whole contests, drawn: every lamport that came in is somewhere at the end."""

from collections.abc import Callable
from random import Random

import pytest

from functions.contests.core.contest import Event, State, after
from functions.contests.core.prizes import split
from functions.contests.core.sweep import KEPT_LAMPORTS, can_receive, swept

pytestmark = pytest.mark.unit

SEED = 20_261_121


def table(dice: Random) -> list[int]:
    """Shares of up to five places, which add up to all or to less."""
    left, shares = 10_000, []
    for _ in range(dice.randint(1, 5)):
        shares.append(dice.randint(0, left))
        left -= shares[-1]
    return shares


def play(dice: Random) -> None:
    """One contest: pool, prizes, those that wait for an account, and the sweep."""
    entrants, fee = dice.randint(2, 40), dice.choice((1, 890_879, 10**7, dice.randint(1, 10**12)))
    pool = entrants * fee
    prizes = split(pool, table(dice), dice.choice((0, 1_000, 10_000, dice.randint(0, 10_000))), entrants)
    accounts = [dice.choice((0, 0, 890_880, 10**9)) for _ in prizes.payouts]
    paid = sum(one for one, account in zip(prizes.payouts, accounts, strict=True) if can_receive(one, account))
    held = sum(prizes.payouts) - paid
    wallet = pool - paid
    state = after(State.PAYING, Event.PAY)
    taken = swept(state, wallet, held)

    assert swept(State.PAYING, wallet, held) == 0
    assert sum(prizes.payouts) + prizes.rake + prizes.dust == pool
    assert wallet - held == prizes.rake + prizes.dust
    assert taken <= prizes.rake + prizes.dust
    assert wallet - taken >= held + (KEPT_LAMPORTS if taken else 0)


def test_every_lamport_is_paid_held_swept_or_kept(volume: Callable[[int, int], int]) -> None:
    """A million contests in soak."""
    dice = Random(SEED)
    for _ in range(volume(5_000, 1_000_000)):
        play(dice)
