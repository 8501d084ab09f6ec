"""Postings as they are planned: what cancels out, what cannot be posted, in which order it is stored."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.ledger import Account, Posting, PostingsUnfit, Unbalanced
from kernel.ledger.postings import AMOUNT_LIMIT, POSTINGS_MAX, plan, same, totals

pytestmark = pytest.mark.unit

WEI, LAMPORTS = "evm:1:native", "solana:devnet:native"


def moved(amount: int, asset: str = WEI) -> list[Posting]:
    return [Posting("a:b", asset, amount), Posting("a:c", asset, -amount)]


def test_each_asset_balances_by_itself() -> None:
    """What is missing in one asset is not made up for by another."""
    planned = plan([*moved(5), *moved(7, LAMPORTS)])

    assert totals(planned) == {WEI: 0, LAMPORTS: 0}
    with pytest.raises(Unbalanced) as refused:
        plan([Posting("a:b", WEI, 5), Posting("a:c", LAMPORTS, -5)])
    assert refused.value.details == {"sums": f"{WEI}: 5, {LAMPORTS}: -5"}


@given(st.lists(st.integers(1, 10**30), min_size=1, max_size=9), st.integers(1, 10**30))
def test_one_unit_too_many_is_noticed(amounts: list[int], error: int) -> None:
    """However many postings there are, and however large."""
    balanced = [posting for amount in amounts for posting in moved(amount)]

    assert sum(posting.amount for posting in plan(balanced)) == 0
    with pytest.raises(Unbalanced):
        plan([*balanced, Posting("a:d", WEI, error)])


@pytest.mark.parametrize(
    "postings",
    [
        [],
        [Posting("a:b", WEI, 1)],
        [Posting("a:b", WEI, 0), Posting("a:c", WEI, 0)],
        moved(AMOUNT_LIMIT),
        moved(1) * (POSTINGS_MAX // 2 + 1),
        [Posting("a:b", WEI, True), Posting("a:c", WEI, -1)],
        [Posting("a:b", WEI, 0.5), Posting("a:c", WEI, -0.5)],  # type: ignore[arg-type]  # what this test is about
    ],
    ids=["none", "one-side", "nothing", "beyond-256-bits", "too-many", "a-truth-value", "a-fraction"],
)
def test_what_cannot_be_posted(postings: list[Posting]) -> None:
    """It is refused before the database is asked."""
    with pytest.raises(PostingsUnfit):
        plan(postings)


def test_the_largest_transaction_is_still_posted() -> None:
    """Limits are inclusive."""
    assert len(plan(moved(AMOUNT_LIMIT - 1) * (POSTINGS_MAX // 2))) == POSTINGS_MAX


@given(st.permutations([*moved(5), *moved(3, LAMPORTS), Posting("a:b", WEI, 9), Posting("a:b", WEI, -9)]))
def test_the_order_asked_for_does_not_matter(postings: list[Posting]) -> None:
    """By account and asset; of one account, what comes in stands before what goes out."""
    assert plan(postings) == (
        Posting("a:b", WEI, 9),
        Posting("a:b", WEI, 5),
        Posting("a:b", WEI, -9),
        Posting("a:b", LAMPORTS, 3),
        Posting("a:c", WEI, -5),
        Posting("a:c", LAMPORTS, -3),
    )


def test_the_same_postings_in_another_order_are_the_same() -> None:
    """And one more, or another amount, are not."""
    rows = [{"account": one.account, "asset": one.asset, "amount": one.amount} for one in moved(5)]

    assert same(rows[::-1], moved(5))
    assert not same(rows, moved(6))
    assert not same(rows, [*moved(5), *moved(5)])


@pytest.mark.parametrize(
    ("name", "asset"),
    [
        ("bridge", WEI),
        ("Bridge:a", WEI),
        ("bridge:", WEI),
        ("bridge:a b", WEI),
        ("b:" + "a" * 199, WEI),
        ("b:a", "evm"),
        ("b:a", "evm:1"),
        ("b:a", "evm:1:"),
        ("b:a", "evm:1:0x 0"),
        ("b:a", "evm:1:" + "a" * 95),
    ],
)
def test_unfit_names_are_refused_with_words(name: str, asset: str) -> None:
    """Where they are written, not at the first posting."""
    with pytest.raises(ValueError, match="not"):
        Account(name=name, asset=asset)
