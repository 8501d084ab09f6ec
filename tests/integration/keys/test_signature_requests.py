"""What is asked of outside signers: one request a slot, given out until the outbox has it, replaced only by itself."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest

from kernel import base58
from kernel.evm.fees import Fees
from kernel.evm.transactions import SignedTransaction, UnsignedTransaction
from kernel.keys.evm import LocalSigner
from kernel.keys.external import (
    DigestsNotSigned,
    ExternalSigner,
    ExternalSolanaSigner,
    payloads_of,
)
from kernel.keys.outside import SignatureAwaited, is_outside
from kernel.keys.payloads_solana import NonceNotDurable
from kernel.keys.requests import SignatureRequests
from kernel.keys.solana import LocalSolanaSigner
from kernel.postgres import Postgres
from kernel.solana.transactions import DurableNonce, compile_message, system_transfer
from kernel.testing import FakeClock
from tests.races import at_once

pytestmark = pytest.mark.integration

WALLET, OTHER = LocalSigner(bytes([9] * 32)), LocalSigner(bytes([6] * 32))
SOLANA_WALLET = LocalSolanaSigner(bytes([8] * 32))
NONCE_ACCOUNT, RECIPIENT = base58.encode(bytes([3] * 32)), base58.encode(bytes([4] * 32))


@pytest.fixture
def postgres(database_url: str) -> Iterator[Postgres]:
    postgres = Postgres(database_url, role="counterpart_bridge")
    yield postgres
    postgres.close()


@pytest.fixture
def requests(postgres: Postgres) -> SignatureRequests:
    return SignatureRequests(postgres, FakeClock())


@pytest.fixture
def outside(requests: SignatureRequests) -> ExternalSigner:
    return ExternalSigner(requests, WALLET.address.lower())


def payment(fee: int = 30, **changes: Any) -> UnsignedTransaction:
    fields: dict[str, Any] = {
        "chain_id": 10,
        "nonce": 3,
        "to": "0x" + "11" * 20,
        "value_wei": 5,
        "data": b"",
        "gas_limit": 21_000,
        "fees": Fees(max_fee_wei=fee, tip_wei=2),
    }
    return UnsignedTransaction(**{**fields, **changes})


def awaited(signer: ExternalSigner, payload: UnsignedTransaction) -> str:
    with pytest.raises(SignatureAwaited) as waiting:
        signer.sign_transaction(payload)
    return str(waiting.value.details["request_id"])


def answer(requests: SignatureRequests) -> SignedTransaction:
    """The holder of the wallet signs the one open request."""
    [request] = requests.waiting()
    payload = UnsignedTransaction.from_bytes(request.payload)
    requests.sign(request.id, WALLET.sign_digest(payload.digest()).to_bytes().hex(), payloads_of, actor="ada")
    return WALLET.sign_transaction(payload)


def store(postgres: Postgres, signed: SignedTransaction, nonce: int = 3) -> None:
    """What the outbox does with signed bytes."""
    chain = {"signer": WALLET.address, "nonce": nonce, "raw": signed.raw, "hash": signed.hash}
    with postgres.transaction() as tx:
        tx.execute("insert into kernel.evm_nonces values (10, %(signer)s, 9, now()) on conflict do nothing", **chain)
        tx.execute(
            "insert into kernel.evm_outbox (id, business_key, service, chain_id, signer, nonce, recipient, calldata, "
            "value_wei, gas_limit, recorded_at, changed_at) values ('00000000-0000-7000-8000-000000000001', 'pay-1', "
            "'bridge', 10, %(signer)s, %(nonce)s, %(signer)s, '', 5, 21000, now(), now()) on conflict do nothing",
            **chain,
        )
        tx.execute(
            "insert into kernel.evm_payloads (entry_id, nonce, ordinal, purpose, max_fee_wei, tip_wei, raw, hash, "
            "signed_at_block, signed_at, fence) select '00000000-0000-7000-8000-000000000001', %(nonce)s, "
            "count(*) + 1, 'effect', 30, 2, %(raw)s, %(hash)s, 1, now(), 1 from kernel.evm_payloads",
            **chain,
        )


def test_the_same_payload_is_asked_for_until_it_is_signed(requests: SignatureRequests, outside: ExternalSigner) -> None:
    """Whatever the fees have become meanwhile: what comes back is what was signed."""
    first = awaited(outside, payment(30))

    assert [awaited(outside, payment(fee)) for fee in (31, 60, 30)] == [first] * 3
    signed = answer(requests)
    assert outside.sign_transaction(payment(99)) == signed
    assert signed.payload == payment(30)


def test_a_signature_is_given_out_until_the_outbox_has_it(
    requests: SignatureRequests, outside: ExternalSigner, postgres: Postgres
) -> None:
    """Whoever died between signing and storing asks again; once it is stored, a raised fee is another request."""
    first = awaited(outside, payment(30))
    signed = answer(requests)
    for _ in range(3):
        assert outside.sign_transaction(payment(60)) == signed
    store(postgres, signed)
    second = awaited(outside, payment(60))
    raised = answer(requests)

    assert second != first
    assert raised.payload == payment(60)
    assert outside.sign_transaction(payment(80)) == raised


def test_a_signed_effect_comes_before_its_cancellation(
    requests: SignatureRequests, outside: ExternalSigner, postgres: Postgres
) -> None:
    """Its signer may broadcast it, so the outbox has to know its hash before it asks for anything else."""
    awaited(outside, payment())
    effect = answer(requests)
    cancellation = payment(60, to=WALLET.address, value_wei=0)

    assert outside.sign_transaction(cancellation) == effect
    store(postgres, effect)
    awaited(outside, cancellation)
    assert answer(requests).payload == cancellation


@pytest.mark.parametrize("change", [{"value_wei": 6}, {"to": "0x" + "22" * 20}, {"data": b"\x01"}])
def test_another_wish_for_the_nonce_withdraws_the_open_request(
    requests: SignatureRequests, outside: ExternalSigner, change: dict[str, Any]
) -> None:
    """An expired effect is not signed any more once its nonce is to be filled otherwise."""
    first, other = awaited(outside, payment()), payment(30, **change)
    second = awaited(outside, other)

    assert second != first
    assert [str(request.id) for request in requests.waiting()] == [second]
    assert answer(requests).payload == other


def test_each_nonce_chain_and_wallet_has_a_request_of_its_own(
    requests: SignatureRequests, outside: ExternalSigner
) -> None:
    """Nothing is shared between slots."""
    foreign = ExternalSigner(requests, OTHER.address)
    asked = [
        awaited(outside, payment()),
        awaited(outside, payment(nonce=4)),
        awaited(outside, payment(chain_id=1)),
        awaited(foreign, payment()),
    ]

    assert sorted(set(asked)) == sorted(asked)
    assert [str(request.id) for request in requests.waiting()] == asked


def test_workers_who_ask_at_once_share_one_request(database_url: str) -> None:
    """However many they are: one row, and each of them hears of it now or at its next look."""

    def ask(_: int) -> object:
        with closing(Postgres(database_url, role="counterpart_bridge")) as postgres:
            signer = ExternalSigner(SignatureRequests(postgres), WALLET.address)
            with pytest.raises(SignatureAwaited) as awaited:
                signer.sign_transaction(payment())
        return awaited.value.details.get("request_id")

    told = at_once(range(6), ask)
    postgres = Postgres(database_url, role="counterpart_bridge")
    [request] = SignatureRequests(postgres).waiting()
    postgres.close()

    assert 6 == len(told)
    assert set(told) <= {str(request.id), None}


def test_a_request_names_the_obligation_it_is_for(
    requests: SignatureRequests, outside: ExternalSigner, postgres: Postgres
) -> None:
    """By its signer and nonce in the outbox."""
    store(postgres, WALLET.sign_transaction(payment()))
    awaited(outside, payment(60))
    awaited(outside, payment(nonce=4))

    assert ["pay-1", None] == [request.business_key for request in requests.waiting()]


def test_what_is_asked_never_changes(requests: SignatureRequests, outside: ExternalSigner, postgres: Postgres) -> None:
    """The database refuses it; and a signed request cannot be made open again by its columns."""
    awaited(outside, payment())
    for change in ("payload = '\\x00'", "address = ''", "summary = '{}'"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), postgres.transaction() as tx:
            tx.execute(f"update kernel.signature_requests set {change}")
    answer(requests)

    with pytest.raises(psycopg.errors.CheckViolation), postgres.transaction() as tx:
        tx.execute("update kernel.signature_requests set state = 'open'")
    with pytest.raises(psycopg.errors.InsufficientPrivilege), postgres.transaction() as tx:
        tx.execute("delete from kernel.signature_requests")


def test_a_stored_signature_is_checked_again(
    requests: SignatureRequests, outside: ExternalSigner, database_url: str
) -> None:
    """Whoever can write the row cannot have anything sent in the wallet's name."""
    awaited(outside, payment())
    answer(requests)
    forged = OTHER.sign_digest(payment().digest()).to_bytes()
    with Postgres(database_url).transaction() as tx:
        tx.execute("update kernel.signature_requests set signature = %(forged)s", forged=forged)

    with pytest.raises(Exception, match="does not belong to the signer"):
        outside.sign_transaction(payment())


