"""What is used of starknet-py. Importing it costs seconds of sympy, so only the tests that compare with it do."""

import asyncio
from collections import OrderedDict
from typing import Any

from starknet_py.cairo.felt import decode_shortstring
from starknet_py.constants import FIELD_PRIME
from starknet_py.hash.selector import get_selector_from_name
from starknet_py.net.client_models import Call
from starknet_py.net.full_node_client import FullNodeClient
from starknet_py.serialization.data_serializers.cairo_data_serializer import CairoDataSerializer
from starknet_py.serialization.data_serializers.felt_serializer import FeltSerializer
from starknet_py.serialization.data_serializers.payload_serializer import PayloadSerializer
from starknet_py.serialization.data_serializers.uint256_serializer import Uint256Serializer

__all__ = ["FIELD_PRIME", "Call", "answer", "decode_shortstring", "felts", "get_selector_from_name", "u256"]


def felts(**values: tuple[str, int]) -> list[int]:
    """Their encoding of named values, each with its type: u256 or felt."""
    types: dict[str, CairoDataSerializer[Any, Any]] = {"u256": Uint256Serializer(), "felt": FeltSerializer()}
    payload = PayloadSerializer(OrderedDict((name, types[kind]) for name, (kind, _) in values.items()))
    return payload.serialize({name: value for name, (_, value) in values.items()})


def u256(number: int) -> list[int]:
    """Their encoding of one u256. Raises ValueError."""
    return Uint256Serializer().serialize(number)


def answer(url: str, name: str, **params: Any) -> Any:
    """What their client, of version 0.10 of the spec, reads at an endpoint."""

    async def ask() -> Any:
        return await getattr(FullNodeClient(node_url=url), name)(**params)

    return asyncio.run(ask())
