"""Session keys over HTTP and on the program: what an owner signs is what is registered, and nothing else is."""

import base64
from datetime import timedelta
from typing import Any

import pytest

from infra.local.netting.wallets import Wallet
from tests.chain.netting.till import DOMAIN, SOL, Asked, Till, message_of, sign

pytestmark = pytest.mark.chain


@pytest.fixture
def asked(till: Till) -> Asked:
    return Asked(owner=till.world.wallets[0], key=Wallet.named("another session").address)


def registered(till: Till, asked: Asked) -> str:
    """A session that trades; its id."""
    status, answer = till.create(asked)
    assert status == 200, answer
    confirm(till, answer, asked.owner)
    till.work()
    return str(answer["session"]["id"])


def confirm(till: Till, answer: dict[str, Any], *signers: Wallet, path: str = "confirm") -> tuple[int, dict[str, Any]]:
    body = {"transaction": sign(answer["transaction"]["transaction"], *signers)}
    return till.post(f"/v1/netting/session-keys/{answer['session']['id']}/{path}", body)


def code(told: tuple[int, dict[str, Any]]) -> str:
    assert told[0] >= 400, told
    return str(told[1]["error"]["code"])


def test_a_session_key_is_requested_registered_and_active(till: Till, asked: Asked) -> None:
    """The program keeps the terms that the wallet has shown; the owner pays; what was signed is pinned."""
    status, answer = till.create(asked)
    _, confirmed = confirm(till, answer, asked.owner)
    session_id = answer["session"]["id"]
    till.work()
    account = till.world.program.session_key(asked.owner.address, asked.key)
    content = base64.b64decode(
        till.world.node.rpc("getAccountInfo", account, {"encoding": "base64"})["value"]["data"][0]
    )
    pinned = till.kernel.pinning.read(f"netting:session:{session_id}")

    assert (200, "requested", "registering", "active") == (
        status,
        answer["session"]["state"],
        confirmed["session"]["state"],
        till.session(session_id),
    )
    assert (asked.volume, 0) == (int.from_bytes(content[72:80], "little"), int.from_bytes(content[88:96], "little"))
    assert answer["session"]["max_volume_lamports"] == str(asked.volume)
    assert asked.key.encode() in pinned.plain


def test_a_session_key_is_revoked_as_soon_as_its_owner_has_signed(till: Till, asked: Asked) -> None:
    """It trades no more from that answer on; later the program says so, too."""
    session_id = registered(till, asked)
    path = f"/v1/netting/session-keys/{session_id}"
    _, offer = till.post(f"{path}/revoke")
    untouched = till.session(session_id)
    status, answer = confirm(till, offer, asked.owner, path="revoke/confirm")
    till.work()

    assert ("active", 202, "revoking", "revoked") == (
        untouched,
        status,
        answer["session"]["state"],
        till.session(session_id),
    )
    assert "session_key_ended" == code(till.post(f"{path}/revoke"))
    assert "transaction_would_fail" == code(till.create(asked))


def test_a_revocation_that_expires_is_still_the_owners_word(till: Till, asked: Asked) -> None:
    """The key stays out of use, and may be revoked again."""
    session_id = registered(till, asked)
    _, offer = till.post(f"/v1/netting/session-keys/{session_id}/revoke")
    confirm(till, offer, asked.owner, path="revoke/confirm")
    till.world.node.expire()
    till.work()
    expired = till.session(session_id)
    till.clock.advance(1)
    _, again = till.post(f"/v1/netting/session-keys/{session_id}/revoke")
    confirm(till, again, asked.owner, path="revoke/confirm")
    till.work()

    assert ("revoking", "revoked") == (expired, till.session(session_id))


