"""A seeded storm: many obligations, dying workers, lying nodes, late bytes, and then the account is closed."""

import os
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from infra.local.fault_proxy import FaultProxy
from infra.local.faults import Faults
from infra.local.solana import LAMPORTS_PER_SOL
from kernel.outbox.solana import SolanaOutbox, State
from kernel.solana.pool import SolanaPool
from kernel.solana.transactions import system_transfer
from tests.chain.outbox_solana.desk import AMOUNT_LAMPORTS, Desk, DyingPool, DyingSigner, recipient
from tests.chain.outbox_solana.nonces import advance_elsewhere, nonce_account

pytestmark = pytest.mark.chain

FIRST_SEED, OBLIGATIONS, NONCES, ROUNDS_MAX = 812_576, 12, 2, 600
FAULTS = [
    Faults(),
    Faults(),
    Faults(send="error"),
    Faults(send="lost"),
    Faults(send="swallowed"),
    Faults(send="swallowed"),
    Faults(failure="http_500", failure_rate=0.3),
    Faults(failure="rpc_error", failure_rate=0.3),
    Faults(outage=True),
]
# One of two may lie; against two who tell the same lie nobody is safe.
LIES = [Faults(signatures="forgotten"), Faults(height_offset=500), Faults(signatures="invented")]


class Storm:
    """Draws what happens next from a seed."""

    def __init__(self, desk: Desk, proxy: FaultProxy, seed: int) -> None:
        self.desk, self.proxy, self.dice = desk, proxy, random.Random(seed)
        self.nonces = [nonce_account(desk, f"nonce {seed}-{number}") for number in range(NONCES)]
        self.foreign_lamports = 0
        self.open: set[str] = set()

    def outbox(self) -> SolanaOutbox:
        """A worker, often one that is going to die at a point of its own."""
        desk, fate = self.desk, self.dice.random()
        if fate < 0.1:
            return desk.outbox(signer=DyingSigner(desk.seed))
        if fate < 0.25:
            return desk.outbox(pool=DyingPool(desk.urls, desk.clock, after_sending=self.dice.random() < 0.5))
        return desk.outbox()

    def record(self, key: str) -> None:
        """One obligation: sometimes one that expires, that fails on the chain, or that lives by a durable nonce."""
        dice = self.dice
        changes: dict[str, Any] = {}
        if dice.random() < 0.3:
            changes["valid_until"] = self.desk.clock.now() + timedelta(seconds=dice.randint(1, 200))
        if dice.random() < 0.1:
            much = system_transfer(self.desk.payer, recipient(key), 10_000 * LAMPORTS_PER_SOL)
            changes |= {"instructions": (much,), "compute_unit_limit": 2_000}
        if dice.random() < 0.4:
            changes["durable_nonce"] = dice.choice(self.nonces)
        self.desk.record(key, **changes)
        self.open.add(key)

    def blow(self) -> None:
        """One turn of the world: time, blocks, faults, a nonce advanced elsewhere, bytes of long ago that arrive."""
        desk, dice = self.desk, self.dice
        desk.clock.advance(dice.choice([0, 1, 5, 35, 70]))
        desk.node.mine(dice.choice([1, 1, 5, 20, 40, 185]))
        liar = dice.choice((*self.proxy.identities, *[None] * 6))
        self.proxy.heal()  # so that the lie of one turn has ended before another begins
        for identity in self.proxy.identities:
            faults = dice.choice(LIES if identity is liar else FAULTS)
            identity.inject(replace(faults, seed=dice.getrandbits(30)))
        if dice.random() < 0.05:
            before = desk.node.balance(desk.payer)
            advance_elsewhere(desk, dice.choice(self.nonces))
            self.foreign_lamports += before - desk.node.balance(desk.payer)
        if dice.random() < 0.3:
            for row in desk.rows("select raw from kernel.solana_payloads order by random() limit 2"):
                SolanaPool((desk.node.url,), "localnet").broadcast(bytes(row["raw"]))
                desk.node.mine()

    def work(self, key: str) -> None:
        """A worker takes the task if it is due, and does what it can or dies."""
        self.desk.try_step(key, self.outbox)
        if self.desk.entry(key).settled:
            self.open.discard(key)


def test_storms_leave_every_solana_obligation_with_exactly_one_end(
    faulty_desk: Desk,
    faults: FaultProxy,
    volume: Callable[[int, int], int],
    record_property: Callable[[str, object], None],
) -> None:
    """Each seed is a storm over a payer of its own."""
    seeds = range(FIRST_SEED, FIRST_SEED + volume(1, 60))
    record_property("seed", FIRST_SEED)
    for seed in seeds:
        faults.heal()
        weather(replace(faulty_desk, seed=os.urandom(32)), faults, seed)


def weather(desk: Desk, proxy: FaultProxy, seed: int) -> None:
    """One storm. Confirmed: paid once. Failed or cancelled: not at all. Every lamport of the payer is accounted for."""
    storm = Storm(desk, proxy, seed)
    keys = [f"{seed}-{number}" for number in range(OBLIGATIONS)]
    for key in keys:
        storm.record(key)
    for _ in range(ROUNDS_MAX):
        if not storm.open:
            break
        storm.blow()
        for key in storm.dice.sample(sorted(storm.open), k=min(4, len(storm.open))):
            storm.work(key)
        if storm.dice.random() < 0.3:
            proxy.heal()
    proxy.heal()
    for key in sorted(storm.open):
        desk.settle(key)

    entries = [desk.entry(key) for key in keys]
    expected = {entry.business_key: int(entry.state == State.CONFIRMED) for entry in entries}
    assert expected == {key: desk.effects(key) for key in keys}, f"seed {seed}"
    assert {None} == {entry.alarm for entry in entries}, f"seed {seed}"
    spent = sum(entry.fee_lamports or 0 for entry in entries) + AMOUNT_LAMPORTS * sum(expected.values())
    left = 100 * LAMPORTS_PER_SOL - spent - storm.foreign_lamports
    assert left == desk.node.balance(desk.payer), f"seed {seed}"
