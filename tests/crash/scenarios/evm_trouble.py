"""What befalls an EVM transfer: too low a fee, too late a moment, a foreign wallet at its nonce, a reorganisation."""

from datetime import timedelta

from kernel.outbox.evm import Purpose, State
from tests.crash.harness.evm_desk import AMOUNT_WEI, EvmDesk
from tests.crash.harness.scenario import scenario
from tests.crash.harness.site import START
from tests.crash.harness.world import World

VALID_UNTIL = START + timedelta(seconds=40)
FOREIGN = "0x" + "ee" * 20
#: Safe and finalized are this far behind, so a transfer stays unfinal long enough to lose its block.
SLOTS = 8


def open_desk(world: World) -> None:
    """A funded signer, whose first nonce is known."""
    EvmDesk(world).open()


def paid_once(world: World) -> None:
    """The recipient holds the amount, not twice it."""
    EvmDesk(world).assert_each_happened_once("pay-1")


def hold_blocks(desk: EvmDesk) -> None:
    """From now on nothing is mined."""
    desk.chain.rpc("evm_setAutomine", False)


def let_blocks_flow(desk: EvmDesk) -> None:
    """From now on everything is mined at once."""
    desk.chain.rpc("evm_setAutomine", True)
    desk.chain.mine()


@scenario("evm-replacement", evm={})
def evm_replacement(world: World) -> None:
    """Nothing is mined until the transfer has been signed again for more."""
    desk = EvmDesk(world)
    world.once("blocks are held", lambda: hold_blocks(desk))
    world.ask(lambda: desk.owe("pay-1"))
    desk.work(until=lambda: desk.payloads("pay-1") >= 2, blocks=0)
    world.once("blocks flow", lambda: let_blocks_flow(desk))
    desk.work()


evm_replacement.preparation(open_desk)
evm_replacement.verdict(paid_once)


@scenario("evm-cancellation", evm={})
def evm_cancellation(world: World) -> None:
    """Nothing is mined until the effect is no longer wanted and a cancellation is on its way."""
    desk = EvmDesk(world)
    world.once("blocks are held", lambda: hold_blocks(desk))
    world.ask(lambda: desk.owe("pay-1", valid_until=VALID_UNTIL))
    desk.work(until=lambda: _cancelling(desk), blocks=0)
    world.once("blocks flow", lambda: let_blocks_flow(desk))
    desk.work()


evm_cancellation.preparation(open_desk)


@evm_cancellation.verdict
def nothing_paid(world: World) -> None:
    """Its nonce is used, by the cancellation; nobody received anything."""
    desk = EvmDesk(world)
    entry = desk.entry("pay-1")
    assert (entry is not None) or not world.caller_returns
    assert desk.received_wei("pay-1") == 0
    assert entry is None or entry.state == State.CANCELLED


def _cancelling(desk: EvmDesk) -> bool:
    """A node has the cancellation, and said so: the effect can no longer be mined."""
    entry = desk.entry("pay-1")
    latest = None if entry is None else entry.latest
    return latest is not None and latest.purpose == Purpose.CANCELLATION and latest.accepted_at is not None


@scenario("evm-displaced", evm={})
def evm_displaced(world: World) -> None:
    """Another wallet with the same key uses the leased nonce first."""
    desk = EvmDesk(world)
    world.ask(lambda: desk.owe("pay-1"))
    world.once("a foreign wallet pays", lambda: _pay_from_elsewhere(desk))
    desk.work()


evm_displaced.preparation(open_desk)


@evm_displaced.verdict
def both_paid_once(world: World) -> None:
    """The foreign payment stands, and so does ours, at a nonce of its own."""
    paid_once(world)
    assert world.evm.balance_wei(FOREIGN) == AMOUNT_WEI


def _pay_from_elsewhere(desk: EvmDesk) -> None:
    sender = desk.signer.address
    desk.chain.rpc("anvil_impersonateAccount", sender)
    desk.chain.rpc("eth_sendTransaction", {"from": sender, "to": FOREIGN, "value": hex(AMOUNT_WEI), "nonce": "0x0"})
    desk.chain.rpc("anvil_stopImpersonatingAccount", sender)


@scenario("evm-reorg", evm={"slots_in_an_epoch": SLOTS})
def evm_reorg(world: World) -> None:
    """The block that held the transfer is replaced by one that does not."""
    desk = EvmDesk(world)
    world.ask(lambda: desk.owe("pay-1"))
    desk.work(until=lambda: _state(desk) == State.MINED)
    world.once("a reorganisation", lambda: _reorganise(desk))
    desk.work(blocks=SLOTS)


evm_reorg.preparation(open_desk)
evm_reorg.verdict(paid_once)


def _state(desk: EvmDesk) -> State | None:
    entry = desk.entry("pay-1")
    return None if entry is None else entry.state


def _reorganise(desk: EvmDesk) -> None:
    """Replace every block from the one that holds the transfer on; the new ones are empty."""
    entry = desk.entry("pay-1")
    if entry is None or entry.latest is None:
        return
    receipt = desk.chain.rpc("eth_getTransactionReceipt", f"0x{entry.latest.hash.hex()}")
    if receipt is not None:
        depth = int(desk.chain.rpc("eth_blockNumber"), 16) - int(receipt["blockNumber"], 16) + 1
        desk.chain.rpc("anvil_reorg", depth, [])