def test_only_the_owner_confirms(till: Till, asked: Asked) -> None:
    """A thief signs in the owner's place; the registration is confirmed as a revocation; nobody signs."""
    _, answer = till.create(asked)
    thief = till.world.wallets[1]
    raw = bytearray(base64.b64decode(answer["transaction"]["transaction"]))
    raw[1:65] = thief.signer.sign_message(message_of(answer["transaction"]["transaction"]))
    path = f"/v1/netting/session-keys/{answer['session']['id']}/confirm"

    assert "wallet_signature_refused" == code(till.post(path, {"transaction": base64.b64encode(bytes(raw)).decode()}))
    assert "not_the_offer" == code(till.post(path, {"transaction": answer["transaction"]["transaction"]}))
    assert "not_the_offer" == code(confirm(till, answer, asked.owner, path="revoke/confirm"))
    assert "requested" == till.session(answer["session"]["id"])


def test_a_session_key_is_for_one_owner_only(till: Till, asked: Asked) -> None:
    """While nobody has confirmed it the newest request counts; then it is taken."""
    _, first = till.create(asked)
    second = Asked(owner=till.world.wallets[1], key=asked.key)
    _, newest = till.create(second)

    assert 404 == confirm(till, first, asked.owner)[0]
    assert 202 == confirm(till, newest, second.owner)[0]
    assert "session_key_taken" == code(till.create(asked))
    till.work()
    assert "active" == till.session(newest["session"]["id"])


def test_an_older_offer_does_not_register_newer_terms(till: Till, asked: Asked) -> None:
    """The same owner asks again for more: what was signed for less is handed back to no session."""
    _, first = till.create(asked)
    _, second = till.create(Asked(owner=asked.owner, key=asked.key, volume=9 * SOL))
    old = sign(first["transaction"]["transaction"], asked.owner)

    assert "offer_expired" == code(
        till.post(f"/v1/netting/session-keys/{second['session']['id']}/confirm", {"transaction": old})
    )


def test_a_registration_that_expires_fails_and_may_be_asked_for_again(till: Till, asked: Asked) -> None:
    """Nothing of it can land: the key is free."""
    _, answer = till.create(asked)
    confirm(till, answer, asked.owner)
    till.world.node.expire()
    till.work()
    failed = till.session(answer["session"]["id"])

    assert "failed" == failed
    assert "active" == till.session(registered(till, asked))


