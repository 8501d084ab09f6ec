"""Owns keys and proofs of Groth16 over BN254 as values, as words of a contract, and as the JSON that snarkjs has.

A point of G1 is (x, y); one of G2 ((x0, x1), (y0, y1)) with x = x0 + x1 i. The contract and its precompiles take x1
before x0. A verification key's canonical bytes are its words as the contract's constructor takes them, 32 bytes each:
alpha, beta, gamma, delta, and a point for one and for each public input. Their Keccak-256 is the image id.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import sha3

#: The field of the coordinates.
BASE: Final = 21888242871839275222246405745257275088696311157297823662689037894645226208583
_FIXED_WORDS: Final = 14

G1 = tuple[int, int]
G2 = tuple[tuple[int, int], tuple[int, int]]


class KeyUnfit(ValueError):
    """What was given is no key of this form."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationKey:
    """What proofs of one circuit are verified with; `ic` has a point for one and for each public input."""

    alpha: G1
    beta: G2
    gamma: G2
    delta: G2
    ic: tuple[G1, ...]

    def words(self) -> tuple[int, ...]:
        """As the contract takes it."""
        twice = [word for point in (self.beta, self.gamma, self.delta) for word in g2_words(point)]
        return (*self.alpha, *twice, *(word for point in self.ic for word in point))

    def octets(self) -> bytes:
        """The canonical bytes."""
        return b"".join(word.to_bytes(32, "big") for word in self.words())

    def image_id(self) -> str:
        """What a contract calls this key: 0x and 64 digits."""
        return f"0x{sha3.keccak_256(self.octets()).hexdigest()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Three points."""

    a: G1
    b: G2
    c: G1

    def words(self) -> tuple[int, ...]:
        """As the contract takes them."""
        return (*self.a, *g2_words(self.b), *self.c)


def g2_words(point: G2) -> tuple[int, int, int, int]:
    """A point of G2 as the contract takes it."""
    (x0, x1), (y0, y1) = point
    return x1, x0, y1, y0


def key_of(octets: bytes) -> VerificationKey:
    """The key with these canonical bytes; whether its points lie on the curve is not asked here. Raises KeyUnfit."""
    words = [int.from_bytes(octets[at : at + 32], "big") for at in range(0, len(octets), 32)]
    if len(octets) % 64 or len(words) < _FIXED_WORDS + 2 or max(words) >= BASE:
        raise KeyUnfit("a verification key is at least 16 words below the order of the field of coordinates")
    beta, gamma, delta = (_g2(words[at : at + 4]) for at in (2, 6, 10))
    ic = tuple((words[at], words[at + 1]) for at in range(_FIXED_WORDS, len(words), 2))
    return VerificationKey(alpha=(words[0], words[1]), beta=beta, gamma=gamma, delta=delta, ic=ic)


def proof_of(words: Sequence[int]) -> Proof:
    """The proof with these words, in the contract's order. Raises ValueError for another number of them."""
    a0, a1, *b, c0, c1 = words
    return Proof(a=(a0, a1), b=_g2(b), c=(c0, c1))


def verification_key_json(key: VerificationKey) -> dict[str, Any]:
    """What snarkjs calls verification_key.json."""
    return {
        "protocol": "groth16",
        "curve": "bn128",
        "nPublic": len(key.ic) - 1,
        "vk_alpha_1": _g1_json(key.alpha),
        "vk_beta_2": _g2_json(key.beta),
        "vk_gamma_2": _g2_json(key.gamma),
        "vk_delta_2": _g2_json(key.delta),
        "IC": [_g1_json(point) for point in key.ic],
    }


def proof_json(proof: Proof) -> dict[str, Any]:
    """What snarkjs calls proof.json."""
    points = {"pi_a": _g1_json(proof.a), "pi_b": _g2_json(proof.b), "pi_c": _g1_json(proof.c)}
    return {**points, "protocol": "groth16", "curve": "bn128"}


def public_json(inputs: Sequence[int]) -> list[str]:
    """What snarkjs calls public.json."""
    return [str(value) for value in inputs]


def read_proof_json(told: dict[str, Any]) -> Proof:
    """The proof of a proof.json."""
    (a, c), b = (tuple(map(int, told[name][:2])) for name in ("pi_a", "pi_c")), told["pi_b"]
    return Proof(a=(a[0], a[1]), b=((int(b[0][0]), int(b[0][1])), (int(b[1][0]), int(b[1][1]))), c=(c[0], c[1]))


def _g1_json(point: G1) -> list[str]:
    return [str(point[0]), str(point[1]), "1"]


def _g2_json(point: G2) -> list[list[str]]:
    return [[str(part) for part in coordinate] for coordinate in (*point, (1, 0))]


def _g2(words: Sequence[int]) -> G2:
    x1, x0, y1, y0 = words
    return (x0, x1), (y0, y1)
