"""Wallet sign-in over HTTP: the honest way in, and every known way to cheat."""

import json
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from functions.ops.http_sessions import handler
from functions.ops.wiring import ROLE, Deps
from kernel import base58, siwe
from kernel.auth import Role, Tier
from kernel.evm.transactions import SECP256K1_ORDER
from kernel.keys.evm import LocalSigner
from kernel.keys.solana import LocalSolanaSigner
from kernel.testing import FakeClock
from kernel.testing.kernel import FakedKernel

pytestmark = pytest.mark.handlers
EVENT = json.loads(Path("events/ops/http_sessions.json").read_text(encoding="utf-8"))
# The committed event's own body and credential are others than these tests'.
HEADERS = {name: value for name, value in EVENT["headers"].items() if name not in {"x-api-key", "content-length"}}
Answer = tuple[int, dict[str, Any]]


@pytest.fixture
def kernel(database_url: str) -> Iterator[FakedKernel]:
    kernel = FakedKernel(database_url, role=ROLE)
    yield kernel
    kernel.close()


@pytest.fixture
def clock(kernel: FakedKernel) -> FakeClock:
    assert isinstance(kernel.clock, FakeClock)
    return kernel.clock


class EthereumWallet:
    """A wallet that signs what it is shown."""

    scheme, chain_id = "siwe", "1"

    def __init__(self) -> None:
        self.signer = LocalSigner(os.urandom(32))
        self.address = self.signer.address
        self.subject = f"evm:{self.address}"

    def sign(self, text: str) -> str:
        return "0x" + self.signer.sign_digest(siwe.digest(text)).to_bytes().hex()


class SolanaWallet:
    """The same on the other chain."""

    scheme, chain_id = "siws", "mainnet"

    def __init__(self) -> None:
        self.signer = LocalSolanaSigner(os.urandom(32))
        self.address = self.signer.address
        self.subject = f"solana:{self.address}"

    def sign(self, text: str) -> str:
        return base58.encode(self.signer.sign_message(text.encode()))


Wallet = EthereumWallet | SolanaWallet
WALLETS = [EthereumWallet, SolanaWallet]
either = pytest.mark.parametrize("make", WALLETS, ids=["siwe", "siws"])


def call(kernel: FakedKernel, path: str, body: Any = None, bearer: str | None = None) -> Answer:
    context = EVENT["requestContext"]
    event = {
        **EVENT,
        "headers": HEADERS | ({"authorization": f"Bearer {bearer}"} if bearer else {}),
        "rawPath": path,
        "body": None if body is None else json.dumps(body),
        "requestContext": {**context, "http": {**context["http"], "path": path}},
    }
    answer = handler.bind(Deps(kernel))(event, None)
    return answer["statusCode"], json.loads(answer["body"])


def challenge(kernel: FakedKernel, wallet: Wallet, **changes: str) -> str:
    wanted = {"scheme": wallet.scheme, "address": wallet.address, "chain_id": wallet.chain_id} | changes
    status, body = call(kernel, "/v1/ops/sessions/challenge", wanted)

    assert 200 == status, body
    return str(body["text"])


def open_session(kernel: FakedKernel, wallet: Wallet, text: str, signature: str | None = None) -> Answer:
    signed = {"scheme": wallet.scheme, "text": text, "signature": signature or wallet.sign(text)}
    return call(kernel, "/v1/ops/sessions", signed)


def refusal(answer: Answer) -> tuple[int, str]:
    return answer[0], answer[1]["error"]["code"]


@either
def test_a_wallet_signs_in(kernel: FakedKernel, make: Callable[[], Wallet]) -> None:
    """Anybody's may; it is a viewer until an administrator says otherwise, and the token is good at once."""
    wallet = make()
    status, session = open_session(kernel, wallet, challenge(kernel, wallet))
    principal = kernel.tokens.principal(session["token"])

    assert (200, wallet.subject, "viewer", 900) == (
        status,
        session["subject"],
        session["role"],
        session["expires_in_s"],
    )
    assert (f"person:{wallet.subject}", Role.VIEWER) == (principal.identity, principal.role)


