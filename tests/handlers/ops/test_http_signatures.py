"""Signatures from outside over HTTP: who sees the requests, what is taken as an answer, and what is refused."""

import base64
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from functions.ops.http_signatures import handler
from functions.ops.wiring import ROLE, Deps
from kernel import base58
from kernel.auth import Role, Tier
from kernel.evm.fees import Fees
from kernel.evm.transactions import SECP256K1_ORDER, UnsignedTransaction
from kernel.keys.evm import LocalSigner
from kernel.keys.external import ExternalSigner, ExternalSolanaSigner
from kernel.keys.outside import SignatureAwaited
from kernel.keys.solana import LocalSolanaSigner
from kernel.solana.transactions import DurableNonce, compile_message, system_transfer
from kernel.testing.kernel import FakedKernel

pytestmark = pytest.mark.handlers
LIST = json.loads(Path("events/ops/http_signatures.json").read_text(encoding="utf-8"))
SIGN = json.loads(Path("events/ops/http_signatures.sign.json").read_text(encoding="utf-8"))
WITHDRAW = json.loads(Path("events/ops/http_signatures.withdraw.json").read_text(encoding="utf-8"))
WALLET = LocalSigner(bytes([9] * 32))
SOLANA_WALLET = LocalSolanaSigner(bytes([8] * 32))
NONCE_ACCOUNT, RECIPIENT = base58.encode(bytes([3] * 32)), base58.encode(bytes([4] * 32))
NONCE_VALUE = base58.encode(bytes([5] * 32))

Answer = tuple[int, dict[str, Any]]


@pytest.fixture
def kernel(database_url: str) -> Iterator[FakedKernel]:
    kernel = FakedKernel(database_url, role=ROLE)
    yield kernel
    kernel.close()


def payment(nonce: int = 3, data: bytes = bytes.fromhex("a9059cbb") + bytes(64)) -> UnsignedTransaction:
    return UnsignedTransaction(
        chain_id=10,
        nonce=nonce,
        to="0x" + "11" * 20,
        value_wei=5,
        data=data,
        gas_limit=60_000,
        fees=Fees(max_fee_wei=30, tip_wei=2),
    )


def message() -> bytes:
    payer = SOLANA_WALLET.address
    return compile_message(
        payer,
        [system_transfer(payer, RECIPIENT, 70)],
        compute_unit_limit=1_000,
        compute_unit_price=1_500_000,
        durable_nonce=DurableNonce(NONCE_ACCOUNT, payer, NONCE_VALUE),
    )


def ask(kernel: FakedKernel, payload: UnsignedTransaction | None = None) -> str:
    """The id of the request that a payment waits for."""
    with pytest.raises(SignatureAwaited) as awaited:
        ExternalSigner(Deps(kernel).signatures, WALLET.address).sign_transaction(payload or payment())
    return str(awaited.value.details["request_id"])


def ask_solana(kernel: FakedKernel) -> str:
    with pytest.raises(SignatureAwaited) as awaited:
        ExternalSolanaSigner(Deps(kernel).signatures, SOLANA_WALLET.address, cluster="devnet").sign(message())
    return str(awaited.value.details["request_id"])


def key(kernel: FakedKernel, role: Role) -> dict[str, str]:
    return {"x-api-key": kernel.api_keys.issue(tier=Tier.PUBLIC, role=role, label="a test", actor="a test").key}


def call(kernel: FakedKernel, event: Mapping[str, Any], headers: Mapping[str, str], **changes: Any) -> Answer:
    kept = {name: value for name, value in event["headers"].items() if name != "x-api-key"}
    answer = handler.bind(Deps(kernel))({**event, "headers": kept | dict(headers), **changes}, None)
    return answer["statusCode"], json.loads(answer["body"])


def signed(kernel: FakedKernel, headers: Mapping[str, str], id_: str, body: Mapping[str, Any] | str) -> Answer:
    given = {"signature": body} if isinstance(body, str) else dict(body)
    return call(kernel, SIGN, headers, body=json.dumps(given), **_path(SIGN, id_))


def withdrawn(kernel: FakedKernel, headers: Mapping[str, str], id_: str) -> Answer:
    return call(kernel, WITHDRAW, headers, **_path(WITHDRAW, id_))


def _path(event: Mapping[str, Any], id_: str) -> dict[str, Any]:
    path = event["rawPath"].replace("0198c7a5-5f00-7000-8000-000000000001", id_)
    context = event["requestContext"]
    return {"rawPath": path, "requestContext": {**context, "http": {**context["http"], "path": path}}}


