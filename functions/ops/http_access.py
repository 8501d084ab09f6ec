"""Let administrators decide who may do what: API keys of programs, roles of wallets."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import Depends, Path
from pydantic import Field

from functions.ops.wiring import Deps, build_deps
from kernel.auth.http import RoleName, require
from kernel.auth.principal import Principal, Role, Tier
from kernel.handler.http import Document, api, lambda_handler, wired

app = api("ops", build_deps)
Wired = Annotated[Deps, Depends(wired)]
Admin = Annotated[Principal, Depends(require(Role.ADMIN))]
Prefix = Annotated[str, Path(pattern="^[A-Za-z0-9]{12}$")]
Subject = Annotated[str, Path(pattern="^(evm:0x[0-9a-fA-F]{40}|solana:[1-9A-HJ-NP-Za-km-z]{32,44})$")]
GivenTier = Literal["public", "internal", "paid", "admin"]


class WantedKey(Document):
    """A key to be made: how often its holder may call, what it may do, and for whom it is.

    An administrator's are made by the command alone, with the database at hand: one who loses his role keeps none.
    """

    tier: GivenTier = "public"
    role: Literal["viewer", "operator"] = "viewer"
    label: str = Field(min_length=1, max_length=200)


class FreshKey(Document):
    """A key, shown this once."""

    prefix: str
    key: str


class KnownKey(Document):
    """A key without its secret."""

    prefix: str
    tier: str
    role: RoleName
    label: str
    created_at: datetime
    revoked_at: datetime | None


class KnownKeys(Document):
    """Every key ever made, oldest first."""

    keys: list[KnownKey]


class Grant(Document):
    """What a wallet may from its next sign-in or renewal on; the role "nobody" bars it."""

    role: Literal["nobody", "viewer", "operator", "admin"]
    tier: GivenTier = "public"


class Granted(Grant):
    """What is granted, or waits until then for another administrator to ask for the same."""

    waits_until: datetime | None


class WantedAdministrator(Document):
    """A wallet that one administrator wants to be one, too."""

    subject: str
    tier: str
    asked_by: str
    asked_at: datetime
    expires_at: datetime


class KnownPerson(Document):
    """A wallet to which something was granted."""

    subject: str
    role: RoleName
    tier: str
    granted_by: str
    changed_at: datetime


class KnownPeople(Document):
    """Every grant, by wallet, and who is to be an administrator once another one agrees."""

    people: list[KnownPerson]
    wanted: list[WantedAdministrator]


class Gone(Document):
    """What is no longer good."""

    id: str


@app.get("/v1/ops/api-keys")
def api_keys(deps: Wired, _: Admin) -> KnownKeys:
    """Every key, without its secret."""
    return KnownKeys(keys=[KnownKey.model_validate(key) for key in deps.kernel.api_keys.all()])


@app.post("/v1/ops/api-keys", status_code=201)
def make_api_key(wanted: WantedKey, deps: Wired, admin: Admin) -> FreshKey:
    """Make a key; its secret is in this answer and nowhere else."""
    issued = deps.kernel.api_keys.issue(
        tier=Tier(wanted.tier), role=Role.of(wanted.role), label=wanted.label, actor=admin.identity
    )
    return FreshKey.model_validate(issued)


@app.delete("/v1/ops/api-keys/{prefix}")
def revoke_api_key(prefix: Prefix, deps: Wired, admin: Admin) -> Gone:
    """Refuse a key from the next request on."""
    deps.kernel.api_keys.revoke(prefix, actor=admin.identity)
    return Gone(id=prefix)


@app.get("/v1/ops/people")
def people(deps: Wired, _: Admin) -> KnownPeople:
    """Every wallet to which something was granted."""
    people = deps.kernel.people
    return KnownPeople(
        people=[KnownPerson.model_validate(person) for person in people.all()],
        wanted=[WantedAdministrator.model_validate(one) for one in people.wanted()],
    )


@app.put("/v1/ops/people/{subject}")
def grant(subject: Subject, given: Grant, deps: Wired, admin: Admin) -> Granted:
    """Let a wallet do this; a session that it holds keeps its role for at most fifteen minutes.

    An administrator is made by two: it waits for a day for another one to ask for the same.
    """
    role, tier = Role.of(given.role), Tier(given.tier)
    waits_until = deps.kernel.people.grant(subject, role=role, tier=tier, actor=admin.identity)
    return Granted(role=given.role, tier=given.tier, waits_until=waits_until)


@app.delete("/v1/ops/people/{subject}")
def forget(subject: Subject, deps: Wired, admin: Admin) -> Gone:
    """Take a grant back: the wallet may what every wallet may."""
    deps.kernel.people.forget(subject, actor=admin.identity)
    return Gone(id=subject)


handler = lambda_handler(app)
