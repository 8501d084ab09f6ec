"""Owns the bytes that go into `reallocateTokens(journal, seal)`, and what binds a proof to its market.

The journal is the allocation: what each agent receives, packed. The seal is what shows that it is right: a byte that
names the way, then for a certificate its labels and its positions, packed; for a proof its points and its commitment.
The same market makes the same journal and the same certificate, byte for byte; no time and no random number is in them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from functions.barter.core.certificate import Certificate
from functions.barter.core.words import WordsInvalid, from_bytes, pack, to_bytes, unpack
from kernel.hashes import keccak256

#: What `DOMAIN` is in the contract.
DOMAIN: Final = keccak256(b"counterpart barter allocation 1")
#: The order of BN254's scalar field.
FIELD: Final = 21888242871839275222246405745257275088548364400416034343698204186575808495617


class SealKind(IntEnum):
    """The first byte of a seal."""

    DIRECT = 0
    GROTH16 = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """Which allocation a proof is for. chain_id and address of the contract, the block in which Trade began."""

    chain_id: int
    address: bytes
    trade_block: int
    agents: int
    list_max: int


def journal_of(allocation: Sequence[int]) -> bytes:
    """What each agent receives, as the contract takes it. Raises WordsInvalid for more agents than words can name."""
    return to_bytes(pack([item + 1 for item in allocation]))


def allocation_of(journal: bytes, agents: int) -> list[int]:
    """The allocation of a journal. Raises WordsInvalid where it is not the one way to write it."""
    entries = unpack(from_bytes(journal), agents)
    if 0 in entries:
        raise WordsInvalid(agent=entries.index(0))
    return [entry - 1 for entry in entries]


def direct_seal(certificate: Certificate) -> bytes:
    """A certificate as the contract takes it. Raises WordsInvalid."""
    packed = to_bytes(pack(certificate.labels)) + to_bytes(pack(certificate.pos))
    return bytes([SealKind.DIRECT]) + packed


def bound_words(lists: Sequence[int], allocation: Sequence[int], size: int) -> tuple[int, ...]:
    """W: the list words, then the allocation's, of a circuit for `size` agents.

    Agents beyond the market's list nothing and keep their own item. Raises WordsInvalid for too many agents.
    """
    agents = len(allocation)
    if not len(lists) == agents <= size:
        raise WordsInvalid(agents=agents, size=size)
    received = [item + 1 for item in [*allocation, *range(agents, size)]]
    return (*lists, *[0] * (size - agents), *pack(received))


def challenge(market: Market, commitment: int, words: Sequence[int]) -> int:
    """r: drawn from the market, the circuit's commitment to its words, and the words that the contract has."""
    numbers = [
        market.chain_id,
        int.from_bytes(market.address, "big"),
        market.trade_block,
        market.agents,
        market.list_max,
        commitment,
        *words,
    ]
    return int.from_bytes(keccak256(DOMAIN + to_bytes(numbers)), "big") % FIELD


def evaluation(words: Sequence[int], r: int) -> int:
    """v: the sum of the j-th word times r to the j, j from 1, in the field."""
    v = 0
    for word in reversed(words):
        v = (v + word) * r % FIELD
    return v
