"""Whether a transaction is the entry that somebody claims to have paid."""

from dataclasses import replace

import pytest

from functions.contests.core.entry import Doubt, EntryNotFinal, EntryUnfit, Fee, Seen, Transfer, doubt, require_paid

pytestmark = pytest.mark.unit

ENTRANT, WALLET, SOMEBODY = "entrant", "wallet", "somebody"
FEE = Fee(entrant=ENTRANT, wallet=WALLET, lamports=10**8)
PAID = Transfer(ENTRANT, WALLET, 10**8)
FINAL = Seen(is_final=True, has_failed=False, transfers=[Transfer(ENTRANT, SOMEBODY, 5_000), PAID])


def test_one_transfer_of_exactly_the_fee_is_the_entry() -> None:
    """Whatever else the transaction does for others."""
    assert doubt(FINAL, FEE) is None
    require_paid(FINAL, FEE)


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (replace(FINAL, has_failed=True), Doubt.FAILED),
        (replace(FINAL, transfers=[]), Doubt.NO_TRANSFER),
        (replace(FINAL, transfers=[replace(PAID, destination=SOMEBODY)]), Doubt.NO_TRANSFER),
        (replace(FINAL, transfers=[replace(PAID, source=SOMEBODY)]), Doubt.ANOTHER_SENDER),
        (replace(FINAL, transfers=[replace(PAID, lamports=10**8 - 1)]), Doubt.ANOTHER_AMOUNT),
        (replace(FINAL, transfers=[replace(PAID, lamports=10**8 + 1)]), Doubt.ANOTHER_AMOUNT),
        (replace(FINAL, transfers=[PAID, PAID]), Doubt.SEVERAL_TRANSFERS),
        (replace(FINAL, transfers=[replace(PAID, lamports=5 * 10**7)] * 2), Doubt.SEVERAL_TRANSFERS),
    ],
)
def test_what_never_becomes_the_entry_is_refused(seen: Seen, reason: Doubt) -> None:
    """Another person's transfer, a wrong amount, one that failed, none, and two."""
    assert doubt(seen, FEE) == reason
    with pytest.raises(EntryUnfit):
        require_paid(seen, FEE)


@pytest.mark.parametrize(
    ("seen", "reason"), [(None, Doubt.UNKNOWN), (replace(FINAL, is_final=False, has_failed=True), Doubt.NOT_FINAL)]
)
def test_what_may_still_become_the_entry_is_to_be_asked_again(seen: Seen | None, reason: Doubt) -> None:
    """Nothing is said of a transaction that a fork may still drop, not even that it failed."""
    assert doubt(seen, FEE) == reason
    with pytest.raises(EntryNotFinal):
        require_paid(seen, FEE)
