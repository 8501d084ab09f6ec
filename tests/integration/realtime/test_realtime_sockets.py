"""Real WebSocket clients at the local runner: messages go through Redis, SQS, a container and the @connections API."""

import asyncio
import json
import time
from collections.abc import Callable

import boto3
import pytest
from botocore.exceptions import ClientError
from websockets.exceptions import InvalidStatus

from kernel.realtime import topic_named
from kernel.realtime.topics import ANONYMOUS
from tests.integration.realtime.listeners import PATIENCE_S, House, Listener, everybody

pytestmark = pytest.mark.integration
OWNER = "evm:0x1111111111111111111111111111111111111111"
MESSAGES = 5


def test_every_message_reaches_every_reader_once_and_in_order(house: House, volume: Callable[[int, int], int]) -> None:
    """However many publishers and containers are at it."""
    readers = volume(40, 1_000)

    async def listen() -> list[Listener]:
        async with everybody(house.stack.ws_url, readers) as listeners:
            await asyncio.gather(*(asyncio.to_thread(house.publish, "system", n) for n in range(MESSAGES)))
            await asyncio.gather(*(listener.until_sequence(MESSAGES) for listener in listeners))
            return listeners

    listeners = asyncio.run(listen())

    expected = [list(range(1, MESSAGES + 1))] * readers
    assert [listener.sequences() for listener in listeners] == expected
    # The same text for everybody.
    texts = {json.dumps([m for m in listener.told if m["type"] == "data"]) for listener in listeners}
    assert len(texts) == 1


def test_a_returning_client_misses_nothing(house: House) -> None:
    """It names the last number it has, and goes on after it; messages of its absence and new ones in one order."""

    async def return_() -> tuple[Listener, dict[str, object]]:
        async with Listener(house.stack.ws_url) as first:
            await first.say(action="subscribe", topics=["rounds"])
            await asyncio.to_thread(house.publish, "rounds", 1, 2)
            await first.until_sequence(2)
            last = next(message for message in reversed(first.told) if message["type"] == "data")
        await asyncio.to_thread(house.publish, "rounds", 3, 4, 5)
        async with Listener(house.stack.ws_url) as second:
            position = {"topic": "rounds", "epoch": last["epoch"], "sequence": last["sequence"]}
            publishing = asyncio.create_task(asyncio.to_thread(house.publish, "rounds", 6, 7))
            answer = await second.say(action="subscribe", topics=[position])
            await publishing
            await second.until_sequence(7)
            return second, answer["topics"][0]

    second, answer = asyncio.run(return_())

    assert (answer["resumed"], second.sequences()) == (True, [3, 4, 5, 6, 7])


def test_after_redis_lost_everything_a_client_finds_out_and_goes_on(house: House) -> None:
    """Its next word brings "subscriptions_lost"; its position is of an epoch that is over, so it reads anew."""

    async def lose() -> tuple[Listener, dict[str, object]]:
        async with Listener(house.stack.ws_url) as listener:
            old = (await listener.say(action="subscribe", topics=["system"]))["topics"][0]
            await asyncio.to_thread(house.publish, "system", 1)
            await listener.until_sequence(1)
            house.redis.flush()
            await asyncio.to_thread(house.publish, "system", 2)
            await listener.say(action="ping")
            answer = (await listener.say(action="subscribe", topics=[{**old, "sequence": 1}]))["topics"][0]
            last = await listener.say(action="request", topic="system")
            assert last["body"] == {"n": 2}
            await asyncio.to_thread(house.publish, "system", 3)
            await listener.until(lambda: [m for m in listener.told if m.get("body") == {"n": 3}] or None)
            return listener, {**answer, "is_new": answer["epoch"] != old["epoch"]}

    listener, answer = asyncio.run(lose())

    assert listener.events() == ["subscriptions_lost"]
    assert (answer["resumed"], answer["reason"], answer["is_new"]) == (False, "epoch_changed", True)


