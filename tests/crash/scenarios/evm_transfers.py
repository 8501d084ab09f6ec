"""Transfers on an EVM chain: one, and five of one commit."""

from tests.crash.harness.evm_desk import EvmDesk
from tests.crash.harness.scenario import scenario
from tests.crash.harness.world import World

FIVE = tuple(f"pay-{number}" for number in range(1, 6))


@scenario("evm-transfer", evm={}, in_test=True)
def evm_transfer(world: World) -> None:
    """Recorded, signed, sent, mined, final."""
    desk = EvmDesk(world)
    world.ask(lambda: desk.owe("pay-1"))
    desk.work()


@evm_transfer.preparation
def fund_the_signer(world: World) -> None:
    """Its first nonce is read once in its life."""
    EvmDesk(world).open()


@evm_transfer.verdict
def paid_once(world: World) -> None:
    """The recipient holds the amount, not twice it."""
    EvmDesk(world).assert_each_happened_once("pay-1")


@scenario("evm-batch", evm={})
def evm_batch(world: World) -> None:
    """Five nonces of one commit, in flight together."""
    desk = EvmDesk(world)
    world.ask(lambda: desk.owe(*FIVE))
    desk.work()


evm_batch.preparation(fund_the_signer)


@evm_batch.verdict
def each_paid_once(world: World) -> None:
    """All five, or none was ever promised."""
    EvmDesk(world).assert_each_happened_once(*FIVE)
