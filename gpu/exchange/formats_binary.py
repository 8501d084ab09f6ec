"""Owns the container that iden3's tools share: four letters, a version, the number of sections, and these.

A section: its number (4 bytes), its length (8), its content. All numbers are little-endian; a field element has 32
bytes.
"""

from collections.abc import Mapping
from struct import pack, unpack_from
from typing import Final

from gpu.exchange.formats import KeyUnfit

BYTES: Final = 32
_HEAD: Final = 12


def written(magic: bytes, version: int, sections: Mapping[int, bytes]) -> bytes:
    """A file of these sections, in their order."""
    parts = [magic, pack("<II", version, len(sections))]
    for number, content in sections.items():
        parts += [pack("<IQ", number, len(content)), content]
    return b"".join(parts)


def sections_of(magic: bytes, version: int, octets: bytes) -> dict[int, memoryview]:
    """The sections of a file. Raises KeyUnfit where it is another kind of file, or cut off."""
    if len(octets) < _HEAD or octets[:4] != magic or unpack_from("<I", octets, 4)[0] != version:
        raise KeyUnfit(f"this is no {magic.decode()} file of version {version}")
    view, at, found = memoryview(octets), _HEAD, {}
    for _ in range(unpack_from("<I", octets, 8)[0]):
        number, length = unpack_from("<IQ", octets, at) if at + _HEAD <= len(octets) else (0, len(octets))
        at += _HEAD + length
        if at > len(octets) or number in found:
            raise KeyUnfit(f"the {magic.decode()} file is cut off, or has a section twice")
        found[number] = view[at - length : at]
    return found


def element(value: int) -> bytes:
    """A field element."""
    return value.to_bytes(BYTES, "little")
