"""Owns QuickNode's deliveries: Streams of receipts or logs, and QuickAlerts (pure).

A stream's data are lists in lists: a batch of blocks, in each a list of receipts or of logs, or an object that has
`receipts`. QuickAlerts sends `matchedReceipts`, or receipts alone. All of them come down to logs in JSON-RPC's form,
which name their block, so what lies around them is only walked through. The chain is named in the metadata of the body
where a stream is told to put it there, and by the settings otherwise: headers are not signed.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from functions.ops.core.hooks.fields import DeliveryUnfit, text
from functions.ops.core.hooks.logs import EvmNotice, event_of
from kernel.chain_events import EvmEvent

#: What an object may hold its logs in, the innermost first.
_AROUND = ("logs", "receipts", "matchedReceipts", "data")


def notice_of(payload: Any, networks: Mapping[str, int], chain_id: int | None) -> EvmNotice:
    """What a delivery tells. chain_id: of deliveries that name no network; None refuses them. Raises DeliveryUnfit."""
    named = _named_chain(payload, networks, chain_id)
    return EvmNotice(named, tuple(_walk(payload, "", named)))


def _named_chain(payload: Any, networks: Mapping[str, int], chain_id: int | None) -> int:
    metadata = payload.get("metadata") if isinstance(payload, Mapping) else None
    if metadata is None:
        if chain_id is None:
            raise DeliveryUnfit("metadata", "is missing, and the settings name no chain")
        return chain_id
    network = text(metadata, "network", "metadata")
    if network not in networks:
        raise DeliveryUnfit("metadata.network", "is no chain that is known here")
    if chain_id not in (None, networks[network]):
        raise DeliveryUnfit("metadata.network", "is not the chain that the settings name for this secret")
    return networks[network]


def _walk(node: Any, at: str, chain_id: int) -> Iterator[EvmEvent]:
    if isinstance(node, list):
        for index, one in enumerate(node):
            yield from _walk(one, f"{at}.{index}".lstrip("."), chain_id)
    elif isinstance(node, Mapping) and "topics" in node:
        yield event_of(node, at, chain_id)
    else:
        inner = next((name for name in _AROUND if isinstance(node, Mapping) and name in node), None)
        if inner is None:
            raise DeliveryUnfit(at or "body", "holds neither receipts nor logs")
        # A stream says null where a block had none.
        yield from _walk(node[inner] if node[inner] is not None else [], f"{at}.{inner}".lstrip("."), chain_id)
