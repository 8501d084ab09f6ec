"""API keys and roles over HTTP: only administrators, each act recorded, a secret shown once."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from functions.ops.http_access import handler
from functions.ops.wiring import ROLE, Deps
from kernel.audit import Audit
from kernel.auth import Role, Tier
from kernel.auth.administrators import OwnGrant
from kernel.auth.people import People
from kernel.errors import Unauthorized
from kernel.evm.addresses import checksum
from kernel.testing import FakeClock
from kernel.testing.kernel import FakedKernel

pytestmark = pytest.mark.handlers
EVENT = json.loads(Path("events/ops/http_access.json").read_text(encoding="utf-8"))
WALLET = "evm:0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
ROUTES = [
    ("GET", "/v1/ops/api-keys", None),
    ("POST", "/v1/ops/api-keys", {"label": "a customer"}),
    ("DELETE", "/v1/ops/api-keys/abcdefghijkl", None),
    ("GET", "/v1/ops/people", None),
    ("PUT", f"/v1/ops/people/{WALLET}", {"role": "operator"}),
    ("DELETE", f"/v1/ops/people/{WALLET}", None),
]


@pytest.fixture
def kernel(database_url: str) -> Iterator[FakedKernel]:
    kernel = FakedKernel(database_url, role=ROLE)
    yield kernel
    kernel.close()


@pytest.fixture
def admin(kernel: FakedKernel) -> str:
    return kernel.api_keys.issue(tier=Tier.ADMIN, role=Role.ADMIN, label="ada", actor="a test").key


@pytest.fixture
def other(kernel: FakedKernel) -> str:
    return kernel.api_keys.issue(tier=Tier.ADMIN, role=Role.ADMIN, label="bob", actor="a test").key


def call(kernel: FakedKernel, api_key: str | None, method: str, path: str, body: Any = None) -> Any:
    headers = {name: value for name, value in EVENT["headers"].items() if name not in {"x-api-key", "content-length"}}
    context = EVENT["requestContext"]
    event = {
        **EVENT,
        "headers": headers | ({"x-api-key": api_key} if api_key else {}),
        "rawPath": path,
        "body": None if body is None else json.dumps(body),
        "requestContext": {**context, "http": {**context["http"], "method": method, "path": path}},
    }
    answer = handler.bind(Deps(kernel))(event, None)
    return answer["statusCode"], json.loads(answer["body"])


def test_a_key_is_made_listed_and_revoked(kernel: FakedKernel, admin: str) -> None:
    """Its secret is in the first answer and nowhere else."""
    wanted = {"tier": "paid", "role": "viewer", "label": "a customer"}
    made, fresh = call(kernel, admin, "POST", "/v1/ops/api-keys", wanted)
    principal = kernel.api_keys.principal(fresh["key"])
    _, listed = call(kernel, admin, "GET", "/v1/ops/api-keys")
    gone, _ = call(kernel, admin, "DELETE", f"/v1/ops/api-keys/{fresh['prefix']}")

    assert (201, Tier.PAID, Role.VIEWER, 200) == (made, principal.tier, principal.role, gone)
    assert ["a customer", "ada"] == sorted(one["label"] for one in listed["keys"])
    assert fresh["key"].rpartition("_")[2] not in json.dumps(listed)
    with pytest.raises(Unauthorized):
        kernel.api_keys.principal(fresh["key"])


def test_a_wallet_is_granted_a_role_and_loses_it(kernel: FakedKernel, admin: str) -> None:
    """However its address was capitalised."""
    granted, _ = call(kernel, admin, "PUT", f"/v1/ops/people/{WALLET.lower()}", {"role": "operator", "tier": "paid"})
    standing = kernel.people.standing(WALLET)
    _, listed = call(kernel, admin, "GET", "/v1/ops/people")
    gone, _ = call(kernel, admin, "DELETE", f"/v1/ops/people/{WALLET}")
    again, _ = call(kernel, admin, "DELETE", f"/v1/ops/people/{WALLET}")

    assert (200, 200, 404) == (granted, gone, again)
    assert (Role.OPERATOR, Tier.PAID) == (standing.role, standing.tier)
    assert [(WALLET, "operator")] == [(one["subject"], one["role"]) for one in listed["people"]]
    assert Role.VIEWER is kernel.people.standing(WALLET).role


def test_a_mistyped_wallet_is_granted_nothing(kernel: FakedKernel, admin: str) -> None:
    """In mixed case its checksum must hold: an administrator's role must not go to a stranger."""
    mistyped = WALLET.replace("8", "9", 1)

    assert 422 == call(kernel, admin, "PUT", f"/v1/ops/people/{mistyped}", {"role": "admin"})[0]
    assert [] == kernel.people.all()


def test_every_act_is_recorded_with_its_actor(kernel: FakedKernel, admin: str, other: str) -> None:
    """The key that did it, not the secret."""
    for key in (admin, other):
        call(kernel, key, "PUT", f"/v1/ops/people/{WALLET}", {"role": "admin"})
    call(kernel, admin, "DELETE", f"/v1/ops/people/{WALLET}")
    acts = Audit(kernel.postgres).newest(limit=3)
    me, they = (f"key:{key.split('_')[1]}" for key in (admin, other))

    assert [(me, "people.forget"), (they, "people.grant"), (me, "people.want_administrator")] == [
        (act.actor, act.action) for act in acts
    ]