def forms(payload: UnsignedTransaction) -> list[str | dict[str, Any]]:
    """Every way in which a wallet writes the same signature."""
    signature = WALLET.sign_digest(payload.digest())
    whole, parity = signature.to_bytes()[:64].hex(), signature.y_parity
    return [
        f"0x{whole}{signature.v:02x}",
        f"{whole}{parity:02x}",
        f"0x{whole.upper()}{parity:02x}",
        {"r": hex(signature.r), "s": f"{signature.s:x}", "y_parity": parity},
    ]


def test_operators_see_what_a_person_is_asked_to_sign(kernel: FakedKernel) -> None:
    """Chain, recipient, value, selector and the most that it may cost, and the very bytes."""
    ask(kernel)

    status, body = call(kernel, LIST, key(kernel, Role.OPERATOR))

    assert status == 200
    [request] = body["requests"]
    assert (request["chain"], request["address"]) == ("evm:10", WALLET.address)
    assert request["payload_hex"] == "0x" + payment().to_bytes().hex()
    assert request["digest_hex"] == "0x" + payment().digest().hex()
    wanted = {"to": payment().to, "value_wei": "5", "selector": "0xa9059cbb", "fee_max_wei": "1800000", "nonce": 3}
    assert wanted.items() <= request["summary"].items()
    assert "call 0xa9059cbb of 0x1111111111111111111111111111111111111111 with 5 wei" in request["summary"]["sentence"]


def test_a_solana_request_says_what_moves(kernel: FakedKernel) -> None:
    """Transfers, programs, and the fee: signatures and units, rounded up."""
    ask_solana(kernel)

    [request] = call(kernel, LIST, key(kernel, Role.OPERATOR))[1]["requests"]

    assert request["chain"] == "solana:devnet"
    assert base64.b64decode(request["payload_base64"]) == message()
    assert request["summary"]["transfers"] == [{"from": SOLANA_WALLET.address, "to": RECIPIENT, "lamports": "70"}]
    assert request["summary"]["fee_max_lamports"] == "6500"
    assert request["summary"]["nonce_account"] == NONCE_ACCOUNT


@pytest.mark.parametrize("form", range(4))
def test_a_signature_is_taken_in_every_common_form(kernel: FakedKernel, form: int) -> None:
    """v as 27 or 28, as 0 or 1, in capitals, in parts; then the signer has it, and no request is open."""
    id_, admin = ask(kernel), key(kernel, Role.ADMIN)

    status, body = signed(kernel, admin, id_, forms(payment())[form])

    assert (status, body["state"]) == (200, "signed")
    assert body["resolved_by"] is not None
    outside = ExternalSigner(Deps(kernel).signatures, WALLET.address)
    assert outside.sign_transaction(payment()) == WALLET.sign_transaction(payment())
    assert call(kernel, LIST, admin)[1]["requests"] == []


@pytest.mark.parametrize("written", [base58.encode, lambda plain: base64.b64encode(plain).decode()])
def test_a_solana_signature_is_taken_in_both_forms(kernel: FakedKernel, written: Any) -> None:
    """base58 and base64."""
    id_ = ask_solana(kernel)
    signature = SOLANA_WALLET.sign_message(message())

    assert signed(kernel, key(kernel, Role.ADMIN), id_, written(signature))[0] == 200
    outside = ExternalSolanaSigner(Deps(kernel).signatures, SOLANA_WALLET.address, cluster="devnet")
    assert outside.sign_message(message()) == signature


def test_the_same_answer_twice_is_one_answer(kernel: FakedKernel) -> None:
    """200 both times, one act in the audit log; another valid answer of the same wallet is a conflict."""
    id_, admin = ask(kernel), key(kernel, Role.ADMIN)
    first, again = forms(payment())[0], forms(payment())[3]
    answers = [signed(kernel, admin, id_, first), signed(kernel, admin, id_, again)]

    assert answers[0] == answers[1]
    acts = Deps(kernel).audit.newest(subject=f"signature_request:{id_}")
    assert [act.action for act in acts] == ["keys.sign"]


