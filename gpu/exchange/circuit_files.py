"""Owns the files that other tools read: constraints as `.r1cs`, an assignment as `.wtns`, both as iden3 defined them.

    .r1cs   "r1cs", version 1, sections: 1 the header, 2 the constraints, 3 the label of each wire (its number)
    .wtns   "wtns", version 2, sections: 1 the header, 2 the values

A section is its type (4 octets), its length (8) and so many octets; all is little-endian, a field element 32 octets.
The public inputs count as the circuit's outputs: that is where circom puts signals that come first.
"""

from collections.abc import Sequence
from struct import pack
from typing import Final

from gpu.exchange.r1cs import FIELD, R1cs, Terms

ELEMENT_BYTES: Final = 32


def r1cs_file(r1cs: R1cs) -> bytes:
    """Constraints, as `snarkjs r1cs` reads them."""
    private = r1cs.wires - 1 - r1cs.public
    header = _field() + pack("<IIIIQI", r1cs.wires, r1cs.public, 0, private, r1cs.wires, len(r1cs.constraints))
    rows = b"".join(_row(terms) for constraint in r1cs.constraints for terms in constraint)
    labels = b"".join(pack("<Q", wire) for wire in range(r1cs.wires))
    return _file(b"r1cs", 1, header, rows, labels)


def wtns_file(assignment: Sequence[int]) -> bytes:
    """An assignment, as `snarkjs wtns` and `snarkjs groth16 prove` read it."""
    return _file(b"wtns", 2, _field() + pack("<I", len(assignment)), b"".join(map(_element, assignment)))


def _file(magic: bytes, version: int, *sections: bytes) -> bytes:
    numbered = (pack("<IQ", number, len(section)) + section for number, section in enumerate(sections, 1))
    return magic + pack("<II", version, len(sections)) + b"".join(numbered)


def _row(terms: Terms) -> bytes:
    return pack("<I", len(terms)) + b"".join(pack("<I", wire) + _element(terms[wire]) for wire in sorted(terms))


def _field() -> bytes:
    return pack("<I", ELEMENT_BYTES) + _element(FIELD)


def _element(number: int) -> bytes:
    return number.to_bytes(ELEMENT_BYTES, "little")
