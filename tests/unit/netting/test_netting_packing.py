"""Components of a batch, and how they are packed into transactions."""

import random
from collections.abc import Callable, Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from functions.netting.core.components import Component, components
from functions.netting.core.netting import Royalty, clear
from functions.netting.core.packing import InParts, Whole, in_parts, load_of, lower_bound, pack, transactions
from functions.netting.core.sizes import NO_SHELVES, PART, WHOLE, Load, Shelves
from tests.unit.netting.slow_clearing import Traded

pytestmark = pytest.mark.unit


def sale(n: int, item: str, seller: str, buyer: str, amount: int) -> Traded:
    return Traded(str(n), item, seller, buyer, amount, created_at=n)


def component(name: str, wallets: int, items: int = 0) -> Component:
    """One payer, the others get a lamport each."""
    paid = [(f"{name}{n:03}", 1) for n in range(1, wallets)]
    deltas = ((f"{name}000", 1 - wallets), *paid) if wallets else ()
    return Component(items=tuple((f"{name}-{n:03}", f"{name}000") for n in range(items)), deltas=deltas)


def test_who_does_not_trade_with_each_other_is_apart() -> None:
    """Two pairs and a cycle that leaves no delta; the component with the smallest wallet comes first."""
    trades = [
        sale(0, "x", "A", "Z", 5),
        sale(1, "y", "C", "D", 7),
        sale(2, "z", "E", "F", 9),
        sale(3, "w", "F", "E", 9),
        sale(4, "x", "A", "C", 5),
    ]
    cleared = clear(trades, {"x": "A", "y": "C", "z": "E", "w": "F"})

    parts = components(cleared, trades)

    assert [one.deltas for one in parts] == [(("A", 5), ("Z", -5)), (("C", 7), ("D", -7)), ()]
    assert [one.items for one in parts] == [(("x", "Z"),), (("y", "D"),), (("w", "E"), ("z", "F"))]


def test_a_treasury_joins_those_who_pay_it() -> None:
    """Each component must add up to 0; without saying who got the fee it does not."""
    trades = [sale(0, "x", "A", "B", 100), sale(1, "y", "C", "D", 100)]
    cleared = clear(trades, {"x": "A", "y": "C"}, None, 100, "T", {"y": Royalty(creator="K", bps=200)})

    [joined] = components(cleared, trades, [("A", "T"), ("C", "T"), ("C", "K")])

    assert [name for name, _ in joined.deltas] == ["A", "B", "C", "D", "K", "T"]
    with pytest.raises(AssertionError):
        components(cleared, trades)


@given(seed=st.integers(0, 2**32))
@settings(max_examples=100, derandomize=True)
def test_components_are_the_batch(seed: int) -> None:
    """Every item and delta once, each component balanced, whatever the order of the intents."""
    dice = random.Random(seed)
    owners = {f"i{n}": f"w{dice.randrange(12)}" for n in range(12)}
    trades = [
        sale(n, f"i{dice.randrange(12)}", f"w{dice.randrange(12)}", f"w{dice.randrange(12)}", dice.randint(1, 9))
        for n in range(30)
    ]
    cleared = clear(trades, owners)
    parts = components(cleared, trades)

    assert dict(pair for one in parts for pair in one.items) == cleared.final_owners
    assert dict(pair for one in parts for pair in one.deltas) == cleared.deltas
    assert components(cleared, dice.sample(trades, len(trades))) == parts


def placed(parts: Sequence[Component], tables: int, dice: random.Random) -> Shelves:
    """Every account in one of so many tables, by chance."""
    wallets = {wallet: f"t{dice.randrange(tables)}" for one in parts for wallet, _ in one.deltas}
    items = {item: f"t{dice.randrange(tables)}" for one in parts for item, _ in one.items}
    return Shelves(items=items, wallets=wallets)


def in_one_table(parts: Sequence[Component]) -> Shelves:
    return placed(parts, 1, random.Random(0))


def market(dice: random.Random, components: int) -> list[Component]:
    """Pairs and small chains, as most are."""
    return [component(f"c{n:04}-", dice.choice([2, 2, 2, 3, 3, 4, 6]), dice.randint(1, 3)) for n in range(components)]


def test_components_of_one_table_share_a_transaction() -> None:
    """21 entries fit; the largest first, each into the fullest with room; a transaction's entries ascend."""
    parts = [component("a", 9), component("b", 14), component("c", 7), component("d", 8, 4)]

    settlements = pack(parts, in_one_table(parts))

    held = [{name[0] for name, _ in one.deltas} for one in settlements if isinstance(one, Whole)]
    assert held == [{"b", "c"}, {"d", "a"}]
    assert all(isinstance(one, Whole) and list(one.deltas) == sorted(one.deltas) for one in settlements)


@pytest.mark.parametrize(("most", "is_tabled"), [(12, False), (21, True)])
def test_a_component_may_fill_a_transaction_to_its_last_entry(most: int, is_tabled: bool) -> None:
    """One more, and it goes by parts; 12 without tables, 21 with one."""
    parts = [component("a", most - 2, 2), component("b", most, 1)]
    shelves = in_one_table(parts) if is_tabled else NO_SHELVES

    assert [type(one) for one in pack(parts, shelves)] == [Whole, InParts]


