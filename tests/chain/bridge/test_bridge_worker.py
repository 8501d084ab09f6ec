"""The worker as people start it: a process that is told of a bridge, fills its orders, and may die at any moment."""

import os
import signal
from collections.abc import Callable, Iterator

import pytest

from functions.bridge.core.registry import Version
from infra.local.bridge.relayer import Relayer
from infra.local.bridge.world import Wish, World
from infra.local.children import Child, Children
from infra.local.evm_reading import balance
from infra.local.flare.accounts import dev_account

pytestmark = pytest.mark.chain

RECIPIENT = dev_account("bridge", "recipient").address
AMOUNT_WEI, FEE_WEI = 10**16, 10**16
WITHIN_S = 240.0


@pytest.fixture
def world(start_bridge_world: Callable[..., World]) -> Iterator[World]:
    """Chains of quick blocks, with a relayer between them."""
    world = start_bridge_world(l1_block_time_s=0.5, l2_block_time_s=0.5)
    with Relayer(world):
        yield world


def start_worker(children: Children, world: World, version: Version, name: str) -> Child:
    """One for a generation of the world."""
    one = world.generations[version]
    told = {
        "l1-rpc": world.l1.url,
        "l1-chain-id": world.l1.chain_id,
        "registry": one.registry.address,
        "registry-version": version.value,
        "l2-rpc": world.l2.url,
        "l2-chain-id": world.l2.chain_id,
        "escrow": one.escrow.address,
        "confirmations": 2,
        "l2-confirmations": 3,
    }
    options = [word for name, value in told.items() for word in (f"--{name}", str(value))]
    key = {"BRIDGE_PRIVATE_KEY": one.market_maker.private_key.hex()}
    return children.start_python(name, "infra.local.bridge.worker", *options, env=key)


def lock(world: World, version: Version) -> None:
    """An order of one user."""
    world.lock(
        [Wish(user=world.users[0], version=version, recipient=RECIPIENT, amount_wei=AMOUNT_WEI, fee_wei=FEE_WEI)]
    )


def test_a_worker_that_dies_with_all_it_knows_is_followed_by_one_that_pays_nothing_twice(
    children: Children, world: World
) -> None:
    """Killed once the order is paid, its database gone: the next one finds the payment, claims it and sees the end."""
    lock(world, Version.V2)
    first = start_worker(children, world, Version.V2, "bridge-worker-1")
    first.wait_until(lambda: bool(world.payments(Version.V2)), WITHIN_S)
    os.killpg(first.pid, signal.SIGKILL)
    children.forget(first)

    second = start_worker(children, world, Version.V2, "bridge-worker-2")
    second.wait_until(lambda: not world.is_pending(Version.V2, 0), WITHIN_S)
    second.wait_until(lambda: "completed" in second.last_lines(), WITHIN_S)
    second.popen.send_signal(signal.SIGINT)
    ended, told = second.popen.wait(30), second.log.read_text(encoding="utf-8")
    children.forget(second)

    assert ended == 0
    assert len(world.payments(Version.V2)) == 1
    assert AMOUNT_WEI == balance(world.l1, RECIPIENT)
    repaid = balance(world.l2, world.generations[Version.V2].market_maker.address)
    # Beside them comes what the network did not use of the claim's message.
    assert AMOUNT_WEI + FEE_WEI < repaid < AMOUNT_WEI + FEE_WEI + FEE_WEI // 10
    assert "find" in told
