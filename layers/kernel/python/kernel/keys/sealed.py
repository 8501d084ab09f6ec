"""Owns a sealed key at rest: where its blob comes from, and the moment in which it is open."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from pydantic import SecretBytes

if TYPE_CHECKING:
    from kernel.keys.envelope import Envelope

#: A sealed key, or what fetches it for each use.
Blob = bytes | Callable[[], bytes]


class Sealed:
    """One sealed key; it is opened for each use, and whoever opened it forgets it."""

    __slots__ = ("_address", "_blob", "_chain", "_envelope", "_purpose")

    def __init__(self, envelope: "Envelope", blob: Blob, *, purpose: str, chain: str, address: str) -> None:
        self._envelope, self._blob = envelope, blob
        self._purpose, self._chain, self._address = purpose, chain, address

    def open(self) -> SecretBytes:
        """The key, in a wrapper that shows it in no repr. Raises what the blob's source and Envelope.open raise."""
        blob = self._blob if isinstance(self._blob, bytes) else self._blob()
        return SecretBytes(self._envelope.open(blob, purpose=self._purpose, chain=self._chain, address=self._address))

    def __repr__(self) -> str:
        return f"{self._address}, {self._purpose}, {self._chain}"
