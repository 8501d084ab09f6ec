"""How many bytes settlements have: what is counted is what solders makes of real instructions."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.netting.adapters.program_accounts import CLOCK, Calls, Numbered
from functions.netting.core.packing import Part, Whole
from functions.netting.core.sizes import PART, WHOLE, Kind, Load, Shelves, used_tables
from kernel import base58
from kernel.hashes import sha256
from kernel.solana.transactions import Instruction, LookupTable, TransactionTooLarge, compile_message

pytestmark = pytest.mark.unit

SIGNATURE_BYTES = 1 + 64


def key(name: str) -> str:
    return base58.encode(sha256(name.encode()))


CALLS = Calls(key("program"), key("authority"))
WALLETS = [key(f"wallet {n}") for n in range(30)]


def whole(count: int) -> Instruction:
    """Every other entry an item."""
    items = tuple((f"i{n}", WALLETS[n]) for n in range(count // 2))
    deltas = tuple((WALLETS[n], 0) for n in range(count - count // 2))
    return CALLS.settle_net_batch(7, bytes(32), Whole(items=items, deltas=deltas), numbered(items))


def part(count: int) -> Instruction:
    """A third of each."""
    items = tuple((f"i{n}", WALLETS[n]) for n in range(count // 3))
    debits = tuple((WALLETS[n], 5) for n in range(count // 3))
    credits_ = tuple((WALLETS[10 + n], 5) for n in range(count - 2 * (count // 3)))
    return CALLS.settle_part(7, 0, Part(debits=debits, credits=credits_, items=items), numbered(items))


def numbered(items: Sequence[tuple[str, str]]) -> Numbered:
    return Numbered({item: 100 + int(item[1:]) for item, _ in items})


MADE = {WHOLE: whole, PART: part}


def compiled_bytes(instruction: Instruction, places: Sequence[str | None], kind: Kind) -> int:
    """What solders makes of it, its entries' accounts in these tables, each of which begins with the shared ones."""
    shared = (CALLS.config, CLOCK)
    entries = [use.address for use in instruction.accounts[3:]]
    contents: dict[str, list[str]] = {}
    for address, place in zip(entries, places, strict=True):
        if place is not None:
            contents.setdefault(place, [*shared]).append(address)
    used = used_tables({table: len(held) - 2 for table, held in contents.items()}, kind.shared)
    message = compile_message(
        key("authority"),
        [instruction],
        blockhash=key("blockhash"),
        lookup_tables=[LookupTable(key(table), tuple(contents[table])) for table in used],
        compute_unit_limit=60_000,
        compute_unit_price=1_000,
        prefer_tables=bool(used),
    )
    return SIGNATURE_BYTES + len(message)


@pytest.mark.parametrize("kind", [WHOLE, PART], ids=["whole", "part"])
@pytest.mark.parametrize(("tables", "most"), [(0, 12), (1, 21), (2, 20), (3, 20), (4, 19)])
def test_so_many_entries_fit(kind: Kind, tables: int, most: int) -> None:
    """And one more does not, by our count and by solders'."""
    most -= 1 if kind is PART and tables == 3 else 0
    places = [f"t{n % tables}" if tables else None for n in range(most + 1)]

    assert compiled_bytes(MADE[kind](most), places[:-1], kind) == Load.of(places[:-1]).size_bytes(kind) <= 1232
    assert Load.of(places).size_bytes(kind) > 1232
    with pytest.raises(TransactionTooLarge):
        compiled_bytes(MADE[kind](most + 1), places, kind)


@given(
    kind=st.sampled_from([WHOLE, PART]),
    places=st.lists(st.sampled_from([None, "a", "b", "c"]), min_size=3, max_size=12),
)
@settings(max_examples=200, derandomize=True)
def test_the_count_is_what_is_compiled(kind: Kind, places: list[str | None]) -> None:
    """Whatever lies where. A part's data is counted as long as a long one's, which is a byte more in short ones."""
    compiled = compiled_bytes(MADE[kind](len(places)), places, kind)

    assert Load.of(places).size_bytes(kind) - compiled in ((0,) if kind is WHOLE else (0, 1))


def test_a_table_is_used_where_it_saves() -> None:
    """From two addresses on; a single one with those that every table has, and then the fullest."""
    assert used_tables({}, 2) == ()
    assert used_tables({"a": 1, "b": 1}, 2) == ("a",)
    assert used_tables({"a": 1, "b": 2}, 2) == ("b",)
    assert used_tables({"a": 3, "b": 2, "c": 1}, 2) == ("a", "b")
    assert used_tables({"a": 1}, 0) == ()


def test_a_shelf_is_of_items_or_of_wallets() -> None:
    """An item may be called like a wallet."""
    shelves = Shelves(items={"x": "a"}, wallets={"x": "b", "y": "b"})

    assert shelves.load(["x", "z"], ["x", "y"]) == Load(4, Load.of(["a", "b", "b"]).tables)