def test_a_text_is_for_our_domain_cluster_address_and_moment(till: Till, asked: Asked) -> None:
    """Every sign-in attack, with a signature that is right for the text."""
    now = till.clock.now().replace(microsecond=0)

    def moment(seconds: int) -> str:
        return (now + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")

    other = till.world.wallets[1]
    attacks: dict[str, dict[str, Any]] = {
        "another domain": {"domain": "evil.example", "uri": "https://evil.example"},
        "another site behind our name": {"uri": "https://evil.example/app.counterpart.test"},
        "our name as a user": {"uri": f"https://{DOMAIN}@evil.example"},
        "mainnet": {"chain_id": "mainnet"},
        "mainnet by its number": {"chain_id": "101"},
        "devnet by its number": {"chain_id": "103"},
        "another wallet": {"address": other.address},
        "expired": {"expiration_time": moment(0)},
        "not yet": {"not_before": moment(60)},
        "signed tomorrow": {"issued_at": moment(86_400)},
        "a nonce of nobody's": {"nonce": "0123456789abcdef0123456789abcdef"},
    }
    codes = {name: code(till.create(asked, **changes)) for name, changes in attacks.items()}

    assert codes == {
        "another domain": "wrong_domain",
        "another site behind our name": "wrong_domain",
        "our name as a user": "wrong_domain",
        "mainnet": "wrong_chain_id",
        "mainnet by its number": "wrong_chain_id",
        "devnet by its number": "wrong_chain_id",
        "another wallet": "wrong_address",
        "expired": "sign_in_expired",
        "not yet": "sign_in_not_yet_valid",
        "signed tomorrow": "sign_in_not_yet_valid",
        "a nonce of nobody's": "nonce_spent",
    }
    assert [] == till.rows("select from netting.session_keys where key = %(key)s", key=asked.key)


def test_a_nonce_is_good_once_and_for_five_minutes(till: Till, asked: Asked) -> None:
    """Of two copies of a text one is refused; an old one, too; a nonce of a sign-in is none of ours."""
    text = till.text(asked)
    first = till.post("/v1/netting/session-keys/create", till.body(asked, text))
    again = till.post("/v1/netting/session-keys/create", till.body(asked, text))
    late = till.text(asked)
    till.clock.advance(301)
    foreign = till.kernel.nonces.issue("siws")

    assert 200 == first[0]
    assert "nonce_spent" == code(again)
    assert "nonce_spent" == code(till.post("/v1/netting/session-keys/create", till.body(asked, late)))
    assert "nonce_spent" == code(till.create(asked, nonce=foreign))


def test_no_line_is_smuggled_into_a_text(till: Till, asked: Asked) -> None:
    """A line feed in the statement, a second session behind or before the first, a carriage return, a missing line."""
    honest = till.text(asked)
    richer = honest.replace(f":{asked.volume}:", f":{99 * SOL}:").rsplit("\n- ", 1)[1]
    texts = [
        honest.replace("trade for me.", "trade for me.\n\nURI: https://evil.example"),
        honest.replace("trade for me.", "trade for me.\r"),
        honest + f"\n- {richer}",
        honest.replace("Resources:\n", f"Resources:\n- {richer}\n"),
        honest + "\n- https://example.com",
        honest + "\n",
        honest.rsplit("\nResources:", 1)[0],
        honest.replace(f":{asked.volume}:", f":0{asked.volume}:"),
        honest.replace(asked.key, asked.owner.address, 1),
    ]
    told = [code(till.post("/v1/netting/session-keys/create", till.body(asked, text))) for text in texts]

    assert set(told) <= {"sign_in_unreadable", "session_terms_unfit", "wrong_domain"}
    assert 200 == till.post("/v1/netting/session-keys/create", till.body(asked, honest))[0]


def test_only_the_owner_signs_the_text(till: Till, asked: Asked) -> None:
    """Another wallet's signature, and one over another text."""
    text = till.text(asked)
    other = till.text(asked)

    assert "wallet_signature_refused" == code(
        till.post("/v1/netting/session-keys/create", till.body(asked, text, till.world.wallets[1]))
    )
    swapped = {**till.body(asked, text), "signature": till.body(asked, other)["signature"]}
    assert "wallet_signature_refused" == code(till.post("/v1/netting/session-keys/create", swapped))


def test_terms_have_limits_and_are_those_of_the_text(till: Till, asked: Asked) -> None:
    """More volume, a longer life or another key than was signed; a life of a second, or of more than a year."""
    body = till.body(asked, till.text(asked))
    stretched = [
        {**body, "maxVolumeLamports": str(asked.volume + 1)},
        {**body, "expiresInSeconds": asked.expires_in_s + 1},
        {**body, "sessionPubkey": Wallet.named("yet another").address},
        {**body, "sessionPubkey": asked.owner.address},
    ]
    codes = [code(till.post("/v1/netting/session-keys/create", one)) for one in stretched]
    codes += [
        code(till.create(Asked(owner=asked.owner, key=asked.key, expires_in_s=seconds)))
        for seconds in (1, 365 * 86_400 + 1)
    ]

    assert ["session_terms_unfit"] * 6 == codes
    assert 400 == till.post("/v1/netting/session-keys/create", {**body, "allowedActions": ["STEAL"]})[0]
    assert 400 == till.post("/v1/netting/session-keys/create", {**body, "allowedActions": []})[0]


def test_a_text_that_no_transaction_holds_is_refused(till: Till, asked: Asked) -> None:
    """Before its nonce is spent."""
    nonce = till.nonce()

    assert "session_text_too_long" == code(till.create(asked, statement="x" * 900, nonce=nonce))
    assert 200 == till.create(asked, nonce=nonce)[0]
