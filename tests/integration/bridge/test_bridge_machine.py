"""A hypothesis state machine: orders, reorganisations, outages, lies, deaths, rivals and time against a model.

The bridge's own handlers and adapters work on a real Postgres; both chains are simulated (`simulated_chain.py`), each
behind three nodes of which one at a time may lie, and others be away or behind. Whatever happens on the way, no order
is paid twice, none before its deposit is deep enough, and none that should not be; and once everybody is well again,
each order comes to the end that the model names, and the books to the wei that both chains hold.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from functions.bridge.core.registry import Version
from infra.local import settings
from kernel.errors import Transient
from kernel.testing import FakeClock
from tests.databases import Databases
from tests.integration.bridge.house import L1, L2, House
from tests.integration.bridge.model import (
    AMOUNT_MAX_WEI,
    FEE_ENOUGH_WEI,
    FEE_TOO_LOW_WEI,
    End,
    Fate,
    blocks_needed,
    ends,
    sums,
)
from tests.integration.bridge.simulated_chain import Transaction
from tests.integration.bridge.simulated_contracts import Mood
from tests.integration.bridge.simulated_node import Fault
from tests.integration.bridge.stage import ETHER, RIVAL, Locked, Stage, person
from tests.machines import run_machine

pytestmark = pytest.mark.integration

KEY = bytes(range(1, 33))
IS_SOAK = settings.load().soak
#: The full volume comes in parts, each from a seed of its own, so that several processes may share it.
SEED, SHARES = 20261121, 10 if IS_SOAK else 1
#: Orders that a life begins with: few, so that what fails is small, or many, so that many are in flight at once.
BEGIN, BEGIN_MANY = 12, 80
MOODY = 0xC5
RECIPIENTS = st.sampled_from([MOODY, 0xC4 << 8, *range(0xD0, 0xE6)])  # one of them may have moods
AMOUNTS = st.sampled_from([ETHER // 100, ETHER // 50, ETHER // 5, ETHER, 2 * ETHER])
FEES = st.sampled_from([FEE_ENOUGH_WEI, FEE_ENOUGH_WEI, FEE_ENOUGH_WEI, FEE_TOO_LOW_WEI])
ORDER = st.tuples(RECIPIENTS, AMOUNTS, FEES)
ORDERS = st.lists(ORDER, min_size=1, max_size=4)
LIES = (Fault.DENIES, Fault.INVENTS)
ROUNDS_MAX = 4_000


class BridgeLife(RuleBasedStateMachine):
    """One database, two chains, and everybody who acts on them."""

    databases: Databases
    version: Version
    count: list[int]
    begin: int

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.url = self.databases.take()
        self.house = House(self.url, self.clock, KEY, lambda payer: Stage(self.clock, self.version, payer))
        self.stage = self.house.stage
        self.known: dict[tuple[int, int, int, int], Locked] = {}
        self.deep_enough: set[tuple[int, ...]] = set()
        self.promised: set[tuple[int, int]] = set()
        self.has_refused = False

    # Users.

    @initialize(told=st.data())
    def begin_with_orders(self, told: st.DataObject) -> None:
        self.lock(told.draw(st.lists(ORDER, min_size=self.begin, max_size=self.begin)))
        self.l2_mines(1)

    @rule(orders=ORDERS)
    def lock(self, orders: list[tuple[int, int, int]]) -> None:
        for order in orders:
            self.stage.lock(*order)
        self.count[0] += len(orders)

    @rule(mood=st.sampled_from(Mood), appetite=st.sampled_from([10_000, 400_000]))
    def a_recipient_changes_its_mood(self, mood: Mood, appetite: int) -> None:
        self.stage.have_mood(MOODY, mood, appetite)
        self.has_refused = True

    @precondition(lambda self: self.known)
    @rule(nth=st.integers(0, 10**6))
    def a_rival_pays(self, nth: int) -> None:
        self.stage.rival_pays(sorted(self.known.values(), key=lambda one: one.terms)[nth % len(self.known)])

    # Chains.

    @rule(blocks=st.sampled_from([1, 1, 2, 5, 40]))
    def l2_mines(self, blocks: int) -> None:
        self.stage.l2.mine(blocks)
        self.clock.advance(blocks)
        self._learn()

    @rule(blocks=st.sampled_from([1, 1, 3]))
    def l1_mines(self, blocks: int) -> None:
        self.stage.l1.mine(blocks)
        self.clock.advance(blocks)

    @rule(depth=st.sampled_from([1, 1, 1, 3, 10, 45]), keep=st.integers(0, 3), turn=st.integers(0, 5))
    def l2_is_reorganised(self, depth: int, keep: int, turn: int) -> None:
        """Of the transactions that are dropped, one in four is not mined again, or none; the others change places."""
        depth = min(depth, self.stage.l2.head - 1)
        self._before_reorganisation(depth)

        def again(dropped: Any) -> list[Transaction]:
            left = [one for nth, one in enumerate(dropped) if keep == 3 or nth % 4 != keep]
            at = turn % len(left) if left else 0
            return left[at:] + left[:at]

        self.stage.reorganise_l2(depth, again)
        self._learn()

    @rule(depth=st.integers(1, 2), forgets=st.booleans())
    def l1_is_reorganised(self, depth: int, forgets: bool) -> None:
        dropped = self.stage.l1.reorganise(depth)
        if not forgets:
            self.stage.l1.resubmit(dropped)
        self.stage.l1.mine(depth + 1, wanted=lambda _: False)

    @rule()
    def l1_drops_what_waits(self) -> None:
        self.stage.l1.waiting.clear()

    @rule()
    def the_relayer_carries(self) -> None:
        self.stage.carry()

    @rule()
    def a_message_is_lost(self) -> None:
        self.stage.lose_message()

    # Nodes.

    @rule(is_l1=st.booleans(), faults=st.permutations([Fault.NONE, Fault.NONE, Fault.AWAY, Fault.BEHIND, *LIES]))
    def nodes_change(self, is_l1: bool, faults: list[Fault]) -> None:
        """Any faults of three nodes, but never more than one liar."""
        chain = self.stage.l1 if is_l1 else self.stage.l2
        lied = False
        for node, fault in zip(self.stage.nodes[chain], faults, strict=False):
            node.fault = Fault.NONE if lied and fault in LIES else fault
            lied = lied or fault in LIES

    @rule(is_l1=st.booleans())
    def all_nodes_are_away(self, is_l1: bool) -> None:
        for node in self.stage.nodes[self.stage.l1 if is_l1 else self.stage.l2]:
            node.fault = Fault.AWAY

    @rule()
    def nodes_are_well(self) -> None:
        for nodes in self.stage.nodes.values():
            for node in nodes:
                node.fault = Fault.NONE

    @rule(cents=st.sampled_from([None, 2_000_00, 2_000_00]))
    def the_price_is_told(self, cents: int | None) -> None:
        self.house.ether.cents = cents

    # Workers.

    @rule(seconds=st.sampled_from([1.0, 5.0, 30.0, 300.0]))
    def time_passes(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.stage.l1.mine()

    @rule()
    def the_minute_begins(self) -> None:
        self._crons()

    @rule(most=st.sampled_from([1, 10, 40, 400]))
    def workers_work(self, most: int) -> None:
        self._work(most)

    @rule(minutes=st.sampled_from([1, 2, 3]))
    def business_goes_on(self, minutes: int) -> None:
        """Everybody does what he does, with whatever is wrong just now."""
        for _ in range(minutes):
            self._crons()
            self._work(400)
            self.l1_mines(3)
            self.the_relayer_carries()
            self.l2_mines(5)
            self.clock.advance(50.0)

    @rule(points=st.integers(0, 60))
    def a_worker_dies(self, points: int) -> None:
        """At any begin, commit or return of a transaction, before or after any call of a node."""
        self.house.doom.left = points
        self._work(4)
        self.house.doom.left = None

    @rule(nth=st.integers(0, 10**6))
    def a_message_comes_again(self, nth: int) -> None:
        ended = self.house.rows("select id, kind from kernel.tasks where kind like 'bridge.%%' order by id")
        if ended:
            self.house.deliver(ended[nth % len(ended)])

    # What holds at every moment.

    @invariant()
    def nothing_is_paid_twice_or_for_nobody(self) -> None:
        """Each payment of ours is of a deposit that was there, once, and of one that we take."""
        wanted: dict[int, set[tuple[str, int]]] = {terms[0]: set() for terms in self.known}
        for order_id, recipient, amount_wei, _ in filter(_is_ours, self.known):
            wanted[order_id].add((person(recipient), amount_wei))
        for order_id, terms in wanted.items():
            ours = [(one.recipient, one.amount_wei) for one in self._ours(order_id)]
            assert len(ours) == len(set(ours)), f"order {order_id} was paid twice"
            assert set(ours) <= terms, f"order {order_id} was paid otherwise than it asks for"

    def teardown(self) -> None:
        """Everybody is well, and all that can come to an end does."""
        try:
            self._rest()
            self._everything_ended_as_it_must()
            self._books_hold_what_both_chains_hold()
        finally:
            self.house.close()
            self.databases.give_back(self.url)

    def _rest(self) -> None:
        self.nodes_are_well()
        self.house.ether.cents = 2_000_00
        for _ in range(ROUNDS_MAX):
            self._crons()
            self._work(1_000)
            if self._is_at_rest():
                return
            self.stage.l1.mine(2)
            self.stage.carry()
            self.stage.l2.mine(self.stage.l2.final_after + 2)
            self._learn()
            self.house.wait(300.0)
            self.clock.advance(10.0)
        raise AssertionError(f"never at rest: {self.house.rows('select * from bridge.orders')}")

    def _is_at_rest(self) -> bool:
        """No order moves any more; what is lost waits for ever, and so does an L2 that has nothing to tell."""
        open_orders = self.house.rows(
            "select 1 from bridge.orders where state not in ('completed', 'dropped') and not (is_lost and state = "
            "'fulfilled') limit 1"
        )
        told = self.house.rows("select 1 from kernel.tasks where kind = 'bridge.chain_events' and state = 'ready'")
        return not open_orders and not told and self._is_indexed()

    def _is_indexed(self) -> bool:
        canonical = {one.terms for one in self.stage.deposits()}
        stored = {(int(r["order_id"]), int(r["recipient"]), int(r["amount_wei"])) for r in self._rows()}
        return {one[:3] for one in canonical} <= stored

    def _everything_ended_as_it_must(self) -> None:
        canonical = {one.terms for one in self.stage.deposits()}
        rows = {(int(r["order_id"]), int(r["recipient"]), int(r["amount_wei"])): r for r in self._rows()}
        for terms, order in self.known.items():
            row = rows.get(terms[:3])
            if row is None:
                assert terms not in canonical, f"order {terms} was never indexed"
                continue
            if self._is_there_with_another_fee(terms, canonical):
                continue
            assert _end(row) in ends(order, self._fate(order, canonical)), (order, row)
            assert (row["state"] == "completed") <= self.stage.is_closed(order.order_id)

    def _books_hold_what_both_chains_hold(self) -> None:
        names = ("bridge:earned", "bridge:fees", "bridge:messages", "bridge:lost:zksync", "bridge:owed:zksync")
        held = dict.fromkeys(names, 0)
        for row in self.house.rows(
            "select name, balance from kernel.ledger_accounts where name = any(%(n)s)", n=[*names]
        ):
            held[row["name"]] += int(row["balance"])
        profit_wei = -held[names[0]] - held[names[1]] - held[names[2]] - held[names[3]]
        canonical = {one.terms for one in self.stage.deposits()}
        fates = {
            order: self._fate(order, canonical)
            for terms, order in self.known.items()
            if not self._is_there_with_another_fee(terms, canonical)
        }

        assert held["bridge:owed:zksync"] == 0
        assert self.stage.our_wei() == profit_wei
        assert sums(fates) == -held["bridge:earned"] - held["bridge:lost:zksync"]
        self.stage.l1.mine(3)
        self.stage.l2.mine(self.stage.l2.final_after + 1)
        self.clock.advance(60.0)
        assert [str(getattr(self.house.check(chain), "verdict", None)) for chain in (L1, L2)] == ["balanced"] * 2

    # What the model is told.

    def _is_there_with_another_fee(
        self, terms: tuple[int, int, int, int], canonical: set[tuple[int, int, int, int]]
    ) -> bool:
        """After a reorganisation: one payment is of both, and the escrow repays the fee that is there."""
        return terms not in canonical and any(one[:3] == terms[:3] for one in canonical)

    def _learn(self) -> None:
        self.known |= {one.terms: one for one in self.stage.deposits()}

    def _before_reorganisation(self, depth: int) -> None:
        """Who is dropped now must not have been paid for unless it lay deep enough at some time."""
        head = self.stage.l2.head
        for order in self.stage.deposits():
            needed = blocks_needed(order.amount_wei)
            lies = head - order.block + 1
            if needed is not None and lies >= needed:
                self.deep_enough.add(order.terms[:3])
            elif order.block > head - depth and order.terms[:3] not in self.deep_enough:
                ours = [(one.recipient, one.amount_wei) for one in self._ours(order.order_id)]
                assert (person(order.recipient), order.amount_wei) not in ours, f"{order} was paid too early"

    def _fate(self, order: Locked, canonical: set[tuple[int, int, int, int]]) -> Fate:
        made = [
            one.payer
            for one in self.stage.payments(order.order_id)
            if (one.recipient, one.amount_wei) == (person(order.recipient), order.amount_wei)
        ]
        return Fate(
            on_chain=order.terms in canonical,
            paid_by_us=made.count(self.stage.payer),
            paid_by_others=made.count(RIVAL),
            refused=self.has_refused and order.recipient == MOODY,
        )

    def _work(self, most: int) -> None:
        """Work, while no block comes: what is promised now rests on the chain as it is now."""
        self.house.work(most)
        rows = self.house.rows("select * from bridge.orders where state not in ('pending', 'processing', 'dropped')")
        fresh = [row for row in rows if (int(row["order_id"]), row["generation"]) not in self.promised]
        places = {one.terms[:3]: self.stage.l2.head - one.block + 1 for one in self.stage.deposits()} if fresh else {}
        for row in fresh:
            self.promised.add((int(row["order_id"]), row["generation"]))
            terms = (int(row["order_id"]), int(row["recipient"]), int(row["amount_wei"]))
            needed = blocks_needed(terms[2])
            assert needed is not None
            assert places.get(terms, 0) >= needed, f"{terms} was promised too early"

    def _ours(self, order_id: int) -> list[Any]:
        return [one for one in self.stage.payments(order_id) if one.payer == self.stage.payer]

    def _rows(self) -> list[dict[str, Any]]:
        return self.house.rows("select * from bridge.orders order by origin, order_id, generation")

    def _crons(self) -> None:
        with suppress(Transient):
            self.house.minute()


def _is_ours(terms: tuple[int, int, int, int]) -> bool:
    return terms[2] <= AMOUNT_MAX_WEI and terms[3] > FEE_TOO_LOW_WEI


def _end(row: dict[str, Any]) -> End | str:
    if row["state"] == "completed":
        return End.COMPLETED
    if row["state"] == "dropped":
        return End.FORGOTTEN if row["reason"] == "reorganised" else End(row["reason"])
    return End.LOST if row["is_lost"] else f"{row['state']} {row['reason']}"


@pytest.mark.timeout(20_000)
@pytest.mark.parametrize("share", range(SHARES))
@pytest.mark.parametrize("version", Version)
def test_whatever_happens_orders_come_to_the_end_that_the_model_names(
    databases: Databases,
    version: Version,
    share: int,
    volume: Callable[[int, int], int],
    record_property: Callable[[str, object], None],
) -> None:
    """Every order of deposits, reorganisations, outages, lies, deaths, rivals and time; both registries."""
    orders, seed, count = volume(3 * BEGIN, 50_000 // SHARES), SEED + share, [0]
    begin = BEGIN_MANY if IS_SOAK else BEGIN
    record_property("seed", seed)
    told = {"databases": databases, "version": version, "count": count, "begin": begin}
    run_machine(type("BridgeLife", (BridgeLife,), told), examples=orders // begin, steps=40, seed=seed)

    assert count[0] >= orders
