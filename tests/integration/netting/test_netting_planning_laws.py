"""Random markets on a real Postgres: solvent at every moment, no item twice, reservations exactly what is open."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from functions.netting.core.batch import SettlementEvent
from functions.netting.core.contents import deltas_of, items_of, settlement_of
from tests.integration.netting.floor import Floor, key
from tests.machines import run_machine

pytestmark = pytest.mark.integration
WALLETS = tuple("abcdef")
ITEMS = tuple(f"item-{number}" for number in range(6))
TABLES = ("reservations", "intents", "settlements", "unpinned_metadata", "batches", "wallet_balances", "item_ownership")
OPEN = """
    select batch, ordinal, content from netting.settlements where state not in ('indexed', 'abandoned')
    order by batch, ordinal
"""


class Market(RuleBasedStateMachine):
    """What may happen at one floor, in any order."""

    floor: Floor
    ends: Counter[str]

    @initialize(
        owners=st.lists(st.sampled_from(WALLETS), min_size=6, max_size=6),
        funds=st.lists(st.integers(0, 200), min_size=6, max_size=6),
    )
    def begin(self, owners: list[str], funds: list[int]) -> None:
        for table in TABLES:
            self.floor.change(f"delete from netting.{table}")
        for item, owner in zip(ITEMS, owners, strict=True):
            self.floor.own(owner, item)
        self.floor.fund(**dict(zip(WALLETS, funds, strict=True)))
        self.total = sum(funds)

    @rule(trade=st.permutations(WALLETS), item=st.sampled_from(ITEMS), amount=st.integers(1, 120))
    def intend(self, trade: list[str], item: str, amount: int) -> None:
        """Somebody sells, or pretends to."""
        owner = self.floor.rows("select owner from netting.item_ownership where item_id = %(item)s", item=item)[0][
            "owner"
        ]
        seller = next((name for name in WALLETS if key(name) == owner), trade[0]) if amount % 4 else trade[0]
        buyer = next(name for name in trade if name != seller)
        self.floor.intent(item, seller, buyer, amount)

    @rule()
    def net(self) -> None:
        """A netting task."""
        self.floor.clock.advance(1)
        self.floor.net()

    @rule(which=st.integers(0, 50), is_settled=st.booleans())
    def end(self, which: int, is_settled: bool) -> None:
        """A settlement is indexed, or given up."""
        rows = self.floor.rows(OPEN)
        if rows:
            (self._settle if is_settled else self._abandon)(rows[which % len(rows)])
            self.ends["settled" if is_settled else "given up"] += 1

    @rule(wallet=st.sampled_from(WALLETS), change=st.integers(-100, 100))
    def move_funds(self, wallet: str, change: int) -> None:
        """A deposit; or a withdrawal of what nobody has reserved."""
        if change < 0 and ("wallet", key(wallet)) in self.floor.reserved():
            return
        [row] = self.floor.rows(
            "select locked_lamports as held from netting.wallet_balances where wallet = %(w)s", w=key(wallet)
        )
        held = max(0, row["held"] + change)
        self.floor.fund(**{wallet: held})
        self.total += held - row["held"]

    def _settle(self, row: dict[str, Any]) -> None:
        plan = settlement_of(row["content"])
        for wallet, delta in deltas_of(plan).items():
            # Postgres checks a row before it sees the conflict, so nobody comes in by a debit.
            self.floor.change(
                "insert into netting.wallet_balances values (%(wallet)s, 0, 0, 1, %(now)s) on conflict do nothing",
                wallet=wallet,
            )
            self.floor.change(
                """update netting.wallet_balances set locked_lamports = locked_lamports + %(delta)s, read_at = %(now)s
                where wallet = %(wallet)s""",
                wallet=wallet,
                delta=delta,
            )
        for item, owner in items_of(plan).items():
            self.floor.change("update netting.item_ownership set owner = %(o)s where item_id = %(i)s", o=owner, i=item)
        self._moved(row, SettlementEvent.SEND, SettlementEvent.INDEX)
        self.floor.change(
            "update netting.intents set state = 'settled' where batch = %(batch)s and settlement = %(ordinal)s",
            batch=row["batch"],
            ordinal=row["ordinal"],
        )

    def _moved(self, row: dict[str, Any], *events: SettlementEvent) -> None:
        batches, postgres = self.floor.deps.batches, self.floor.deps.kernel.postgres
        with postgres.transaction() as tx:
            one = batches.settlement(tx, row["batch"], row["ordinal"], lock=True)
            for event in events:
                one = batches.move(tx, one, event)
            batches.release(tx, one)

    def _abandon(self, row: dict[str, Any]) -> None:
        batches, postgres = self.floor.deps.batches, self.floor.deps.kernel.postgres
        with postgres.transaction() as tx:
            batches.abandon(tx, batches.settlement(tx, row["batch"], row["ordinal"], lock=True), "item_gone")

    @invariant()
    def laws(self) -> None:
        """What must hold at every moment."""
        plans = [settlement_of(row["content"]) for row in self.floor.rows(OPEN)]
        held = {
            row["wallet"]: row["locked_lamports"] for row in self.floor.rows("select * from netting.wallet_balances")
        }
        owed: Counter[str] = Counter()
        items: list[str] = []
        for plan in plans:
            assert 0 == sum(deltas_of(plan).values())
            items += items_of(plan)
            owed.update({wallet: -delta for wallet, delta in deltas_of(plan).items() if delta < 0})
        assert len(items) == len(set(items))
        assert all(held.get(wallet, 0) >= amount for wallet, amount in owed.items())
        expected = {("item", item): None for item in items} | {("wallet", one): amount for one, amount in owed.items()}
        assert expected == self.floor.reserved()
        assert sum(held.values()) == getattr(self, "total", sum(held.values()))


def test_random_markets_stay_solvent(database_url: str, volume: Callable[[int, int], int]) -> None:
    """Whatever is sold, netted, settled, given up, deposited and withdrawn, in whatever order."""
    ends: Counter[str] = Counter()
    with Floor.open(database_url) as floor:
        machine = type("MarketHere", (Market,), {"floor": floor, "ends": ends})
        run_machine(machine, examples=volume(8, 400), steps=20, seed=4)

    assert {"settled", "given up"} == set(ends)
