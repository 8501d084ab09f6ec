"""Components of a batch, and how they are packed into transactions."""

import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.netting.core.components import Component, components
from functions.netting.core.netting import Royalty, clear
from functions.netting.core.packing import (
    ENTRIES_MAX,
    PART_ENTRIES_MAX,
    FirstFit,
    InParts,
    Whole,
    in_parts,
    lower_bound,
    pack,
    transactions,
)
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
@settings(max_examples=100, deadline=None, derandomize=True)
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


def test_small_components_share_a_transaction() -> None:
    """The largest first, each where it fits first; a transaction's entries ascend."""
    sizes = [component("a", 10), component("b", 15), component("c", 7), component("d", 8, 4)]

    settlements = pack(sizes)

    held = [{name[0] for name, _ in one.deltas} for one in settlements if isinstance(one, Whole)]
    assert held == [{"b", "c"}, {"d", "a"}]
    assert all(isinstance(one, Whole) and list(one.deltas) == sorted(one.deltas) for one in settlements)


def test_a_component_may_fill_a_transaction_to_its_last_entry() -> None:
    """One more, and it goes by parts."""
    full, over = component("a", ENTRIES_MAX - 2, 2), component("b", ENTRIES_MAX, 1)

    assert [type(one) for one in pack([full, over])] == [Whole, InParts]


def test_parts_take_before_they_give() -> None:
    """All debits, then credits, then items; what is taken is what is given."""
    large = Component(
        items=tuple((f"i{n:03}", "w") for n in range(30)),
        deltas=tuple((f"w{n:03}", -7 if n % 2 else 7) for n in range(100)),
    )
    parts = in_parts(large).parts
    order = [
        kind
        for part in parts
        for kind, entries in (("debit", part.debits), ("credit", part.credits), ("item", part.items))
        for _ in entries
    ]

    assert order == ["debit"] * 50 + ["credit"] * 50 + ["item"] * 30
    assert sum(amount for part in parts for _, amount in part.debits) == 350
    assert sum(amount for part in parts for _, amount in part.credits) == 350
    assert {len(part.debits) + len(part.credits) + len(part.items) for part in parts[:-1]} == {PART_ENTRIES_MAX}


def test_a_batch_without_anything_needs_no_transaction() -> None:
    """Nor does its lower bound."""
    assert (pack([]), transactions([]), lower_bound([])) == ([], 0, 0)


@given(sizes=st.lists(st.integers(2, 40), max_size=60))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_nothing_is_lost_and_no_transaction_is_too_large(sizes: list[int]) -> None:
    """Every delta once; never below the bound, and never above what first fit decreasing promises."""
    parts = [component(f"c{n:03}-", size) for n, size in enumerate(sizes)]
    settlements = pack(parts)
    wholes = [one for one in settlements if isinstance(one, Whole)]
    apart = [one for one in settlements if isinstance(one, InParts)]
    told = [pair for one in wholes for pair in one.deltas]
    told += [(name, -amount) for one in apart for part in one.parts for name, amount in part.debits]
    told += [pair for one in apart for part in one.parts for pair in part.credits]

    assert sorted(told) == sorted(pair for one in parts for pair in one.deltas)
    assert all(0 < len(one.items) + len(one.deltas) <= ENTRIES_MAX for one in wholes)
    assert lower_bound(parts) <= transactions(settlements) <= lower_bound(parts) * 11 // 9 + 1


def test_a_market_is_packed_within_a_tenth_of_the_bound(volume: Callable[[int, int], int]) -> None:
    """Of pairs and small chains, as most are."""
    dice = random.Random(3)
    for _ in range(volume(20, 2_000)):
        parts = [component(f"c{n:04}-", dice.choice([2, 2, 2, 3, 3, 4, 6, 9]), dice.randint(1, 4)) for n in range(400)]

        assert transactions(pack(parts)) <= lower_bound(parts) * 1.1


@given(sizes=st.lists(st.integers(1, 22), max_size=80))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_first_fit_is_what_its_name_says(sizes: list[int]) -> None:
    """The same places as a search from the first bin on."""
    fast, rooms = FirstFit(22), list[int]()
    for size in sizes:
        place = next((n for n, room in enumerate(rooms) if room >= size), len(rooms))
        if place == len(rooms):
            rooms.append(22)
        rooms[place] -= size

        assert fast.put(size) == place
