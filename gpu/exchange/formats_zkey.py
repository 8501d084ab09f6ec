"""Owns proving keys as iden3's tools have them (.zkey, Groth16): whatever made one, a ceremony or a development set-up.

What a set-up with the secrets tau, alpha, beta, gamma, delta leaves, for a circuit of m wires, p public inputs and a
domain of n = 2^k rows (A, B, C of a wire are its columns of the constraints as polynomials, at tau):

    section 2   sizes; alpha, beta, gamma, delta times the generators
            3   (beta A + alpha B + C) / gamma of wire 0 and of each public input
            4   the entries of A and B; the dummy rows are among them
            5   A, 6 B in G1, 7 B in G2, of all wires
            8   (beta A + alpha B + C) / delta of all other wires
            9   the Lagrange polynomials of the odd points of the domain of 2n, at tau, / delta
           10   64 bytes that name the circuit, and the contributions of a ceremony; where there was none, LABEL

The coordinates are in Montgomery's form (times 2^256), the entries of section 4 twice so. A point at infinity is zero.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from struct import pack, unpack_from
from typing import Final, TypeVar

from gpu.exchange.formats import BASE, G1, G2, KeyUnfit, VerificationKey
from gpu.exchange.formats_binary import BYTES, element, sections_of, written
from gpu.exchange.r1cs import FIELD

#: Stands in a file whose secrets everybody knows, where a ceremony would have the circuit's hash.
LABEL: Final = b"development only: known toxic waste, never for production".ljust(64)

_MONTGOMERY: Final = 1 << 256
_BACK: Final = pow(_MONTGOMERY, -1, BASE)
_ENTRY_BACK: Final = pow(_MONTGOMERY, -2, FIELD)
_SIZES: Final = 3 * 4 + 2 * (4 + BYTES)
_GROTH16: Final = 1

Point = TypeVar("Point", G1, G2)
#: matrix (0 is A, 1 is B), row, wire, value
Entry = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ProvingKey:
    """What proofs of one circuit are made with. None stands for a point at infinity."""

    verification: VerificationKey
    beta_1: G1
    delta_1: G1
    wires: int
    domain: int
    entries: Sequence[Entry]
    a: Sequence[G1 | None]
    b_1: Sequence[G1 | None]
    b_2: Sequence[G2 | None]
    c: Sequence[G1 | None]
    h: Sequence[G1 | None]
    #: Whether everybody knows its secrets.
    development: bool

    @property
    def public(self) -> int:
        """How many public inputs there are."""
        return len(self.verification.ic) - 1


def zkey_file(key: ProvingKey) -> bytes:
    """A proving key as .zkey."""
    known = key.verification
    sizes = pack("<I", BYTES) + element(BASE) + pack("<I", BYTES) + element(FIELD)
    sizes += pack("<III", key.wires, key.public, key.domain)
    header = sizes + _g1s([known.alpha, key.beta_1]) + _g2s([known.beta, known.gamma])
    header += _g1s([key.delta_1]) + _g2s([known.delta])
    twice = _MONTGOMERY * _MONTGOMERY % FIELD
    entries = b"".join(
        pack("<III", matrix, row, wire) + element(value * twice % FIELD) for matrix, row, wire, value in key.entries
    )
    return written(
        b"zkey",
        1,
        {
            1: pack("<I", _GROTH16),
            2: header,
            3: _g1s(known.ic),
            4: pack("<I", len(key.entries)) + entries,
            5: _g1s(key.a),
            6: _g1s(key.b_1),
            7: _g2s(key.b_2),
            8: _g1s(key.c),
            9: _g1s(key.h),
            10: (LABEL if key.development else bytes(64)) + pack("<I", 0),
        },
    )


def verification_key_of(octets: bytes) -> VerificationKey:
    """The verification key that lies in a .zkey. Raises KeyUnfit."""
    return _header(_sections(octets))[0]


def proving_key_of(octets: bytes) -> ProvingKey:
    """The key of a .zkey. Whether its points lie on the curve is not asked here. Raises KeyUnfit."""
    found = _sections(octets)
    known, beta_1, delta_1, (wires, public, domain) = _header(found)
    if len(found[4]) != 4 + 44 * unpack_from("<I", found[4])[0]:
        raise KeyUnfit("the entries of the proving key are cut off")
    key = ProvingKey(
        verification=known,
        beta_1=beta_1,
        delta_1=delta_1,
        wires=wires,
        domain=domain,
        entries=[_entry(found[4], at) for at in range(4, len(found[4]), 44)],
        a=_read_g1s(found[5]),
        b_1=_read_g1s(found[6]),
        b_2=_read_g2s(found[7]),
        c=_read_g1s(found[8]),
        h=_read_g1s(found[9]),
        development=bytes(found[10][:64]) == LABEL,
    )
    lengths = (len(key.a), len(key.b_1), len(key.b_2), len(key.c), len(key.h))
    if lengths != (wires, wires, wires, wires - public - 1, domain):
        raise KeyUnfit("the proving key has other numbers of points than its header says")
    return key


def _sections(octets: bytes) -> dict[int, memoryview]:
    found = sections_of(b"zkey", 1, octets)
    if not set(range(1, 11)) <= set(found) or unpack_from("<I", found[1])[0] != _GROTH16:
        raise KeyUnfit("this .zkey is not one of Groth16")
    return found


def _header(found: dict[int, memoryview]) -> tuple[VerificationKey, G1, G1, tuple[int, int, int]]:
    header = found[2]
    if len(header) != _SIZES + 64 * 9:
        raise KeyUnfit("the header of the proving key is cut off")
    base, field = (int.from_bytes(header[at : at + BYTES], "little") for at in (4, 8 + BYTES))
    if (base, field) != (BASE, FIELD):
        raise KeyUnfit("this .zkey is over another curve than BN254")
    points = header[_SIZES:]
    alpha, beta_1 = _finite(_read_g1s(points[:128]))
    beta, gamma = _finite(_read_g2s(points[128:384]))
    (delta_1,), (delta,) = _finite(_read_g1s(points[384:448])), _finite(_read_g2s(points[448:]))
    wires, public, domain = unpack_from("<III", header, _SIZES - 12)
    known = VerificationKey(alpha=alpha, beta=beta, gamma=gamma, delta=delta, ic=tuple(_finite(_read_g1s(found[3]))))
    if len(known.ic) != public + 1 or domain & (domain - 1):
        raise KeyUnfit("the proving key has another number of public inputs than its header says")
    return known, beta_1, delta_1, (wires, public, domain)


def _entry(content: memoryview, at: int) -> Entry:
    matrix, row, wire = unpack_from("<III", content, at)
    return matrix, row, wire, int.from_bytes(content[at + 12 : at + 44], "little") * _ENTRY_BACK % FIELD


def _finite(points: Sequence[Point | None]) -> list[Point]:
    found = [point for point in points if point is not None]
    if len(found) != len(points):
        raise KeyUnfit("a point of the key is at infinity")
    return found


def _g1s(points: Sequence[G1 | None]) -> bytes:
    return b"".join(bytes(64) if point is None else _coordinates(point) for point in points)


def _g2s(points: Sequence[G2 | None]) -> bytes:
    return b"".join(bytes(128) if point is None else _coordinates((*point[0], *point[1])) for point in points)


def _coordinates(numbers: Sequence[int]) -> bytes:
    return b"".join((number * _MONTGOMERY % BASE).to_bytes(BYTES, "little") for number in numbers)


def _read_g1s(content: memoryview) -> list[G1 | None]:
    return [None if x == y == 0 else (x, y) for x, y in zip(*[iter(_numbers(content))] * 2, strict=True)]


def _read_g2s(content: memoryview) -> list[G2 | None]:
    groups = zip(*[iter(_numbers(content))] * 4, strict=True)
    return [None if x0 == x1 == y0 == y1 == 0 else ((x0, x1), (y0, y1)) for x0, x1, y0, y1 in groups]


def _numbers(content: memoryview) -> list[int]:
    octets = bytes(content)
    return [int.from_bytes(octets[at : at + BYTES], "little") * _BACK % BASE for at in range(0, len(octets), BYTES)]
