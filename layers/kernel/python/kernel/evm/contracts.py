"""Owns the encoding of contract calls, results and logs: a thin layer over eth_abi and a committed ABI file.

Addresses come out in EIP-55 form, integers as int, bytes as bytes; a struct is a tuple in the ABI's order.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from kernel.errors import Broken
from kernel.evm.addresses import checksum
from kernel.evm.blocks import BlockId, Log
from kernel.evm.rpc import RpcPool
from kernel.hashes import keccak256

SELECTOR_SIZE_BYTES: Final = 4
WORD_SIZE_BYTES: Final = 32


class AbiMismatch(Broken):
    """The contract interface does not know this function or event, or the bytes do not fit it."""

    cause = "The committed ABI and the deployed contract, or the caller, disagree."
    remedy = "Rebuild the contracts' artifacts, and compare the address in the settings."


@dataclass(frozen=True, slots=True)
class Event:
    """A decoded log: its name and its arguments by name."""

    name: str
    arguments: Mapping[str, Any]
    log: Log


class Abi:
    """A contract's interface. Functions and events are found by name, or by signature where a name is overloaded."""

    def __init__(self, entries: Sequence[Mapping[str, Any]]) -> None:
        self._entries = tuple(entries)

    @classmethod
    def load(cls, path: Path) -> "Abi":
        """From a JSON file that is the ABI list itself, or an artifact with the list under "abi"."""
        content = json.loads(path.read_text(encoding="utf-8"))
        return cls(content["abi"] if isinstance(content, dict) else content)

    def encode_call(self, function: str, *arguments: Any) -> bytes:
        """Selector ‖ arguments. Raises AbiMismatch when the arguments do not fit."""
        entry = self._function(function)
        return selector(_signature(entry)) + _encode(entry["inputs"], arguments)

    def decode_call(self, function: str, calldata: bytes) -> tuple[Any, ...]:
        """The arguments in `calldata`. Raises AbiMismatch."""
        entry = self._function(function)
        if calldata[:SELECTOR_SIZE_BYTES] != selector(_signature(entry)):
            raise AbiMismatch(function=function, selector=calldata[:SELECTOR_SIZE_BYTES].hex())
        return _decode(entry["inputs"], calldata[SELECTOR_SIZE_BYTES:])

    def decode_result(self, function: str, returned: bytes) -> Any:
        """The result: None, the single value, or a tuple. Raises AbiMismatch (an empty answer: no contract there)."""
        outputs = self._function(function)["outputs"]
        values = _decode(outputs, returned)
        if len(values) == 1:
            return values[0]
        return values or None

    def topic(self, event: str) -> bytes:
        """The 32-byte first topic of an event."""
        return keccak256(_signature(self._event(event)).encode("ascii"))

    def decode_log(self, log: Log) -> Event | None:
        """The event, or None when this interface does not know it. An indexed dynamic argument is its hash.

        Raises AbiMismatch when the topic is known but the rest does not fit.
        """
        entry = self._events_by_topic.get(log.topics[0]) if log.topics else None
        if entry is None:
            return None
        indexed = [parameter for parameter in entry["inputs"] if parameter["indexed"]]
        plain = [parameter for parameter in entry["inputs"] if not parameter["indexed"]]
        if len(indexed) != len(log.topics) - 1:
            raise AbiMismatch(event=entry["name"], topics=len(log.topics))
        values = dict(zip(_names(plain), _decode(plain, log.data), strict=True))
        for parameter, topic in zip(indexed, log.topics[1:], strict=True):
            values[parameter["name"]] = _decode_topic(parameter, topic)
        return Event(entry["name"], {name: values[name] for name in _names(entry["inputs"])}, log)

    @cached_property
    def _events_by_topic(self) -> Mapping[bytes, Mapping[str, Any]]:
        events = (entry for entry in self._entries if entry["type"] == "event" and not entry.get("anonymous"))
        return {keccak256(_signature(entry).encode("ascii")): entry for entry in events}

    def _function(self, name: str) -> Mapping[str, Any]:
        return self._only("function", name)

    def _event(self, name: str) -> Mapping[str, Any]:
        return self._only("event", name)

    def _only(self, kind: str, name: str) -> Mapping[str, Any]:
        found = [
            entry for entry in self._entries if entry["type"] == kind and name in {entry["name"], _signature(entry)}
        ]
        if len(found) != 1:
            raise AbiMismatch(kind=kind, name=name, matches=len(found))
        return found[0]


