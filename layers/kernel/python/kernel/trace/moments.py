"""Owns one moment of a time-line, and how the rows of each room become moments. Pure.

A row that tells of several moments (a task is asked for, and ends) becomes several. Only what may be shown is taken:
no payload of a task, no signed bytes, no key.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Row = Mapping[str, Any]
Fact = str | int | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """That something happened: when, in which room, what, and the facts of it. Amounts are texts of integers."""

    at: datetime
    room: str
    what: str
    facts: Mapping[str, Fact] = field(default_factory=dict)


def of_tasks(rows: Iterable[Row]) -> Iterator[Moment]:
    """A task is asked for, and ends."""
    for row in rows:
        facts = {"kind": row["kind"], "task_id": str(row["id"]), "correlation_id": row["correlation_id"]}
        yield Moment(at=row["created_at"], room="tasks", what="enqueued", facts=facts)
        if row["finished_at"] is not None:
            ended = {**facts, "attempt": row["attempt"], "error_code": row["error_code"], "error": row["error"]}
            yield Moment(at=row["finished_at"], room="tasks", what=row["state"], facts=ended)


def of_attempts(rows: Iterable[Row]) -> Iterator[Moment]:
    """A worker claims a task; what its work came to, where that is no end of the task."""
    for row in rows:
        facts = {"kind": row["kind"], "fence": row["fence"], "attempt": row["attempt"], "owner": row["owner"]}
        yield Moment(at=row["started_at"], room="tasks", what="claimed", facts=facts)
        if row["outcome"] in {"retried", "lost", "replayed"}:
            why = {"error_code": row["error_code"], "error": row["error"]}
            yield Moment(at=row["ended_at"], room="tasks", what=row["outcome"], facts={**facts, **why})


def of_evm_entries(rows: Iterable[Row]) -> Iterator[Moment]:
    """An obligation is recorded, and ends on the chain."""
    for row in rows:
        facts = {"chain": f"evm:{row['chain_id']}", "signer": row["signer"], "nonce": row["nonce"]}
        asked = {**facts, "to": row["recipient"], "value_wei": str(row["value_wei"]), "state": row["state"]}
        yield Moment(at=row["recorded_at"], room="outbox", what="recorded", facts={**asked, "alarm": row["alarm"]})
        if row["settled_at"] is not None:
            ended = {
                **facts,
                "transaction_hash": _hexadecimal(row["transaction_hash"]),
                "block_number": row["block_number"],
                "gas_used": row["gas_used"],
                "gas_price_wei": _text(row["gas_price_wei"]),
                "fee_wei": _text(row["fee_wei"]),
                "reason": row["reason"],
            }
            yield Moment(at=row["settled_at"], room="outbox", what=row["state"], facts=ended)


def of_evm_payloads(rows: Iterable[Row]) -> Iterator[Moment]:
    """Bytes are signed, and a node takes them."""
    for row in rows:
        facts = {
            "transaction_hash": _hexadecimal(row["hash"]),
            "purpose": row["purpose"],
            "nonce": row["nonce"],
            "max_fee_wei": str(row["max_fee_wei"]),
            "tip_wei": str(row["tip_wei"]),
        }
        yield from _payload(row, facts)


def of_solana_entries(rows: Iterable[Row]) -> Iterator[Moment]:
    """An obligation is recorded, and ends on the cluster."""
    for row in rows:
        facts = {"chain": f"solana:{row['cluster']}", "payer": row["payer"]}
        asked = {**facts, "state": row["state"], "alarm": row["alarm"]}
        yield Moment(at=row["recorded_at"], room="outbox", what="recorded", facts=asked)
        if row["settled_at"] is not None:
            ended = {
                **facts,
                "signature": row["signature"],
                "slot": row["slot"],
                "fee_lamports": _text(row["fee_lamports"]),
                "reason": row["reason"],
            }
            yield Moment(at=row["settled_at"], room="outbox", what=row["state"], facts=ended)


def of_solana_payloads(rows: Iterable[Row]) -> Iterator[Moment]:
    """Bytes are signed, and a node takes them."""
    for row in rows:
        facts = {
            "signature": row["signature"],
            "purpose": row["purpose"],
            "last_valid_block_height": row["last_valid_block_height"],
            "unit_price_micro_lamports": str(row["unit_price"]),
        }
        yield from _payload(row, facts)


def of_postings(rows: Iterable[Row]) -> Iterator[Moment]:
    """An amount goes into an account (+) or out of it (-)."""
    for row in rows:
        facts = {"account": row["account"], "asset": row["asset"], "amount": str(row["amount"]), "memo": row["memo"]}
        facts["ledger_key"] = row["business_key"]
        yield Moment(at=row["posted_at"], room="ledger", what="posted", facts=facts)


def of_signature_requests(rows: Iterable[Row]) -> Iterator[Moment]:
    """Somebody outside is asked for a signature, and answers or does not have to any more."""
    for row in rows:
        facts = {"chain": row["chain"], "address": row["address"], "request_id": str(row["id"])}
        yield Moment(at=row["requested_at"], room="keys", what="signature asked for", facts=facts)
        if row["resolved_at"] is not None:
            by = {**facts, "by": row["resolved_by"]}
            yield Moment(at=row["resolved_at"], room="keys", what=f"signature {row['state']}", facts=by)


def of_offload_jobs(rows: Iterable[Row]) -> Iterator[Moment]:
    """A computation is asked for, and ends."""
    for row in rows:
        facts = {"service": row["service"], "function": row["function"], "job_id": str(row["id"])}
        yield Moment(at=row["recorded_at"], room="offload", what="asked for", facts=facts)
        if row["ended_at"] is not None:
            yield Moment(
                at=row["ended_at"], room="offload", what=row["state"], facts={**facts, "reason": row["reason"]}
            )


def of_offload_attempts(rows: Iterable[Row]) -> Iterator[Moment]:
    """Somebody is asked to compute, says that it is done, and what that came to."""
    for row in rows:
        facts = {"attempt": row["attempt"], "provider": row["provider"], "call_id": row["call_id"]}
        priced = {**facts, "price_microusd": str(row["price_microusd"])}
        yield Moment(at=row["begun_at"], room="offload", what="attempt begun", facts=priced)
        if row["hinted_at"] is not None:
            yield Moment(at=row["hinted_at"], room="offload", what="attempt announced as ended", facts=facts)
        if row["ended_at"] is not None:
            ended = {**facts, "outcome": row["outcome"], "error": row["error"]}
            yield Moment(at=row["ended_at"], room="offload", what="attempt ended", facts=ended)


def of_webhooks(rows: Iterable[Row]) -> Iterator[Moment]:
    """A receiver is to be told of it, and is, or is given up."""
    for row in rows:
        facts = {"topic": row["topic"], "endpoint_id": str(row["endpoint_id"]), "owner": row["owner"]}
        yield Moment(at=row["published_at"], room="webhooks", what="published", facts=facts)
        if row["ended_at"] is not None:
            ended = {**facts, "attempts": row["attempts"], "status": row["status"], "problem": row["problem"]}
            yield Moment(at=row["ended_at"], room="webhooks", what=row["state"], facts=ended)


def of_acts(rows: Iterable[Row]) -> Iterator[Moment]:
    """Somebody with the right to did something to it."""
    for row in rows:
        facts = {"actor": row["actor"], "action": row["action"], "subject": row["subject"], "seq": row["seq"]}
        yield Moment(at=row["at"], room="audit", what="act", facts=facts)


def _payload(row: Row, facts: Mapping[str, Fact]) -> Iterator[Moment]:
    yield Moment(at=row["signed_at"], room="outbox", what="signed", facts=facts)
    if row["accepted_at"] is not None:
        yield Moment(at=row["accepted_at"], room="outbox", what="accepted by a node", facts=facts)
    elif row["sent_at"] is not None:
        yield Moment(at=row["sent_at"], room="outbox", what="sent", facts={**facts, "refusal": row["refusal"]})


def _hexadecimal(octets: bytes | None) -> str | None:
    return None if octets is None else "0x" + bytes(octets).hex()


def _text(amount: Any) -> str | None:
    return None if amount is None else str(amount)
