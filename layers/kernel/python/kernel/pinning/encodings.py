"""Owns how pinned content is compressed (pure). The names are those of HTTP's content codings (RFC 9110, RFC 8878).

What is pinned, and named by its CID, is the compressed form: a gateway knows nothing of codings. Whoever reads it from
IPFS learns the coding from the pin, and from its first bytes.
"""

import sys
import zlib
from enum import StrEnum
from typing import Any, Final, assert_never

from kernel.errors import Broken

#: Readers hold this much in memory, besides the compressed form.
PLAIN_MAX_BYTES: Final = 64 * 1024 * 1024
#: Slow and small: content is compressed once, and kept for ever.
GZIP_LEVEL, ZSTD_LEVEL = 9, 12
GZIP_BITS: Final = 16 + zlib.MAX_WBITS


class Encoding(StrEnum):
    """How content is compressed. gzip is read by everything; zstd is smaller and faster."""

    IDENTITY = "identity"
    GZIP = "gzip"
    ZSTD = "zstd"


class EncodingUnfit(Broken):
    """Pinned content does not unpack to what its pin declares."""

    cause = "The row says another coding or size than the content has; the bytes themselves are those of the CID."
    remedy = "Compare the row of kernel.pins with the content, and find out who wrote it."


def encoded(plain: bytes, encoding: Encoding) -> tuple[bytes, Encoding]:
    """The content compressed; as it is where that is no larger."""
    match encoding:
        case Encoding.IDENTITY:
            packed = plain
        case Encoding.GZIP:
            press = zlib.compressobj(GZIP_LEVEL, wbits=GZIP_BITS)  # its header carries no time: equal bytes, equal CID
            packed = press.compress(plain) + press.flush()
        case Encoding.ZSTD:
            packed = _zstd().compress(plain, level=ZSTD_LEVEL)
        case _:
            assert_never(encoding)
    return (packed, encoding) if len(packed) < len(plain) else (plain, Encoding.IDENTITY)


def decoded(packed: bytes, encoding: Encoding, *, size: int) -> bytes:
    """The content of `size` bytes. Never unpacks more, however much there is. Raises EncodingUnfit."""
    if encoding is Encoding.IDENTITY:
        plain, is_whole = packed, True
    else:
        press: Any = zlib.decompressobj(GZIP_BITS) if encoding is Encoding.GZIP else _zstd().ZstdDecompressor()
        try:
            plain = press.decompress(packed, size + 1)
        except (zlib.error, _zstd().ZstdError) as unreadable:
            raise EncodingUnfit(encoding=encoding.value) from unreadable
        is_whole = press.eof and not press.unused_data
    if len(plain) != size or not is_whole:
        raise EncodingUnfit(encoding=encoding.value, size=size)
    return plain


def _zstd() -> Any:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return zstd
