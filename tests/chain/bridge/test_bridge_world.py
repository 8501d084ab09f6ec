"""The bridge's world: both registries, the escrows that obey them, and the relayer between the chains."""

import time
from collections.abc import Callable, Sequence

import pytest

from functions.bridge.core.escrow import L2_ETHER, MINT
from functions.bridge.core.registry import Family, L2Gas, Payment, Version, chain_of, claim_call, transfer_call
from infra.local.bridge.bootloader import alias
from infra.local.bridge.deployment import MARKET_MAKER_WEI, USERS, WorldExists, deploy_world
from infra.local.bridge.relayer import Relayer
from infra.local.bridge.world import Wish, World
from infra.local.evm_reading import ask, balance
from infra.local.flare.accounts import dev_account

pytestmark = pytest.mark.chain

RECIPIENT = dev_account("bridge", "recipient").address
AMOUNT_WEI, FEE_WEI = 10**16, 10**15
GAS = L2Gas(limit=500_000, per_pubdata_byte=800)
MESSAGE_WEI = 10**15
VERSIONS = pytest.mark.parametrize("version", list(Version))


@pytest.fixture
def world(start_bridge_world: Callable[..., World]) -> World:
    """Two chains that mine each transaction at once."""
    return start_bridge_world()


@pytest.fixture
def relayer(world: World) -> Relayer:
    """One that goes step by step."""
    return Relayer(world)


def wish(world: World, version: Version, number: int = 0) -> Wish:
    """The order of one user; each of another amount."""
    return Wish(
        user=world.users[number],
        version=version,
        recipient=RECIPIENT,
        amount_wei=AMOUNT_WEI + number,
        fee_wei=FEE_WEI,
    )


def payment(version: Version, number: int) -> Payment:
    """The payment that such an order asks for."""
    chain = chain_of(version, Family.ZKSYNC)
    return Payment(order_id=number, recipient=RECIPIENT, amount_wei=AMOUNT_WEI + number, chain=chain)


def pay(world: World, version: Version, numbers: Sequence[int] = (0,)) -> None:
    """The market maker pays orders."""
    for number in numbers:
        _from_maker(world, version, transfer_call(version, payment(version, number)), AMOUNT_WEI + number)


def claim(world: World, version: Version, numbers: Sequence[int] = (0,), gas: L2Gas = GAS) -> None:
    """The market maker claims what was paid for orders."""
    payments = [payment(version, number) for number in numbers]
    _from_maker(world, version, claim_call(version, Family.ZKSYNC, payments, gas), MESSAGE_WEI)


def _from_maker(world: World, version: Version, call: bytes, value_wei: int) -> None:
    one = world.generations[version]
    maker = one.market_maker.address
    world.l1.rpc("anvil_impersonateAccount", maker)
    hashed = world.l1.send(
        **{
            "from": maker,
            "to": one.registry.address,
            "data": f"0x{call.hex()}",
            "value": hex(value_wei),
        }
    )
    world.l1.wait_until_mined()
    assert world.l1.rpc("eth_getTransactionReceipt", hashed)["status"] == "0x1"


def carry(world: World, relayer: Relayer) -> int:
    """One turn of the relayer, and the blocks that its calls are in."""
    carried = relayer.turn()
    world.l2.wait_until_mined()
    return carried


def given_back(world: World, account: str) -> int:
    """What messages have left of their fees; each leaves something."""
    topics = ["0x" + MINT.hex(), "0x" + account[2:].rjust(64, "0")]
    wanted = {"address": L2_ETHER, "topics": topics, "fromBlock": "0x0", "toBlock": "latest"}
    amounts = [int(log["data"], 16) for log in world.l2.rpc("eth_getLogs", wanted)]
    assert all(0 < amount < MESSAGE_WEI for amount in amounts)
    return sum(amounts)