def test_an_administrators_key_is_made_by_the_command_alone(kernel: FakedKernel, admin: str) -> None:
    """Whoever is about to lose the role keeps none of its keys."""
    wanted = {"tier": "admin", "role": "admin", "label": "mine"}
    refused, told = call(kernel, admin, "POST", "/v1/ops/api-keys", wanted)
    _, listed = call(kernel, admin, "GET", "/v1/ops/api-keys")

    assert (400, "invalid_request") == (refused, told["error"]["code"])
    assert ["ada"] == [key["label"] for key in listed["keys"]]


def test_one_administrator_alone_makes_no_other(kernel: FakedKernel, admin: str, other: str) -> None:
    """However often he asks; another one agrees by asking for the same."""
    path, wanted = f"/v1/ops/people/{WALLET}", {"role": "admin", "tier": "admin"}
    asked, first = call(kernel, admin, "PUT", path, wanted)
    call(kernel, admin, "PUT", path, wanted)
    alone = kernel.people.standing(WALLET).role
    _, listed = call(kernel, other, "GET", "/v1/ops/people")
    agreed, last = call(kernel, other, "PUT", path, wanted)

    assert (200, 200, Role.VIEWER, Role.ADMIN) == (asked, agreed, alone, kernel.people.standing(WALLET).role)
    assert ([WALLET], True, None) == (
        [one["subject"] for one in listed["wanted"]],
        first["waits_until"] is not None,
        last["waits_until"],
    )
    assert [] == call(kernel, admin, "GET", "/v1/ops/people")[1]["wanted"]
    assert [f"key:{admin.split('_')[1]}"] == [one.granted_by for one in kernel.people.all()]


def test_nobody_makes_those_who_agree_to_an_administrator(kernel: FakedKernel) -> None:
    """Neither whom the asker made, nor who made the asker, nor whom a program made, nor who became one since."""
    ada, bob, eve, fay, gus, new = (f"evm:{checksum('0x' + f'{n:040x}')}" for n in range(1, 7))
    clock = FakeClock(datetime(2026, 11, 22, tzinfo=UTC))
    people = People(kernel.postgres, clock)
    for subject, by in ((ada, f"person:{bob}"), (bob, "person:x"), (eve, f"person:{ada}"), (fay, "key:0123456789ab")):
        _granted(kernel, subject, by, clock.now() - timedelta(seconds=1))
    _granted(kernel, gus, "person:x", clock.now() + timedelta(seconds=1))
    people.grant(new, role=Role.ADMIN, tier=Tier.ADMIN, actor=f"person:{ada}")
    refused = []
    for agreeing in (bob, eve, fay, gus):
        with pytest.raises(OwnGrant) as refusal:
            people.grant(new, role=Role.ADMIN, tier=Tier.ADMIN, actor=f"person:{agreeing}")
        refused.append(refusal.value.code)

    assert ["own_grant"] * 4 == refused
    assert Role.VIEWER is people.standing(new).role
    assert people.grant(new, role=Role.ADMIN, tier=Tier.ADMIN, actor="person:x") is None
    assert Role.ADMIN is people.standing(new).role


@pytest.mark.parametrize("end", ["a day", "another tier", "the asker is barred", "it is taken back"])
def test_what_an_administrator_asked_for_ends(kernel: FakedKernel, end: str) -> None:
    """After a day; with another wish; with who asked; and when somebody says no."""
    ada, new = WALLET, f"evm:{checksum('0x' + f'{9:040x}')}"
    clock = FakeClock(datetime(2026, 11, 22, tzinfo=UTC))
    people = People(kernel.postgres, clock)
    people.grant(new, role=Role.ADMIN, tier=Tier.ADMIN, actor=f"person:{ada}")
    if end == "a day":
        clock.advance(24 * 3_600)
    if end == "the asker is barred":
        people.grant(ada, role=Role.NOBODY, tier=Tier.PUBLIC, actor="person:x")
    if end == "it is taken back":
        people.forget(new, actor="person:x")
    tier = Tier.PAID if end == "another tier" else Tier.ADMIN

    assert people.grant(new, role=Role.ADMIN, tier=tier, actor="person:y") is not None
    assert Role.VIEWER is people.standing(new).role


def _granted(kernel: FakedKernel, subject: str, by: str, at: datetime) -> None:
    """An administrator by somebody's grant."""
    sql = "insert into kernel.people values (%(subject)s, 'admin', 'admin', %(by)s, %(at)s)"
    with kernel.postgres.transaction() as tx:
        tx.execute(sql, subject=subject, by=by, at=at)


@pytest.mark.parametrize("role", [None, Role.VIEWER, Role.OPERATOR])
@pytest.mark.parametrize(("method", "path", "body"), ROUTES, ids=lambda value: str(value)[:24])
def test_only_administrators(kernel: FakedKernel, role: Role | None, method: str, path: str, body: Any) -> None:
    """Nobody below may look, and nothing happens."""
    made = role and kernel.api_keys.issue(tier=Tier.ADMIN, role=role, label="bob", actor="a test")
    api_key = made.key if made else None
    before = Audit(kernel.postgres).head()

    assert (401 if role is None else 403) == call(kernel, api_key, method, path, body)[0]
    assert before == Audit(kernel.postgres).head()


@pytest.mark.parametrize(
    "subject",
    ["evm:0x1234", "solana:0OIl", "solana:" + "1" * 33, "bitcoin:abc", "evm:" + "0x" + "g" * 40],
)
def test_a_role_goes_to_wallets_only(kernel: FakedKernel, admin: str, subject: str) -> None:
    """Anything else is refused before it is stored."""
    assert call(kernel, admin, "PUT", f"/v1/ops/people/{subject}", {"role": "admin"})[0] in {400, 422}
    assert [] == kernel.people.all()
