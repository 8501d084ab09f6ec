"""Owns a block header as a log cursor needs it: its links and its bloom."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from kernel.evm.blocks import octets, quantity
from kernel.evm.log_cursor.reorganisation import Link


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """One block; `bloom` is the logs bloom as one integer."""

    number: int
    hash: bytes
    parent_hash: bytes
    bloom: int

    @classmethod
    def from_rpc(cls, block: Mapping[str, Any]) -> Self:
        """From eth_getBlockByNumber or eth_getBlockByHash."""
        return cls(
            number=quantity(block["number"]),
            hash=octets(block["hash"]),
            parent_hash=octets(block["parentHash"]),
            bloom=quantity(block["logsBloom"]),
        )

    @property
    def link(self) -> Link:
        """Its place among the others."""
        return Link(self.number, self.hash, self.parent_hash)