@either
def test_the_text_names_place_chain_and_end(kernel: FakedKernel, make: Callable[[], Wallet]) -> None:
    """What the wallet shows to its owner."""
    wallet = make()
    lines = challenge(kernel, wallet).split("\n")

    assert lines[0].startswith("app.counterpart.test wants you to sign in with your ")
    assert wallet.address == lines[1]
    assert {"URI: https://app.counterpart.test", f"Chain ID: {wallet.chain_id}"} <= set(lines)
    assert any(line.startswith("Expiration Time: ") for line in lines)


@either
def test_a_signed_text_is_good_once(kernel: FakedKernel, make: Callable[[], Wallet]) -> None:
    """A copy of it is refused, however soon it comes."""
    wallet = make()
    text = challenge(kernel, wallet)
    open_session(kernel, wallet, text)

    assert (401, "nonce_spent") == refusal(open_session(kernel, wallet, text))


def test_of_many_copies_at_once_one_is_taken(kernel: FakedKernel, database_url: str) -> None:
    """Each on a container of its own."""
    wallet = EthereumWallet()
    text = challenge(kernel, wallet)
    statuses: list[int] = []

    def copy() -> None:
        other = FakedKernel(database_url, role=ROLE, clock=kernel.clock)
        statuses.append(open_session(other, wallet, text)[0])
        other.close()

    copies = [threading.Thread(target=copy) for _ in range(8)]
    for one in copies:
        one.start()
    for one in copies:
        one.join()

    assert [200] + [401] * 7 == sorted(statuses)


@either
def test_a_text_grows_old(kernel: FakedKernel, clock: FakeClock, make: Callable[[], Wallet]) -> None:
    """Five minutes after it was written; a signature of it is then worth nothing."""
    wallet = make()
    in_time, late = challenge(kernel, wallet), challenge(kernel, wallet)
    clock.advance(299)
    before = open_session(kernel, wallet, in_time)[0]
    clock.advance(1)

    assert 200 == before
    assert (401, "sign_in_expired") == refusal(open_session(kernel, wallet, late))


@either
def test_a_text_without_an_end_is_bounded_by_its_nonce(
    kernel: FakedKernel, clock: FakeClock, make: Callable[[], Wallet]
) -> None:
    """The wallet may have been shown a text without expiration; ours still forgets its nonce."""
    wallet = make()
    text = "\n".join(line for line in challenge(kernel, wallet).split("\n") if not line.startswith("Expiration"))
    clock.advance(300)

    assert (401, "nonce_spent") == refusal(open_session(kernel, wallet, text))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("app.counterpart.test wants", "evil.example wants"), "wrong_domain"),
        (("https://app.counterpart.test", "https://evil.example"), "wrong_domain"),
        (("https://app.counterpart.test", "https://app.counterpart.test.evil.example"), "wrong_domain"),
        (("https://app.counterpart.test", "https://app.counterpart.test@evil.example"), "wrong_domain"),
        (("Version: 1", "Version: 2"), "sign_in_unreadable"),
        (("Version: 1", "Version: 1\nVersion: 1"), "sign_in_unreadable"),
        (("moves nothing.", "moves nothing.\nAnd everything."), "sign_in_unreadable"),
        (("moves nothing.", "moves nothing.\n\nURI: https://app.counterpart.test"), "sign_in_unreadable"),
        (("Nonce: ", "Nonce:  "), "sign_in_unreadable"),
        (("\nVersion", "\r\nVersion"), "sign_in_unreadable"),
        (("wants you", "wants\u202eyou"), "sign_in_unreadable"),
    ],
    ids=[
        "domain",
        "uri",
        "longer host",
        "userinfo",
        "version",
        "twice",
        "newline",
        "second head",
        "blank",
        "cr",
        "bidi",
    ],
)
@either
def test_a_text_that_is_not_ours_is_refused_though_its_owner_signed_it(
    kernel: FakedKernel, make: Callable[[], Wallet], change: tuple[str, str], code: str
) -> None:
    """A phishing site shows its own text with a nonce that it fetched from us."""
    wallet = make()
    text = challenge(kernel, wallet).replace(*change)
    answer = open_session(kernel, wallet, text)

    assert code == refusal(answer)[1], answer


