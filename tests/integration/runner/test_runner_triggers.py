"""One trivial function per trigger type: each is reached through its own kind of door, in a container of its own."""

import asyncio
import json
import socket
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest
from aws_lambda_powertools.utilities.parser.models import (
    APIGatewayProxyEventV2Model,
    APIGatewayWebSocketConnectEventModel,
    APIGatewayWebSocketMessageEventModel,
    EventBridgeModel,
    SqsModel,
)
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from infra.local.runner.gateway import listen
from infra.local.runner.stack import HandlerMissing, UnknownFunction
from tests.integration.runner.conftest import Probe, StartProbe

pytestmark = pytest.mark.integration


def test_http_call_becomes_a_payload_2_event(probe: Probe) -> None:
    """Query, cookies, path parameters and body arrive as API Gateway sends them."""
    answer = httpx.post(
        f"{probe.stack.gateway_url}/echo/a%20b?tag=1&tag=2&empty=",
        json={"price": "1.5"},
        headers={"cookie": "session=x; theme=dark", "x-many": "one"},
    )

    event = answer.json()["event"]
    parsed = APIGatewayProxyEventV2Model.model_validate(event)
    assert parsed.routeKey == "POST /echo/{name}"
    assert parsed.pathParameters == {"name": "a b"}
    assert parsed.queryStringParameters == {"tag": "1,2", "empty": ""}
    assert parsed.cookies == ["session=x", "theme=dark"]
    assert parsed.body == '{"price":"1.5"}'
    assert event["isBase64Encoded"] is False
    assert event["headers"]["x-forwarded-for"] == "127.0.0.1"


def test_handler_answer_becomes_an_http_answer(probe: Probe) -> None:
    """Status, headers and every cookie reach the client."""
    answer = httpx.get(f"{probe.stack.gateway_url}/echo")

    assert answer.status_code == 200
    assert answer.headers["x-probe"] == "echo"
    assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]


def test_binary_body_travels_as_base64(probe: Probe) -> None:
    """A body that is no text is marked and encoded."""
    content = bytes(range(256))
    answer = httpx.put(f"{probe.stack.gateway_url}/any/x/y", content=content, headers={"content-type": "image/png"})

    event = answer.json()["event"]
    assert event["isBase64Encoded"] is True
    assert event["body"][:8] == "AAECAwQF"
    assert event["pathParameters"] == {"rest": "x/y"}
    assert event["routeKey"] == "ANY /any/{rest+}"


def test_literal_route_wins_over_parameter(probe: Probe) -> None:
    """GET /echo/fixed is not POST /echo/{name}, and a route that nobody declared is not found."""
    urls = [f"{probe.stack.gateway_url}/echo/{name}" for name in ("fixed", "other")]

    assert [200, 404] == [httpx.get(url).status_code for url in urls]


def test_context_is_lambdas(probe: Probe) -> None:
    """Name, memory, request id and remaining time are the function's."""
    seen = httpx.get(f"{probe.stack.gateway_url}/echo").json()

    assert seen["function"] == f"probe-{probe.stack.stage}-http_echo"
    assert seen["memory_mb"] == "128"
    assert 4_000 < seen["remaining_ms"] <= 5_000
    assert len(seen["request_id"]) == 36


def test_function_error_tells_the_client_nothing(probe: Probe) -> None:
    """A raised error is a 500 without its text, which stands in the log."""
    answer = httpx.get(f"{probe.stack.gateway_url}/broken")

    assert (500, {"message": "Internal Server Error"}) == (answer.status_code, answer.json())
    assert "[http_broken] RuntimeError: broken on purpose" in probe.stack.log()


def test_missing_handler_is_named(probe: Probe) -> None:
    """A declared handler without a file: named at the start, in the log and to whoever invokes it."""
    sentence = "probes/late_handler.py does not exist, but serverless.yml declares late_handler."

    assert {"late_handler": sentence} == probe.stack.missing
    assert httpx.get(f"{probe.stack.gateway_url}/late").status_code == 500
    assert f"[late_handler] MISSING {sentence}" in probe.stack.log()
    with pytest.raises(HandlerMissing, match="late_handler"):
        probe.stack.invoke("late_handler")
    with pytest.raises(UnknownFunction, match="http_echo"):
        probe.stack.invoke("nobody")


def test_schedule_fires_an_eventbridge_event(probe: Probe) -> None:
    """The minute's tick, fired by hand or by the clock, is a Scheduled Event of whole seconds."""
    at = datetime(2026, 11, 20, 12, 1, tzinfo=UTC)
    fired = probe.stack.fire("cron_minute", at)
    probe.stack.tick(at)

    parsed = EventBridgeModel.model_validate(fired.result)
    assert (parsed.time, parsed.source, parsed.detail_type) == (at, "aws.events", "Scheduled Event")
    assert parsed.resources == [
        f"arn:aws:events:eu-central-1:123456789012:rule/probe-{probe.stack.stage}-cron_minute-rule-1"
    ]
    assert probe.wait(lambda: probe.stack.log().count("[cron_minute] tick 2026-11-20T12:01:00Z") == 2)


