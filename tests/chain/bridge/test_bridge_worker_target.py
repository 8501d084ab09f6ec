"""What a worker is told is asked of the chains before anything is paid, and a slip is named in one sentence."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from functions.bridge.core.registry import Version
from infra.local.bridge.deployment import L1_CHAIN_ID, L2_CHAIN_ID, MARKET_MAKER_WEI
from infra.local.bridge.target import Side, Target, TargetUnusable, check, settled_wei
from infra.local.bridge.world import World
from infra.local.flare.accounts import dev_account

pytestmark = pytest.mark.chain

NOWHERE = "0x000000000000000000000000000000000000dEaD"


@pytest.fixture
def world(start_bridge_world: Callable[..., World]) -> World:
    """Two chains that mine each transaction at once."""
    return start_bridge_world()


def target(world: World, version: Version = Version.V2) -> Target:
    """What serves one generation of a world."""
    one = world.generations[version]
    return Target(
        l1=Side(name="L1", urls=(world.l1.url,), chain_id=L1_CHAIN_ID, contract=one.registry.address),
        l2=Side(name="L2", urls=(world.l2.url,), chain_id=L2_CHAIN_ID, contract=one.escrow.address),
        version=version,
        private_key=one.market_maker.private_key,
        confirmations=1,
        start_block=0,
    )


def refusal(wrong: Target) -> str:
    """The sentence by which a target is refused."""
    with pytest.raises(TargetUnusable) as refused:
        check(wrong)
    return str(refused.value)


@pytest.mark.parametrize("version", list(Version))
def test_what_fits_is_taken(world: World, version: Version) -> None:
    """Of either generation; the answer is what the signer holds."""
    assert MARKET_MAKER_WEI == check(target(world, version)).held_wei


def test_a_wrong_chain_id_is_named(world: World) -> None:
    """Also where it is the second endpoint's."""
    right = target(world)
    first = refusal(replace(right, l1=replace(right.l1, chain_id=1)))
    second = refusal(replace(right, l2=replace(right.l2, urls=(world.l2.url, world.l1.url))))

    assert f"is chain {L1_CHAIN_ID}, and L1 was to be chain 1" in first
    assert f"is chain {L1_CHAIN_ID}, and L2 was to be chain {L2_CHAIN_ID}" in second


def test_a_missing_contract_is_named(world: World) -> None:
    """On either side."""
    right = target(world)
    registry = refusal(replace(right, l1=replace(right.l1, contract=NOWHERE)))
    escrow = refusal(replace(right, l2=replace(right.l2, contract=NOWHERE)))

    assert f"no contract at {NOWHERE} on L1 (chain {L1_CHAIN_ID}), where the registry was to be" in registry
    assert f"no contract at {NOWHERE} on L2 (chain {L2_CHAIN_ID}), where the escrow was to be" in escrow


def test_the_other_generation_is_named(world: World) -> None:
    """Either way round: calls of one are no calls of the other."""
    first = refusal(replace(target(world, Version.V1), version=Version.V2))
    second = refusal(replace(target(world, Version.V2), version=Version.V1))

    assert "is of version 1, and was to be of version 2" in first
    assert "is of version 2, and was to be of version 1" in second


def test_a_contract_that_is_no_registry_is_named(world: World) -> None:
    """It knows no `transfers`."""
    right = target(world)

    assert "is no payment registry" in refusal(replace(right, l1=replace(right.l1, contract=world.mailbox.address)))


def test_a_key_that_may_not_claim_is_refused(world: World) -> None:
    """What it paid would be lost."""
    stranger = dev_account("bridge", "stranger")
    world.l1.rpc("anvil_setBalance", stranger.address, hex(10**18))

    assert "claim nothing" in refusal(replace(target(world), private_key=stranger.private_key))


def test_an_empty_wallet_is_named(world: World) -> None:
    """With its address, for whoever is to fill it."""
    right = target(world)
    world.l1.rpc("anvil_setBalance", right.signer, "0x0")

    assert f"{right.signer} holds nothing on L1" in refusal(right)


def test_money_counts_once_its_block_is_final(world: World) -> None:
    """By a number of blocks, its own included, or by what the chain calls final: two blocks behind here."""
    counted = replace(target(world), confirmations=2)
    called = replace(counted, confirmations=None)
    world.l1.mine(3)
    world.l1.rpc("anvil_setBalance", counted.signer, "0x0")
    world.l1.mine(3)
    giver = world.l1.rpc("eth_accounts")[0]
    world.l1.send(**{"from": giver, "to": counted.signer, "value": hex(5)})
    seen = [(settled_wei(counted), settled_wei(called))]
    for _ in range(2):
        world.l1.mine()
        seen.append((settled_wei(counted), settled_wei(called)))

    assert [(0, 0), (5, 0), (5, 5)] == seen


def test_a_silent_endpoint_is_named_without_its_path(world: World) -> None:
    """The path of an RPC address often is a credential."""
    right, gone = target(world), "http://127.0.0.1:9"
    said = refusal(replace(right, l1=replace(right.l1, urls=(f"{gone}/secret",))))

    assert f"Nothing at {gone} answers as an RPC endpoint of L1" in said
    assert "secret" not in said
