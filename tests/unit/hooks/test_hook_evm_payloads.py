"""Alchemy's and QuickNode's deliveries become the values that a cursor makes of the same logs."""

from typing import Any

import pytest

from functions.ops.core.hooks import alchemy, networks, quicknode
from functions.ops.core.hooks.fields import QUANTITY_MAX, DeliveryUnfit
from functions.ops.core.hooks.logs import EvmNotice
from infra.local.notices import Alchemy, QuickNode
from kernel.chain_events import EvmEvent
from kernel.evm.addresses import checksum
from kernel.evm.blocks import Log
from tests.unit.hooks.payloads import CHAIN_ID, altered, log, payload, without

pytestmark = pytest.mark.unit

WEBHOOK, STREAM = Alchemy(key="k", network="ETH_MAINNET"), QuickNode(token="t", network="ethereum-mainnet")
BLOCK = payload(WEBHOOK.block(100, log()["blockHash"], [log(index=3), log(index=4)]))
ACTIVITY = payload(WEBHOOK.activity([log()]))


def by_cursor(told: dict[str, Any], **changes: Any) -> EvmEvent:
    """What the log cursor makes of a log."""
    read = Log.from_rpc(told)
    fields = {name: getattr(read, name) for name in Log.__slots__} | changes
    return EvmEvent(chain_id=CHAIN_ID, **fields)


def checked(notice: EvmNotice) -> list[dict[str, Any]]:
    """The events, with their addresses' checksums, which no delivery tells."""
    return [one.to_json() | {"address": checksum(one.address)} for one in notice.events]


def of_alchemy(told: Any) -> EvmNotice:
    return alchemy.notice_of(told, networks.ALCHEMY)


def of_quicknode(told: Any, chain_id: int | None = None) -> EvmNotice:
    return quicknode.notice_of(told, networks.QUICKNODE, chain_id)


def refusal(read: Any, told: Any) -> tuple[int, str]:
    with pytest.raises(DeliveryUnfit) as refused:
        read(told)
    return refused.value.status, str(refused.value.details["field"])


def test_a_block_of_a_custom_webhook() -> None:
    """Each log with its block's number and hash."""
    assert checked(of_alchemy(BLOCK)) == [by_cursor(log(index=index)).to_json() for index in (3, 4)]
    assert of_alchemy(BLOCK).chain == "evm:1"


def test_an_address_activity() -> None:
    """The token's log; the chain's own coin moves without one."""
    assert checked(of_alchemy(ACTIVITY)) == [by_cursor(log()).to_json()]


@pytest.mark.parametrize("path", ["event.removed", "event.data.block.removed", "event.data.block.logs.0.removed"])
def test_a_retraction_is_told_on_the_log_its_block_or_the_event(path: str) -> None:
    """And has the identity of the cursor's retraction."""
    told = of_alchemy(altered(BLOCK, path, True)).events[0]

    assert told.identity == by_cursor(log()).retraction().identity


@pytest.mark.parametrize("path", ["event.removed", "event.activity.0.log.removed"])
def test_a_retracted_activity(path: str) -> None:
    """Likewise."""
    assert [one.removed for one in of_alchemy(altered(ACTIVITY, path, True)).events] == [True]


def test_a_log_alone_is_taken_back() -> None:
    """Its neighbours stay."""
    first = of_alchemy(altered(BLOCK, "event.data.block.logs.0.removed", True))
    second = of_alchemy(altered(BLOCK, "event.data.block.logs.1.removed", True))

    assert [one.removed for one in first.events] == [True, False]
    assert [one.removed for one in second.events] == [False, True]


@pytest.mark.parametrize(
    "data",
    [
        [[{"logs": [log()], "status": "0x1"}]],  # receipts: a list a block
        [[log()]],  # logs
        [{"block": {"number": "0x64"}, "receipts": [{"logs": [log()]}]}],  # block_with_receipts
        [[{"logs": [log()]}, {"logs": []}], [], None][:2],
    ],
)
def test_every_shape_of_a_stream(data: Any) -> None:
    """All of them come down to the same log."""
    told = of_quicknode({"data": data, "metadata": {"network": "ethereum-mainnet"}})

    assert checked(told) == [by_cursor(log()).to_json()]


@pytest.mark.parametrize("alert", [{"matchedReceipts": [{"logs": [log()]}]}, [{"logs": [log()]}]])
def test_alerts_name_no_network(alert: Any) -> None:
    """The settings do."""
    assert checked(of_quicknode(alert, CHAIN_ID)) == [by_cursor(log()).to_json()]
    assert refusal(of_quicknode, alert) == (422, "metadata")


def test_a_stream_s_retraction() -> None:
    """By the log's own flag."""
    told = of_quicknode({"data": [[log(removed=True)]], "metadata": {"network": "ethereum-mainnet"}})

    assert [one.identity for one in told.events] == [by_cursor(log()).retraction().identity]