@pytest.mark.parametrize(("make", "other"), [(EthereumWallet, "137"), (SolanaWallet, "devnet")], ids=["siwe", "siws"])
def test_another_chain_is_refused(kernel: FakedKernel, make: Callable[[], Wallet], other: str) -> None:
    """When the text is asked for, and when somebody writes it in."""
    wallet = make()
    text = challenge(kernel, wallet).replace(f"Chain ID: {wallet.chain_id}", f"Chain ID: {other}")
    wanted = {"scheme": wallet.scheme, "address": wallet.address, "chain_id": other}

    assert (401, "wrong_chain_id") == refusal(open_session(kernel, wallet, text))
    assert (401, "wrong_chain_id") == refusal(call(kernel, "/v1/ops/sessions/challenge", wanted))


@either
def test_a_text_altered_after_signing_is_refused(kernel: FakedKernel, make: Callable[[], Wallet]) -> None:
    """Also where the altered text would be one of ours; and the honest one is still good afterwards."""
    wallet, victim = make(), make()
    text = challenge(kernel, wallet)
    signature = wallet.sign(text)
    as_victim = text.replace(wallet.address, victim.address)
    reworded = text.replace("moves nothing.", "moves a lot.")

    assert (401, "wallet_signature_refused") == refusal(open_session(kernel, victim, as_victim, signature))
    assert (401, "wallet_signature_refused") == refusal(open_session(kernel, wallet, reworded, signature))
    assert 200 == open_session(kernel, wallet, text, signature)[0]


@either
def test_somebody_elses_signature_burns_no_nonce(kernel: FakedKernel, make: Callable[[], Wallet]) -> None:
    """A stranger who saw the text cannot lock its owner out."""
    wallet, stranger = make(), make()
    text = challenge(kernel, wallet)

    assert (401, "wallet_signature_refused") == refusal(open_session(kernel, wallet, text, stranger.sign(text)))
    assert 200 == open_session(kernel, wallet, text)[0]


@either
def test_a_nonce_of_our_own_making_only(kernel: FakedKernel, make: Callable[[], Wallet]) -> None:
    """One that the caller thought up is as good as a spent one."""
    wallet = make()
    lines = [
        ("Nonce: " + "f" * 32) if one.startswith("Nonce: ") else one for one in challenge(kernel, wallet).split("\n")
    ]

    assert (401, "nonce_spent") == refusal(open_session(kernel, wallet, "\n".join(lines)))


def test_a_nonce_of_the_other_scheme_is_refused(kernel: FakedKernel) -> None:
    """It was given for another text."""
    ethereum, solana = EthereumWallet(), SolanaWallet()
    nonce = next(line for line in challenge(kernel, solana).split("\n") if line.startswith("Nonce: "))
    own = challenge(kernel, ethereum)
    theirs = next(line for line in own.split("\n") if line.startswith("Nonce: "))

    assert (401, "nonce_spent") == refusal(open_session(kernel, ethereum, own.replace(theirs, nonce)))


def test_the_malleable_twin_of_a_signature_is_refused(kernel: FakedKernel) -> None:
    """With s in the upper half of the order, which recovers to the same address."""
    wallet = EthereumWallet()
    text = challenge(kernel, wallet)
    v, r, s = wallet.signer.sign_digest(siwe.digest(text))
    twin = r.to_bytes(32, "big") + (SECP256K1_ORDER - s).to_bytes(32, "big") + bytes([55 - v])

    assert (401, "wallet_signature_refused") == refusal(open_session(kernel, wallet, text, "0x" + twin.hex()))


def test_the_bare_recovery_id_of_hardware_wallets_is_read(kernel: FakedKernel) -> None:
    """0 and 1 for 27 and 28."""
    wallet = EthereumWallet()
    text = challenge(kernel, wallet)
    v, r, s = wallet.signer.sign_digest(siwe.digest(text))
    bare = r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([v - 27])

    assert 200 == open_session(kernel, wallet, text, "0x" + bare.hex())[0]


