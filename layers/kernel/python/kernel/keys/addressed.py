"""Owns what a signer shows of itself, whatever chain it signs for: its address, and nothing that could sign."""

from typing import NoReturn


class Addressed:
    """Something that signs for one address; `_address` is set by whoever makes it."""

    __slots__ = ("_address",)

    _address: str

    @property
    def address(self) -> str:
        return self._address

    def __repr__(self) -> str:
        return f"{type(self).__name__}({getattr(self, '_address', 'unfinished')})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a signer is not to be copied out of its process")
