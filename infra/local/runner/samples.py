"""The files under events/: one genuine event for every handler and case, always the same bytes for the same bundle.

``python -m infra.local.runner.samples`` writes them; a test compares, so that a new trigger is never without its event.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from infra.local.contests import examples as contests
from infra.local.netting import examples as netting
from infra.local.runner import events
from infra.local.runner.bundle import (
    Bundle,
    Function,
    HttpTrigger,
    QueueTrigger,
    ScheduleTrigger,
    WebSocketTrigger,
)
from infra.local.runner.serverless import ACCOUNT, REGION, Deployment, load_bundle
from infra.local.settings import ROOT

STAGE = "dev"
AT = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
SOURCE_IP = "203.0.113.7"  # a documentation address
AGENT = "python-httpx/0.28.1"
HTTP_SITE = events.ApiSite(
    api_id="a1b2c3d4e5", domain=f"a1b2c3d4e5.execute-api.{REGION}.amazonaws.com", stage="$default", account=ACCOUNT
)
SOCKET_SITE = events.ApiSite(
    api_id="f6g7h8i9j0", domain=f"f6g7h8i9j0.execute-api.{REGION}.amazonaws.com", stage=STAGE, account=ACCOUNT
)
TASK_ID = "0198c7a5-5f00-7000-8000-000000000001"
API_KEY = "cp_sample00_this-key-is-not-in-any-database"
PATH_VALUES = {"id": "812576"}
ORDER = {"network": "zksync", "id": "17"}
EXCHANGE = {"address": "0x5FbDB2315678afecb367f032d93F642f64180aa3"}


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP sample of a route; ``case`` "" is the handler's own file."""

    route: str
    case: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    path_values: Mapping[str, str] = field(default_factory=lambda: PATH_VALUES)


def _rpc(method: str, number: int) -> dict[str, Any]:
    """A call of the monitor of exchanges."""
    return {"jsonrpc": "2.0", "method": method, "params": [EXCHANGE["address"]], "id": number}


