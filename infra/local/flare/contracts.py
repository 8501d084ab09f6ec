"""Calls, answers and events of the compiled contracts, encoded from the committed artifacts."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from eth_abi.abi import decode, encode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

ARTIFACTS = Path(__file__).parents[2] / "contracts" / "artifacts"

Abi = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Artifact:
    """What the compiler made of one contract."""

    name: str
    abi: Abi
    bytecode: bytes

    def constructor(self, *arguments: Any) -> bytes:
        """The data of the transaction that deploys the contract."""
        entries = [entry for entry in self.abi if entry["type"] == "constructor"]
        types = [canonical(parameter) for entry in entries for parameter in entry["inputs"]]
        return self.bytecode + encode(types, arguments)


@dataclass(frozen=True, slots=True)
class Contract:
    """A deployed contract."""

    address: str
    artifact: Artifact

    def data(self, function: str, *arguments: Any) -> bytes:
        """The calldata of a call."""
        entry = self._entry("function", function)
        return selector(entry) + encode([canonical(parameter) for parameter in entry["inputs"]], arguments)

    def answer(self, function: str, data: bytes) -> tuple[Any, ...]:
        """The values that a call returned."""
        return decode([canonical(parameter) for parameter in self._entry("function", function)["outputs"]], data)

    def topic(self, event: str) -> bytes:
        """The first topic of an event's logs."""
        return keccak(text=signature(self._entry("event", event)))

    def event(self, event: str, log: Mapping[str, Any]) -> dict[str, Any]:
        """The named values of one log of the event."""
        inputs = self._entry("event", event)["inputs"]
        indexed = [parameter for parameter in inputs if parameter["indexed"]]
        stored = [parameter for parameter in inputs if not parameter["indexed"]]
        values = decode([canonical(parameter) for parameter in stored], from_hex(log["data"]))
        named = dict(zip([parameter["name"] for parameter in stored], values, strict=True))
        for parameter, topic in zip(indexed, log["topics"][1:], strict=True):
            named[parameter["name"]] = decode([canonical(parameter)], from_hex(topic))[0]
        return named

    def _entry(self, kind: str, name: str) -> dict[str, Any]:
        return next(entry for entry in self.artifact.abi if entry["type"] == kind and entry["name"] == name)


@cache
def artifact(name: str, folder: str = "flare") -> Artifact:
    """The committed artifact of a contract."""
    content = json.loads((ARTIFACTS / folder / f"{name}.json").read_text())
    return Artifact(name, content["abi"], from_hex(content["bytecode"]))


def contract(name: str, address: str) -> Contract:
    """The contract of that name at that address."""
    return Contract(to_checksum_address(address), artifact(name))


def canonical(parameter: Mapping[str, Any]) -> str:
    """The type of an ABI parameter, tuples spelled out."""
    kind: str = parameter["type"]
    if not kind.startswith("tuple"):
        return kind
    return f"({','.join(canonical(component) for component in parameter['components'])}){kind[len('tuple') :]}"


def signature(entry: Mapping[str, Any]) -> str:
    """A function's, event's or error's name with its types."""
    return f"{entry['name']}({','.join(canonical(parameter) for parameter in entry['inputs'])})"


def selector(entry: Mapping[str, Any]) -> bytes:
    """The four bytes that name a function or an error in calldata."""
    return keccak(text=signature(entry))[:4]


def explain(data: str, artifacts: Iterable[Artifact]) -> str:
    """The reason in the data of a revert: a string, or the custom error of one of the contracts with its values."""
    raw = from_hex(data)
    if raw[:4] == keccak(text="Error(string)")[:4]:
        return str(decode(["string"], raw[4:])[0])
    for known in artifacts:
        for entry in known.abi:
            if entry["type"] == "error" and selector(entry) == raw[:4]:
                values = decode([canonical(parameter) for parameter in entry["inputs"]], raw[4:])
                return f"{entry['name']}({', '.join(map(str, values))})"
    return data or "no reason"


def from_hex(text: str) -> bytes:
    """The bytes of 0x-prefixed hex."""
    return bytes.fromhex(text.removeprefix("0x"))
