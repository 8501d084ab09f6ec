"""The model of `tests/integration/bridge/model.py` on real nodes: fewer orders, two anvils, each behind two identities.

What simulated chains do by the hundred thousand is done here by the dozen: outages, stale heads, lost answers to
broadcasts, reorganisations, deaths.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from functions.bridge.core.registry import Version
from infra.local.anvil import AnvilNode
from infra.local.bridge.world import World
from infra.local.evm_reading import balance
from kernel.errors import Transient
from tests.chain.bridge.desk import AMOUNT_WEI, ETHER, FEE_WEI, Desk
from tests.databases import Databases
from tests.integration.bridge.model import Fate, ends
from tests.integration.bridge.stage import Locked
from tests.machines import run_machine

pytestmark = [pytest.mark.chain, pytest.mark.timeout(7_200)]

ROUNDS_MAX = 120
AMOUNTS = st.sampled_from([AMOUNT_WEI, 2 * AMOUNT_WEI, ETHER // 5])
FAULTS = st.sampled_from(
    [
        {"outage": True},
        {"failure": "rpc_error", "failure_rate": 0.5},
        {"failure": "http_500", "methods": ("eth_getLogs",)},
        {"send": "error"},
        {"send": "lost"},
        {"logs_left_out": 1},
    ]
)


class BridgeWalk(RuleBasedStateMachine):
    """One database and one world a walk."""

    databases: Databases
    start_world: Callable[..., World]

    def __init__(self) -> None:
        super().__init__()
        self.url, world = self.databases.take(), self.start_world(proxied=True)
        self.desk = Desk(world, Version.V2, self.url, l1=world.l1.proxy_urls, l2=world.l2.proxy_urls)
        self.chains: tuple[AnvilNode, AnvilNode] = (world.l1, world.l2)
        self.began_wei = self._wei()
        self.known: dict[tuple[int, int, int, int], Locked] = {}

    @initialize(amounts=st.lists(AMOUNTS, min_size=2, max_size=3))
    def begin_with_orders(self, amounts: list[int]) -> None:
        for amount_wei in amounts:
            self.lock(amount_wei)

    @rule(amount_wei=AMOUNTS)
    def lock(self, amount_wei: int) -> None:
        self.desk.lock(amount_wei, FEE_WEI, user=len(self.known) % 20)
        self._learn()

    @rule(blocks=st.sampled_from([1, 2, 6]))
    def chains_go_on(self, blocks: int) -> None:
        self.desk.mine(blocks)

    @rule(depth=st.sampled_from([1, 2, 5]))
    def l2_loses_blocks(self, depth: int) -> None:
        """Their transactions are gone."""
        l2 = self.desk.world.l2
        l2.rpc("anvil_reorg", min(depth, l2.block_number() - self.desk.world.escrow_block - 1), [])
        l2.mine()

    @rule(is_l1=st.booleans(), which=st.sampled_from(["primary", "secondary"]), fault=FAULTS)
    def an_identity_fails(self, is_l1: bool, which: str, fault: dict[str, Any]) -> None:
        proxy = self.chains[0 if is_l1 else 1].proxy
        assert proxy is not None
        proxy[which].inject(**fault)

    @rule()
    def all_are_well(self) -> None:
        for chain in self.chains:
            assert chain.proxy is not None
            chain.proxy.heal()

    @rule(seconds=st.sampled_from([1.0, 10.0, 70.0]))
    def a_minute_is_worked(self, seconds: float) -> None:
        with suppress(Transient):
            self.desk.minute()
        self.desk.work(30)
        self.desk.clock.advance(seconds)

    @rule(points=st.integers(0, 30))
    def a_worker_dies(self, points: int) -> None:
        self.desk.doom.left = points
        self.desk.work(3)
        self.desk.doom.left = None

    @rule()
    def the_relayer_carries(self) -> None:
        self.desk.relayer.turn()
        self.desk.world.l2.wait_until_mined()

    def teardown(self) -> None:
        """Everybody is well, and all that can come to an end does."""
        try:
            self.all_are_well()
            self._rest()
            self._everything_ended_as_it_must()
        finally:
            self.desk.close()
            self.databases.give_back(self.url)

    def _rest(self) -> None:
        for _ in range(ROUNDS_MAX):
            with suppress(Transient):
                self.desk.turn(seconds=20.0)
            self._learn()
            stored = {terms[:3] for terms in self._rows()}
            still = self.desk.rows(
                "select 1 from bridge.orders where state not in ('completed', 'dropped') and not (is_lost and state = "
                "'fulfilled')"
            )
            told = self.desk.rows("select 1 from kernel.tasks where kind = 'bridge.chain_events' and state = 'ready'")
            if not still and not told and {terms[:3] for terms in self._canonical()} <= stored:
                return
        raise AssertionError(self.desk.rows("select * from bridge.orders"))

    def _everything_ended_as_it_must(self) -> None:
        canonical, rows = self._canonical(), self._rows()
        paid = [(order_id, int(recipient, 16), amount) for order_id, recipient, amount in self.desk.payments()]
        assert len(paid) == len(set(paid)), paid
        assert set(paid) <= {terms[:3] for terms in self.known}, paid
        for terms, order in self.known.items():
            fate = Fate(on_chain=terms in canonical, paid_by_us=paid.count(terms[:3]), paid_by_others=0)
            row = rows.get(terms)
            assert row is not None or not fate.on_chain, f"{terms} was never indexed"
            assert row is None or row in {str(end) for end in ends(order, fate)}, (terms, row)
        accounts = ("bridge:earned", "bridge:fees", "bridge:messages", "bridge:refunded", "bridge:lost:zksync")
        held = self.desk.rows("select balance from kernel.ledger_accounts where name = any(%(n)s)", n=[*accounts])
        assert self._wei() - self.began_wei == -sum(int(row["balance"]) for row in held)

    def _rows(self) -> dict[tuple[int, int, int, int], str]:
        """The end of every order by its terms: of an id's deposits each has its own."""
        rows = self.desk.rows("select * from bridge.orders order by order_id, generation")
        return {
            (int(one["order_id"]), int(one["recipient"]), int(one["amount_wei"]), int(one["fee_wei"])): _end(one)
            for one in rows
        }

    def _canonical(self) -> set[tuple[int, int, int, int]]:
        return {
            (one.key.order_id, one.recipient, one.amount_wei, one.fee_wei)
            for one in self.desk.world.deposits(self.desk.version)
        }

    def _learn(self) -> None:
        for one in self.desk.world.deposits(self.desk.version):
            order = Locked(
                order_id=one.key.order_id,
                recipient=one.recipient,
                amount_wei=one.amount_wei,
                fee_wei=one.fee_wei,
                block=one.block_number,
                transaction=one.transaction_hash,
            )
            self.known[order.terms] = order

    def _wei(self) -> int:
        return sum(balance(chain, self.desk.settings.signer) for chain in self.chains)


def _end(row: dict[str, Any]) -> str:
    if row["state"] == "dropped":
        return "forgotten" if row["reason"] == "reorganised" else str(row["reason"])
    return "lost" if row["is_lost"] else str(row["state"])


def test_whatever_happens_on_real_chains_orders_come_to_their_ends(
    databases: Databases, start_bridge_world: Callable[..., World], volume: Callable[[int, int], int]
) -> None:
    """Outages, stale endpoints, lost answers, reorganisations and deaths; the books are both chains' to the wei."""
    attributes = {"databases": databases, "start_world": staticmethod(start_bridge_world)}
    run_machine(type("BridgeWalk", (BridgeWalk,), attributes), examples=volume(2, 100), steps=14)
