"""What becomes of withdrawals: refused, lost, landed under another name; with nodes away and workers dead."""

import base64
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha512

import pytest

from functions.netting.adapters.close_steps import CLOSE
from functions.netting.adapters.obligations import SUBMIT
from functions.netting.wiring import SignerDeps
from infra.local.netting.wallets import Wallet
from infra.local.netting.world import World
from kernel import base58
from kernel.clock import Clock
from kernel.keys.solana import LocalSolanaSigner
from kernel.outbox.solana import SolanaOutbox
from kernel.solana.pool import Delivery, SolanaPool
from tests.chain.netting.till import SOL, Till, message_of
from tests.chain.workbench import Died

pytestmark = pytest.mark.chain

LOCKED = 10 * SOL


@pytest.fixture
def wallet(till: Till) -> Wallet:
    return till.world.wallets[0]


@pytest.fixture
def faulty_till(proxied_world: World, database_url: str) -> Iterator[Till]:
    """A till behind two RPC identities."""
    till = Till(proxied_world, database_url, proxied_world.node.proxy_urls)
    yield till
    till.close()


class SwallowingPool(SolanaPool):
    """Its nodes take what is sent, say so, and forget it."""

    def broadcast(self, raw: bytes, *, max_retries: int = 0, skip_preflight: bool = True) -> list[Delivery]:
        return [Delivery(endpoint="swallower", accepted=True)]


class DyingPool(SolanaPool):
    """Dies right before or right after the bytes leave."""

    after_sending = False

    def broadcast(self, raw: bytes, *, max_retries: int = 0, skip_preflight: bool = True) -> list[Delivery]:
        if self.after_sending:
            super().broadcast(raw)
        raise Died


class DyingSigner(LocalSolanaSigner):
    """Signs, and its process dies before anybody hears of it."""

    __slots__ = ()

    def sign_message(self, message: bytes) -> bytes:
        super().sign_message(message)
        raise Died


def deps_with(till: Till, pool: Callable[[Sequence[str], str, Clock], SolanaPool]) -> SignerDeps:
    """A container with another pool."""
    deps = till.container()
    deps.pool = pool((till.world.node.url,), "localnet", till.clock)
    return deps


def dying(till: Till, *, after_sending: bool) -> SignerDeps:
    deps = deps_with(till, DyingPool)
    deps.pool.after_sending = after_sending  # type: ignore[attr-defined]  # the pool of this test
    return deps


def swallow(till: Till) -> None:
    """One run of the submit task whose bytes nobody keeps."""
    till.step(SUBMIT, deps_with(till, SwallowingPool))


def test_a_withdrawal_that_never_lands_gives_its_funds_free(till: Till, wallet: Wallet) -> None:
    """Held until the chain itself, read after its death, has said that nothing happened; and never signed anew."""
    offer = till.sent("funds/withdraw", wallet, amount_lamports=str(SOL))
    swallow(till)
    till.world.node.expire()
    till.work(SUBMIT)
    held = (till.standing(offer), till.reserved())
    till.work(CLOSE)

    assert (("expired", "expired"), [wallet.address]) == held
    assert ([], (LOCKED, 0, LOCKED), 1) == (till.reserved(), till.balance(wallet), len(till.payloads(offer)))
    assert LOCKED == till.world.locked()[wallet.address]


def test_a_withdrawal_that_lands_under_another_name_is_seen_before_its_funds_are_free(
    till: Till, wallet: Wallet
) -> None:
    """The wallet signs the same message in a second way and sends that: what we know of never lands, and it is paid."""
    offer = till.sent("funds/withdraw", wallet, amount_lamports=str(4 * SOL))
    swallow(till)
    [ours] = till.payloads(offer)
    other = _signed_in_another_way(wallet, message_of(offer["transaction"]))
    assert other != ours[1:65]
    sibling = base64.b64encode(ours[:1] + other + ours[65:]).decode()
    till.world.node.rpc("sendTransaction", sibling, {"encoding": "base64", "skipPreflight": True})
    till.world.node.mine()
    paid = till.world.locked()[wallet.address]
    till.world.node.expire()
    till.work()

    assert 6 * SOL == paid
    assert (("expired", "expired"), []) == (till.standing(offer), till.reserved())
    assert (6 * SOL, 0, 6 * SOL) == till.balance(wallet)


def test_a_withdrawal_that_the_program_refuses_gives_its_funds_free_at_once(till: Till, wallet: Wallet) -> None:
    """Another one overtakes it after our signature; a message is taken once, and this one is spent."""
    offer = till.sent("funds/withdraw", wallet, amount_lamports=str(6 * SOL))
    swallow(till)
    world = till.world
    overtaking = world.program.withdraw(wallet.address, 6 * SOL, world.authority.address)
    world.do([overtaking], wallet, world.authority)
    till.work()

    assert (("failed", "insufficient_funds"), []) == (till.standing(offer), till.reserved())
    assert 4 * SOL == world.locked()[wallet.address]


def test_a_withdrawal_that_is_confirmed_too_late_is_signed_by_nobody(till: Till, wallet: Wallet) -> None:
    """Its blockhash died between the confirmation and the submit task."""
    offer = till.sent("funds/withdraw", wallet, amount_lamports=str(SOL))
    till.world.node.expire()
    till.work()

    assert (("expired", "expired"), [], []) == (till.standing(offer), till.reserved(), till.payloads(offer))