class Contract:
    """One deployed contract, read through a pool."""

    def __init__(self, pool: RpcPool, address: str, abi: Abi) -> None:
        self.pool, self.address, self.abi = pool, checksum(address), abi

    def call(self, function: str, *arguments: Any, block: BlockId = "latest") -> Any:
        """The result of a read-only call as of `block`. Raises AbiMismatch, RpcRefused (a revert), RpcUnavailable."""
        returned = self.pool.contract_call(self.address, self.abi.encode_call(function, *arguments), block)
        return self.abi.decode_result(function, returned)

    def events(
        self, *names: str, from_block: int, to_block: int, topics: Sequence[bytes | None] = ()
    ) -> Iterator[Event]:
        """The named events in the inclusive range, in chain order; `topics` filters their indexed arguments."""
        first = [self.abi.topic(name) for name in names]
        for log in self.pool.logs([self.address], [first, *topics], from_block=from_block, to_block=to_block):
            event = self.abi.decode_log(log)
            if event is not None:
                yield event


def selector(signature: str) -> bytes:
    """The first four bytes of the keccak-256 of `name(type,…)`."""
    return keccak256(signature.encode("ascii"))[:SELECTOR_SIZE_BYTES]


def abi_encode(types: Sequence[str], values: Sequence[Any]) -> bytes:
    """Solidity's abi.encode. Raises AbiMismatch."""
    from eth_abi.abi import encode
    from eth_abi.exceptions import EncodingError

    try:
        return bytes(encode(list(types), list(values)))
    except (EncodingError, TypeError, ValueError) as unfit:
        raise AbiMismatch(types=",".join(types), reason=type(unfit).__name__) from unfit


def abi_decode(types: Sequence[str], encoded: bytes) -> tuple[Any, ...]:
    """The inverse of abi_encode, with eth_abi's own forms (addresses in lower case). Raises AbiMismatch."""
    from eth_abi.abi import decode
    from eth_abi.exceptions import DecodingError

    try:
        return tuple(decode(list(types), encoded))
    except (DecodingError, ValueError, OverflowError) as unfit:
        raise AbiMismatch(types=",".join(types), size_bytes=len(encoded)) from unfit


def _signature(entry: Mapping[str, Any]) -> str:
    return f"{entry['name']}({','.join(_type(parameter) for parameter in entry['inputs'])})"


def _type(parameter: Mapping[str, Any]) -> str:
    """The canonical type: a struct is written out as its components in brackets."""
    kind = str(parameter["type"])
    if not kind.startswith("tuple"):
        return kind
    return f"({','.join(_type(component) for component in parameter['components'])}){kind[len('tuple') :]}"


def _encode(parameters: Sequence[Mapping[str, Any]], arguments: Sequence[Any]) -> bytes:
    if len(parameters) != len(arguments):
        raise AbiMismatch(expected=len(parameters), given=len(arguments))
    return abi_encode([_type(parameter) for parameter in parameters], arguments)


def _decode(parameters: Sequence[Mapping[str, Any]], encoded: bytes) -> tuple[Any, ...]:
    values = abi_decode([_type(parameter) for parameter in parameters], encoded)
    return tuple(
        _presented(parameter, str(parameter["type"]), value)
        for parameter, value in zip(parameters, values, strict=True)
    )


def _presented(parameter: Mapping[str, Any], kind: str, value: Any) -> Any:
    """The value with every address in it in EIP-55 form."""
    if kind.endswith("]"):
        element = kind[: kind.rindex("[")]
        return tuple(_presented(parameter, element, one) for one in value)
    if kind == "address":
        return checksum(value)
    if kind == "tuple":
        components = parameter["components"]
        return tuple(_presented(part, str(part["type"]), one) for part, one in zip(components, value, strict=True))
    return value


def _decode_topic(parameter: Mapping[str, Any], topic: bytes) -> Any:
    kind = str(parameter["type"])
    hashed = kind in {"string", "bytes"} or kind.startswith("tuple") or kind.endswith("]")
    return topic if hashed else _decode([parameter], topic)[0]


def _names(parameters: Sequence[Mapping[str, Any]]) -> list[str]:
    return [str(parameter["name"]) for parameter in parameters]
