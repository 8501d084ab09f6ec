"""Owns the receivers of our webhooks: whose they are, what they want to hear, and the secrets that sign for them.

A secret is made here, shown once, and sealed for its own row. After a rotation the previous one signs as well, until
its time is over, so that the receiver can change in between without losing a message.
"""

import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from kernel.audit import Audit
from kernel.auth.people import canonical
from kernel.clock import Clock, SystemClock
from kernel.errors import Conflict, KeyUnavailable, NotFound
from kernel.ids import new_id
from kernel.keys.envelope import BlobUnreadable, Envelope, wrapping_key
from kernel.keys.kms import WrongContext
from kernel.postgres import Postgres, Queries, Transaction
from kernel.webhooks.destinations import destination
from kernel.webhooks.signing import SECRET_BYTES, shown

logger = logging.getLogger(__name__)

Q: Final = Queries.load(Path(__file__).with_name("endpoints.sql"))
#: What a secret is sealed for; roles in AWS may be allowed this purpose only.
PURPOSE: Final = "webhook"


class EndpointUnknown(NotFound):
    """There is no such webhook endpoint."""

    cause = "The id is misspelt, or of another stage."
    remedy = "Take the id from GET /v1/ops/webhooks."


class EndpointDisabled(Conflict):
    """The webhook endpoint is disabled."""

    cause = "A person disabled it, or it answered 410 Gone, or it took nothing for three days; the list says which."
    remedy = "Enable it once its receiver is well, then resend what it missed."


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A receiver, without its secrets. `failures` are those in a row; `disabled_by` may be ourselves, "service:ops"."""

    id: UUID
    owner: str
    url: str
    topics: tuple[str, ...]
    state: str
    disabled_by: str | None
    reason: str | None
    failures: int
    failing_since: datetime | None
    paused_until: datetime | None
    previous_until: datetime | None
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A fresh secret of an endpoint: shown now and never again."""

    endpoint_id: UUID
    secret: str = field(repr=False)


class Endpoints:
    """The table kernel.webhook_endpoints, as administrators change it."""

    def __init__(
        self, postgres: Postgres, envelope: Envelope, clock: Clock | None = None, *, local: bool = False
    ) -> None:
        """local: URLs of this machine are taken, too."""
        self._postgres, self._envelope, self._local = postgres, envelope, local
        self._clock: Clock = clock or SystemClock()
        self._audit = Audit(postgres, self._clock)

    def create(self, *, owner: str, url: str, topics: Sequence[str], actor: str) -> Issued:
        """A receiver of these topics ("bridge.order_filled", or "bridge.*" for all of a service), and its secret.

        owner: "service:<service>", or "person:<wallet>", who hears only what concerns that person.
        Raises WebhookUrlUnfit, NoWallet, KeyUnavailable, KeyServiceUnavailable.
        """
        host = destination(url, local=self._local).authority
        kind, _, name = owner.partition(":")
        owner = f"{kind}:{canonical(name)}" if kind == "person" else owner
        endpoint_id, secret = new_id(), secrets.token_bytes(SECRET_BYTES)
        sealed = self._sealed(endpoint_id, secret)
        row = {"id": endpoint_id, "owner": owner, "url": url, "topics": sorted(set(topics)), "secret": sealed}
        with self._postgres.transaction() as tx:
            tx.execute(Q["create"], **row, now=self._clock.now())
            told = {"owner": owner, "host": host, "topics": row["topics"]}
            self._keep(tx, actor, "create", endpoint_id, told)
        return Issued(endpoint_id=endpoint_id, secret=shown(secret))

    def rotate(self, endpoint_id: UUID, *, overlap: timedelta, actor: str) -> Issued:
        """A new secret; the present one signs as well for the overlap, and one from before that no more.

        Raises EndpointUnknown, KeyUnavailable, KeyServiceUnavailable.
        """
        secret = secrets.token_bytes(SECRET_BYTES)
        sealed, now = self._sealed(endpoint_id, secret), self._clock.now()
        with self._postgres.transaction() as tx:
            if not tx.execute(Q["rotate"], id=endpoint_id, secret=sealed, until=now + overlap, now=now):
                raise EndpointUnknown(id=str(endpoint_id))
            self._keep(tx, actor, "rotate", endpoint_id, {"overlap_s": int(overlap.total_seconds())})
        return Issued(endpoint_id=endpoint_id, secret=shown(secret))

    def enable(self, endpoint_id: UUID, *, actor: str, reason: str) -> Endpoint:
        """Send to it again, from the next message on. Raises EndpointUnknown."""
        return self._turn(endpoint_id, "enable", actor, reason)

    def disable(self, endpoint_id: UUID, *, actor: str, reason: str) -> Endpoint:
        """Send nothing to it; what is on its way fails at its next attempt. Raises EndpointUnknown."""
        return self._turn(endpoint_id, "disable", actor, reason)

    def all(self) -> list[Endpoint]:
        """Every receiver, oldest first."""
        with self._postgres.transaction() as tx:
            return [_endpoint(row) for row in tx.all(Q["all"])]

    def reseal(self, limit: int) -> int:
        """Move the secrets of at most `limit` receivers under the present wrapping key, in use; of how many.

        One that does not open is left alone and alarmed. Raises KeyUnavailable, KeyServiceUnavailable.
        """
        present, done = self._envelope.check(), 0
        with self._postgres.transaction() as tx:
            rows = tx.all(Q["sealed"])
        for row in rows:
            old = {name: row[name] for name in ("secret", "previous_secret")}
            if done == limit or all(blob is None or wrapping_key(blob) == present for blob in old.values()):
                continue
            try:
                new = {name: blob and self._resealed(row["id"], blob) for name, blob in old.items()}
            except (WrongContext, BlobUnreadable, KeyUnavailable) as unopened:
                told = {"alarm": "keys.unopened", "code": unopened.code, "endpoint_id": str(row["id"])}
                logger.error("A webhook's secret does not open.", extra=told)
                continue
            with self._postgres.transaction() as tx:
                done += tx.execute(Q["reseal"], id=row["id"], **new, was=old["secret"])
        return done

    def _resealed(self, endpoint_id: UUID, blob: bytes) -> bytes:
        return self._sealed(endpoint_id, self._envelope.open(blob, **place(endpoint_id)))

    def _turn(self, endpoint_id: UUID, verb: str, actor: str, reason: str) -> Endpoint:
        with self._postgres.transaction() as tx:
            row = tx.maybe(Q[verb], id=endpoint_id, actor=actor[:200], reason=reason, now=self._clock.now())
            if row is None:
                raise EndpointUnknown(id=str(endpoint_id))
            self._keep(tx, actor, verb, endpoint_id, {"reason": reason})
            return _endpoint(row)

    def _sealed(self, endpoint_id: UUID, secret: bytes) -> bytes:
        return self._envelope.seal(secret, **place(endpoint_id))

    def _keep(self, tx: Transaction, actor: str, verb: str, endpoint_id: UUID, told: dict[str, Any]) -> None:
        subject = f"webhook_endpoint:{endpoint_id}"
        self._audit.record(tx, actor=actor, action=f"webhooks.{verb}", subject=subject, details=told)


def place(endpoint_id: UUID) -> dict[str, str]:
    """What an endpoint's secrets are bound to when they are sealed."""
    return {"purpose": PURPOSE, "chain": "none", "address": str(endpoint_id)}


def _endpoint(row: dict[str, Any]) -> Endpoint:
    return Endpoint(**{**row, "topics": tuple(row["topics"])})