def test_a_secret_of_one_chain_tells_of_no_other() -> None:
    """A stream of another network under it is a mistake of the set-up."""
    told = payload(STREAM.stream([[log()]], 0.0))

    with pytest.raises(DeliveryUnfit) as refused:
        of_quicknode(told, 10)

    assert of_quicknode(told, 1).chain_id == 1
    assert refused.value.details["field"] == "metadata.network"


def test_empty_blocks_tell_nothing() -> None:
    """And are no mistake: a stream says null where nothing matched."""
    metadata = {"network": "ethereum-mainnet"}

    assert of_alchemy(altered(BLOCK, "event.data.block.logs", [])).events == ()
    assert of_quicknode({"data": None, "metadata": metadata}).events == ()
    assert of_quicknode({"data": [[], [{"logs": []}]], "metadata": metadata}).events == ()


def test_unknown_fields_are_let_be() -> None:
    """Providers add some at any time, at every level."""
    told = BLOCK
    for path in ("news", "event.news", "event.data.block.news", "event.data.block.logs.0.news"):
        told = altered(told, path, {"deep": [1, None]})

    assert of_alchemy(told) == of_alchemy(BLOCK)


@pytest.mark.parametrize(
    "path",
    [
        "type",
        "event",
        "event.network",
        "event.data",
        "event.data.block",
        "event.data.block.hash",
        "event.data.block.number",
        "event.data.block.logs",
        "event.data.block.logs.1.data",
        "event.data.block.logs.1.topics",
        "event.data.block.logs.1.index",
        "event.data.block.logs.1.account",
        "event.data.block.logs.1.account.address",
        "event.data.block.logs.1.transaction",
        "event.data.block.logs.1.transaction.hash",
    ],
)
def test_a_missing_field_is_refused_by_its_name(path: str) -> None:
    """So that an operator sees which line of the webhook's query is missing."""
    assert refusal(of_alchemy, without(BLOCK, path)) == (422, path)


@pytest.mark.parametrize("name", ["blockNumber", "blockHash", "transactionHash", "logIndex", "address", "data"])
def test_a_missing_field_of_a_plain_log_is_refused(name: str) -> None:
    """In an activity and in a stream."""
    stream = {"data": [[log()]], "metadata": {"network": "ethereum-mainnet"}}

    assert refusal(of_alchemy, without(ACTIVITY, f"event.activity.0.log.{name}")) == (
        422,
        f"event.activity.0.log.{name}",
    )
    assert refusal(of_quicknode, without(stream, f"data.0.0.{name}")) == (422, f"data.0.0.{name}")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("type", "MINED_TRANSACTION"),
        ("type", ["GRAPHQL"]),
        ("event", [1]),
        ("event.network", "DOGE_MAINNET"),
        ("event.network", None),
        ("event.removed", "yes"),
        ("event.data.block.hash", "0x" + "aa" * 31),
        ("event.data.block.hash", "0x" + "zz" * 32),
        ("event.data.block.hash", "aa" * 33),
        ("event.data.block.number", -1),
        ("event.data.block.number", True),
        ("event.data.block.number", 1.0),
        ("event.data.block.number", "100"),
        ("event.data.block.number", QUANTITY_MAX + 1),
        ("event.data.block.number", "0xfffffffffffffffff"),
        ("event.data.block.logs", {"0": {}}),
        ("event.data.block.logs.0", None),
        ("event.data.block.logs.0.data", "0x0"),
        ("event.data.block.logs.0.data", "0x00\n"),
        ("event.data.block.logs.0.topics.1", "0xaa"),
        ("event.data.block.logs.0.topics", ["0x" + "aa" * 32] * 5),
        ("event.data.block.logs.0.account.address", "0x" + "aa" * 21),
        ("event.data.block.logs.0.removed", 1),
    ],
)
def test_another_form_is_refused_by_its_name(path: str, value: Any) -> None:
    """Never repaired: a wrong guess would be another event."""
    assert refusal(of_alchemy, altered(BLOCK, path, value)) == (422, path)


@pytest.mark.parametrize("told", [None, 1, "x", [], {}, {"data": 1}, [1], {"metadata": {}}, {"data": [{"logs": 5}]}])
def test_what_is_no_delivery_at_all_is_refused(told: Any) -> None:
    """But an empty list tells nothing."""
    with pytest.raises(DeliveryUnfit):
        of_alchemy(told)
    if told != []:
        with pytest.raises(DeliveryUnfit):
            of_quicknode(told, CHAIN_ID)


def test_counts_reach_up_to_what_the_database_holds() -> None:
    """The largest block number that can be stored is taken."""
    told = of_alchemy(altered(BLOCK, "event.data.block.number", QUANTITY_MAX))

    assert told.events[0].block_number == QUANTITY_MAX
    assert of_alchemy(altered(BLOCK, "event.data.block.number", 0)).events[0].block_number == 0
    assert of_alchemy(altered(BLOCK, "event.data.block.number", "0x64")) == of_alchemy(BLOCK)


def test_four_topics_are_taken() -> None:
    """And none."""
    for count in (0, 4):
        told = of_alchemy(altered(BLOCK, "event.data.block.logs.0.topics", ["0x" + "ab" * 32] * count))

        assert len(told.events[0].topics) == count
