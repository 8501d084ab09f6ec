"""Owns the deliveries: each message to each endpoint at least once, under an id by which the receiver knows it again.

1. Read the delivery. Over, disabled or paused: nothing is sent.
2. Open the secrets and sign, with the time of this attempt; send. Nothing is locked meanwhile.
3. Record what came of it, under the task's fence, and what that means for the endpoint; `decision` rules.

Whoever dies after the second step has told the receiver and does not know: the next worker sends the same message
under the same id again.
"""

import json
import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from kernel.audit import Audit
from kernel.clock import Clock, SystemClock
from kernel.errors import Conflict, NotFound
from kernel.keys.envelope import Envelope
from kernel.postgres import Fence, Postgres, Queries, Transaction
from kernel.tasks import Done, Outcome, Retry, Skipped, Tasks
from kernel.webhooks import signing
from kernel.webhooks.decision import Ruling, Standing, State, rule
from kernel.webhooks.endpoints import EndpointDisabled, EndpointUnknown, place
from kernel.webhooks.post import Answer, Post
from kernel.webhooks.publishing import task_of

logger = logging.getLogger(__name__)

Q: Final = Queries.load(Path(__file__).with_name("deliveries.sql"))
#: Who disables an endpoint when no person does.
ACTOR: Final = "service:ops"
ENABLED: Final = "enabled"
_NEWEST: Final = UUID(int=2**128 - 1)

Row = Mapping[str, Any]


class DeliveryUnknown(NotFound):
    """This endpoint was never sent such a message."""

    cause = "The id is misspelt, the endpoint did not listen at the time, or the message is older than thirty days."
    remedy = "Take the message's id from the endpoint's deliveries."


