"""A batch as it is planned: settlements that conserve, what is published, what becomes of each intent."""

import hashlib
import json
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.netting.core.contents import (
    content_of,
    deltas_of,
    entries_of,
    items_of,
    require_conserved,
    settlement_of,
)
from functions.netting.core.merkle import root
from functions.netting.core.netting import Clearing, Reason, Royalty
from functions.netting.core.packing import InParts, Part, Whole
from functions.netting.core.plan import BatchPlan, Fee, Market, PendingIntent, clear_market, plan_batch
from functions.netting.core.state_root import StateTree
from kernel import base58

pytestmark = pytest.mark.unit
BATCH, NOON = UUID(int=5), datetime(2026, 11, 21, 12, tzinfo=UTC)
NAMES = {name: base58.encode(bytes([ord(name)]) * 32) for name in "abcdefr"}
A, B, C, D = (NAMES[name] for name in "abcd")
WHOLE = Whole(items=(("sword", B),), deltas=((A, 10), (B, -10)))
PARTS = InParts(parts=(Part(debits=((B, 10),)), Part(credits=((A, 7), (C, 3)), items=(("sword", B), ("shield", C)))))


def market(*trades: tuple[str, str, str, int], royalties: dict[str, Royalty] | None = None, **funds: int) -> Market:
    """A market of (item, seller, buyer, amount) in priority order; who sells an item first owns it."""
    owners: dict[str, str] = {}
    for item, seller, _, _ in trades:
        owners.setdefault(item, NAMES[seller])
    intents = [
        PendingIntent(f"{number:02d}", item, NAMES[seller], NAMES[buyer], amount, number, 1)
        for number, (item, seller, buyer, amount) in enumerate(trades)
    ]
    balances = {NAMES[name]: amount for name, amount in funds.items()}
    return Market(intents=intents, owners=owners, balances=balances, royalties=royalties or {})


def planned(one: Market, fee: Fee | None = None) -> BatchPlan:
    """Its batch."""
    fee = fee or Fee()
    return plan_batch(BATCH, one, clear_market(one, fee), fee, NOON)


def clearing(owners: dict[str, str], deltas: dict[str, int]) -> Clearing:
    """A clearing of which only the outcome matters."""
    return Clearing(final_owners=owners, deltas=deltas, accepted=[], skipped={}, result_hash=bytes(32))


@pytest.mark.parametrize("one", [WHOLE, PARTS])
def test_a_settlement_survives_json(one: Whole | InParts) -> None:
    """As the database keeps it."""
    assert one == settlement_of(json.loads(json.dumps(content_of(one))))


def test_a_settlement_in_parts_says_what_it_comes_to() -> None:
    """Debits are taken and credits given, over all of its parts."""
    assert {A: 7, B: -10, C: 3} == deltas_of(PARTS)
    assert {"sword": B, "shield": C} == items_of(PARTS)
    assert (5, 3) == (entries_of(PARTS), entries_of(WHOLE))


def test_a_plan_that_conserves_is_let_pass() -> None:
    """Whole or in parts."""
    require_conserved(clearing({"sword": B}, {A: 10, B: -10}), [WHOLE])
    require_conserved(clearing({"sword": B, "shield": C}, {A: 7, B: -10, C: 3}), [PARTS])


@pytest.mark.parametrize(
    ("outcome", "settlements", "words"),
    [
        (({"sword": B}, {A: 10, B: -9}), [Whole(items=(("sword", B),), deltas=((A, 10), (B, -9)))], "zero"),
        (({"sword": B}, {A: 10, B: -10}), [WHOLE, Whole(items=(("sword", B),), deltas=())], "two settlements"),
        (({"sword": B}, {A: 10, B: -10}), [WHOLE, Whole(items=(), deltas=((A, 0),))], "two settlements"),
        (({"sword": C}, {A: 10, B: -10}), [WHOLE], "not the clearing"),
        (({"sword": B}, {A: 20, B: -20}), [WHOLE], "not the clearing"),
        (({"sword": B, "shield": C}, {A: 10, B: -10}), [WHOLE], "not the clearing"),
    ],
    ids=["a lamport is lost", "an item twice", "a wallet twice", "another owner", "another amount", "an item is lost"],
)
def test_a_plan_that_makes_or_loses_something_is_refused(
    outcome: tuple[dict[str, str], dict[str, int]], settlements: list[Whole], words: str
) -> None:
    """Before anything of it is stored."""
    with pytest.raises(AssertionError, match=words):
        require_conserved(clearing(*outcome), settlements)


