"""Genuine trigger events: API Gateway HTTP (payload 2.0) and WebSocket, EventBridge schedules, SQS batches.

Field for field what AWS documents for each source; the tests parse every one with Powertools' models.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

Event = dict[str, Any]
TEXT_TYPES = ("text/", "application/json", "application/xml", "application/javascript")
TEXT_SUFFIXES = ("+json", "+xml")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSite:
    """The API as its events name it."""

    api_id: str
    domain: str
    stage: str
    account: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpCall:
    """One HTTP request as it reached the front; header names in lower case, the query still encoded."""

    method: str
    path: str
    query: str
    headers: Sequence[tuple[str, str]]
    body: bytes
    source_ip: str
    request_id: str
    at: datetime


def http_event(site: ApiSite, call: HttpCall, route_key: str, path_parameters: Mapping[str, str]) -> Event:
    """An HTTP API event, payload format 2.0: repeated headers and query values joined by commas, cookies apart."""
    headers = _joined((name, value) for name, value in call.headers if name != "cookie")
    cookies = [part.strip() for name, value in call.headers if name == "cookie" for part in value.split(";")]
    body, is_base64 = _body(call.body, headers.get("content-type", ""))
    event: Event = {
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": call.path,
        "rawQueryString": call.query,
        "headers": headers,
        "requestContext": {
            "accountId": site.account,
            "apiId": site.api_id,
            "domainName": site.domain,
            "domainPrefix": site.domain.split(".")[0],
            "http": {
                "method": call.method,
                "path": call.path,
                "protocol": "HTTP/1.1",
                "sourceIp": call.source_ip,
                "userAgent": headers.get("user-agent", ""),
            },
            "requestId": call.request_id,
            "routeKey": route_key,
            "stage": site.stage,
            "time": _gateway_time(call.at),
            "timeEpoch": _epoch_ms(call.at),
        },
        "isBase64Encoded": is_base64,
    }
    optional = {
        "cookies": cookies,
        "queryStringParameters": _joined(parse_qsl(call.query, keep_blank_values=True)),
        "pathParameters": dict(path_parameters),
        "body": body,
    }
    # API Gateway leaves these out when they are empty.
    return event | {key: value for key, value in optional.items() if value}


def _body(body: bytes, content_type: str) -> tuple[str, bool]:
    kind = content_type.split(";", maxsplit=1)[0].strip().lower()
    if not kind or kind.startswith(TEXT_TYPES) or kind.endswith(TEXT_SUFFIXES):
        try:
            return body.decode(), False
        except UnicodeDecodeError:
            pass  # not the text it claims to be: passed on as bytes
    return base64.b64encode(body).decode(), bool(body)


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return {name: ",".join(parts) for name, parts in values.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """One WebSocket connection; headers as the client sent them at the handshake."""

    connection_id: str
    connected_at: datetime
    source_ip: str
    user_agent: str
    headers: Sequence[tuple[str, str]]
    query: str


def connect_event(site: ApiSite, connection: Connection, request_id: str) -> Event:
    """The $connect event: only this one carries the query string."""
    query = parse_qsl(connection.query, keep_blank_values=True)
    context = _socket_context(
        site, connection, "$connect", "CONNECT", at=connection.connected_at, request_id=request_id
    )
    event = {**_headers(connection), "requestContext": context, "isBase64Encoded": False}
    if query:
        event["queryStringParameters"] = dict(query)
        event["multiValueQueryStringParameters"] = _multiple(query)
    return event


def message_event(
    site: ApiSite, connection: Connection, route: str, body: str, *, at: datetime, request_id: str
) -> Event:
    """The event of one frame from the client, on the route that its action selects."""
    context = _socket_context(site, connection, route, "MESSAGE", at=at, request_id=request_id)
    context["messageId"] = request_id
    return {"requestContext": context, "body": body, "isBase64Encoded": False}


def disconnect_event(
    site: ApiSite, connection: Connection, *, at: datetime, request_id: str, code: int, reason: str
) -> Event:
    """The $disconnect event, sent once after the socket has closed, best effort."""
    context = _socket_context(site, connection, "$disconnect", "DISCONNECT", at=at, request_id=request_id)
    context |= {"disconnectStatusCode": code, "disconnectReason": reason}
    return {**_headers(connection), "requestContext": context, "isBase64Encoded": False}


def _socket_context(
    site: ApiSite, connection: Connection, route: str, event_type: str, *, at: datetime, request_id: str
) -> Event:
    return {
        "routeKey": route,
        "eventType": event_type,
        "extendedRequestId": request_id,
        "requestTime": _gateway_time(at),
        "messageDirection": "IN",
        "stage": site.stage,
        "connectedAt": _epoch_ms(connection.connected_at),
        "requestTimeEpoch": _epoch_ms(at),
        "identity": {"sourceIp": connection.source_ip, "userAgent": connection.user_agent},
        "requestId": request_id,
        "domainName": site.domain,
        "connectionId": connection.connection_id,
        "apiId": site.api_id,
    }


def _headers(connection: Connection) -> Event:
    return {"headers": dict(connection.headers), "multiValueHeaders": _multiple(connection.headers)}


def _multiple(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return values


def scheduled_event(*, rule: str, at: datetime, event_id: str, region: str, account: str) -> Event:
    """The event of an EventBridge rule with a schedule; ``time`` has whole seconds."""
    return {
        "version": "0",
        "id": event_id,
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": account,
        "time": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": region,
        "resources": [f"arn:aws:events:{region}:{account}:rule/{rule}"],
        "detail": {},
    }


def sqs_event(messages: Iterable[Mapping[str, Any]], *, queue_arn: str) -> Event:
    """The batch that an event source mapping builds from messages as ReceiveMessage returns them."""
    return {"Records": [_sqs_record(message, queue_arn) for message in messages]}


def _sqs_record(message: Mapping[str, Any], queue_arn: str) -> Event:
    record = {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": dict(message.get("Attributes") or {}),
        "messageAttributes": {
            name: _message_attribute(attribute) for name, attribute in (message.get("MessageAttributes") or {}).items()
        },
        "md5OfBody": message.get("MD5OfBody") or hashlib.md5(message["Body"].encode()).hexdigest(),
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": queue_arn.split(":")[3],
    }
    if "MD5OfMessageAttributes" in message:
        record["md5OfMessageAttributes"] = message["MD5OfMessageAttributes"]
    return record


def _message_attribute(attribute: Mapping[str, Any]) -> Event:
    value: Event = {"stringListValues": [], "binaryListValues": [], "dataType": attribute["DataType"]}
    if "StringValue" in attribute:
        value["stringValue"] = attribute["StringValue"]
    if "BinaryValue" in attribute:
        value["binaryValue"] = base64.b64encode(attribute["BinaryValue"]).decode()
    return value


def _epoch_ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _gateway_time(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
