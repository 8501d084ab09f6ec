"""Transfers over a durable nonce: two in turn, one whose nonce somebody else advances, one that is released."""

from datetime import timedelta

from kernel.outbox.solana import Purpose, State
from tests.chain.outbox_solana.nonces import advance_elsewhere
from tests.crash.harness.scenario import scenario
from tests.crash.harness.site import START
from tests.crash.harness.solana_desk import AMOUNT_LAMPORTS, UNIT_LIMIT, SolanaDesk
from tests.crash.harness.world import World

BOTH = ("pay-1", "pay-2")
VALID_UNTIL = START + timedelta(seconds=40)


def open_the_nonce(world: World) -> None:
    """The payer may advance it, and has no lamport yet."""
    SolanaDesk(world).open_nonce()


@scenario("solana-nonce", solana={})
def solana_nonce(world: World) -> None:
    """Two obligations of one commit share the nonce: the second waits for the first to settle."""
    desk = SolanaDesk(world)
    world.ask(lambda: desk.owe(*BOTH, durable_nonce=desk.nonce))
    desk.work()


@solana_nonce.beginning
def fund_and_open(world: World) -> None:
    """The payer can pay from the beginning."""
    SolanaDesk(world).fund()
    open_the_nonce(world)


@solana_nonce.verdict
def each_paid_once(world: World) -> None:
    """Both, each over a value of its own."""
    desk = SolanaDesk(world)
    desk.assert_each_happened_once(*BOTH)
    values = [entry.payloads[0].blockhash for key in BOTH if (entry := desk.entry(key)) is not None]
    assert len(set(values)) == len(values), values


@scenario("solana-nonce-advanced", solana={})
def solana_nonce_advanced(world: World) -> None:
    """The payer is empty until another program has advanced the nonce: the bytes never land, and are signed again."""
    desk = SolanaDesk(world)
    world.ask(lambda: desk.owe("pay-1", durable_nonce=desk.nonce, compute_unit_limit=UNIT_LIMIT))
    desk.work(until=lambda: desk.is_out("pay-1"))
    world.once("another program advances the nonce", lambda: _advance(desk))
    desk.work()


solana_nonce_advanced.beginning(open_the_nonce)


@solana_nonce_advanced.verdict
def paid_once_by_new_bytes(world: World) -> None:
    """What was out when the nonce moved on is not what landed."""
    desk = SolanaDesk(world)
    desk.assert_each_happened_once("pay-1")
    entry = desk.entry("pay-1")
    assert entry is None or len({payload.blockhash for payload in entry.payloads}) >= 2, entry


@scenario("solana-nonce-released", solana={})
def solana_nonce_released(world: World) -> None:
    """The payer is empty until the effect is no longer wanted, and a payload without it is on its way."""
    desk = SolanaDesk(world)
    wanted = {"durable_nonce": desk.nonce, "compute_unit_limit": UNIT_LIMIT, "valid_until": VALID_UNTIL}
    world.ask(lambda: desk.owe("pay-1", **wanted))
    desk.work(until=lambda: _releasing(desk))
    world.once("the payer is funded", desk.fund)
    desk.work()


solana_nonce_released.beginning(open_the_nonce)


@solana_nonce_released.verdict
def paid_or_cancelled(world: World) -> None:
    """Both were out over one value and the chain took one: what is written down is what the recipient holds."""
    desk = SolanaDesk(world)
    entry = desk.entry("pay-1")
    assert (entry is not None) or not world.caller_returns
    held = desk.node.balance(desk.recipient("pay-1"))
    ends = {(None, 0), (State.CANCELLED, 0), (State.CONFIRMED, AMOUNT_LAMPORTS)}
    assert (entry and entry.state, held) in ends, f"{entry} and {held} lamports"


def _advance(desk: SolanaDesk) -> None:
    desk.fund()
    advance_elsewhere(desk, desk.nonce)


def _releasing(desk: SolanaDesk) -> bool:
    """A node has taken the release, and said so."""
    entry = desk.entry("pay-1")
    latest = None if entry is None else entry.latest
    return latest is not None and latest.purpose == Purpose.RELEASE and latest.accepted_at is not None