INGEST = {
    "worker_id": "collector-eu-1",
    "timestamp": "2026-11-20T12:00:00Z",
    "feeds": [
        {
            "symbol": "BTC/USD",
            "price": "91250.42",
            "volume": "12.5",
            "source": "kraken",
            "timestamp": "2026-11-20T11:59:58.250Z",
        },
        {
            "symbol": "FLR/USD",
            "price": "0.02415",
            "volume": None,
            "source": "gate",
            "timestamp": "2026-11-20T11:59:57Z",
        },
    ],
}
RANGE = {
    "symbol": "BTC/USD",
    "from": "2026-11-20T11:00:00Z",
    "to": "2026-11-20T12:00:00Z",
    "interval": "1m",
    "limit": "60",
}
# What a generic call of a route would lack: the query and the body. Routes that are not listed are called bare.
CALLS: Mapping[str, tuple[Call, ...]] = {
    "http_ingest": (Call("POST /internal/ingest", body=INGEST),),
    "http_prices": (
        Call("GET /prices/latest", query={"symbols": "BTC/USD,ETH/USD"}),
        Call("GET /prices/range", "range", query=RANGE),
        Call("GET /aggregates/consensus", "consensus", query={"symbols": "BTC/USD"}),
        Call("GET /oracle/rounds/{id}", "round"),
    ),
    "http_performance": (
        Call("GET /oracle/performance", query={"limit": "10"}),
        Call("GET /oracle/rounds/{id}/faults", "faults"),
    ),
    "http_access": (Call("POST /v1/ops/api-keys", body={"tier": "public", "role": "viewer", "label": "a customer"}),),
    "http_sessions": (
        Call(
            "POST /v1/ops/sessions/challenge",
            body={"scheme": "siwe", "address": "0x70997970C51812dc3A010C7d01b50e0d17dc79C8", "chain_id": "1"},
        ),
    ),
    "http_inlets": (
        Call("GET /v1/ops/treasury/inlets"),
        Call(
            "POST /v1/ops/treasury/inlets",
            "declare",
            body={
                "chain": "evm:31337",
                "address": "0x5FbDB2315678afecb367f032d93F642f64180aa3",
                "wallet": "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
                "forward_to": "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC",
                "least_base_units": "50000000000000000",
                "reason": "deposits go to the cold wallet",
            },
        ),
    ),
    "http_bridge": (
        Call("GET /bridge/quote", query={"network": "zksync", "amount_wei": "10000000000000000"}),
        Call("GET /bridge/orders", "orders", query={"network": "zksync", "limit": "50"}),
        Call("GET /bridge/orders/{network}/{id}", "order", path_values=ORDER),
        Call("GET /v1/bridge/orders/{network}/{id}/trace", "trace", path_values=ORDER),
        Call(
            "POST /v1/bridge/orders/{network}/{id}/release",
            "release",
            body={"reason": "the recipient was repaired"},
            path_values=ORDER,
        ),
    ),
    "http_rpc": (
        Call("POST /barter/rpc", body=_rpc("watchContract", 1)),
        Call("POST /v1/barter/rpc", "batch", body=[_rpc("getProofStatus", 1), _rpc("getProof", 2)]),
    ),
    "http_barter": (
        Call("GET /barter/contracts", query={"limit": "50"}),
        Call("GET /v1/barter/contracts/{address}", "contract", path_values=EXCHANGE),
    ),
    "http_user": (
        Call("GET /v1/netting/user/nonce"),
        Call("GET /v1/netting/user/{pubkey}/balance", "balance", path_values={"pubkey": netting.BUYER.address}),
    ),
    "http_session_keys": (
        Call("POST /v1/netting/session-keys/create", body=netting.session(AT)),
        Call("GET /v1/netting/session-keys/{id}", "session", path_values={"id": TASK_ID}),
    ),
    "http_custody": (
        Call(
            "POST /v1/netting/custody/funds/deposit",
            body={"wallet": netting.BUYER.address, "amount_lamports": str(netting.PRICE_LAMPORTS)},
        ),
        Call(
            "POST /v1/netting/custody/items/withdraw",
            "withdraw",
            body={"wallet": netting.SELLER.address, "item_id": netting.ITEM},
        ),
    ),
    "http_listings": (
        Call("POST /v1/netting/listings", body=netting.listing(AT)),
        Call("GET /v1/netting/listings", "page", query={"open": "true", "limit": "50"}),
    ),
    "http_intents": (
        Call("POST /v1/netting/intents", body={"intents": [netting.trade(AT), netting.purchase(AT)]}),
        Call("POST /api/intents", "one", body=netting.trade(AT)),
    ),
    "http_batches": (
        Call("GET /v1/netting/batches/recent", query={"limit": "50"}),
        Call("GET /v1/netting/batches/{id}", "batch", path_values={"id": TASK_ID}),
        Call("GET /v1/netting/proof/{batch}/{item}", "proof", path_values={"batch": TASK_ID, "item": netting.ITEM}),
    ),
    "http_items": (
        Call("GET /v1/netting/items/by-owner/{pubkey}", path_values={"pubkey": netting.SELLER.address}),
        Call("GET /v1/netting/items/{id}/history", "history", path_values={"id": netting.ITEM}),
    ),
    "http_trace": (Call("GET /v1/trace/{business_key+}", path_values={"business_key+": "treasury/pay-ada"}),),
    "http_signatures": (
        Call("GET /v1/ops/signatures", query={"limit": "50"}),
        Call(
            "POST /v1/ops/signatures/{id}",
            "sign",
            body={"signature": "0x" + "11" * 32 + "22" * 32 + "1b"},
            path_values={"id": TASK_ID},
        ),
        Call("POST /v1/ops/signatures/{id}/withdraw", "withdraw", path_values={"id": TASK_ID}),
    ),
    "http_tasks": (
        Call("GET /v1/ops/tasks", query={"state": "parked", "limit": "50"}),
        Call("POST /v1/ops/tasks/{id}/replay", "replay", path_values={"id": TASK_ID}),
    ),
    **{name: tuple(Call(**one) for one in calls) for name, calls in contests.calls(AT).items()},
}

#: Whose events are signed by others: the local notifier makes them (infra/local/notifier.py).
SIGNED_ELSEWHERE = frozenset({"http_hooks"})
#: Bodies of messages that are about no task.
BODIES: dict[str, dict[str, object]] = {"queue_fan_out": {"topic": "system", "shard": 0}}


def samples(bundle: Bundle) -> Iterator[tuple[str, events.Event]]:
    """(path below events/, event) for every function of the bundle, one for each case."""
    for function in bundle.functions.values():
        if function.name in SIGNED_ELSEWHERE:
            continue
        for case, event in _cases(bundle, function):
            name = f"{function.name}.{case}" if case else function.name
            yield f"{function.service}/{name}.json", event


def _cases(bundle: Bundle, function: Function) -> Iterator[tuple[str, events.Event]]:
    first = function.triggers[0]
    if isinstance(first, HttpTrigger):
        routes = {trigger.route_key: trigger for trigger in function.triggers if isinstance(trigger, HttpTrigger)}
        for call in CALLS.get(function.name, (Call(first.route_key),)):
            yield call.case, _http(function, routes[call.route], call)
    elif isinstance(first, WebSocketTrigger):
        yield "", _socket(function, first.route)
    elif isinstance(first, ScheduleTrigger):
        rule = f"{bundle.service}-{STAGE}-{function.name}-rule-1"
        yield "", events.scheduled_event(rule=rule, at=AT, event_id=_id(rule), region=REGION, account=ACCOUNT)
    else:
        yield "", _batch(bundle, function, first)


