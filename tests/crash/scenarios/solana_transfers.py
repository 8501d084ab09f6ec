"""Transfers on Solana: one that lands, one whose blockhash expires, one that lands in its blockhash's last blocks."""

from infra.local.solana import BLOCKHASH_BLOCKS
from tests.crash.harness.scenario import scenario
from tests.crash.harness.solana_desk import UNIT_LIMIT, SolanaDesk
from tests.crash.harness.world import World

BLOCKS_LEFT = 30


def fund(world: World) -> None:
    """The payer can pay from the beginning."""
    SolanaDesk(world).fund()


def paid_once(world: World) -> None:
    """The recipient holds the amount, not twice it."""
    SolanaDesk(world).assert_each_happened_once("pay-1")


@scenario("solana-transfer", solana={}, in_test=True)
def solana_transfer(world: World) -> None:
    """Recorded, simulated, signed, sent, landed, final."""
    desk = SolanaDesk(world)
    world.ask(lambda: desk.owe("pay-1"))
    desk.work()


solana_transfer.beginning(fund)
solana_transfer.verdict(paid_once)


@scenario("solana-resign", solana={})
def solana_resign(world: World) -> None:
    """The payer is empty until the blockhash has expired: the bytes never land, and are signed again."""
    desk = SolanaDesk(world)
    world.ask(lambda: desk.owe("pay-1", compute_unit_limit=UNIT_LIMIT))
    desk.work(until=lambda: desk.is_out("pay-1"))
    world.once("the blockhash expires", desk.node.expire)
    world.once("the payer is funded", desk.fund)
    desk.work()


@solana_resign.verdict
def paid_once_by_new_bytes(world: World) -> None:
    """What was out when the blockhash expired is not what landed."""
    paid_once(world)
    entry = SolanaDesk(world).entry("pay-1")
    assert entry is None or len(entry.payloads) >= 2


@scenario("solana-late", solana={})
def solana_late(world: World) -> None:
    """The payer is empty until the blockhash has nearly expired: the first bytes land after all."""
    desk = SolanaDesk(world)
    world.ask(lambda: desk.owe("pay-1", compute_unit_limit=UNIT_LIMIT))
    desk.work(until=lambda: desk.is_out("pay-1"))
    world.once("nearly all blocks pass", lambda: desk.node.mine(BLOCKHASH_BLOCKS - BLOCKS_LEFT))
    world.once("the payer is funded", desk.fund)
    desk.work()


solana_late.verdict(paid_once)
