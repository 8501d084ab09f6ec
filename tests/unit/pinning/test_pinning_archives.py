"""The archive: the published bytes of CARv1."""

import pytest

from kernel.pinning.archives import archive_of
from kernel.pinning.blocks import CHUNK_BYTES, leaf, octets_of, tree_of

pytestmark = pytest.mark.unit

#: The first section of ipld.io's fixture carv1-basic: the raw block "aaaa".
AAAA = "280155122061be55a8e2f6b4e172338bddf184d6dbee29c98853e0a0485ecee7f27b9af0b461616161"
#: How that fixture's header ends, after its roots.
VERSION = "6776657273696f6e01"


def test_a_section_is_that_of_the_published_fixture() -> None:
    """Its length, its CID, its bytes; before it the header with the one root."""
    archive = archive_of([leaf(b"aaaa")])

    assert archive.hex().endswith(AAAA)
    assert archive.hex() == "3aa265726f6f747381d82a582500" + octets_of(leaf(b"aaaa").cid).hex() + VERSION + AAAA


def test_a_tree_travels_whole_with_its_root_first() -> None:
    """Every block once."""
    blocks = tree_of(bytes(CHUNK_BYTES) + bytes(CHUNK_BYTES) + b"end")
    archive = archive_of(blocks)

    assert [archive.count(octets_of(block.cid) + block.payload) for block in blocks] == [1, 1, 1]
    assert archive.index(octets_of(blocks[0].cid)) < 30
    assert len(archive) < CHUNK_BYTES + 1000
