"""Owns the set-up: from a circuit and five secrets to a proving key. Whoever knows the secrets can prove anything.

A development key's secrets are a hash of its circuit's digest: everybody knows them, every machine has the same key,
and its file carries a label that says so (gpu.exchange.formats_zkey.LABEL). A key for production comes from a ceremony
whose last honest participant forgot their part; its .zkey takes a development key's place with nothing else changed.

Before the set-up each public wire gets a row of its own, that wire in A and nothing in B and C. Without them the
polynomials of public wires that no other row tells apart would coincide, and one proof would do for several inputs.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha512
from pathlib import Path
from typing import Final, TypeVar

from gpu.exchange.curve import Say, multiples_1, multiples_2, silent
from gpu.exchange.formats import VerificationKey
from gpu.exchange.formats_zkey import Entry, ProvingKey, zkey_file
from gpu.exchange.r1cs import FIELD, R1cs

Point = TypeVar("Point")

_SEED: Final = "counterpart barter: known toxic waste, never for production"


class TooManyRows(ValueError):
    """A circuit has more rows than the field has roots of unity."""


@dataclass(frozen=True, slots=True, repr=False)
class Secrets:
    """What has to be forgotten."""

    tau: int
    alpha: int
    beta: int
    gamma: int
    delta: int


@dataclass(frozen=True, slots=True)
class _Columns:
    """Every wire's polynomials at tau."""

    a: list[int]
    b: list[int]
    c: list[int]


def known_secrets(digest: str) -> Secrets:
    """The secrets of the development key of a circuit, by its digest: known to everybody."""
    names = ("tau", "alpha", "beta", "gamma", "delta")
    return Secrets(*(int.from_bytes(sha512(f"{_SEED} {digest} {name}".encode()).digest()) % FIELD for name in names))


def is_development(key: VerificationKey, digest: str) -> bool:
    """Whether this is the development key of a circuit, of which everybody can make proofs of anything."""
    return key.alpha == multiples_1([known_secrets(digest).alpha])[0]


def development_zkey(folder: Path, system: R1cs, say: Say = silent) -> Path:
    """The file with the development key of a circuit, made now if the folder does not have it.

    It is named after its image id; a link after the circuit's digest leads to it. Two who make it make the same.
    """
    digest = system.digest()
    link = folder / f"{digest}.development"
    if not link.is_file():
        key = set_up(system, known_secrets(digest), say, development=True)
        made = by_image_id(folder, key.verification.image_id())
        folder.mkdir(parents=True, exist_ok=True)
        _put(made, lambda path: path.write_bytes(zkey_file(key)))
        _put(link, lambda path: path.symlink_to(made.name))
    return link.resolve()


def by_image_id(folder: Path, image_id: str) -> Path:
    """Where a folder has the key that a contract names so."""
    return folder / f"{image_id.removeprefix('0x')}.zkey"


def set_up(system: R1cs, secrets: Secrets, say: Say = silent, *, development: bool = False) -> ProvingKey:
    """The proving key of a circuit. say: told how far it is. Raises TooManyRows."""
    from zksnake.polynomial import evaluate_lagrange_coefficients

    rows = len(system.constraints) + system.public + 1
    domain = 1 << (rows - 1).bit_length()
    if 2 * domain > 1 << 28:
        raise TooManyRows(f"{rows} rows are more than 2^27, all that BN254's scalar field has roots of unity for")
    say(f"{len(system.constraints):,} constraints and {system.public + 1} dummy rows over {system.wires:,} wires")
    entries = list(_entries(system))
    columns = _columns(system, entries, evaluate_lagrange_coefficients(domain, secrets.tau, FIELD))
    odd = evaluate_lagrange_coefficients(2 * domain, secrets.tau, FIELD)[1::2]
    return _key(system, secrets, columns, odd, entries, say, development)


def _key(
    system: R1cs,
    secrets: Secrets,
    columns: _Columns,
    odd: Sequence[int],
    entries: list[Entry],
    say: Say,
    development: bool,
) -> ProvingKey:
    alpha, beta, delta = secrets.alpha, secrets.beta, secrets.delta
    sums = [(beta * a + alpha * b + c) % FIELD for a, b, c in zip(columns.a, columns.b, columns.c, strict=True)]
    public, private = sums[: system.public + 1], sums[system.public + 1 :]
    alpha_1, beta_1, delta_1 = _finite(multiples_1([alpha, beta, delta]))
    beta_2, gamma_2, delta_2 = _finite(multiples_2([beta, secrets.gamma, delta]))
    known = VerificationKey(
        alpha=alpha_1,
        beta=beta_2,
        gamma=gamma_2,
        delta=delta_2,
        ic=tuple(_finite(multiples_1(_over(public, secrets.gamma)))),
    )
    return ProvingKey(
        verification=known,
        beta_1=beta_1,
        delta_1=delta_1,
        wires=system.wires,
        domain=len(odd),
        entries=entries,
        a=multiples_1(columns.a, say, "A"),
        b_1=multiples_1(columns.b, say, "B in G1"),
        b_2=multiples_2(columns.b, say, "B in G2"),
        c=multiples_1(_over(private, delta), say, "C"),
        h=multiples_1(_over(odd, delta), say, "H"),
        development=development,
    )


def _entries(system: R1cs) -> Sequence[Entry]:
    """The entries of A and B, the dummy rows behind the constraints."""
    entries: list[Entry] = []
    for row, (a, b, _) in enumerate(system.constraints):
        entries += [(0, row, wire, factor) for wire, factor in a.items()]
        entries += [(1, row, wire, factor) for wire, factor in b.items()]
    first = len(system.constraints)
    return entries + [(0, first + wire, wire, 1) for wire in range(system.public + 1)]


def _columns(system: R1cs, entries: Sequence[Entry], lagrange: Sequence[int]) -> _Columns:
    a, b, c = ([0] * system.wires for _ in range(3))
    for matrix, row, wire, factor in entries:
        (b if matrix else a)[wire] += factor * lagrange[row]
    for row, (_, _, terms) in enumerate(system.constraints):
        for wire, factor in terms.items():
            c[wire] += factor * lagrange[row]
    return _Columns(*([value % FIELD for value in column] for column in (a, b, c)))


def _over(numbers: Sequence[int], divisor: int) -> list[int]:
    inverse = pow(divisor, -1, FIELD)
    return [number * inverse % FIELD for number in numbers]


def _put(path: Path, write: Callable[[Path], object]) -> None:
    """Nobody sees a part of it."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    unfinished.unlink(missing_ok=True)
    write(unfinished)
    unfinished.replace(path)


def _finite(points: Sequence[Point | None]) -> list[Point]:
    """Points none of which is at infinity; that one is, happens by chance once in 2^254."""
    return [point for point in points if point is not None]
