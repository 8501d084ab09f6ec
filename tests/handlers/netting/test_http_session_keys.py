"""Session keys over HTTP: requested, confirmed, revoked, shown; what became of them on the cluster is told to us."""

from collections.abc import Iterator
from typing import Any

import pytest

from kernel.outbox.solana import State
from tests.handlers.netting.teller import OTHER, WALLET, Teller, sign

pytestmark = pytest.mark.handlers


@pytest.fixture
def teller(database_url: str) -> Iterator[Teller]:
    teller = Teller(database_url)
    yield teller
    teller.close()


def created(teller: Teller, **changes: Any) -> dict[str, Any]:
    status, answer = teller.post("/api/session-keys/create", teller.request(**changes))
    assert status == 200, answer
    return answer


def confirmed(teller: Teller, answer: dict[str, Any], path: str = "confirm") -> tuple[int, dict[str, Any]]:
    body = {"transaction": sign(answer["transaction"], WALLET)}
    return teller.post(f"/api/session-keys/{answer['session']['id']}/{path}", body)


def active(teller: Teller) -> dict[str, Any]:
    answer = created(teller)
    confirmed(teller, answer)
    teller.end(f"netting:wallet:{answer['transaction']['id']}", State.CONFIRMED)
    return answer


def state(teller: Teller, answer: dict[str, Any]) -> str:
    return str(teller.get(f"/v1/netting/session-keys/{answer['session']['id']}")[1]["state"])


def test_a_session_trades_once_its_registration_is_final(teller: Teller) -> None:
    """Requested, then on its way, then active; what its owner signed is pinned."""
    answer = created(teller)
    _, told = confirmed(teller, answer)
    teller.end(f"netting:wallet:{answer['transaction']['id']}", State.CONFIRMED)
    pinned = teller.faked.pinning.read(f"netting:session:{answer['session']['id']}")

    assert ["requested", "registering", "active"] == [
        answer["session"]["state"],
        told["session"]["state"],
        state(teller, answer),
    ]
    assert (["BID"], "5", "0") == tuple(
        answer["session"][name] for name in ("allowed_actions", "max_volume_lamports", "used_volume_lamports")
    )
    assert WALLET.address.encode() in pinned.plain


@pytest.mark.parametrize("end", [State.FAILED, State.CANCELLED])
def test_a_registration_that_came_to_nothing_may_be_asked_for_again(teller: Teller, end: State) -> None:
    """The key is free; the session of the first request is gone."""
    answer = created(teller)
    confirmed(teller, answer)
    teller.end(f"netting:wallet:{answer['transaction']['id']}", end, {"InstructionError": [1, {"Custom": 6014}]})
    failed = state(teller, answer)
    again = created(teller)

    assert ("failed", "requested") == (failed, state(teller, again))
    assert 404 == teller.get(f"/api/session-keys/{answer['session']['id']}")[0]


def test_a_key_in_use_is_taken(teller: Teller) -> None:
    """For its owner, and for everybody else."""
    active(teller)
    status, answer = teller.post("/api/session-keys/create", teller.request())

    assert (409, "session_key_taken") == (status, answer["error"]["code"])


def test_a_revoked_session_trades_no_more_at_once(teller: Teller) -> None:
    """Before the program knows it; and afterwards for good."""
    session = active(teller)
    path = f"/v1/netting/session-keys/{session['session']['id']}"
    _, offer = teller.post(f"{path}/revoke")
    offered = state(teller, session)
    status, told = confirmed(teller, offer, "revoke/confirm")
    teller.end(f"netting:wallet:{offer['transaction']['id']}", State.CONFIRMED)
    ended = teller.post(f"{path}/revoke")

    assert ("active", 202, "revoking", "revoked") == (
        offered,
        status,
        told["session"]["state"],
        state(teller, session),
    )
    assert (409, "session_key_ended") == (ended[0], ended[1]["error"]["code"])


def test_confirming_twice_is_confirming_once(teller: Teller) -> None:
    """One obligation, whichever answer was lost."""
    answer = created(teller)
    statuses = [confirmed(teller, answer)[0] for _ in range(2)]

    assert [202, 202] == statuses
    assert 1 == len(teller.rows("select from kernel.solana_outbox"))


def test_fifty_sessions_are_enough(teller: Teller) -> None:
    """An owner revokes one before the next; what has ended does not count."""
    insert = (
        "insert into netting.session_keys (key, id, owner, allowed_actions, max_volume_lamports, expires_at, state,"
        " text, signature, requested_at, moved_at) select 'key ' || n, gen_random_uuid(), %(o)s, array['BID'], 1,"
        " %(now)s + n * interval '1 hour', 'active', '', '', %(now)s, %(now)s from generate_series({}, 50) n"
    )
    teller.change(insert.format(1), o=WALLET.address)
    status, answer = teller.post("/api/session-keys/create", teller.request())
    teller.clock.advance(3_600)

    assert (403, "too_many_sessions") == (status, answer["error"]["code"])
    assert "requested" == created(teller)["session"]["state"]


def test_sessions_come_in_pages_newest_first(teller: Teller) -> None:
    """Only the owner's; a cursor of nobody's is refused."""
    created(teller)
    teller.clock.advance(1)
    created(teller, owner=OTHER)
    _, mine = teller.get(f"/api/session-keys?owner={WALLET.address}&limit=1")
    _, rest = teller.get(f"/api/session-keys?owner={WALLET.address}&limit=1&cursor={mine['next_cursor']}")

    assert [WALLET.session.address] == [one["session_pubkey"] for one in mine["sessions"]]
    assert ([], None) == (rest["sessions"], rest["next_cursor"])
    assert 400 == teller.get(f"/api/session-keys?owner={WALLET.address}&cursor=here")[0]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"domain": "evil.example", "uri": "https://evil.example"}, "wrong_domain"),
        ({"chain_id": "101"}, "wrong_chain_id"),
        ({"chain_id": "103"}, "wrong_chain_id"),
        ({"address": OTHER.address}, "wrong_address"),
        ({"nonce": "0" * 32}, "nonce_spent"),
        ({"expiration_time": "2026-11-20T00:00:00Z"}, "sign_in_expired"),
        ({"not_before": "2026-11-22T00:00:00Z"}, "sign_in_not_yet_valid"),
        ({"resources": ()}, "session_terms_unfit"),
    ],
)
def test_a_text_that_is_not_for_this_is_refused(teller: Teller, changes: dict[str, Any], code: str) -> None:
    """Whatever its signature is worth; and nothing is kept of it."""
    status, answer = teller.post("/api/session-keys/create", teller.request(**changes))

    assert code == answer["error"]["code"]
    assert status in (401, 422)
    assert [] == teller.rows("select from netting.session_keys")


def test_a_refused_text_does_not_burn_its_nonce(teller: Teller) -> None:
    """A stranger who saw a text posts it with a signature of its own: the owner's still counts."""
    body = teller.request()
    theft = {**body, "signature": teller.request(owner=OTHER)["signature"]}
    refused = teller.post("/api/session-keys/create", theft)

    assert "wallet_signature_refused" == refused[1]["error"]["code"]
    assert 200 == teller.post("/api/session-keys/create", body)[0]
    assert "nonce_spent" == teller.post("/api/session-keys/create", body)[1]["error"]["code"]
