"""Let administrators decide who is told by webhooks, and see what each was told."""

from datetime import datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Depends, Query
from pydantic import Field

from functions.ops.wiring import Deps, build_deps
from kernel.auth.http import require
from kernel.auth.principal import Principal, Role
from kernel.handler.http import Document, api, lambda_handler, wired
from kernel.webhooks.deliveries import Delivery
from kernel.webhooks.endpoints import Endpoint, Issued

app = api("ops", build_deps)
Wired = Annotated[Deps, Depends(wired)]
Admin = Annotated[Principal, Depends(require(Role.ADMIN))]
Owner = Annotated[
    str,
    Field(
        pattern="^(service:[a-z][a-z0-9_]{0,40}|person:(evm:0x[0-9a-fA-F]{40}|solana:[1-9A-HJ-NP-Za-km-z]{32,44}))$",
        description="A service, or a person, who hears only what concerns that person.",
    ),
]
Topic = Annotated[
    str,
    Field(pattern=r"^[a-z][a-z0-9_]{0,40}[.]([a-z][a-z0-9_]{0,60}|[*])$", examples=["bridge.order_filled", "bridge.*"]),
]


class WantedEndpoint(Document):
    """A receiver to be made, and what it wants to hear."""

    owner: Owner
    url: str = Field(min_length=10, max_length=2000, examples=["https://hooks.example.org/counterpart"])
    topics: list[Topic] = Field(min_length=1, max_length=50)


class FreshSecret(Document):
    """A secret, shown this once; the receiver verifies with it."""

    id: UUID
    secret: str


class EndpointView(Document):
    """A receiver without its secret. `failures` are those in a row; until `previous_until` two secrets sign."""

    id: UUID
    owner: str
    url: str
    topics: list[str]
    state: Literal["enabled", "disabled"]
    disabled_by: str | None
    reason: str | None
    failures: int
    failing_since: datetime | None
    paused_until: datetime | None
    previous_until: datetime | None
    created_at: datetime
    changed_at: datetime


class EndpointsView(Document):
    """Every receiver, oldest first."""

    endpoints: list[EndpointView]


class Rotation(Document):
    """For how long the present secret signs as well; 0 where it is known to others."""

    overlap_s: int = Field(default=86_400, ge=0, le=604_800)


class Why(Document):
    """Why an administrator does it; kept for good."""

    reason: str = Field(min_length=1, max_length=500, pattern="[^ ]")


class DeliveryView(Document):
    """What a receiver has of a message: what its last attempt was answered, or why it was not."""

    message_id: UUID
    topic: str
    business_key: str
    state: Literal["pending", "delivered", "failed"]
    attempts: int
    status: int | None
    problem: str | None
    published_at: datetime
    tried_at: datetime | None
    ended_at: datetime | None


class DeliveriesView(Document):
    """Newest message first; give the last id as `cursor` to read on."""

    deliveries: list[DeliveryView]


@app.get("/v1/ops/webhooks")
def endpoints(deps: Wired, _: Admin) -> EndpointsView:
    """Every receiver, and how it stands."""
    return EndpointsView(endpoints=[_endpoint(one) for one in deps.webhook_endpoints.all()])


@app.post("/v1/ops/webhooks", status_code=201)
def create(wanted: WantedEndpoint, deps: Wired, admin: Admin) -> FreshSecret:
    """Make a receiver; its secret is in this answer and nowhere else."""
    issued = deps.webhook_endpoints.create(
        owner=wanted.owner, url=wanted.url, topics=wanted.topics, actor=admin.identity
    )
    return _secret(issued)


@app.post("/v1/ops/webhooks/{id}/secret", status_code=201)
def rotate(id: UUID, wanted: Rotation, deps: Wired, admin: Admin) -> FreshSecret:
    """Replace the secret; the present one signs as well for a while."""
    overlap = timedelta(seconds=wanted.overlap_s)
    return _secret(deps.webhook_endpoints.rotate(id, overlap=overlap, actor=admin.identity))


@app.post("/v1/ops/webhooks/{id}/enable")
def enable(id: UUID, why: Why, deps: Wired, admin: Admin) -> EndpointView:
    """Tell a receiver again, from the next message on."""
    return _endpoint(deps.webhook_endpoints.enable(id, actor=admin.identity, reason=why.reason))


@app.post("/v1/ops/webhooks/{id}/disable")
def disable(id: UUID, why: Why, deps: Wired, admin: Admin) -> EndpointView:
    """Tell a receiver nothing more; what is on its way to it fails at its next attempt."""
    return _endpoint(deps.webhook_endpoints.disable(id, actor=admin.identity, reason=why.reason))


@app.get("/v1/ops/webhooks/{id}/deliveries")
def deliveries(
    id: UUID,
    deps: Wired,
    _: Admin,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: UUID | None = None,
) -> DeliveriesView:
    """What a receiver was told."""
    found = deps.deliveries.recent(id, limit=limit, below=cursor)
    return DeliveriesView(deliveries=[_delivery(one) for one in found])


@app.post("/v1/ops/webhooks/{id}/deliveries/{message_id}/resend", status_code=202)
def resend(id: UUID, message_id: UUID, deps: Wired, admin: Admin) -> DeliveryView:
    """Send a message that was delivered, or given up, once more under the same id."""
    return _delivery(deps.deliveries.resend(message_id, id, actor=admin.identity))


def _endpoint(endpoint: Endpoint) -> EndpointView:
    return EndpointView.model_validate(endpoint, from_attributes=True)


def _delivery(delivery: Delivery) -> DeliveryView:
    return DeliveryView.model_validate(delivery, from_attributes=True)


def _secret(issued: Issued) -> FreshSecret:
    return FreshSecret(id=issued.endpoint_id, secret=issued.secret)


handler = lambda_handler(app)
