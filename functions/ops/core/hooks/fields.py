"""Owns the reading of a delivery's fields: what is missing or of another form is refused by its name (pure)."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from kernel.errors import Rejected

QUANTITY_MAX: Final = 2**63 - 1
_HEXADECIMAL: Final = re.compile(r"0x([0-9a-fA-F]{2})*", re.ASCII)
_QUANTITY: Final = re.compile(r"0x[0-9a-fA-F]{1,16}", re.ASCII)


class DeliveryUnfit(Rejected):
    """The delivery is genuine, but not of the documented form."""

    status = 422
    cause = "The webhook is of another kind than the one that functions/ops/README.md describes for its provider."
    remedy = "Set the webhook up as described there; the field named in details is missing or of another form."
    example = '{"field": "event.data.block.logs", "problem": "is missing"}'

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(field=field, problem=problem)


def member(node: Any, name: str, at: str) -> Any:
    """A field that must be there, null included. `at` is where the node is. Raises DeliveryUnfit."""
    if not isinstance(node, Mapping):
        raise DeliveryUnfit(at or "body", "is no object")
    if name not in node:
        raise DeliveryUnfit(_inside(at, name), "is missing")
    return node[name]


def elements(node: Any, name: str, at: str) -> Iterator[tuple[Any, str]]:
    """The elements of a list that must be there, each with where it is."""
    where = _inside(at, name)
    found = member(node, name, at)
    if not isinstance(found, list):
        raise DeliveryUnfit(where, "is no list")
    return ((one, f"{where}.{index}") for index, one in enumerate(found))


def quantity(node: Any, name: str, at: str) -> int:
    """A count from 0, as a number or in JSON-RPC's hexadecimal."""
    found = member(node, name, at)
    if isinstance(found, str) and _QUANTITY.fullmatch(found):
        found = int(found, 16)
    if isinstance(found, bool) or not isinstance(found, int) or not 0 <= found <= QUANTITY_MAX:
        raise DeliveryUnfit(_inside(at, name), "is no count")
    return found


def octets(node: Any, name: str, at: str, size: int | None = None) -> bytes:
    """Bytes in hexadecimal after 0x; `size` of them where it is given."""
    return in_octets(member(node, name, at), _inside(at, name), size)


def in_octets(found: Any, where: str, size: int | None = None) -> bytes:
    """The same of a value that was read already."""
    if not isinstance(found, str) or not _HEXADECIMAL.fullmatch(found):
        raise DeliveryUnfit(where, "is not 0x and pairs of hexadecimal digits")
    value = bytes.fromhex(found[2:])
    if size is not None and len(value) != size:
        raise DeliveryUnfit(where, f"has not {size} bytes")
    return value


def text(node: Any, name: str, at: str) -> str:
    """A text."""
    found = member(node, name, at)
    if not isinstance(found, str):
        raise DeliveryUnfit(_inside(at, name), "is no text")
    return found


def is_set(node: Any, name: str, at: str) -> bool:
    """A flag that may be left out: then it is not set."""
    found = node.get(name) if isinstance(node, Mapping) else None
    if found is not None and not isinstance(found, bool):
        raise DeliveryUnfit(_inside(at, name), "is neither true nor false")
    return bool(found)


def _inside(at: str, name: str) -> str:
    return f"{at}.{name}" if at else name
