"""The clearing rule: its published cases, and its laws against a slow reference."""

import hashlib
import json
import random
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.netting.core.bounds import POSITION_LIMIT
from functions.netting.core.canonical import canonical_bytes
from functions.netting.core.columns import ColumnsUnfit, Verdict, clear_arrays
from functions.netting.core.netting import Clearing, Royalty, clear
from tests.repo.house import ROOT
from tests.unit.netting.slow_clearing import Traded, slow_clear

pytestmark = pytest.mark.unit
CASES = json.loads((ROOT / "tests/fixtures/netting/clearing.json").read_text(encoding="utf-8"))["cases"]
WALLETS, ITEMS = "ABCDE", "xyz"
TREASURY, CREATOR = "T", "K"


def intents_of(rows: list[tuple[str, str, str, int]]) -> list[Traded]:
    return [sale(n, *row) for n, row in enumerate(rows)]


def sale(n: int, item: str, seller: str, buyer: str, amount: int) -> Traded:
    return Traded(str(n), item, seller, buyer, amount, created_at=n)


@st.composite
def batches(draw: st.DrawFn) -> tuple[list[Traded], dict[str, str], dict[str, int]]:
    """Few wallets and items and equal times, so that chains, cycles and conflicts are common."""
    amounts = st.one_of(st.integers(1, 50), st.sampled_from([POSITION_LIMIT - 1, POSITION_LIMIT // 2]))
    rows = draw(
        st.lists(
            st.tuples(
                st.sampled_from(ITEMS + "?"),
                st.sampled_from(WALLETS),
                st.sampled_from(WALLETS),
                amounts,
                st.integers(0, 3),
                st.integers(0, 2),
            ),
            max_size=14,
        )
    )
    intents = [Traded(f"i{n}", *row) for n, row in enumerate(rows)]
    owners = {item: draw(st.sampled_from(WALLETS)) for item in ITEMS}
    balances = {wallet: draw(st.sampled_from([0, 10, 100, 2 * POSITION_LIMIT])) for wallet in WALLETS[:4]}
    return intents, owners, balances


@pytest.mark.parametrize("case", CASES)
def test_published_cases(case: dict[str, object]) -> None:
    """Chains, cycles, conflicts."""
    intents = intents_of(case["intents"])  # type: ignore[arg-type]  # from JSON
    first: dict[str, str] = {}
    for intent in intents:
        first.setdefault(intent.item_id, intent.seller)

    cleared = clear(intents, first)

    assert (cleared.final_owners, cleared.deltas) == (case["owners"], case["deltas"])
    assert list(cleared.skipped) == [str(n) for n in case.get("skipped", [])]  # type: ignore[attr-defined]  # a list in JSON


@given(batch=batches(), fee_bps=st.sampled_from([0, 1, 250, 5_000]), royal=st.booleans(), funded=st.booleans())
@settings(max_examples=300, derandomize=True)
def test_it_does_what_the_specification_says(
    batch: tuple[list[Traded], dict[str, str], dict[str, int]], fee_bps: int, royal: bool, funded: bool
) -> None:
    """Equal to the slow reference in everything, also with a treasury and a creator who trade themselves."""
    intents, owners, balances = batch
    mine = {"x": Royalty(creator="A", bps=500), "y": Royalty(creator=CREATOR, bps=10)} if royal else {}
    fast = clear(intents, owners, balances if funded else None, fee_bps, "B" if fee_bps == 250 else TREASURY, mine)
    slow = slow_clear(
        intents,
        owners,
        balances if funded else None,
        fee_bps,
        "B" if fee_bps == 250 else TREASURY,
        {item: (one.creator, one.bps) for item, one in mine.items()},
    )

    assert fast.final_owners == slow.owners
    assert fast.deltas == slow.deltas
    assert (fast.accepted, fast.skipped) == (slow.accepted, slow.skipped)
    assert sum(fast.deltas.values()) == 0


def test_random_batches_are_those_of_the_reference(volume: Callable[[int, int], int]) -> None:
    """Of up to sixty intents, with funds that sometimes do not suffice."""
    dice = random.Random(7)
    for _ in range(volume(10_000, 100_000)):
        wallets = [f"w{n}" for n in range(dice.randint(2, 8))]
        items = [f"i{n}" for n in range(dice.randint(1, 6))]
        owners = {item: dice.choice(wallets) for item in items}
        balances = {wallet: dice.randint(0, 60) for wallet in wallets}
        intents = [
            Traded(
                f"{n}",
                dice.choice(items),
                dice.choice(wallets),
                dice.choice(wallets),
                dice.randint(1, 40),
                dice.randint(0, 9),
            )
            for n in range(dice.randint(0, 60))
        ]
        fast, slow = clear(intents, owners, balances), slow_clear(intents, owners, balances)
        assert (fast.final_owners, fast.deltas, fast.accepted) == (slow.owners, slow.deltas, slow.accepted)
        assert fast.skipped == slow.skipped


@given(batch=batches(), dice=st.randoms(use_true_random=False))
@settings(max_examples=100, derandomize=True)
def test_the_order_of_arrival_does_not_matter(
    batch: tuple[list[Traded], dict[str, str], dict[str, int]], dice: random.Random
) -> None:
    """The same result to the byte."""
    intents, owners, balances = batch
    shuffled = dice.sample(intents, len(intents))
    backwards = dict(reversed(owners.items()))

    assert clear(shuffled, backwards, balances) == clear(intents, owners, balances)


@given(batch=batches())
@settings(max_examples=100, derandomize=True)
def test_nobody_is_ever_short(batch: tuple[list[Traded], dict[str, str], dict[str, int]]) -> None:
    """After each accepted intent every balance and delta together are at least 0, and each item has one owner."""
    intents, owners, balances = batch
    cleared = clear(intents, owners, balances)
    by_id = {intent.id: intent for intent in intents}
    positions = dict.fromkeys(WALLETS, 0)
    now = dict(owners)
    for accepted in cleared.accepted:
        one = by_id[accepted]
        assert now[one.item_id] == one.seller
        now[one.item_id] = one.buyer
        positions[one.buyer] -= one.amount_lamports
        positions[one.seller] += one.amount_lamports

        assert all(balances.get(wallet, 0) + position >= 0 for wallet, position in positions.items())


def test_equal_times_are_ordered_by_nonce_and_then_by_id() -> None:
    """Ids as bytes: "Z" comes before "a"."""
    rivals = [Traded("a", "x", "A", "B", 1), Traded("Z", "x", "A", "C", 1), Traded("0", "x", "A", "D", 1, nonce=1)]

    assert clear(rivals, {"x": "A"}).accepted == ["Z"]


def test_a_purchase_is_paid_from_earlier_sales_but_not_from_later_ones() -> None:
    """Solvency holds at every prefix."""
    sells_first = [sale(0, "x", "A", "B", 100), sale(1, "y", "C", "A", 100)]
    buys_first = [replace(sells_first[1], created_at=0), replace(sells_first[0], created_at=1)]
    owners, balances = {"x": "A", "y": "C"}, {"B": 100}

    assert clear(sells_first, owners, balances).skipped == {}
    assert clear(buys_first, owners, balances).skipped == {"1": "insufficient_funds"}


def test_a_position_stays_below_the_limit() -> None:
    """One lamport less is taken; what reaches it moves nothing."""
    near = [sale(0, "x", "A", "B", POSITION_LIMIT - 1), sale(1, "y", "A", "C", 1)]
    cleared = clear(near, {"x": "A", "y": "A"})

    assert cleared.skipped == {"1": "position_limit"}
    assert cleared.deltas == {"A": POSITION_LIMIT - 1, "B": 1 - POSITION_LIMIT}


def test_fee_and_royalty_come_out_of_the_sellers_proceeds() -> None:
    """Both rounded down; the seller gets what is left."""
    cleared = clear(
        [sale(0, "x", "A", "B", 999)], {"x": "A"}, None, 150, TREASURY, {"x": Royalty(creator=CREATOR, bps=333)}
    )

    assert cleared.deltas == {"A": 999 - 14 - 33, "B": -999, TREASURY: 14, CREATOR: 33}


def test_a_round_trip_leaves_no_delta() -> None:
    """Zeros are dropped; the items have moved all the same."""
    cleared = clear([sale(0, "x", "A", "B", 5), sale(1, "y", "B", "A", 5)], {"x": "A", "y": "B"})

    assert (cleared.deltas, cleared.final_owners) == ({}, {"x": "B", "y": "A"})


def test_the_hash_is_over_the_canonical_bytes() -> None:
    """Built here by hand."""
    cleared = clear([sale(0, "x", "A", "B", 5)], {"x": "A"})
    by_hand = (
        b"\1\0\0\0" + b"\1\0\0\0x" + b"\1\0\0\0B"
        b"\2\0\0\0"
        + b"\1\0\0\0A"
        + b"\5"
        + bytes(7)
        + b"\1\0\0\0B"
        + b"\xfb"
        + b"\xff" * 7
        + b"\1\0\0\0"
        + b"\1\0\0\0000"
    )

    assert canonical_bytes(cleared.final_owners, cleared.deltas, cleared.accepted) == by_hand
    assert cleared.result_hash == hashlib.sha256(by_hand).digest()


def test_the_bytes_have_no_order_of_arrival() -> None:
    """Items, wallets and ids may be told in any."""
    forwards = canonical_bytes({"x": "A", "y": "B"}, {"A": 1, "B": -1}, ["1", "2"])

    assert canonical_bytes({"y": "B", "x": "A"}, {"B": -1, "A": 1}, ["2", "1"]) == forwards


def test_names_are_sorted_by_their_bytes() -> None:
    """U+1F600 sorts behind U+FF5E as bytes, and before it as UTF-16."""
    owners = {"\U0001f600": "A", "\uff5e": "A"}

    assert canonical_bytes(owners, {}, []).index("\uff5e".encode()) < canonical_bytes(owners, {}, []).index(
        "\U0001f600".encode()
    )


@pytest.mark.parametrize(
    "act",
    [
        lambda: clear([sale(0, "x", "A", "B", 1), sale(0, "x", "B", "C", 1)], {"x": "A"}),
        lambda: clear([sale(0, "x", "A", "B", 0)], {"x": "A"}),
        lambda: clear([sale(0, "x", "A", "B", -5)], {"x": "A"}),
        lambda: clear([sale(0, "x", "A", "B", POSITION_LIMIT)], {"x": "A"}),
        lambda: clear([], {}, fee_bps=1),
        lambda: clear([], {}, fee_bps=-1, treasury=TREASURY),
        lambda: clear([], {}, fee_bps=9_999, treasury=TREASURY, royalties={"x": Royalty(creator="A", bps=2)}),
    ],
    ids=["one id twice", "zero", "negative", "at the limit", "no treasury", "negative fee", "more than all"],
)
def test_unfit_batches_are_refused(act: Callable[[], Clearing]) -> None:
    """Before anything is cleared."""
    with pytest.raises(ValueError, match=r"."):
        act()


def columns(*values: list[int]) -> list[np.ndarray[tuple[int], np.dtype[np.int64]]]:
    return [np.array(one, dtype=np.int64) for one in values]


def test_columns_are_cleared_like_names() -> None:
    """A chain, a rival, an item that nobody owns, one that there is not, and one who cannot pay."""
    item, seller, buyer = columns([0, 0, 0, 1, 9, 0], [0, 1, 0, 0, 0, 2], [1, 2, 3, 1, 1, 0])
    amount, owners, balances = columns([100, 150, 9, 1, 1, 999], [0, -1], [0, 200, 150, 0])

    cleared = clear_arrays(item, seller, buyer, amount, owners, balances)

    expected = [
        Verdict.ACCEPTED,
        Verdict.ACCEPTED,
        Verdict.NOT_OWNER,
        Verdict.UNKNOWN_ITEM,
        Verdict.UNKNOWN_ITEM,
        Verdict.INSUFFICIENT_FUNDS,
    ]
    assert cleared.verdicts.tolist() == expected
    assert cleared.owner_of_item.tolist() == [2, -1]
    assert cleared.delta_of_wallet.tolist() == [100, 50, -150, 0]


@given(seed=st.integers(0, 2**32), near_limit=st.booleans())
@settings(max_examples=50, derandomize=True)
def test_both_passes_are_one_rule(seed: int, near_limit: bool) -> None:
    """The short loop, where no limit can be reached, and the whole one."""
    dice = np.random.default_rng(seed)
    item, seller, buyer = (dice.integers(0, top, 200) for top in (20, 10, 10))
    amount = dice.integers(1, POSITION_LIMIT if near_limit else 1_000, 200)
    owner, balance = dice.integers(0, 10, 20), dice.integers(0, 10**13 if near_limit else 2_000, 10)
    names = [Traded(f"{n:03}", f"{item[n]:02}", f"{seller[n]}", f"{buyer[n]}", int(amount[n]), n) for n in range(200)]

    fast = clear_arrays(item, seller, buyer, amount, owner, balance)
    slow = slow_clear(
        names, {f"{n:02}": f"{one}" for n, one in enumerate(owner)}, {f"{n}": int(one) for n, one in enumerate(balance)}
    )

    assert [f"{n:03}" for n in np.flatnonzero(fast.verdicts == 0)] == slow.accepted
    assert {f"{n}": int(one) for n, one in enumerate(fast.delta_of_wallet) if one} == slow.deltas


def test_the_hash_of_columns_tells_results_apart() -> None:
    """Another amount, another owner, another accepted intent."""
    base = columns([0, 1], [0, 1], [1, 2], [5, 7], [0, 1])
    others = [
        columns([0, 1], [0, 1], [1, 2], [5, 8], [0, 1]),
        columns([0, 1], [0, 1], [1, 0], [5, 7], [0, 1]),
        columns([0, 1], [0, 1], [1, 2], [5, 7], [0, 0]),
    ]
    hashes = {clear_arrays(*one).result_hash for one in (base, *others)}

    assert len(hashes) == 4
    assert clear_arrays(*columns([0, 1], [0, 1], [1, 2], [5, 7], [0, 1])).result_hash in hashes


@pytest.mark.parametrize(
    "arrays",
    [
        columns([0], [0, 1], [1], [5], [0]),
        columns([0], [-1], [1], [5], [0]),
        columns([0], [0], [1], [0], [0]),
        columns([0], [0], [1], [POSITION_LIMIT], [0]),
        [*columns([0], [0], [1]), np.array([5], dtype=np.int32), np.array([0], dtype=np.int64)],
    ],
    ids=["lengths", "no wallet", "no amount", "too much", "another type"],
)
def test_unfit_columns_are_refused(arrays: list[np.ndarray[tuple[int], np.dtype[np.int64]]]) -> None:
    """Before anything is cleared."""
    with pytest.raises(ColumnsUnfit):
        clear_arrays(*arrays)