class DeliveryPending(Conflict):
    """The delivery is still under way."""

    cause = "It was not delivered yet, and will be tried again by itself."
    remedy = "Wait for its end; deliveries show the last attempt."


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What an endpoint has of a message. `status` or `problem` are of the last attempt."""

    message_id: UUID
    topic: str
    business_key: str
    state: State
    attempts: int
    status: int | None
    problem: str | None
    published_at: datetime
    tried_at: datetime | None
    ended_at: datetime | None


class Deliveries:
    """The way of messages to endpoints."""

    def __init__(
        self,
        postgres: Postgres,
        tasks: Tasks,
        envelope: Envelope,
        post: Post,
        clock: Clock | None = None,
        *,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """chance: a number from 0 to 1 that spreads the next attempts of deliveries that failed together."""
        self._postgres, self._tasks, self._envelope, self._post = postgres, tasks, envelope, post
        self._clock: Clock = clock or SystemClock()
        self._audit, self._chance = Audit(postgres, self._clock), chance

    def deliver(self, message_id: UUID, endpoint_id: UUID, fence: Fence) -> Outcome:
        """Try once, unless there is nothing to do. Retry says when to try again; Done carries how it ended.

        Raises LeaseLost, KeyUnavailable, KeyServiceUnavailable, WrongContext, BlobUnreadable.
        """
        key = {"message_id": message_id, "endpoint_id": endpoint_id}
        with self._postgres.transaction() as tx:
            row = tx.maybe(Q["parcel"], **key)
        if row is None or row["state"] != State.PENDING:
            return Skipped("It has ended already.")
        if row["endpoint_state"] != ENABLED:
            return self._give_up(key, fence)
        wait_s = _seconds_until(row["paused_until"], self._clock.now())
        if wait_s > 0:
            return Retry(wait_s * (1 + self._chance() / 6), "The endpoint is left alone for a while.")
        answer = self._post.send(row["url"], *self._signed(row))
        return self._record(row, answer, fence)

    def resend(self, message_id: UUID, endpoint_id: UUID, *, actor: str) -> Delivery:
        """Send a message that has ended once more, under the same id, with all its attempts.

        Raises DeliveryUnknown, DeliveryPending, EndpointDisabled.
        """
        key, now = {"message_id": message_id, "endpoint_id": endpoint_id}, self._clock.now()
        with self._postgres.transaction() as tx:
            row = tx.maybe(Q["locked"], **key)
            if row is None:
                raise DeliveryUnknown(message_id=str(message_id), endpoint_id=str(endpoint_id))
            if row["state"] == State.PENDING:
                raise DeliveryPending(message_id=str(message_id))
            if row["endpoint_state"] != ENABLED:
                raise EndpointDisabled(id=str(endpoint_id))
            begun = tx.one(Q["begin_round"], **key, now=now)
            self._tasks.enqueue([task_of(message_id, endpoint_id, begun["round"], now)], tx)
            told = {"message_id": str(message_id), "was": row["state"]}
            self._keep(tx, actor, "resend", endpoint_id, told)
            return _delivery(tx.one(Q["delivery"], **key))

    def recent(self, endpoint_id: UUID, *, limit: int = 50, below: UUID | None = None) -> list[Delivery]:
        """What an endpoint was told, newest message first; `below` continues after the last id of a page.

        Raises EndpointUnknown.
        """
        with self._postgres.transaction() as tx:
            if tx.maybe(Q["endpoint"], id=endpoint_id) is None:
                raise EndpointUnknown(id=str(endpoint_id))
            return [_delivery(row) for row in tx.all(Q["recent"], id=endpoint_id, below=below or _NEWEST, limit=limit)]

    def remove_ended(self, before: datetime, limit: int) -> int:
        """Retention: remove messages published before a moment whose deliveries have all ended; how many."""
        with self._postgres.transaction() as tx:
            return tx.execute(Q["remove_ended"], before=before, limit=limit)

    def _signed(self, row: Row) -> tuple[dict[str, str], bytes]:
        """Headers and body of an attempt made now. Asks KMS, so never inside a transaction."""
        now, bound = self._clock.now(), place(row["endpoint_id"])
        sealed = [row["secret"]]
        if row["previous_until"] is not None and now < row["previous_until"]:
            sealed.append(row["previous_secret"])
        secrets = [self._envelope.open(bytes(blob), **bound) for blob in sealed]
        body = (
            f'{{"type":{json.dumps(row["topic"])},"timestamp":"{row["published_at"].isoformat()}",'
            f'"data":{row["contents"]}}}'
        ).encode()
        name = signing.message_name(row["message_id"])
        return signing.headers(secrets, name, int(now.timestamp()), body), body

    def _record(self, row: Row, answer: Answer, fence: Fence) -> Outcome:
        now = self._clock.now()
        standing = Standing(attempts=row["attempts"], failures=row["failures"], failing_since=row["failing_since"])
        ruling = rule(standing, answer.status, answer.retry_after_s, now, jitter=self._chance())
        result = {"state": ruling.state.value, "status": answer.status, "problem": answer.problem}
        ended_at = None if ruling.state is State.PENDING else now
        with self._postgres.transaction(holding=fence) as tx:
            tx.execute(Q["record"], **_key(row), **result, now=now, ended_at=ended_at)
            self._mark_endpoint(tx, row, ruling, now)
            if ruling.state is State.PENDING:
                return Retry(ruling.after_s, f"The endpoint answered {answer.status or answer.problem}.")
            self._tasks.complete(tx, fence, result)
        return Done(result)

    def _give_up(self, key: Mapping[str, UUID], fence: Fence) -> Outcome:
        """The endpoint is disabled: nothing is sent, and what is missed can be resent."""
        with self._postgres.transaction(holding=fence) as tx:
            tx.execute(Q["give_up"], **key, now=self._clock.now())
            self._tasks.complete(tx, fence, {"problem": "endpoint_disabled"})
        return Done()

    def _mark_endpoint(self, tx: Transaction, row: Row, ruling: Ruling, now: datetime) -> None:
        endpoint_id = row["endpoint_id"]
        if ruling.state is State.DELIVERED:
            tx.execute(Q["endpoint_well"], id=endpoint_id)
            return
        tx.execute(Q["endpoint_failed"], id=endpoint_id, until=now + timedelta(seconds=ruling.pause_s), now=now)
        if ruling.disable is None:
            return
        if not tx.execute(Q["disable"], id=endpoint_id, actor=ACTOR, reason=ruling.disable, now=now):
            return
        told = {"reason": ruling.disable.value}
        fields = {"alarm": "webhooks.disabled", "endpoint_id": str(endpoint_id), "owner": row["owner"], **told}
        tx.after_commit(lambda: logger.error("A webhook endpoint is disabled.", extra=fields))
        self._keep(tx, ACTOR, "disable", endpoint_id, told)

    def _keep(self, tx: Transaction, actor: str, verb: str, endpoint_id: UUID, told: Mapping[str, Any]) -> None:
        subject = f"webhook_endpoint:{endpoint_id}"
        self._audit.record(tx, actor=actor, action=f"webhooks.{verb}", subject=subject, details=told)


def _key(row: Row) -> dict[str, UUID]:
    return {"message_id": row["message_id"], "endpoint_id": row["endpoint_id"]}


def _seconds_until(moment: datetime | None, now: datetime) -> float:
    return 0.0 if moment is None else (moment - now).total_seconds()


def _delivery(row: Row) -> Delivery:
    return Delivery(**{**row, "state": State(row["state"])})
