"""Owns the archive in which content travels to pinning services: CARv1 (spec "Content Addressable aRchives", ipld.io).

A service that is given the blocks themselves cannot cut the content in another way, so its CID is the one computed
here, whatever its own settings are. The header is a DAG-CBOR map of the one root and the version:

    archive ::= <length> header (<length> <CID> <block>)*
    header  ::= a2 65 "roots" 81 d8 2a 58 25 00 <CID> 67 "version" 01
"""

from collections.abc import Sequence

from kernel.pinning.blocks import Block, octets_of, varint


def archive_of(blocks: Sequence[Block]) -> bytes:
    """The blocks in one archive whose root is the first of them."""
    root = octets_of(blocks[0].cid)
    header = b"\xa2\x65roots\x81\xd8\x2a\x58\x25\x00" + root + b"\x67version\x01"
    return b"".join((varint(len(header)), header, *map(_section, blocks)))


def _section(block: Block) -> bytes:
    cid = octets_of(block.cid)
    return varint(len(cid) + len(block.payload)) + cid + block.payload