def wrong_signatures() -> dict[str, str]:
    right = WALLET.sign_digest(payment().digest())
    r, s = right.r.to_bytes(32, "big"), right.s.to_bytes(32, "big")
    upper = (SECP256K1_ORDER - right.s).to_bytes(32, "big")
    foreign = LocalSigner(bytes([6] * 32)).sign_digest(payment().digest())
    other = WALLET.sign_digest(payment(nonce=4).digest())
    return {
        "of another wallet": foreign.to_bytes().hex(),
        "of another payload": other.to_bytes().hex(),
        "with the other parity": (r + s + bytes([1 - right.y_parity])).hex(),
        "in the upper half": (r + upper + bytes([1 - right.y_parity])).hex(),
        "with v of an old chain": (r + s + bytes([37])).hex(),
        "of zeros": "00" * 65,
        "too short": (r + s).hex(),
        "no hexadecimal": "zz" * 65,
    }


@pytest.mark.parametrize("name", list(wrong_signatures()))
def test_what_does_not_verify_is_refused(kernel: FakedKernel, name: str) -> None:
    """400 signature_refused; the request stays open for the right answer."""
    id_, admin = ask(kernel), key(kernel, Role.ADMIN)

    status, body = signed(kernel, admin, id_, wrong_signatures()[name])

    assert (status, body["error"]["code"]) == (400, "signature_refused")
    assert signed(kernel, admin, id_, forms(payment())[0])[0] == 200


@pytest.mark.parametrize("wrong", ["1" * 88, base64.b64encode(bytes(64)).decode(), "0" * 88, "A" * 87 + "="])
def test_a_solana_signature_that_does_not_verify_is_refused(kernel: FakedKernel, wrong: str) -> None:
    """Zeros, letters that base58 does not have, too few bytes."""
    id_ = ask_solana(kernel)

    assert signed(kernel, key(kernel, Role.ADMIN), id_, wrong)[1]["error"]["code"] == "signature_refused"


@pytest.mark.parametrize("body", [{}, {"r": "1", "s": "1"}, {"signature": "0x" + "1" * 130, "r": "1"}])
def test_an_answer_has_one_form(kernel: FakedKernel, body: dict[str, Any]) -> None:
    """Whole or in all its parts: 422 signature_forms_mixed otherwise."""
    status, answer = signed(kernel, key(kernel, Role.ADMIN), ask(kernel), body)

    assert (status, answer["error"]["code"]) == (422, "signature_forms_mixed")


def test_a_part_is_hexadecimal(kernel: FakedKernel) -> None:
    """400 otherwise, before anything is looked up."""
    assert signed(kernel, key(kernel, Role.ADMIN), ask(kernel), {"r": "g"})[0] == 400


def test_a_withdrawn_request_is_asked_for_again(kernel: FakedKernel) -> None:
    """Its answer is a conflict; the next wish for the nonce opens another, at its own fees."""
    id_, admin = ask(kernel), key(kernel, Role.ADMIN)
    answers = [withdrawn(kernel, admin, id_), withdrawn(kernel, admin, id_)]

    assert [(status, body["state"]) for status, body in answers] == [(200, "withdrawn")] * 2
    assert signed(kernel, admin, id_, forms(payment())[0])[0] == 409
    assert ask(kernel) != id_


def test_what_is_signed_cannot_be_withdrawn(kernel: FakedKernel) -> None:
    """409: the signature is in the world."""
    id_, admin = ask(kernel), key(kernel, Role.ADMIN)
    signed(kernel, admin, id_, forms(payment())[0])

    assert withdrawn(kernel, admin, id_)[0] == 409


def test_only_administrators_answer(kernel: FakedKernel) -> None:
    """An operator may look, a viewer may not; an unknown request is 404."""
    id_ = ask(kernel)
    operator, viewer, admin = (key(kernel, role) for role in (Role.OPERATOR, Role.VIEWER, Role.ADMIN))
    answer = forms(payment())[0]

    assert signed(kernel, operator, id_, answer)[0] == 403
    assert withdrawn(kernel, operator, id_)[0] == 403
    assert call(kernel, LIST, viewer)[0] == 403
    assert call(kernel, LIST, {})[0] == 401
    assert signed(kernel, admin, str(uuid4()), answer)[0] == 404


def test_requests_come_page_by_page(kernel: FakedKernel) -> None:
    """Oldest first; the cursor goes on where the page ended."""
    ids = [ask(kernel, payment(nonce)) for nonce in range(3)]
    operator = key(kernel, Role.OPERATOR)
    _, first = call(kernel, LIST, operator, rawQueryString="limit=2")
    _, second = call(kernel, LIST, operator, rawQueryString=f"limit=2&cursor={first['next_cursor']}")

    assert [request["id"] for request in first["requests"] + second["requests"]] == ids
    assert second["next_cursor"] is None