def test_a_wallet_that_spent_its_fee_elsewhere_gets_no_signature(till: Till, wallet: Wallet) -> None:
    """The simulation before ours would fail: nothing is signed, and nobody is called."""
    offer = till.sent("funds/withdraw", wallet, amount_lamports=str(SOL))
    till.world.node.rpc("surfnet_setAccount", wallet.address, {"lamports": 0})
    till.step(SUBMIT)
    alarms = till.rows("select from kernel.solana_outbox where alarm is not null")
    till.world.node.expire()
    till.work()

    assert ([], []) == (till.payloads(offer), alarms)
    assert (("expired", "expired"), []) == (till.standing(offer), till.reserved())


def test_while_a_node_is_away_nothing_is_given_up(faulty_till: Till) -> None:
    """One of two RPCs is dead: an end needs both, and waits."""
    till, wallet = faulty_till, faulty_till.world.wallets[0]
    offer = till.sent("funds/withdraw", wallet, amount_lamports=str(SOL))
    assert till.world.node.proxy is not None
    till.world.node.proxy.inject(send="swallowed")
    till.step(SUBMIT)
    till.world.node.expire()
    till.world.node.proxy.heal()
    till.world.node.proxy["secondary"].inject(failure="rpc_error", rpc_code=-32005, rpc_words="away")
    for _ in range(4):
        till.step(SUBMIT)
    held = (till.standing(offer), till.reserved())
    till.world.node.proxy.heal()
    till.work()

    assert (("sent", None), [wallet.address]) == held
    assert (("expired", "expired"), []) == (till.standing(offer), till.reserved())


@pytest.mark.parametrize("after_sending", [False, True])
def test_a_worker_dies_over_a_co_signed_withdrawal(till: Till, wallet: Wallet, after_sending: bool) -> None:
    """Our signature is stored before it leaves: the next one sends the same bytes, and it is paid once."""
    offer = till.sent("funds/withdraw", wallet, amount_lamports=str(SOL))
    till.die(SUBMIT, dying(till, after_sending=after_sending))
    stored = till.payloads(offer)
    till.work()
    till.follow()

    assert (1, stored) == (len(stored), till.payloads(offer))
    assert (("settled", None), []) == (till.standing(offer), till.reserved())
    assert LOCKED - SOL == till.world.locked()[wallet.address]


def test_a_worker_dies_with_a_signature_that_nobody_stored(till: Till, wallet: Wallet) -> None:
    """It was sent to nobody; the next one signs the same bytes, which is the same signature."""
    offer = till.sent("funds/withdraw", wallet, amount_lamports=str(SOL))
    deps = till.container()
    authority = till.world.authority
    deps.outbox = SolanaOutbox(
        till.kernel.postgres,
        till.kernel.tasks,
        deps.pool,
        {authority.address: DyingSigner(authority.seed)},
        till.clock,
        policy=till.settings.outbox_policy,
    )
    till.die(SUBMIT, deps)
    unsent = till.payloads(offer)
    till.work()
    till.follow()

    assert ([], 1) == (unsent, len(till.payloads(offer)))
    assert LOCKED - SOL == till.world.locked()[wallet.address]


def test_a_confirmation_that_does_not_commit_changes_nothing(till: Till, wallet: Wallet) -> None:
    """The reservation, the wallet's signature and what the outbox owes are one commit."""
    offer = till.offered("funds/withdraw", wallet, amount_lamports=str(SOL))
    till.change("alter table kernel.solana_outbox add constraint refused check (given_message is null)")
    status, _ = till.confirm(offer, wallet)
    undone = (till.reserved(), till.standing(offer)[0])
    till.change("alter table kernel.solana_outbox drop constraint refused")

    assert (500, ([], "offered")) == (status, undone)
    assert 202 == till.confirm(offer, wallet)[0]


def test_a_halted_service_owes_no_withdrawal(till: Till, wallet: Wallet) -> None:
    """The way out is the program's own then."""
    offer = till.offered("funds/withdraw", wallet, amount_lamports=str(SOL))
    till.change(
        "insert into kernel.service_switches (service, version, halted, actor, reason, changed_at)"
        " values ('netting', 1, true, 'a person', 'a test', now())"
    )
    status, answer = till.confirm(offer, wallet)

    assert (503, "service_halted") == (status, answer["error"]["code"])
    assert [] == till.reserved()


def _signed_in_another_way(wallet: Wallet, message: bytes) -> bytes:
    """A second valid Ed25519 signature: the nonce is of the wallet's choosing, and need not follow RFC 8032."""
    digest = bytearray(sha512(wallet.seed).digest())
    digest[0] &= 248
    digest[31] = digest[31] & 127 | 64
    secret = int.from_bytes(digest[:32], "little")
    order = 2**252 + 27742317777372353535851937790883648493
    nonce = int.from_bytes(sha512(b"another way" + message).digest(), "little") % order
    point = _encoded(_times(nonce, _BASE))
    public = base58.decode(wallet.address)
    challenge = int.from_bytes(sha512(point + public + message).digest(), "little") % order
    return point + ((nonce + challenge * secret) % order).to_bytes(32, "little")


_P = 2**255 - 19
_D = -121665 * pow(121666, -1, _P) % _P
_BASE: tuple[int, int] = (
    15112221349535400772501151409588531511454012693041857206046113283949847762202,
    46316835694926478169428394003475163141307993866256225615783033603165251855960,
)


def _plus(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
    product = _D * a[0] * b[0] * a[1] * b[1]
    x = (a[0] * b[1] + b[0] * a[1]) * pow(1 + product, -1, _P)
    y = (a[1] * b[1] + a[0] * b[0]) * pow(1 - product, -1, _P)
    return x % _P, y % _P


def _times(number: int, point: tuple[int, int]) -> tuple[int, int]:
    found = (0, 1)
    for bit in bin(number)[2:]:
        found = _plus(found, found)
        found = _plus(found, point) if bit == "1" else found
    return found


def _encoded(point: tuple[int, int]) -> bytes:
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")