def test_a_session_that_ends_while_connected_is_told(house: House) -> None:
    """With the token in the subprotocol; what is public goes on, and a fresh token opens the rest again."""

    async def expire() -> tuple[Listener, str | None]:
        # A token of fifteen minutes that has three seconds left.
        protocols = ["counterpart.v1", f"bearer.{house.token(OWNER, age_s=15 * 60 - 3)}"]
        async with Listener(house.stack.ws_url, protocols) as listener:
            await listener.say(action="subscribe", topics=["portfolio", "system"])
            await asyncio.sleep(3)
            await asyncio.to_thread(house.publish, f"portfolio:{OWNER}", 1)
            await asyncio.to_thread(house.publish, "system", 1)
            await listener.until(lambda: listener.events() or None)
            await listener.until_sequence(1, "system")
            refused = await listener.say(action="subscribe", topics=["portfolio"])
            assert refused["error"]["code"] == "topic_needs_session"
            await listener.say(action="auth", token=house.token(OWNER))
            position = {"topic": "portfolio", "epoch": house.registry.last(f"portfolio:{OWNER}")[0].epoch}
            await listener.say(action="subscribe", topics=[{**position, "sequence": 0}])
            await listener.until_sequence(1, f"portfolio:{OWNER}")
            return listener, listener.socket.subprotocol

    listener, subprotocol = asyncio.run(expire())

    assert (listener.events(), subprotocol) == (["session_expired"], "counterpart.v1")


def test_a_wrong_token_is_refused_at_the_door(house: House) -> None:
    """With 401."""

    async def knock() -> int:
        with pytest.raises(InvalidStatus) as refused:
            await Listener(house.stack.ws_url, ["counterpart.v1", "bearer.a.b.c"]).open()
        return refused.value.response.status_code

    assert asyncio.run(knock()) == 401


def test_who_left_is_no_burden(house: House) -> None:
    """A client whose line broke without a goodbye is found gone, and the others get everything."""

    async def leave() -> Listener:
        async with Listener(house.stack.ws_url) as staying:
            await staying.say(action="subscribe", topics=["system"])
            # Registered and never there, as after a container that died before $disconnect.
            house.registry.register("Z2hvc3Q=", ANONYMOUS)
            house.registry.join("Z2hvc3Q=", topic_named("system"))
            await asyncio.to_thread(house.publish, "system", 1, 2)
            await staying.until_sequence(2)
            return staying

    staying = asyncio.run(leave())

    assert staying.sequences() == [1, 2]
    assert wait(lambda: not house.registry.seen("Z2hvc3Q=", 0).is_known)


def test_boto3_speaks_to_the_connections_api(house: House) -> None:
    """post_to_connection, get_connection and delete_connection, unchanged; 410 for who is gone."""
    url = f"{house.stack.gateway_url}/{house.stack.stage}"
    client = boto3.client("apigatewaymanagementapi", endpoint_url=url, region_name="eu-central-1")

    async def exchange() -> tuple[list[dict[str, object]], str, int | None]:
        async with Listener(house.stack.ws_url) as listener:
            await listener.say(action="ping")
            [connection_id] = house.stack.connection_ids
            await asyncio.to_thread(client.post_to_connection, ConnectionId=connection_id, Data=b'{"type":"x"}')
            told = await asyncio.to_thread(client.get_connection, ConnectionId=connection_id)
            await listener.until(lambda: [m for m in listener.told if m["type"] == "x"] or None)
            await asyncio.to_thread(client.delete_connection, ConnectionId=connection_id)
            await listener.socket.wait_closed()
            with pytest.raises(ClientError) as gone:
                await asyncio.to_thread(client.post_to_connection, ConnectionId=connection_id, Data=b"{}")
            code = gone.value.response["Error"]["Code"]
            return listener.told, f"{told['Identity']['SourceIp']} {code}", listener.socket.close_code

    told, words, close_code = asyncio.run(exchange())
    client.close()

    assert (told[-1], words, close_code) == ({"type": "x"}, "127.0.0.1 GoneException", 1000)


def wait(condition: Callable[[], bool]) -> bool:
    end_s = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > end_s:
            return False
        time.sleep(0.05)
    return True
