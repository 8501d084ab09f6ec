"""Which batches a transaction settled, whether they are ours, and when books and chain differ."""

import struct
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.netting.core.instructions import BatchSettled, Deposited, Executed, PartSettled
from functions.netting.core.packing import InParts, Part, Settlement, Whole
from functions.netting.core.reconciliation import Kept, Reading, Turn, turns
from functions.netting.core.settled import unlike
from functions.netting.core.settlement import NET_BATCH_SETTLED, SettlementUnfit
from functions.netting.core.telling import SaidAt, Settled, TellingContradicts, batches_settled
from kernel import base58

pytestmark = pytest.mark.unit
A, B, C = (base58.encode(bytes([n]) * 32) for n in (1, 2, 3))
HASH = bytes(range(32))
BATCH = BatchSettled(batch_id=7, batch_hash=HASH, items=((9, B),), deltas=((A, 5), (B, -5)))
LAST = PartSettled(batch_id=8, index=3, debits=(), credits=((A, 5),), items=((9, B),))


def ran(step: BatchSettled | PartSettled | Deposited, path: str = "2") -> Executed:
    return Executed(path=path, step=step, touched=())


def said(
    path: str = "2", *, batch: int = 7, items: int = 1, wallets: int = 2, batch_hash: bytes = HASH, at: int = 1_700
) -> SaidAt:
    return SaidAt(path=path, content=NET_BATCH_SETTLED + struct.pack("<QII32sq", batch, items, wallets, batch_hash, at))


def test_a_batch_is_told_by_its_instruction_and_its_event() -> None:
    """Whole, with what was done; in parts, by the part after which it was said."""
    middle = ran(replace(LAST, index=2), "1")
    told = batches_settled([ran(BATCH), middle, ran(LAST, "3.0")], [said(), said("3.0", batch=8)], is_whole=True)

    assert told == [
        Settled(batch_id=7, batch_hash=HASH, num_items=1, num_wallets=2, settled_at_s=1_700, whole=BATCH),
        Settled(batch_id=8, batch_hash=HASH, num_items=1, num_wallets=2, settled_at_s=1_700, whole=None),
    ]


def test_a_whole_batch_is_known_behind_a_log_that_was_cut_off() -> None:
    """By its instruction alone; when it was, nobody says."""
    [told] = batches_settled([ran(BATCH)], [], is_whole=False)

    assert told == Settled(batch_id=7, batch_hash=HASH, num_items=1, num_wallets=2, settled_at_s=None, whole=BATCH)


@pytest.mark.parametrize(
    ("done", "words", "is_whole"),
    [
        pytest.param([ran(BATCH)], [], True, id="settled without a word"),
        pytest.param([], [said()], True, id="told without a deed"),
        pytest.param([ran(Deposited(wallet=A, lamports=1))], [said()], True, id="told by a deposit"),
        pytest.param([ran(BATCH)], [said("2.0")], True, id="told elsewhere"),
        pytest.param([ran(BATCH)], [said(batch=8)], True, id="another batch"),
        pytest.param([ran(BATCH)], [said(batch_hash=bytes(32))], True, id="another hash"),
        pytest.param([ran(BATCH)], [said(items=2)], True, id="another count of items"),
        pytest.param([ran(BATCH)], [said(wallets=1)], True, id="another count of wallets"),
        pytest.param([ran(LAST)], [said()], True, id="a part of another batch"),
        pytest.param([ran(LAST)], [], False, id="a part behind the log's end"),
    ],
)
def test_what_contradicts_itself_is_refused(done: list[Executed], words: list[SaidAt], is_whole: bool) -> None:
    """A log and instructions that do not fit are no batch of anybody's."""
    with pytest.raises(TellingContradicts):
        batches_settled(done, words, is_whole=is_whole)


@pytest.mark.parametrize("content", [b"", b"12345678", said().content[:-1], said().content + b"\0"])
def test_an_event_of_another_form_is_refused(content: bytes) -> None:
    """Of another name or another length."""
    with pytest.raises(SettlementUnfit):
        batches_settled([ran(BATCH)], [SaidAt(path="2", content=content)], is_whole=True)


# Whether it is ours.

WHOLE = Whole(items=(("item", B),), deltas=((A, 5), (B, -5)))
PARTS = InParts(parts=(Part(debits=((B, 5),)), Part(credits=((A, 3),)), Part(credits=((A, 2),), items=(("item", B),))))
TOLD = Settled(batch_id=7, batch_hash=HASH, num_items=1, num_wallets=2, settled_at_s=1, whole=BATCH)
IN_PARTS = replace(TOLD, num_wallets=3, whole=None)


