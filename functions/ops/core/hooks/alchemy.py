"""Owns Alchemy's deliveries: custom webhooks (GRAPHQL) that ask for whole logs, and ADDRESS_ACTIVITY (pure).

A custom webhook's query is ours to write: functions/ops/README.md has it. An activity without a log moved the chain's
own coin and is no event of a contract; it is passed by. A retraction is the same log with `removed` set: on the log, on
its block, or on the whole event.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from functions.ops.core.hooks.fields import DeliveryUnfit, elements, is_set, member, octets, quantity, text
from functions.ops.core.hooks.logs import HASH, EvmNotice, address_of, event_of, topics_of
from kernel.chain_events import EvmEvent


def notice_of(payload: Any, networks: Mapping[str, int]) -> EvmNotice:
    """What a delivery tells. networks: Alchemy's names of chains, and their ids. Raises DeliveryUnfit."""
    kind, event = text(payload, "type", ""), member(payload, "event", "")
    network = text(event, "network", "event")
    if network not in networks:
        raise DeliveryUnfit("event.network", "is no chain that is known here")
    readers = {"GRAPHQL": _of_block, "ADDRESS_ACTIVITY": _of_activity}
    if kind not in readers:
        raise DeliveryUnfit("type", "is neither GRAPHQL nor ADDRESS_ACTIVITY")
    return EvmNotice(networks[network], tuple(readers[kind](event, networks[network])))


def _of_block(event: Any, chain_id: int) -> Iterator[EvmEvent]:
    at = "event.data.block"
    block = member(member(event, "data", "event"), "block", "event.data")
    number, block_hash = quantity(block, "number", at), octets(block, "hash", at, HASH)
    removed = is_set(block, "removed", at) or is_set(event, "removed", "event")
    for log, where in elements(block, "logs", at):
        yield EvmEvent(
            chain_id=chain_id,
            block_number=number,
            block_hash=block_hash,
            transaction_hash=octets(member(log, "transaction", where), "hash", f"{where}.transaction", HASH),
            log_index=quantity(log, "index", where),
            address=address_of(member(log, "account", where), f"{where}.account"),
            topics=topics_of(log, where),
            data=octets(log, "data", where),
            removed=removed or is_set(log, "removed", where),
        )


def _of_activity(event: Any, chain_id: int) -> Iterator[EvmEvent]:
    removed = is_set(event, "removed", "event")
    for activity, where in elements(event, "activity", "event"):
        if isinstance(activity, Mapping) and activity.get("log") is None:
            continue
        yield event_of(member(activity, "log", where), f"{where}.log", chain_id, removed=removed)