def _http(function: Function, trigger: HttpTrigger, call: Call) -> events.Event:
    path = trigger.path
    for name, value in call.path_values.items():
        path = path.replace(f"{{{name}}}", value)
    body = b"" if call.body is None else json.dumps(call.body, separators=(",", ":")).encode()
    trace = hashlib.sha256(f"{function.name}{call.case}".encode()).hexdigest()[:24]
    headers = {
        "accept": "*/*",
        "accept-encoding": "gzip, deflate",
        **({"content-length": str(len(body)), "content-type": "application/json"} if body else {}),
        "host": HTTP_SITE.domain,
        "user-agent": AGENT,
        "x-amzn-trace-id": f"Root=1-{int(AT.timestamp()):08x}-{trace}",
        "x-api-key": API_KEY,
        "x-forwarded-for": SOURCE_IP,
        "x-forwarded-port": "443",
        "x-forwarded-proto": "https",
    }
    request = events.HttpCall(
        method=trigger.method,
        path=path,
        query=urlencode(call.query),
        headers=list(headers.items()),
        body=body,
        source_ip=SOURCE_IP,
        request_id=trace[:15] + "=",
        at=AT,
    )
    # A greedy parameter carries a plus in its route, and none in the event.
    parameters = {name.rstrip("+"): value for name, value in call.path_values.items() if f"{{{name}}}" in trigger.path}
    return events.http_event(HTTP_SITE, request, trigger.route_key, parameters)


def _socket(function: Function, route: str) -> events.Event:
    headers = {
        "Host": SOCKET_SITE.domain,
        "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version": "13",
        "User-Agent": AGENT,
        "X-Forwarded-For": SOURCE_IP,
        "X-Forwarded-Port": "443",
        "X-Forwarded-Proto": "https",
    }
    connection = events.Connection(
        connection_id="L0SM9cOFvHcCIhw=",
        connected_at=AT,
        source_ip=SOURCE_IP,
        user_agent=AGENT,
        headers=list(headers.items()),
        query="",
    )
    request_id = hashlib.sha256(function.name.encode()).hexdigest()[:15] + "="
    if route == "$connect":
        return events.connect_event(SOCKET_SITE, connection, request_id)
    if route == "$disconnect":
        reason = "Connection Closed Normally"
        return events.disconnect_event(SOCKET_SITE, connection, at=AT, request_id=request_id, code=1000, reason=reason)
    body = json.dumps({"action": "ping"})
    return events.message_event(SOCKET_SITE, connection, route, body, at=AT, request_id=request_id)


def _batch(bundle: Bundle, function: Function, trigger: QueueTrigger) -> events.Event:
    """One message as kernel.tasks sends it; in a dead-letter queue it also names the queue it came from."""
    queue = bundle.queues[trigger.queue]
    body = json.dumps(BODIES.get(function.name, {"task_id": TASK_ID}), separators=(",", ":"))
    attributes = {
        "ApproximateReceiveCount": "1" if queue.redrive else "6",
        "SentTimestamp": str(int(AT.timestamp() * 1000)),
        "SenderId": "AROAEXAMPLEEXAMPLE:counterpart",
        "ApproximateFirstReceiveTimestamp": str(int(AT.timestamp() * 1000) + 1),
    }
    if queue.redrive is None:
        source = next(other for other in bundle.queues.values() if other.redrive)
        attributes["DeadLetterQueueSourceArn"] = _arn(source.name)
    message = {
        "MessageId": _id(function.name),
        "ReceiptHandle": hashlib.sha512(function.name.encode()).hexdigest(),
        "Body": body,
        "MD5OfBody": hashlib.md5(body.encode()).hexdigest(),
        "Attributes": attributes,
        "MessageAttributes": {"correlation_id": {"DataType": "String", "StringValue": _id("correlation")}},
    }
    return events.sqs_event([message], queue_arn=_arn(queue.name))


def _arn(queue: str) -> str:
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}"


def _id(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"counterpart/{name}"))


def sample_bundle(path: Path = ROOT / "serverless.yml") -> Bundle:
    """The bundle as its stage ``dev`` is deployed; only names are read from it."""
    overrides = {"COUNTERPART_KMS_KEY_ID": "alias/counterpart-dev", "COUNTERPART_REALTIME_URL": "https://example.org"}
    return load_bundle(path, Deployment(stage=STAGE, overrides=overrides))


def text_of(event: events.Event) -> str:
    """An event as its file has it."""
    return json.dumps(event, indent=2) + "\n"


def main() -> None:
    """Write every event of the bundle."""
    for name, event in samples(sample_bundle()):
        path = ROOT / "events" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text_of(event), encoding="utf-8")
        print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
