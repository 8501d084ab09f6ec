"""Owns the form of what goes into a proof of an exchange and of what comes out: JSON, numbers as 0x and hexadecimal.

    arguments  {"size": 16, "list_max": 16, "image_id": "0x…",                      the circuit, and the contract's key
                "chain_id": 31337, "address": "0x…", "trade_block": 7, "agents": 6,   which market's proof it is
                "lists": ["0x…", …],                            a word an agent: 12 bits an item, index plus one
                "allocation": [3, 1, …],                        what each agent receives, index plus one
                "positions": [16, 0, …], "labels": [1, 2, …]}   the certificate, which the proof keeps to itself
    input      the .zkey; without one it is looked for by its image id (gpu.settings.keys_folder)
    result     {"a": [x, y], "b": [[x1, x0], [y1, y0]], "c": [x, y],    as the contract takes them
                "commitment": "0x…", "r": "0x…", "v": "0x…",            the public inputs
                "image_id": "0x…", "key": "0x…"}                        the verification key's canonical bytes

r is drawn here as the contract draws it (infra/contracts/barter/Exchange.sol); nothing is taken from the slice that
asks, so that whoever checks a result does not repeat its mistakes.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import sha3

from gpu.exchange.circuit_shape import BITS, PER_WORD, Claim, Shape, claim_of
from gpu.exchange.formats import Proof, VerificationKey, key_of, proof_of
from gpu.exchange.r1cs import FIELD
from gpu.refusals import InputRefused, demand

#: What `DOMAIN` is in the contract.
DOMAIN: Final = sha3.keccak_256(b"counterpart barter allocation 1").digest()
#: The first byte of a seal that holds a proof.
SEAL_KIND: Final = b"\x01"

_HEX: Final = re.compile(r"0x[0-9a-f]{1,64}", re.ASCII)
_KEY: Final = re.compile(r"0x([0-9a-f]{128})+", re.ASCII)
_WORDS: Final = ("lists", "allocation", "positions", "labels")
_NUMBERS: Final = ("size", "list_max", "chain_id", "trade_block", "agents")


class ResultUnfit(ValueError):
    """What came out has not the form of a proof."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is to be proven, of which market, for which verifier."""

    shape: Shape
    image_id: str
    chain_id: int
    address: int
    trade_block: int
    lists: tuple[int, ...]
    allocation: tuple[int, ...]
    claim: Claim

    def words(self) -> tuple[int, ...]:
        """W: the lists' words, then the allocation's; agents beyond the market's list nothing and keep their own."""
        size = self.shape.size
        received = [*self.allocation, *range(len(self.allocation) + 1, size + 1)]
        packed = [
            sum(item << BITS * place for place, item in enumerate(received[first : first + PER_WORD]))
            for first in range(0, size, PER_WORD)
        ]
        return (*self.lists, *[0] * (size - len(self.lists)), *packed)

    def inputs(self, commitment: int) -> tuple[int, int, int]:
        """(C, r, v) with a commitment: what the contract will compute."""
        words = self.words()
        market = [self.chain_id, self.address, self.trade_block, len(self.allocation), self.shape.list_max]
        drawn = DOMAIN + b"".join(number.to_bytes(32, "big") for number in (*market, commitment, *words))
        r, v = int.from_bytes(sha3.keccak_256(drawn).digest(), "big") % FIELD, 0
        for word in reversed(words):
            v = (v + word) * r % FIELD
        return commitment, r, v


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """A result: the proof, its public inputs, and the key that it says it holds for."""

    proof: Proof
    inputs: tuple[int, int, int]
    key: VerificationKey


def request_of(arguments: Mapping[str, Any]) -> Request:
    """What the arguments ask for. Raises InputRefused."""
    demand(set(arguments) == {*_NUMBERS, *_WORDS, "address", "image_id"}, "the arguments are others than a proof's")
    demand(all(isinstance(arguments[name], list) for name in _WORDS), "lists, items, positions and labels are lists")
    numbers = {name: _whole(arguments[name], name) for name in _NUMBERS}
    lists = tuple(_hexadecimal(word, "a list") for word in arguments["lists"])
    allocation, positions, labels = (
        tuple(_whole(number, name) for number in arguments[name]) for name in ("allocation", "positions", "labels")
    )
    demand(numbers["agents"] == len(lists) == len(allocation), "there are not as many lists and items as agents")
    demand(sorted(allocation) == [*range(1, len(allocation) + 1)], "the allocation is no permutation of 1 to agents")
    try:
        shape = Shape(numbers["size"], numbers["list_max"])
        claim = claim_of(shape, lists, positions, labels)
    except ValueError as unshown:
        raise InputRefused(str(unshown)) from unshown
    return Request(
        shape=shape,
        image_id=f"0x{_hexadecimal(arguments['image_id'], 'the image id'):064x}",
        chain_id=numbers["chain_id"],
        address=_hexadecimal(str(arguments["address"]).lower(), "the address"),
        trade_block=numbers["trade_block"],
        lists=lists,
        allocation=allocation,
        claim=claim,
    )


def result_of(proven: Proven) -> dict[str, Any]:
    """As a job's result."""
    a0, a1, x1, x0, y1, y0, c0, c1 = map(hex, proven.proof.words())
    commitment, r, v = map(hex, proven.inputs)
    points = {"a": [a0, a1], "b": [[x1, x0], [y1, y0]], "c": [c0, c1]}
    known = {"image_id": proven.key.image_id(), "key": "0x" + proven.key.octets().hex()}
    return {**points, "commitment": commitment, "r": r, "v": v, **known}


def proven_of(result: Mapping[str, Any]) -> Proven:
    """What a result says. Raises ResultUnfit."""
    try:
        x, y = result["b"]
        words = [_hexadecimal(word, "a word") for word in (*result["a"], *x, *y, *result["c"])]
        inputs = tuple(_hexadecimal(result[name], name) for name in ("commitment", "r", "v"))
        octets = result["key"] if _KEY.fullmatch(result["key"]) else "0x"
        proof, key = proof_of(words), key_of(bytes.fromhex(octets[2:]))
    except (KeyError, TypeError, ValueError) as unreadable:
        raise ResultUnfit("the result is no proof with its inputs and its key") from unreadable
    return Proven(proof=proof, inputs=(inputs[0], inputs[1], inputs[2]), key=key)


def seal_of(result: Mapping[str, Any]) -> bytes:
    """A result as `reallocateTokens` takes it: the kind, then (a, b, c, C). Raises ResultUnfit."""
    proven = proven_of(result)
    words = (*proven.proof.words(), proven.inputs[0])
    return SEAL_KIND + b"".join(word.to_bytes(32, "big") for word in words)


def _hexadecimal(text: Any, what: str) -> int:
    demand(isinstance(text, str) and _HEX.fullmatch(text) is not None, f"{what} is no number after 0x")
    return int(text, 16)


def _whole(number: Any, what: str) -> int:
    demand(type(number) is int and 0 <= number < 1 << 256, f"{what} is no whole number")
    return int(number)
