"""Owns content as IPFS knows it: blocks named by their hashes, and the tree that makes one file of them (pure).

The profile is `unixfs-v1-2025` of IPIP-0499 ("UnixFS CID Profiles", specs.ipfs.tech), so whoever adds the same bytes
to IPFS with that profile gets the same CID:

1. CIDv1 over SHA2-256, written in base32.
2. The content is cut every mebibyte; each chunk is a raw block. Content of one chunk *is* that block.
3. Otherwise a dag-pb node (spec "DAG-PB", ipld.io) lists the chunks in order, and holds a UnixFS message (spec
   "UnixFS", specs.ipfs.tech) with their sizes. One node has at most 1024 links; `STORED_MAX_BYTES` keeps every content
   far below that, so that no tree is deeper.

    root   ::= link* 0a <UnixFS>                    link   ::= 12 <length> 0a 24 <CID> 12 00 18 <size>
    UnixFS ::= 08 02 18 <size> (20 <chunk size>)*   every number and length a varint
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kernel.errors import Rejected, Transient
from kernel.hashes import sha256

if TYPE_CHECKING:
    from multiformats import CID

CHUNK_BYTES: Final = 1024 * 1024
#: No pinned content is larger: it is held in a function's memory, more than once.
STORED_MAX_BYTES: Final = 32 * CHUNK_BYTES
#: A block is a chunk, or a root: with 32 links it is far smaller.
BLOCK_MAX_BYTES: Final = CHUNK_BYTES
RAW, DAG_PB = "raw", "dag-pb"
#: "b", then 36 octets in base32: version, codec, hash function, length, and the hash.
PATTERN: Final = re.compile(r"baf(krei|ybei)[a-z2-7]{52}")


class CidUnfit(Rejected):
    """This is not the CID of anything that is pinned here."""

    cause = "Only CIDv1 in base32 over SHA2-256 of a raw block or a UnixFS file of the profile unixfs-v1-2025 is known."
    remedy = "Use the CID that was given when the content was pinned."


class BlockForged(Transient):
    """Somebody gave other bytes than were asked for."""

    cause = "The hash of what a gateway or the bucket answered is not the one in the CID: it errs, or lies."
    remedy = "Nothing: others are asked. Look at the source named in details if it repeats."
    example = '{"cid": "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"}'


@dataclass(frozen=True, slots=True)
class Block:
    """Some bytes and their name."""

    cid: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Chunk:
    """What a root says of one chunk."""

    cid: str
    size: int


def tree_of(content: bytes) -> tuple[Block, ...]:
    """The blocks of the content, the root first; equal chunks once. Its CID is the root's.

    Raises ValueError beyond STORED_MAX_BYTES.
    """
    if len(content) > STORED_MAX_BYTES:
        raise ValueError(f"content of {len(content)} bytes is larger than {STORED_MAX_BYTES}")
    leaves = [leaf(content[start : start + CHUNK_BYTES]) for start in range(0, len(content) or 1, CHUNK_BYTES)]
    if len(leaves) == 1:
        return tuple(leaves)
    root = root_of([Chunk(one.cid, len(one.payload)) for one in leaves])
    return (root, *{one.cid: one for one in leaves}.values())


def leaf(chunk: bytes) -> Block:
    """One chunk as a block."""
    return Block(_cid(RAW, chunk), chunk)


def root_of(chunks: Sequence[Chunk]) -> Block:
    """The node that makes one file of these chunks."""
    payload = _root(chunks)
    return Block(_cid(DAG_PB, payload), payload)


def check(cid: str, payload: bytes) -> None:
    """Refuse bytes that are not the block of this name. Raises CidUnfit, BlockForged."""
    if _cid(codec_of(cid), payload) != cid:
        raise BlockForged(cid=cid)


def codec_of(cid: str) -> str:
    """RAW or DAG_PB. Raises CidUnfit for the name of anything else."""
    if PATTERN.fullmatch(cid) is None:
        raise CidUnfit()
    return RAW if cid.startswith("bafkrei") else DAG_PB


def chunks_of(root: bytes) -> list[Chunk]:
    """The chunks that a (checked) root lists. Raises CidUnfit for a node of another profile, or a larger file."""
    try:
        links = [dict(_fields(link)) for number, link in _fields(root) if number == 2 and isinstance(link, bytes)]
        chunks = [Chunk(str(_decoded(one[1])), _size(one[3])) for one in links]
    except (ValueError, KeyError, TypeError) as unreadable:
        raise CidUnfit() from unreadable
    # What was understood must be all there is: written again it is the same bytes.
    if len(chunks) < 2 or _root(chunks) != root or sum(one.size for one in chunks) > STORED_MAX_BYTES:
        raise CidUnfit()
    if any(codec_of(one.cid) != RAW or one.size > CHUNK_BYTES for one in chunks):
        raise CidUnfit()
    return chunks


def is_same(answered: str, cid: str) -> bool:
    """Whether what a service calls its content is this content: the codec and hash, in whatever spelling."""
    try:
        given, own = _decoded(answered), _decoded(cid)
    except CidUnfit:
        return False
    return (given.codec, given.digest) == (own.codec, own.digest)


def octets_of(cid: str) -> bytes:
    """The binary form of a CID."""
    return bytes(_decoded(cid))


def varint(number: int) -> bytes:
    """An unsigned number in groups of seven bits, the lowest first."""
    from multiformats import varint as varints

    return varints.encode(number)


def _cid(codec: str, payload: bytes) -> str:
    from multiformats import CID

    return str(CID("base32", 1, codec, ("sha2-256", sha256(payload))))


def _decoded(cid: object) -> "CID":
    from multiformats import CID

    try:
        return CID.decode(cid).set(base="base32")  # type: ignore[arg-type]  # whatever a message has in its place
    except (ValueError, LookupError, TypeError, AssertionError) as unreadable:
        raise CidUnfit() from unreadable


def _root(chunks: Sequence[Chunk]) -> bytes:
    links = b"".join(_sized(b"\x12", _link(one)) for one in chunks)
    sizes = b"".join(b"\x20" + varint(one.size) for one in chunks)
    file = b"\x08\x02\x18" + varint(sum(one.size for one in chunks)) + sizes
    return links + _sized(b"\x0a", file)


def _link(chunk: Chunk) -> bytes:
    # The name is written although it is empty: so do all others.
    return _sized(b"\x0a", octets_of(chunk.cid)) + b"\x12\x00\x18" + varint(chunk.size)


def _sized(key: bytes, payload: bytes) -> bytes:
    return key + varint(len(payload)) + payload


def _size(number: object) -> int:
    if not isinstance(number, int):
        raise TypeError("a size is a number")
    return number


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a protobuf message that has only varints (wire type 0) and octets (2). Raises ValueError."""
    from multiformats import varint as varints

    rest = memoryview(message)
    while rest:
        key, _, rest = varints.decode_raw(rest)
        number, _, rest = varints.decode_raw(rest)
        if key & 7 == 0:
            yield key >> 3, number
        elif key & 7 == 2 and number <= len(rest):
            yield key >> 3, bytes(rest[:number])
            rest = rest[number:]
        else:
            raise ValueError("no message of varints and octets")
