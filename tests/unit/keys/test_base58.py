"""base58 beside solders, which Solana's own code is made of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.pubkey import Pubkey

from kernel import base58

pytestmark = pytest.mark.unit


@given(st.binary(min_size=32, max_size=32))
def test_addresses_are_written_as_solana_writes_them(plain: bytes) -> None:
    """Both ways."""
    assert base58.encode(plain) == str(Pubkey.from_bytes(plain))
    assert base58.decode(str(Pubkey.from_bytes(plain))) == plain


@given(st.integers(min_value=0, max_value=5), st.binary(max_size=70))
def test_every_text_leads_back(zeros: int, rest: bytes) -> None:
    """Leading zeros are kept, each as a 1."""
    plain = bytes(zeros) + rest

    assert base58.decode(base58.encode(plain)) == plain
    assert base58.encode(plain).startswith("1" * zeros)


@pytest.mark.parametrize("text", ["0", "O", "I", "l", "ab c", "é", "1" * 2_049])
def test_what_is_no_base58_is_refused_without_quoting_it(text: str) -> None:
    """The letters that look alike, blanks, other alphabets, endless texts."""
    with pytest.raises(ValueError, match=r"^this is not base58$"):
        base58.decode(text)


def test_known_texts() -> None:
    """From the draft of the format."""
    assert base58.encode(b"Hello World!") == "2NEpo7TZRRrLZSi2U"
    assert base58.decode("") == b""
