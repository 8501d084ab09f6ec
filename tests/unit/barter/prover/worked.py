"""A small circuit and its key, and a small market and its proof, made once for all who test the prover."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from functions.barter.core.certificate import certify, check
from functions.barter.core.words import pack_lists
from gpu.exchange import prove
from gpu.exchange.circuit import system
from gpu.exchange.circuit_shape import Shape
from gpu.exchange.formats_zkey import ProvingKey, zkey_file
from gpu.exchange.keys import known_secrets, set_up
from gpu.exchange.r1cs import Assignment, Builder, R1cs

#: Public: the product of two numbers, a sum of them, and a number that nothing is said about.
PUBLIC = (15, 8, 99)
SHAPE = Shape(3, 2)
LISTS = [[1, 2], [0], [0, 1]]


def _toy(left: int, right: int, public: Sequence[int], *, recording: bool) -> Builder:
    builder = Builder(public, recording=recording)
    product, total, _ = builder.public
    one, other = builder.wire(left), builder.wire(right)
    builder.require(one, other, product)
    builder.require_equal(one + other, total)
    return builder


def toy_system() -> R1cs:
    """Its constraints."""
    return _toy(0, 0, (0, 0, 0), recording=True).finished()


def toy_assignment(left: int = 3, right: int = 5, public: Sequence[int] = PUBLIC) -> Assignment:
    """An assignment, whether it meets them or not."""
    return _toy(left, right, public, recording=False).values


@cache
def toy_key() -> ProvingKey:
    """A key for it that nobody has ever used."""
    return set_up(toy_system(), known_secrets("a toy"))


@cache
def market_zkey() -> bytes:
    """The development key of the small market's circuit."""
    made = system(SHAPE)
    return zkey_file(set_up(made, known_secrets(made.digest()), development=True))


@cache
def market() -> dict[str, Any]:
    """What is asked for: the small market's proof."""
    certificate = certify(LISTS, SHAPE.list_max)
    return {
        "size": SHAPE.size,
        "list_max": SHAPE.list_max,
        "image_id": prove.prover_of(market_zkey()).image_id,
        "chain_id": 31_337,
        "address": "0x" + "ab" * 20,
        "trade_block": 7,
        "agents": len(LISTS),
        "lists": [hex(word) for word in pack_lists(LISTS)],
        "allocation": [item + 1 for item in check(LISTS, certificate, SHAPE.list_max)],
        "positions": list(certificate.pos),
        "labels": list(certificate.labels),
    }


@cache
def market_proof() -> dict[str, Any]:
    """The proof of it."""
    return prove.run(market(), market_zkey())[0]