@VERSIONS
def test_an_order_goes_round_both_chains_and_repays_its_market_maker(
    world: World, relayer: Relayer, version: Version
) -> None:
    """Locked on L2, paid and claimed on L1, carried by the relayer, closed on L2."""
    [deposit] = world.lock([wish(world, version)])
    assert world.is_pending(version, 0)

    pay(world, version)
    claim(world, version)
    carried = carry(world, relayer)

    maker = world.generations[version].market_maker.address
    assert (0, AMOUNT_WEI, FEE_WEI) == (deposit.key.order_id, deposit.amount_wei, deposit.fee_wei)
    assert int(RECIPIENT, 16) == deposit.recipient
    assert [deposit] == world.deposits(version)
    assert [0] == [paid["orderId"] for paid in world.payments(version)]
    assert carried == 1
    assert AMOUNT_WEI == balance(world.l1, RECIPIENT)
    assert not world.is_pending(version, 0)
    assert AMOUNT_WEI + FEE_WEI == balance(world.l2, maker) - given_back(world, maker)


def test_a_batch_of_claims_is_one_message(world: World, relayer: Relayer) -> None:
    """The second generation's registry has several orders repaid by one call."""
    world.lock([wish(world, Version.V2, number) for number in range(3)])
    pay(world, Version.V2, range(3))
    claim(world, Version.V2, range(3))

    assert carry(world, relayer) == 1
    assert not any(world.is_pending(Version.V2, number) for number in range(3))


def test_worlds_are_alike_and_a_chain_has_one(world: World, start_bridge_world: Callable[..., World]) -> None:
    """Addresses of contracts, users and market makers follow from names; a second deployment is refused."""
    other = start_bridge_world()

    assert USERS == len({user.address for user in world.users})
    assert world.users == other.users
    assert world.generations == other.generations
    assert all(MARKET_MAKER_WEI == balance(other.l1, one.market_maker.address) for one in other.generations.values())
    with pytest.raises(WorldExists):
        deploy_world(world.l1, world.l2)


def test_each_escrow_obeys_its_registry_alone(world: World) -> None:
    """An escrow names the alias of the registry of its generation."""
    for one in world.generations.values():
        expected = alias(one.registry.address).lower()

        assert (expected,) == ask(world.l2, one.escrow, "registryAlias")
        assert (one.escrow.address.lower(),) == ask(world.l1, one.registry, "zkSyncEscrow")


def test_a_message_waits_for_its_delay(world: World) -> None:
    """Nothing is carried before its time; afterwards once."""
    relayer = Relayer(world, delay_s=3600)
    world.lock([wish(world, Version.V2)])
    pay(world, Version.V2)
    claim(world, Version.V2)
    assert carry(world, relayer) == 0

    [message] = relayer.messages.values()
    message.due_s = time.monotonic()

    assert [1, 0] == [carry(world, relayer), carry(world, relayer)]
    assert not world.is_pending(Version.V2, 0)


def test_a_message_waits_for_its_confirmations(world: World) -> None:
    """What is not deep enough on L1 is not seen."""
    relayer = Relayer(world, confirmations=2)
    world.lock([wish(world, Version.V2)])
    pay(world, Version.V2)
    claim(world, Version.V2)
    assert carry(world, relayer) == 0

    world.l1.mine(2)

    assert carry(world, relayer) == 1


def test_a_dropped_message_never_arrives_and_the_next_one_does(world: World, relayer: Relayer) -> None:
    """A second claim of the same order is a message of its own."""
    world.lock([wish(world, Version.V2)])
    pay(world, Version.V2)
    relayer.drop(1)
    claim(world, Version.V2)
    assert [0, 0] == [carry(world, relayer), carry(world, relayer)]
    assert world.is_pending(Version.V2, 0)

    claim(world, Version.V2)

    assert carry(world, relayer) == 1
    assert [0] == [message.tx_id for message in relayer.dropped]
    assert [1] == [message.tx_id for message in relayer.carried]
    assert not world.is_pending(Version.V2, 0)


def test_a_held_relayer_carries_nothing(world: World, relayer: Relayer) -> None:
    """Until it is released."""
    world.lock([wish(world, Version.V2)])
    pay(world, Version.V2)
    claim(world, Version.V2)
    relayer.hold()
    assert carry(world, relayer) == 0

    relayer.release()

    assert carry(world, relayer) == 1