def test_bare_digests_are_not_signed_outside(outside: ExternalSigner) -> None:
    """A person signs what they can read."""
    with pytest.raises(DigestsNotSigned):
        outside.sign_digest(bytes(32))

    assert [is_outside(outside), is_outside(WALLET)] == [True, False]


def message(price: int = 1_000, lamports: int = 70, nonce: int = 5, durable: bool = True) -> bytes:
    payer, value = SOLANA_WALLET.address, base58.encode(bytes([nonce] * 32))
    return compile_message(
        payer,
        [system_transfer(payer, RECIPIENT, lamports)],
        blockhash=None if durable else value,
        compute_unit_limit=1_000,
        compute_unit_price=price,
        durable_nonce=DurableNonce(NONCE_ACCOUNT, payer, value) if durable else None,
    )


def test_a_solana_message_is_asked_for_until_it_is_signed(requests: SignatureRequests) -> None:
    """At the price of then; the same message is given out as long as the nonce has its value."""
    outside = ExternalSolanaSigner(requests, SOLANA_WALLET.address, cluster="devnet")
    for price in (1_000, 2_000):
        with pytest.raises(SignatureAwaited):
            outside.sign(message(price))
    [request] = requests.waiting()
    requests.sign(request.id, base58.encode(SOLANA_WALLET.sign_message(request.payload)), payloads_of, actor="ada")

    assert [outside.sign(message(price)).message for price in (2_000, 3_000)] == [message(1_000)] * 2
    assert outside.sign_message(message(1_000)) == SOLANA_WALLET.sign_message(message(1_000))
    with pytest.raises(SignatureAwaited):
        outside.sign_message(message(2_000))


def test_another_wish_or_nonce_of_solana_is_another_request(requests: SignatureRequests) -> None:
    """The release of a nonce is asked for beside an effect that was signed; a new value is a new slot."""
    outside = ExternalSolanaSigner(requests, SOLANA_WALLET.address, cluster="devnet")
    with pytest.raises(SignatureAwaited):
        outside.sign(message())
    [request] = requests.waiting()
    requests.sign(request.id, base58.encode(SOLANA_WALLET.sign_message(request.payload)), payloads_of, actor="ada")
    for wish in (message(lamports=71), message(nonce=6)):
        with pytest.raises(SignatureAwaited):
            outside.sign(wish)

    assert [message(lamports=71), message(nonce=6)] == [request.payload for request in requests.waiting()]


def test_a_message_that_dies_within_a_minute_is_not_asked_for(requests: SignatureRequests) -> None:
    """It names the remedy: a durable nonce."""
    outside = ExternalSolanaSigner(requests, SOLANA_WALLET.address, cluster="devnet")
    with pytest.raises(NonceNotDurable, match="durable_nonce"):
        outside.sign(message(durable=False))

    assert requests.waiting() == []