def test_what_is_published_by_hand() -> None:
    """Compact, its keys ascending, amounts as text."""
    plan = planned(market(("sword", "a", "b", 10), ("sword", "a", "c", 10), ("shield", "d", "c", 99), b=10))

    told = {
        "version": "1.0",
        "batch": str(BATCH),
        "nettedAt": "2026-11-21T12:00:00+00:00",
        "counts": {
            "intents": 3,
            "accepted": 1,
            "skipped": 2,
            "items": 1,
            "wallets": 2,
            "settlements": 1,
            "transactions": 1,
        },
        "accepted": ["00"],
        "skipped": {"01": "not_owner", "02": "insufficient_funds"},
        "owners": {"sword": B},
        "deltas": {A: "10", B: "-10"},
        "resultHash": plan.clearing.result_hash.hex(),
        "itemsRoot": root({"sword": B}).hex(),
        "stateRoot": StateTree(BATCH, {"sword": B}, {A: 10, B: -10}).root.hex(),
    }
    assert json.dumps(told, sort_keys=True, separators=(",", ":")).encode() == plan.metadata
    assert hashlib.sha256(plan.metadata).digest() == plan.da_hash


def test_what_is_published_is_utf_8() -> None:
    """An item's id is written as it is."""
    assert '"schwärt":'.encode() in planned(market(("schwärt", "a", "b", 10), b=10)).metadata


def test_time_helps_funds_and_not_owners() -> None:
    """Skipped for funds an intent waits; skipped because the item is another's, or nobody's, it is dropped."""
    one = market(("sword", "a", "b", 10), ("shield", "d", "c", 99), ("sword", "d", "b", 1), b=10)
    unknown = PendingIntent("99", "nothing", A, B, 1, 99, 1)
    plan = planned(Market(intents=[*one.intents, unknown], owners=one.owners, balances=one.balances, royalties={}))

    assert {"02": Reason.NOT_OWNER, "99": Reason.UNKNOWN_ITEM} == plan.skipped(hopeless=True)
    assert {"01": Reason.INSUFFICIENT_FUNDS} == plan.skipped(hopeless=False)


def test_what_is_traded_and_what_is_moved() -> None:
    """Of a chain of two sales only the ends move money; what was skipped counts for nothing."""
    plan = planned(
        market(("sword", "a", "b", 100), ("sword", "b", "c", 150), ("shield", "d", "b", 9_999), b=100, c=150)
    )

    assert (250, 150) == (plan.traded_lamports, plan.moved_lamports)


def test_an_intent_belongs_to_the_settlement_that_moves_its_item() -> None:
    """Two that have nothing to do with each other may share one; each item's is known."""
    trades = [(f"item-{number}", "a", "b", 1) for number in range(60)]
    plan = planned(market(*trades, ("other", "c", "d", 5), b=100, d=5))

    assert {f"{number:02d}": f"item-{number}" for number in range(60)} | {"60": "other"} == dict(plan.items)
    for item, ordinal in plan.ordinals.items():
        assert item in items_of(plan.settlements[ordinal])
    assert len(plan.ordinals) == 61


def test_whoever_is_paid_out_of_a_sale_is_settled_with_it() -> None:
    """The fee's wallet and the creator."""
    royalties = {"sword": Royalty(creator=NAMES["r"], bps=1_000)}
    plan = planned(
        market(("sword", "a", "b", 100), ("shield", "c", "d", 100), royalties=royalties, b=100, d=100),
        Fee(bps=500, wallet=NAMES["f"]),
    )

    [deltas] = [deltas_of(one) for one in plan.settlements]
    assert {A: 85, B: -100, C: 95, D: -100, NAMES["f"]: 10, NAMES["r"]: 10} == deltas


@given(
    trades=st.lists(
        st.tuples(
            st.sampled_from("xyzw"), st.sampled_from("abcde"), st.sampled_from("abcde"), st.integers(1, 60)
        ).filter(lambda trade: trade[1] != trade[2]),
        max_size=40,
    ),
    funds=st.dictionaries(st.sampled_from("abcde"), st.integers(0, 200)),
    bps=st.sampled_from([0, 250]),
)
@settings(max_examples=150, derandomize=True)
def test_every_plan_conserves(trades: list[tuple[str, str, str, int]], funds: dict[str, int], bps: int) -> None:
    """Each settlement by itself, and all together are the clearing; nobody is taken more than it has."""
    one = market(*trades, royalties=None, **funds)
    plan = planned(one, Fee(bps=bps, wallet=NAMES["f"]))

    require_conserved(plan.clearing, plan.settlements)
    assert sorted(plan.items) == sorted(plan.clearing.accepted)
    for settlement in plan.settlements:
        assert sum(deltas_of(settlement).values()) == 0
        assert all(one.balances.get(wallet, 0) + delta >= 0 for wallet, delta in deltas_of(settlement).items())
    assert plan.packing_bound <= plan.transactions
