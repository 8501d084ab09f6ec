"""The wire formats of a voting round in the tests' own words: an independent answer to what the contracts compute."""

from collections.abc import Iterable, Sequence

from eth_abi.abi import encode
from eth_keys.datatypes import PrivateKey
from eth_utils.crypto import keccak

from infra.local.flare.accounts import DevAccount
from infra.local.flare.reading import ProvenFeed

RELAY_SELECTOR = bytes.fromhex("b59589d1")
FTSO = 100
CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def policy_bytes(
    reward_epoch: int, start_round: int, threshold: int, seed: int, members: Sequence[tuple[str, int]]
) -> bytes:
    """size 2 | reward epoch 3 | start round 4 | threshold 2 | seed 32 | { address 20 | weight 2 }*."""
    head = [(len(members), 2), (reward_epoch, 3), (start_round, 4), (threshold, 2), (seed, 32)]
    encoded = b"".join(number.to_bytes(size, "big") for number, size in head)
    for address, weight in members:
        encoded += bytes.fromhex(address[2:]) + weight.to_bytes(2, "big")
    return encoded


def policy_hash(encoded: bytes) -> bytes:
    """keccak256 chained over 32-byte chunks, the last one filled up with zeros."""
    encoded += bytes(-len(encoded) % 32)
    first, *others = [encoded[at : at + 32] for at in range(0, len(encoded), 32)]
    for chunk in others:
        first = keccak(first + chunk)
    return first


def message(voting_round: int, root: bytes, *, protocol: int = FTSO, secure: int = 1) -> bytes:
    """protocol 1 | round 4 | is secure random 1 | Merkle root 32."""
    return bytes([protocol]) + voting_round.to_bytes(4, "big") + bytes([secure]) + root


def sign(digest: bytes, signer: DevAccount) -> tuple[int, int, int]:
    """v, r, s of the EIP-191 digest of a hash."""
    return sign_raw(keccak(b"\x19Ethereum Signed Message:\n32" + digest), signer)


def sign_raw(digest: bytes, signer: DevAccount) -> tuple[int, int, int]:
    """v, r, s of the hash as it is."""
    signature = PrivateKey(signer.private_key).sign_msg_hash(digest)
    return 27 + signature.v, signature.r, signature.s


def signatures(signed: bytes, signers: Iterable[tuple[int, DevAccount]]) -> bytes:
    """count 2 | { v 1 | r 32 | s 32 | index 2 }* over keccak256 of the signed bytes."""
    return rows((index, *sign(keccak(signed), signer)) for index, signer in signers)


def rows(values: Iterable[tuple[int, int, int, int]]) -> bytes:
    """The same from (index, v, r, s)."""
    encoded = [
        bytes([v]) + r.to_bytes(32, "big") + s.to_bytes(32, "big") + i.to_bytes(2, "big") for i, v, r, s in values
    ]
    return len(encoded).to_bytes(2, "big") + b"".join(encoded)


def relay_call(policy: bytes, signed: bytes, counted: bytes) -> bytes:
    """selector | signing policy | message | signatures."""
    return RELAY_SELECTOR + policy + signed + counted


def feed_leaf(feed: ProvenFeed) -> bytes:
    """The leaf of one feed's result."""
    body = [feed.voting_round, feed.feed_id, feed.value, feed.turnout_bips, feed.decimals]
    return keccak(encode(["uint32", "bytes21", "int32", "uint16", "int8"], body))


def random_leaf(voting_round: int, random: int, secure: bool) -> bytes:
    """The leaf of the round's random number."""
    return keccak(encode(["uint32", "uint256", "bool"], [voting_round, random, secure]))


def tree(leaves: Iterable[bytes]) -> list[bytes]:
    """A heap of 2n-1 nodes over the sorted, distinct leaves; node 0 is the root."""
    distinct = sorted(set(leaves))
    nodes = [b""] * (len(distinct) - 1) + distinct
    for at in reversed(range(len(distinct) - 1)):
        nodes[at] = keccak(b"".join(sorted(nodes[2 * at + 1 : 2 * at + 3])))
    return nodes


def proof(nodes: Sequence[bytes], leaf: bytes) -> tuple[bytes, ...]:
    """The siblings from a leaf up to the root."""
    at = nodes.index(leaf, len(nodes) // 2)
    path = []
    while at > 0:
        path.append(nodes[at + 1 if at % 2 else at - 1])
        at = (at - 1) // 2
    return tuple(path)