def test_a_call_that_the_l2_forgets_is_made_again(world: World, relayer: Relayer) -> None:
    """A reorganisation drops the block of a claim; the deposit, in an older block, stays."""
    world.lock([wish(world, Version.V2)])
    world.l2.mine(3)
    pay(world, Version.V2)
    claim(world, Version.V2)
    carry(world, relayer)
    assert not world.is_pending(Version.V2, 0)

    world.l2.rpc("anvil_reorg", 1, [])
    assert world.is_pending(Version.V2, 0)
    made = carry(world, relayer)

    assert made == 1
    assert not world.is_pending(Version.V2, 0)


def test_a_message_that_l1_forgets_and_has_again_is_carried_once_more(world: World, relayer: Relayer) -> None:
    """Its transaction has another hash then; the escrow refuses the second call."""
    world.lock([wish(world, Version.V2)])
    pay(world, Version.V2)
    world.l1.mine(3)
    claim(world, Version.V2)
    carry(world, relayer)

    world.l1.rpc("anvil_reorg", 1, [])
    claim(world, Version.V2, gas=L2Gas(limit=GAS.limit + 1, per_pubdata_byte=GAS.per_pubdata_byte))
    carry(world, relayer)

    maker = world.generations[Version.V2].market_maker.address
    assert len(relayer.carried) == 2
    assert AMOUNT_WEI + FEE_WEI == balance(world.l2, maker) - given_back(world, maker)


def test_a_call_with_too_little_gas_fails_on_l2(world: World, relayer: Relayer) -> None:
    """The message carries its gas limit; the order stays open, and another claim closes it."""
    world.lock([wish(world, Version.V2)])
    pay(world, Version.V2)
    claim(world, Version.V2, gas=L2Gas(limit=40_000, per_pubdata_byte=800))
    carry(world, relayer)
    assert world.is_pending(Version.V2, 0)

    claim(world, Version.V2)
    carry(world, relayer)

    assert not world.is_pending(Version.V2, 0)


def test_a_stranger_at_the_mailbox_closes_nothing(world: World, relayer: Relayer) -> None:
    """The alias is that of who asked the mailbox, so the escrow knows that it was not its registry."""
    world.lock([wish(world, Version.V2)])
    stranger, escrow = world.l1.rpc("eth_accounts")[0], world.generations[Version.V2].escrow
    call = escrow.data("claim_payment", 0, RECIPIENT, AMOUNT_WEI)
    asked = world.mailbox.data("requestL2Transaction", escrow.address, 0, call, GAS.limit, 800, [], stranger)

    world.l1.send(
        **{
            "from": stranger,
            "to": world.mailbox.address,
            "data": f"0x{asked.hex()}",
            "value": hex(MESSAGE_WEI),
        }
    )

    assert carry(world, relayer) == 1
    assert world.is_pending(Version.V2, 0)


def test_twenty_users_lock_on_a_chain_with_a_block_time(start_bridge_world: Callable[..., World]) -> None:
    """Two orders of each user in one go; every deposit is that of its wish."""
    world = start_bridge_world(l1_block_time_s=0.2, l2_block_time_s=0.1)
    wishes = [wish(world, Version.V1, number) for number in range(USERS)] * 2

    deposits = world.lock(wishes)

    assert sorted(deposit.key.order_id for deposit in deposits) == list(range(2 * USERS))
    assert [one.amount_wei for one in wishes] == [deposit.amount_wei for deposit in deposits]


def test_the_relayer_works_by_itself(start_bridge_world: Callable[..., World]) -> None:
    """Its thread carries what is claimed while it runs."""
    world = start_bridge_world(l1_block_time_s=0.2, l2_block_time_s=0.1)
    world.lock([wish(world, Version.V1)])

    with Relayer(world, delay_s=0.1, every_s=0.02):
        pay(world, Version.V1)
        claim(world, Version.V1)
        world.l2.child.wait_until(lambda: not world.is_pending(Version.V1, 0))

    maker = world.generations[Version.V1].market_maker.address
    assert AMOUNT_WEI + FEE_WEI == balance(world.l2, maker) - given_back(world, maker)
