"""Compression: what comes back, and what may never be unpacked."""

import gzip
import tracemalloc
import zlib

import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from kernel.pinning.encodings import Encoding, EncodingUnfit, decoded, encoded

pytestmark = pytest.mark.unit

TEXT = b"one word after another " * 400
PACKED = [Encoding.GZIP, Encoding.ZSTD]


@given(st.binary(max_size=2000) | st.binary(min_size=1, max_size=9).map(lambda some: some * 300))
def test_content_comes_back(plain: bytes) -> None:
    """By every coding; the packed form is never larger than the content, and equal content is packed alike."""
    for wanted in Encoding:
        packed, used = encoded(plain, wanted)

        assert decoded(packed, used, size=len(plain)) == plain
        assert len(packed) <= len(plain)
        assert encoded(plain, wanted) == (packed, used)
        assert used is wanted or packed == plain


def test_the_codings_are_what_they_are_called() -> None:
    """Others unpack them."""
    assert gzip.decompress(encoded(TEXT, Encoding.GZIP)[0]) == TEXT
    assert zstd.decompress(encoded(TEXT, Encoding.ZSTD)[0]) == TEXT


@pytest.mark.parametrize("encoding", Encoding)
@pytest.mark.parametrize("error", [-1, 1])
def test_a_size_that_is_not_the_contents_is_refused(encoding: Encoding, error: int) -> None:
    """One byte more or less than declared."""
    packed, used = encoded(TEXT, encoding)

    with pytest.raises(EncodingUnfit):
        decoded(packed, used, size=len(TEXT) + error)


@pytest.mark.parametrize("encoding", PACKED)
def test_what_is_cut_or_followed_by_something_is_refused(encoding: Encoding) -> None:
    """Every cut, a second member, and plain garbage."""
    packed, _ = encoded(TEXT, encoding)
    for wrong in (
        *(packed[:end] for end in range(0, len(packed), 7)),
        packed[:-1],
        packed + b"!",
        packed + packed,
        TEXT,
        b"",
    ):
        with pytest.raises(EncodingUnfit):
            decoded(wrong, encoding, size=len(TEXT))


def test_an_unknown_coding_is_never_guessed() -> None:
    """gzip declared, zstd there, and the other way round; zlib without its header."""
    for declared, there in ((Encoding.GZIP, Encoding.ZSTD), (Encoding.ZSTD, Encoding.GZIP)):
        with pytest.raises(EncodingUnfit):
            decoded(encoded(TEXT, there)[0], declared, size=len(TEXT))
    with pytest.raises(EncodingUnfit):
        decoded(zlib.compress(TEXT), Encoding.GZIP, size=len(TEXT))


@pytest.mark.parametrize("encoding", PACKED)
def test_a_bomb_costs_no_more_than_the_declared_size(encoding: Encoding) -> None:
    """64 MiB of nothing in a few kilobytes, declared as a hundred bytes."""
    bomb, _ = encoded(bytes(64 * 1024 * 1024), encoding)
    tracemalloc.start()
    with pytest.raises(EncodingUnfit):
        decoded(bomb, encoding, size=100)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 8 * 1024 * 1024