@pytest.mark.parametrize("signature", ["", "0x", "0x" + "00" * 65, "zz", "1" * 64, "0x" + "ff" * 65, "1" * 88])
@either
def test_what_is_no_signature_is_refused(kernel: FakedKernel, make: Callable[[], Wallet], signature: str) -> None:
    """In the house's words, whatever it is."""
    wallet = make()
    text = challenge(kernel, wallet)
    answer = call(kernel, "/v1/ops/sessions", {"scheme": wallet.scheme, "text": text, "signature": signature})

    assert (401, "wallet_signature_refused") == refusal(answer)


@either
def test_roles_are_those_of_the_moment(kernel: FakedKernel, make: Callable[[], Wallet]) -> None:
    """A grant counts from the next sign-in or renewal, and so does its end."""
    wallet = make()
    kernel.people.grant(wallet.subject, role=Role.OPERATOR, tier=Tier.PAID, actor="key:ada")
    _, session = open_session(kernel, wallet, challenge(kernel, wallet))
    principal = kernel.tokens.principal(session["token"])
    kernel.people.forget(wallet.subject, actor="key:ada")
    status, renewed = call(kernel, "/v1/ops/sessions/renewal", bearer=session["token"])

    assert (Role.OPERATOR, Tier.PAID) == (principal.role, principal.tier)
    assert (200, "viewer") == (status, renewed["role"])


@either
def test_a_barred_wallet_gets_no_session(kernel: FakedKernel, make: Callable[[], Wallet]) -> None:
    """Neither a first nor a next one."""
    wallet = make()
    _, session = open_session(kernel, wallet, challenge(kernel, wallet))
    kernel.people.grant(wallet.subject, role=Role.NOBODY, tier=Tier.PUBLIC, actor="key:ada")

    assert (403, "person_barred") == refusal(open_session(kernel, wallet, challenge(kernel, wallet)))
    assert (403, "person_barred") == refusal(call(kernel, "/v1/ops/sessions/renewal", bearer=session["token"]))


def test_a_session_is_renewed_for_twelve_hours(kernel: FakedKernel, clock: FakeClock) -> None:
    """Counted from the signature, not from the last renewal."""
    wallet = SolanaWallet()
    _, session = open_session(kernel, wallet, challenge(kernel, wallet))
    statuses = []
    for _ in range(60):
        clock.advance(12 * 60)
        status, body = call(kernel, "/v1/ops/sessions/renewal", bearer=session["token"])
        statuses.append(status)
        session = body if status == 200 else session

    assert [200] * 59 + [401] == statuses


def test_only_a_session_is_renewed(kernel: FakedKernel, clock: FakeClock) -> None:
    """Not a key, not nothing, not a session that ended."""
    wallet = SolanaWallet()
    _, session = open_session(kernel, wallet, challenge(kernel, wallet))
    clock.advance(900)

    assert 401 == call(kernel, "/v1/ops/sessions/renewal", bearer=session["token"])[0]
    assert 401 == call(kernel, "/v1/ops/sessions/renewal")[0]


@pytest.mark.parametrize(
    "wanted",
    [
        {"scheme": "siwe", "address": "0x" + "g" * 40, "chain_id": "1"},
        {"scheme": "siwe", "address": "0x" + "ab" * 20 + "\n", "chain_id": "1"},
        {"scheme": "siws", "address": "0" * 44, "chain_id": "mainnet"},
        {"scheme": "siws", "address": "1" * 44, "chain_id": "mainnet"},
        {"scheme": "password", "address": "0x" + "ab" * 20, "chain_id": "1"},
    ],
)
def test_no_text_is_written_for_what_is_no_wallet(kernel: FakedKernel, wanted: dict[str, str]) -> None:
    """And no nonce is kept for it."""
    status, _ = call(kernel, "/v1/ops/sessions/challenge", wanted)
    with kernel.postgres.transaction() as tx:
        kept = tx.one("select count(*) as nonces from kernel.nonces")

    assert status in {400, 422}
    assert 0 == kept["nonces"]


def test_with_redis_down_sign_in_is_refused(kernel: FakedKernel) -> None:
    """Guesses could not be counted: 503 with Retry-After."""
    kernel.counter.down = True
    wanted = {"scheme": "siwe", "address": EthereumWallet().address, "chain_id": "1"}

    assert (503, "rate_limit_unavailable") == refusal(call(kernel, "/v1/ops/sessions/challenge", wanted))