def test_message_becomes_an_sqs_batch(probe: Probe) -> None:
    """Body, attributes and message attributes arrive, and the message is deleted after success."""
    identity = str(uuid4())
    probe.aws.client("sqs").send_message(
        QueueUrl=probe.stack.queues["EchoQueue"].url,
        MessageBody='{"name": "one"}',
        MessageAttributes={"correlation_id": {"DataType": "String", "StringValue": identity}},
    )

    assert probe.wait(lambda: probe.names() == ["one"])
    record = probe.seen()[0]["record"]
    parsed = SqsModel.model_validate({"Records": [record]}).Records[0]
    assert parsed.messageAttributes["correlation_id"].stringValue == identity
    assert parsed.eventSourceARN == f"arn:aws:sqs:eu-central-1:123456789012:probe-{probe.stack.stage}-echo"
    assert probe.wait(probe.is_settled)


def test_websocket_connects_talks_and_leaves(probe: Probe) -> None:
    """$connect sees the query, $default answers, an action has its route, $disconnect comes last."""

    async def talk() -> list[dict[str, Any]]:
        async with connect(f"{probe.stack.ws_url}/?word=open", proxy=None) as client:
            await client.send('{"action": "unknown"}')
            await client.send('{"action": "push", "n": 1}')
            return [json.loads(await asyncio.wait_for(client.recv(), 10)) for _ in range(2)]

    answered, pushed = asyncio.run(talk())

    parsed = APIGatewayWebSocketMessageEventModel.model_validate(answered["event"])
    assert (parsed.request_context.route_key, parsed.body) == ("$default", '{"action": "unknown"}')
    assert {"pushed": '{"action": "push", "n": 1}', "ip": "127.0.0.1"} == pushed
    assert probe.wait(lambda: "$disconnect DISCONNECT 1000" in probe.stack.log())
    assert probe.stack.connection_ids == []


def test_connections_api_closes_a_socket(probe: Probe) -> None:
    """DELETE on @connections ends the client's connection; afterwards it is gone."""

    async def be_closed() -> str:
        async with connect(f"{probe.stack.ws_url}/?word=open", proxy=None) as client:
            # The handshake is over a moment before the gateway notes the connection.
            assert await asyncio.to_thread(probe.wait, lambda: len(probe.stack.connection_ids) == 1)
            [connection_id] = probe.stack.connection_ids
            await client.send('{"action": "push", "close": true}')
            await client.recv()
            with pytest.raises(ConnectionClosed):
                await asyncio.wait_for(client.recv(), 10)
            return connection_id

    connection_id = asyncio.run(be_closed())

    gone = httpx.post(f"{probe.stack.gateway_url}/{probe.stack.stage}/@connections/{connection_id}", content=b"x")
    assert gone.status_code == 410


def test_connect_route_refuses(probe: Probe) -> None:
    """A $connect that answers 401 refuses the handshake with 401."""

    async def knock() -> int:
        with pytest.raises(InvalidStatus) as refused:
            async with connect(f"{probe.stack.ws_url}/?word=wrong", proxy=None):
                pass
        return refused.value.response.status_code

    assert asyncio.run(knock()) == 401


def test_connect_event_is_genuine(probe: Probe) -> None:
    """The handshake's headers and query are in the $connect event."""

    async def join() -> None:
        async with connect(f"{probe.stack.ws_url}/?word=open", proxy=None) as client:
            await client.send("no json at all")
            answer = json.loads(await client.recv())
            assert answer["route"] == "$default"

    asyncio.run(join())

    from infra.local.runner.samples import SOCKET_SITE, sample_bundle, samples

    assert SOCKET_SITE.stage == "dev"
    connects = [event for name, event in samples(sample_bundle()) if name == "ops/ws_connect.json"]
    assert APIGatewayWebSocketConnectEventModel.model_validate(connects[0]).request_context.event_type == "CONNECT"


def test_two_stacks_share_nothing(start_probe: StartProbe) -> None:
    """Each stack has its own environment, queues, address and containers; the runner's own variables reach neither."""
    first, second = start_probe({"GREETING": "one", "ONLY_FIRST": "1"}), start_probe({"GREETING": "two"})
    seen = [httpx.get(f"{probe.stack.gateway_url}/echo").json() for probe in (first, second)]
    first.send({"name": "for the first"})

    environments = [one["environment"] for one in seen]
    assert ["one", "two"] == [environment["GREETING"] for environment in environments]
    assert "ONLY_FIRST" not in environments[1]
    assert "PYTHONPATH" not in environments[0] and "HOME" not in environments[0]
    assert environments[0]["COUNTERPART_QUEUE_URL_PREFIX"] != environments[1]["COUNTERPART_QUEUE_URL_PREFIX"]
    assert environments[0]["COUNTERPART_STAGE"] == "local"
    assert seen[0]["pid"] != seen[1]["pid"]
    assert first.wait(lambda: first.names() == ["for the first"])
    assert second.names() == []


def test_wished_port_is_taken_or_refused(probe: Probe) -> None:
    """A port that is in use cannot be had twice."""
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", probe.stack.port))


def test_answers_are_not_held_back_by_nagle() -> None:
    """Connections of the front inherit TCP_NODELAY; without it every answer waits for a delayed acknowledgement."""
    with listen() as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
