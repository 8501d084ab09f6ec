"""Keys that a person holds outside, on both chain families: asked once, signed by hand, sent by whoever is alive."""

from kernel import base58
from kernel.evm.transactions import UnsignedTransaction
from kernel.keys.evm import LocalSigner
from kernel.keys.external import ExternalSigner, ExternalSolanaSigner
from kernel.keys.requests import SignatureRequest, SignatureRequests
from kernel.keys.solana import LocalSolanaSigner
from tests.crash.harness import evm_desk, solana_desk
from tests.crash.harness.evm_desk import EvmDesk
from tests.crash.harness.person import Person
from tests.crash.harness.scenario import scenario
from tests.crash.harness.solana_desk import SolanaDesk
from tests.crash.harness.world import World

REQUESTS = "select state, count(*)::int as requests from kernel.signature_requests group by state"


@scenario("evm-outside", evm={})
def evm_outside(world: World) -> None:
    """Recorded, asked for, signed by hand, sent, mined, final."""
    wallet = LocalSigner(world.secret(evm_desk.KEY))

    def sign(request: SignatureRequest) -> str:
        return wallet.sign_digest(UnsignedTransaction.from_bytes(request.payload).digest()).to_bytes().hex()

    person = Person(world, sign)
    outside = ExternalSigner(SignatureRequests(world.postgres, world.clock), wallet.address)
    desk = EvmDesk(world, signer=outside)
    world.ask(lambda: desk.owe("pay-1"))
    desk.work(until=person.is_asked)
    person.answer()
    desk.work()


@evm_outside.preparation
def fund_the_wallet(world: World) -> None:
    """Its first nonce is read once in its life."""
    EvmDesk(world).open()


@evm_outside.verdict
def paid_once_on_evm(world: World) -> None:
    """The recipient holds the amount, and the person was asked once."""
    EvmDesk(world).assert_each_happened_once("pay-1")
    assert_asked_once(world)


@scenario("solana-outside", solana={})
def solana_outside(world: World) -> None:
    """The same over a durable nonce, for a person takes longer than a blockhash lives."""
    wallet = LocalSolanaSigner(world.secret_of_run(solana_desk.KEY))
    person = Person(world, lambda request: base58.encode(wallet.sign_message(request.payload)))
    requests = SignatureRequests(world.postgres, world.clock)
    desk = SolanaDesk(world, signer=ExternalSolanaSigner(requests, wallet.address, cluster="localnet"))
    world.ask(lambda: desk.owe("pay-1", durable_nonce=desk.nonce))
    desk.work(until=person.is_asked)
    world.once("an hour passes", desk.node.expire)
    person.answer()
    desk.work()


@solana_outside.beginning
def fund_and_open(world: World) -> None:
    """The wallet can pay, and may advance the nonce."""
    desk = SolanaDesk(world)
    desk.fund()
    desk.open_nonce()


@solana_outside.verdict
def paid_once_on_solana(world: World) -> None:
    """The recipient holds the amount, and the person was asked once."""
    SolanaDesk(world).assert_each_happened_once("pay-1")
    assert_asked_once(world)


def assert_asked_once(world: World) -> None:
    """One request, which was signed; none where nothing was ever owed."""
    asked = {row["state"]: row["requests"] for row in world.rows(REQUESTS)}
    owed = bool(world.rows("select 1 from kernel.tasks"))
    assert owed <= asked.get("signed", 0), asked
    # A worker that slept through all of it asks for the used nonce once more: whoever signs that pays nothing.
    assert sum(asked.values()) <= owed + world.variation.wakes, asked