@pytest.mark.parametrize(
    ("plan", "told", "fits"),
    [
        pytest.param(WHOLE, TOLD, True, id="whole"),
        pytest.param(PARTS, IN_PARTS, True, id="in parts, each part's wallets counted"),
        pytest.param(WHOLE, replace(TOLD, batch_hash=bytes(32)), False, id="another hash"),
        pytest.param(WHOLE, replace(TOLD, num_items=2), False, id="more items"),
        pytest.param(WHOLE, replace(TOLD, num_wallets=3), False, id="more wallets"),
        pytest.param(PARTS, replace(IN_PARTS, num_wallets=2), False, id="wallets counted once"),
        pytest.param(WHOLE, replace(TOLD, whole=None), False, id="planned whole"),
        pytest.param(PARTS, replace(IN_PARTS, whole=BATCH, num_wallets=3), False, id="planned in parts"),
        pytest.param(WHOLE, replace(TOLD, whole=replace(BATCH, items=((9, C),))), False, id="another owner"),
        pytest.param(WHOLE, replace(TOLD, whole=replace(BATCH, items=((8, B),))), False, id="another item"),
        pytest.param(WHOLE, replace(TOLD, whole=replace(BATCH, deltas=((A, 6), (B, -6)))), False, id="another amount"),
        pytest.param(Whole(items=(("nobody's", B),), deltas=WHOLE.deltas), TOLD, False, id="an item without a number"),
    ],
)
def test_a_settled_batch_is_the_one_that_was_planned(plan: Settlement, told: Settled, fits: bool) -> None:
    """To its hash, its counts, its owners and its lamports; in whatever order they come."""
    shuffled = (
        told
        if told.whole is None
        else replace(told, whole=replace(told.whole, deltas=tuple(reversed(told.whole.deltas))))
    )

    assert [unlike(plan, HASH, {"item": 9}, one) is None for one in (told, shuffled)] == [fits, fits]


# Books and chain.

NOW = Reading(subject=A, booked_lamports=5, chain_lamports=7, slot=1)
BEFORE = Kept(subject=A, booked_lamports=5, chain_lamports=7, is_confirmed=False)


@pytest.mark.parametrize(
    ("differing", "kept", "expected"),
    [
        pytest.param([], [], [], id="nothing"),
        pytest.param([NOW], [], [(Turn.BEGIN, A)], id="first seen"),
        pytest.param([NOW], [BEFORE], [(Turn.CONFIRM, A)], id="seen twice alike"),
        pytest.param([NOW], [replace(BEFORE, is_confirmed=True)], [], id="told once"),
        pytest.param([], [BEFORE], [(Turn.END, A)], id="over"),
        pytest.param(
            [NOW], [replace(BEFORE, booked_lamports=4)], [(Turn.END, A), (Turn.BEGIN, A)], id="the books have moved"
        ),
        pytest.param(
            [NOW],
            [replace(BEFORE, chain_lamports=8, is_confirmed=True)],
            [(Turn.END, A), (Turn.BEGIN, A)],
            id="the chain has moved",
        ),
        pytest.param([replace(NOW, chain_lamports=5)], [BEFORE], [(Turn.END, A)], id="no difference at all"),
    ],
)
def test_a_difference_is_believed_when_it_is_seen_twice(
    differing: list[Reading], kept: list[Kept], expected: list[tuple[Turn, str]]
) -> None:
    """What moves is on its way; what stands is a mistake."""
    assert turns(differing, kept) == expected


@given(st.dictionaries(st.sampled_from("abcd"), st.tuples(st.integers(0, 3), st.integers(0, 3))), st.booleans())
def test_two_turns_alike_confirm_whatever_differs(pairs: dict[str, tuple[int, int]], confirmed: bool) -> None:
    """And a third tells nothing more."""
    found = [Reading(subject=name, booked_lamports=a, chain_lamports=b, slot=0) for name, (a, b) in pairs.items()]
    first = turns(found, [])
    kept = [
        Kept(subject=name, booked_lamports=pairs[name][0], chain_lamports=pairs[name][1], is_confirmed=confirmed)
        for _, name in first
    ]

    assert {name for _, name in first} == {name for name, (a, b) in pairs.items() if a != b}
    assert turns(found, kept) == ([] if confirmed else [(Turn.CONFIRM, name) for _, name in first])
    assert {turn for turn, _ in turns([], kept)} <= {Turn.END}


def test_every_pair_of_paths_is_kept_apart() -> None:
    """Two batches in one transaction, each with its own event."""
    other = replace(BATCH, batch_id=9)
    for first, second in product(("0", "1.0"), ("2", "3.1.0")):
        told = batches_settled(
            [ran(BATCH, first), ran(other, second)], [said(first), said(second, batch=9)], is_whole=True
        )

        assert [one.batch_id for one in told] == [7, 9]
