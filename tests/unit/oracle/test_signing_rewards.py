"""Who is rewarded for signatures and finalisation, and who is punished."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.oracle.core.signing_rewards import (
    Deposit,
    Finalisation,
    Paid,
    SigningTimes,
    double_signers,
    pay_finalisers,
    pay_signers,
    penalty,
    rewarded_signers,
)

pytestmark = pytest.mark.unit

TIMES = SigningTimes()
GOOD, BAD = bytes(32), b"\x01" * 32
WEIGHTS = (40, 30, 20, 10)


def signers(*deposits: Deposit, finalised_at_s: float | None = 50) -> list[int]:
    return rewarded_signers(deposits, None if finalised_at_s is None else GOOD, finalised_at_s, TIMES)


def test_signatures_before_the_finalisation_count() -> None:
    """Also those of the very second; not one of another message."""
    found = signers(
        Deposit(0, GOOD, 60), Deposit(1, GOOD, 70), Deposit(2, GOOD, 71), Deposit(3, BAD, 50), finalised_at_s=70
    )

    assert [0, 1] == found


def test_signatures_in_the_grace_period_count_after_the_finalisation() -> None:
    """Fifteen seconds from the reveal deadline."""
    assert [0] == signers(Deposit(0, GOOD, 59), Deposit(1, GOOD, 60), finalised_at_s=47)


def test_a_signature_before_the_reveal_deadline_counts_for_nothing() -> None:
    """Nobody can know the result yet."""
    assert [1] == signers(Deposit(0, GOOD, 44), Deposit(1, GOOD, 45))


def test_a_signature_after_the_epoch_counts_for_nothing() -> None:
    """Even if the round was finalised still later."""
    assert [0] == signers(Deposit(0, GOOD, 90), Deposit(1, GOOD, 91), finalised_at_s=200)


def test_a_double_signer_earns_nothing() -> None:
    """Whichever of its messages was finalised."""
    assert [1] == signers(Deposit(0, GOOD, 46), Deposit(0, BAD, 47), Deposit(1, GOOD, 46))


def test_the_same_message_twice_is_no_double_signing() -> None:
    """It was sent again."""
    assert frozenset() == double_signers([Deposit(0, GOOD, 46), Deposit(0, GOOD, 60)], TIMES)
    assert {0} == double_signers([Deposit(0, GOOD, 46), Deposit(0, BAD, 90)], TIMES)
    assert frozenset() == double_signers([Deposit(0, GOOD, 46), Deposit(0, BAD, 91)], TIMES)


def test_without_a_finalisation_nobody_is_rewarded_for_signing() -> None:
    """However much weight has signed one message."""
    assert [] == signers(*(Deposit(position, GOOD, 50) for position in range(4)), finalised_at_s=None)


def test_the_pool_is_paid_by_weight_and_the_inaccurates_part_is_burnt() -> None:
    """40 : 30 : 20, of whom the second was far from the median."""
    assert Paid({0: 444, 2: 223}, 333, {}) == pay_signers(1_000, [0, 1, 2], WEIGHTS, {0, 2, 3})


def test_nobody_signed() -> None:
    """All of it is burnt."""
    assert Paid({}, 1_000, {}) == pay_signers(1_000, [], WEIGHTS, {0})


DRAWN = {"0xa": 0, "0xb": 1, "0xc": 2}


def test_the_drawn_finalisers_share_equally() -> None:
    """Each that sent one in time; what the third did not earn is burnt."""
    sent = [Finalisation("0xa", 50, True), Finalisation("0xb", 51, False)]

    assert Paid({0: 333, 1: 333}, 334, {}) == pay_finalisers(1_000, sent, DRAWN, {0, 1, 2}, TIMES)


def test_a_finaliser_without_an_accuracy_reward_gets_nothing() -> None:
    """And the others no more for that."""
    sent = [Finalisation("0xa", 50, True), Finalisation("0xb", 51, False)]

    assert Paid({1: 333}, 667, {}) == pay_finalisers(1_000, sent, DRAWN, {1, 2}, TIMES)


def test_a_finaliser_who_was_not_drawn_gets_nothing_in_the_grace_period() -> None:
    """65 s are within it; the pool is burnt."""
    assert Paid({}, 1_000, {}) == pay_finalisers(1_000, [Finalisation("0xf", 65, True)], DRAWN, {0}, TIMES)


def test_after_the_grace_period_the_first_takes_it_all() -> None:
    """At the address that sent it, drawn or not."""
    sent = [Finalisation("0xf", 66, True), Finalisation("0xa", 67, False)]

    assert Paid({}, 0, {"0xf": 1_000}) == pay_finalisers(1_000, sent, DRAWN, {0}, TIMES)


def test_a_finaliser_is_paid_once() -> None:
    """However often it sends."""
    sent = [Finalisation("0xa", 50, True), Finalisation("0xa", 51, False)]

    assert Paid({0: 333}, 667, {}) == pay_finalisers(1_000, sent, DRAWN, {0, 1, 2}, TIMES)


def test_an_unfinalised_round_burns_it() -> None:
    """A call that changed nothing is no finalisation."""
    assert Paid({}, 1_000, {}) == pay_finalisers(1_000, [Finalisation("0xa", 50, False)], DRAWN, {0}, TIMES)


def test_a_penalty_is_thirty_times_the_weights_share() -> None:
    """Rounded toward zero; nobody registered, no penalty."""
    assert -99 == penalty(10, 1, 3) + penalty(0, 1, 3) + 1
    assert -(30 * 80 * 7 // 100) == penalty(80, 7, 100)
    assert 0 == penalty(80, 7, 0)


@given(
    st.integers(0, 10**24),
    st.sets(st.integers(0, 3)),
    st.sets(st.integers(0, 3)),
    st.lists(st.builds(Finalisation, st.sampled_from(["0xa", "0xb", "0xf"]), st.integers(45, 90), st.booleans())),
)
def test_no_pool_is_lost(pool: int, signed: set[int], accurate: set[int], sent: list[Finalisation]) -> None:
    """Paid and burnt are the pool, whoever signed and finalised."""
    for found in (
        pay_signers(pool, sorted(signed), WEIGHTS, accurate),
        pay_finalisers(pool, sent, DRAWN, accurate, TIMES),
    ):
        assert pool == sum(found.by_position.values()) + found.burnt + sum(found.by_address.values())
        assert found.burnt >= 0