def test_components_of_the_same_tables_come_together() -> None:
    """Ten entries of each of two tables: two transactions of one table each, not of both."""
    parts = [component(f"{table}{n}", 3) for n in range(6) for table in "xy"]
    shelves = Shelves(wallets={wallet: wallet[0] for one in parts for wallet, _ in one.deltas})

    settlements = pack(parts, shelves)

    assert [{name[0] for name, _ in one.deltas} for one in settlements if isinstance(one, Whole)] == [{"x"}, {"y"}]


def test_parts_take_before_they_give() -> None:
    """All debits, then credits and items; what is taken is what is given."""
    large = Component(
        items=tuple((f"i{n:03}", "w") for n in range(30)),
        deltas=tuple((f"w{n:03}", -7 if n % 2 else 7) for n in range(100)),
    )
    parts = in_parts(large, in_one_table([large])).parts
    order = [
        kind
        for part in parts
        for kind, entries in (("debit", part.debits), ("gift", part.credits), ("gift", part.items))
        for _ in entries
    ]

    assert order == ["debit"] * 50 + ["gift"] * 80
    assert sum(amount for part in parts for _, amount in part.debits) == 350
    assert sum(amount for part in parts for _, amount in part.credits) == 350
    assert {len(part.debits) + len(part.credits) + len(part.items) for part in parts[:-1]} == {21}


def test_a_batch_without_anything_needs_no_transaction() -> None:
    """Nor does its lower bound."""
    assert (pack([]), transactions([]), lower_bound([])) == ([], 0, 0)


@given(sizes=st.lists(st.integers(2, 40), max_size=60), tables=st.integers(0, 6), seed=st.integers(0, 2**32))
@example(sizes=[20, 2], tables=1, seed=0)
@settings(max_examples=200, derandomize=True)
def test_nothing_is_lost_and_no_transaction_is_too_large(sizes: list[int], tables: int, seed: int) -> None:
    """Every delta once, in a packet each; and never below the bound."""
    parts = [component(f"c{n:03}-", size) for n, size in enumerate(sizes)]
    shelves = placed(parts, tables, random.Random(seed)) if tables else NO_SHELVES
    settlements = pack(parts, shelves)
    wholes = [one for one in settlements if isinstance(one, Whole)]
    apart = [part for one in settlements if isinstance(one, InParts) for part in one.parts]
    told = [pair for one in wholes for pair in one.deltas]
    told += [(name, -amount) for part in apart for name, amount in part.debits]
    told += [pair for part in apart for pair in part.credits]

    assert sorted(told) == sorted(pair for one in parts for pair in one.deltas)
    for one in wholes:
        assert shelves.load((item for item, _ in one.items), (wallet for wallet, _ in one.deltas)).fits(WHOLE)
    for part in apart:
        load = shelves.load((item for item, _ in part.items), (name for name, _ in (*part.debits, *part.credits)))
        assert load.fits(PART)
    assert lower_bound(parts, shelves) <= transactions(settlements)


@given(sizes=st.lists(st.integers(1, 6), min_size=1, max_size=5), tables=st.integers(0, 3), seed=st.integers(0, 2**32))
@settings(max_examples=200, derandomize=True)
def test_the_bound_is_below_the_best_of_all_packings(sizes: list[int], tables: int, seed: int) -> None:
    """Found by trying every one, of components that fill a fifth to a half of a transaction."""
    parts = [component(f"c{n}-", 1 + size, size) for n, size in enumerate(sizes)]
    shelves = placed(parts, tables, random.Random(seed)) if tables else NO_SHELVES
    loads = [load_of(one, shelves) for one in parts]
    whole = [load for load in loads if load.fits(WHOLE)]

    def fewest(left: list[Load], bins: list[Load]) -> int:
        if not left:
            return len(bins)
        first, rest = left[0], left[1:]
        tried = [fewest(rest, [*bins, first])]
        for place, held in enumerate(bins):
            both = held.with_all(first)
            if both.fits(WHOLE):
                tried.append(fewest(rest, [*bins[:place], both, *bins[place + 1 :]]))
        return min(tried)

    large = [one for one, load in zip(parts, loads, strict=True) if not load.fits(WHOLE)]
    best = fewest(whole, []) + transactions([in_parts(one, shelves) for one in large])
    assert lower_bound(parts, shelves) <= best


@pytest.mark.parametrize("tables", [0, 1, 2, 4])
def test_a_market_is_packed_within_a_tenth_of_the_bound(volume: Callable[[int, int], int], tables: int) -> None:
    """Of 200 components; their accounts lie in up to as many tables as there are unless an operator allows more."""
    dice = random.Random(tables)
    for _ in range(volume(10, 300)):
        parts = market(dice, 200)
        shelves = placed(parts, tables, dice) if tables else NO_SHELVES

        assert transactions(pack(parts, shelves)) <= lower_bound(parts, shelves) * 1.1
