"""CIDs: the published fixtures, the laws of the tree, and what is refused."""

import hashlib
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from hypothesis import example, given, settings
from hypothesis import strategies as st
from multiformats import CID

from kernel.pinning.blocks import (
    CHUNK_BYTES,
    STORED_MAX_BYTES,
    Block,
    BlockForged,
    Chunk,
    CidUnfit,
    check,
    chunks_of,
    codec_of,
    is_same,
    leaf,
    root_of,
    tree_of,
)

pytestmark = pytest.mark.unit

HELLO = "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"
OTHER = leaf(b"other").cid


def keystream(seed: str, sizes: list[int]) -> Iterator[bytes]:
    """The bytes of IPIP-0499's fixtures: ChaCha20 under the seed's SHA-256, in pieces of these sizes."""
    cipher = Cipher(algorithms.ChaCha20(hashlib.sha256(seed.encode()).digest(), bytes(16)), mode=None).encryptor()
    return (cipher.update(bytes(size)) for size in sizes)


@pytest.mark.parametrize(
    ("size", "cid"),
    [
        (1_048_576, "bafkreiacndfy443ter6qr2tmbbdhadvxxheowwf75s6zehscklu6ezxmta"),
        (1_048_577, "bafybeigmix7t42i6jacydtquhet7srwvgpizfg7gjbq7627d35mjomtu64"),
    ],
    ids=["a whole chunk", "one byte more"],
)
def test_files_around_one_chunk_have_the_published_cids(size: int, cid: str) -> None:
    """The fixtures of kubo's cid_profiles_test for unixfs-v1-2025: the last raw file, and the first tree."""
    assert tree_of(next(keystream("chunk-v1-seed", [size])))[0].cid == cid


def test_small_files_have_the_published_cids() -> None:
    """ "hello world" of IPIP-0499, and the empty file."""
    assert [block.cid for block in tree_of(b"hello world")] == [HELLO]
    assert tree_of(b"")[0].cid == "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"


def test_a_full_node_has_the_published_cid() -> None:
    """1024 chunks under one root: far more than we pin, and the fixture at the limit of a node (1 GiB)."""
    chunks = [Chunk(leaf(piece).cid, len(piece)) for piece in keystream("v1-2025-seed", [CHUNK_BYTES] * 1024)]

    assert root_of(chunks).cid == "bafybeihmf37wcuvtx4hpu7he5zl5qaf2ineo2lqlfrapokkm5zzw7zyhvm"


@given(st.lists(st.integers(0, 3), min_size=2, max_size=5), st.integers(1, CHUNK_BYTES))
@settings(max_examples=20)
def test_a_tree_can_be_read_back(kinds: list[int], last: int) -> None:
    """The chunks that the root lists, put together, are the content; equal chunks are one block."""
    content = b"".join(bytes([kind]) * CHUNK_BYTES for kind in kinds) + bytes(last)
    root, *leaves = tree_of(content)
    blocks = {block.cid: block.payload for block in leaves}

    assert b"".join(blocks[chunk.cid] for chunk in chunks_of(root.payload)) == content
    assert len(leaves) == len(blocks)
    assert [chunk.size for chunk in chunks_of(root.payload)] == [CHUNK_BYTES] * len(kinds) + [last]


def test_content_beyond_the_limit_is_no_tree() -> None:
    """The limit itself is one."""
    assert len(chunks_of(tree_of(bytes(STORED_MAX_BYTES))[0].payload)) == 32
    with pytest.raises(ValueError, match="larger than"):
        tree_of(bytes(STORED_MAX_BYTES + 1))


@given(st.binary(min_size=1, max_size=300), st.data())
def test_one_turned_bit_is_found(payload: bytes, data: st.DataObject) -> None:
    """In whatever place."""
    place = data.draw(st.integers(0, len(payload) * 8 - 1))
    forged = bytearray(payload)
    forged[place // 8] ^= 1 << place % 8
    cid = leaf(payload).cid
    check(cid, payload)

    with pytest.raises(BlockForged):
        check(cid, bytes(forged))


def test_a_chunk_is_no_root() -> None:
    """The same bytes under the other codec have another name."""
    root = root_of([Chunk(HELLO, 11), Chunk(OTHER, 5)])

    assert (codec_of(root.cid), codec_of(leaf(root.payload).cid)) == ("dag-pb", "raw")
    with pytest.raises(BlockForged):
        check(leaf(root.payload).cid, root.payload + b"\x00")


@pytest.mark.parametrize(
    "cid",
    [
        "",
        "QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n",
        HELLO.upper(),
        HELLO + "/../../latest",
        HELLO + "\n",
        "../" + HELLO,
        HELLO.replace("bafkrei", "bafyrei"),
        HELLO[:-1],
    ],
)
def test_what_is_no_cid_of_ours_never_becomes_part_of_a_path(cid: str) -> None:
    """Another version, base, codec or length, and everything that a path could make something of."""
    with pytest.raises(CidUnfit):
        codec_of(cid)
    with pytest.raises(CidUnfit):
        check(cid, b"hello world")


def forged_roots() -> list[bytes]:
    """Nodes that a stranger could name by their true CIDs."""
    two = [Chunk(HELLO, 11), Chunk(OTHER, 5)]
    honest = root_of(two).payload
    return [
        root_of(two[:1]).payload,  # one chunk has no root
        root_of([Chunk(HELLO, CHUNK_BYTES + 1), two[1]]).payload,  # a chunk larger than a block
        root_of([Chunk(root_of(two).cid, 11), two[1]]).payload,  # a second level
        root_of([Chunk(HELLO, CHUNK_BYTES)] * 33).payload,  # more than a function holds
        honest + b"\x0a\x00",  # something else besides
        honest[:-1],
        b"\x12" + honest[1:].replace(b"\x12\x00", b"\x12\x01", 1),
        b"",
    ]


@pytest.mark.parametrize("root", forged_roots(), ids=lambda root: hashlib.sha256(root).hexdigest()[:8])
def test_roots_of_another_profile_are_refused(root: bytes) -> None:
    """What is not written as we write it is not read."""
    with pytest.raises(CidUnfit):
        chunks_of(root)


@given(st.binary(max_size=200))
@example(b"\x12" + b"\xff" * 9)
@example(b"\x12\x02\x0a\x00")
@example(b"\x12\x04\x0a\x02\x01\x55")
def test_any_bytes_for_a_root_are_refused_or_read(root: bytes) -> None:
    """Nothing else escapes than the one refusal."""
    try:
        chunks = chunks_of(root)
    except CidUnfit:
        return

    assert root_of(chunks) == Block(root_of(chunks).cid, root)


def test_a_service_may_spell_a_cid_its_own_way() -> None:
    """Base58, and version 0 of a tree; another hash or codec is another content."""
    tree = root_of([Chunk(HELLO, 11), Chunk(OTHER, 5)]).cid
    decoded = CID.decode(tree)

    assert is_same(str(decoded.set(base="base58btc")), tree)
    assert is_same(str(decoded.set(base="base58btc", version=0)), tree)
    assert not is_same(HELLO, OTHER)
    assert not is_same(str(CID("base32", 1, "dag-pb", CID.decode(HELLO).digest)), HELLO)


@given(st.text(max_size=80) | st.sampled_from([HELLO[:-2], "Qm" + "1" * 44, "z", "b", "bafkqaaa", "f01551220"]))
def test_whatever_a_service_answers_is_the_same_or_not(answered: str) -> None:
    """No answer makes the comparison fail."""
    assert is_same(answered, HELLO) == (answered == HELLO)
