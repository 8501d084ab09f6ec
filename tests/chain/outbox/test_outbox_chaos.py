"""A seeded storm: many obligations, dying workers, lying nodes and a foreign wallet, and then the account is closed."""

import os
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from infra.local.anvil import RpcRefused
from infra.local.fault_proxy import FaultProxy
from infra.local.faults import Faults
from kernel.evm.blocks import hexadecimal
from kernel.outbox.evm import EvmOutbox, State
from tests.chain.outbox.desk import REVERTING_CODE, Desk, DyingPool, DyingSigner, recipient
from tests.chain.outbox.test_outbox_faults import spend_elsewhere

pytestmark = pytest.mark.chain

FIRST_SEED, OBLIGATIONS, ROUNDS_MAX = 812_576, 24, 400
FAULTS = [
    Faults(),
    Faults(),
    Faults(send="error"),
    Faults(send="lost"),
    Faults(send="swallowed"),
    Faults(failure="http_500", failure_rate=0.3),
    Faults(failure="rpc_error", failure_rate=0.3),
    Faults(outage=True),
]


class Storm:
    """Draws what happens next from a seed."""

    def __init__(self, desk: Desk, proxy: FaultProxy, seed: int) -> None:
        self.desk, self.proxy, self.dice = desk, proxy, random.Random(seed)
        self.open: set[str] = set()

    def outbox(self) -> EvmOutbox:
        """A worker, often one that is going to die at a point of its own."""
        desk, fate = self.desk, self.dice.random()
        if fate < 0.1:
            return desk.outbox(signer=DyingSigner(desk.private_key))
        if fate < 0.25:
            sent = self.dice.random() < 0.5
            return desk.outbox(pool=DyingPool(desk.urls, desk.node.chain_id, desk.clock, after_sending=sent))
        return desk.outbox()

    def record(self, key: str) -> None:
        """One obligation, sometimes one that expires, and sometimes one that reverts."""
        fate = self.dice.random()
        if fate < 0.2:
            self.desk.record(key, valid_until=self.desk.clock.now() + timedelta(seconds=self.dice.randint(1, 120)))
        elif fate < 0.3:
            self.desk.record(key, to=recipient("refuser"), gas_limit=100_000)
        else:
            self.desk.record(key)
        self.open.add(key)

    def blow(self) -> None:
        """One turn of the world: time, blocks, faults, a foreign transaction, a dropped one."""
        desk, dice = self.desk, self.dice
        desk.clock.advance(dice.choice([0, 1, 5, 35]))
        if dice.random() < 0.5:
            desk.node.mine()
        for identity in self.proxy.identities:
            identity.inject(replace(dice.choice(FAULTS), seed=dice.getrandbits(30)))
        if dice.random() < 0.05:
            with suppress(RpcRefused):  # its nonce may be pending with a higher fee of ours
                spend_elsewhere(desk)
        if dice.random() < 0.1:
            for row in desk.rows("select hash from kernel.evm_payloads order by random() limit 1"):
                desk.node.rpc("anvil_dropTransaction", hexadecimal(bytes(row["hash"])))

    def work(self, key: str) -> None:
        """A worker takes the task if it is due, and does what it can or dies."""
        self.desk.try_step(key, self.outbox)
        if self.desk.entry(key).settled:
            self.open.discard(key)


def test_storms_leave_every_obligation_with_exactly_one_end(
    faulty_desk: Desk,
    fault_proxy: FaultProxy,
    volume: Callable[[int, int], int],
    record_property: Callable[[str, object], None],
) -> None:
    """Each seed is a storm over a signer of its own."""
    seeds = range(FIRST_SEED, FIRST_SEED + volume(2, 100))
    record_property("seed", FIRST_SEED)
    faulty_desk.hold_blocks()
    faulty_desk.node.rpc("anvil_setCode", recipient("refuser"), REVERTING_CODE)
    for seed in seeds:
        fault_proxy.heal()
        weather(replace(faulty_desk, private_key=os.urandom(32)), fault_proxy, seed)


def weather(desk: Desk, proxy: FaultProxy, seed: int) -> None:
    """One storm. Confirmed: 7 wei arrived, once. Failed or cancelled: none. No nonce carries two obligations."""
    storm = Storm(desk, proxy, seed)
    keys = [f"{seed}-{number}" for number in range(OBLIGATIONS)]
    for position, key in enumerate(keys):
        storm.record(key)
        if position % 3 == 0:
            storm.blow()
            storm.work(storm.dice.choice(sorted(storm.open)))
            proxy.heal()
    for _ in range(ROUNDS_MAX):
        if not storm.open:
            break
        storm.blow()
        for key in storm.dice.sample(sorted(storm.open), k=min(4, len(storm.open))):
            storm.work(key)

    entries = [desk.entry(key) for key in keys]
    assert [entry for entry in entries if not entry.settled] == [], f"seed {seed}"
    expected = {entry.business_key: 7 if entry.state == State.CONFIRMED else 0 for entry in entries}
    assert {key: desk.received(key) for key in keys} == expected, f"seed {seed}"
    ours = [entry.nonce for entry in entries if entry.transaction_hash is not None]
    assert len(ours) == len(set(ours)), f"seed {seed}"
    assert max(ours) < desk.nonce(), f"seed {seed}"
    assert {entry.alarm for entry in entries} == {None}, f"seed {seed}"
