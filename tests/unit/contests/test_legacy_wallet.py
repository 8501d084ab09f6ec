"""Wallets of the earlier form: read exactly, and a key in clear is taken for none and never quoted."""

import base64
import json
from typing import Any

import pytest

from functions.contests.core.legacy_wallet import LegacyWallet, LegacyWalletUnfit, read_line
from kernel import base58

pytestmark = pytest.mark.unit

ADDRESS = base58.encode(bytes(range(32)))
PARTS = {"encrypted": bytes(range(100, 132)), "iv": bytes(12), "tag": bytes(range(16)), "aad": b"random"}
SECRET = bytes(range(7, 71))


def hexadecimal(**changes: Any) -> dict[str, Any]:
    return {**{name: part.hex() for name, part in PARTS.items()}, **changes}


def in_base64() -> dict[str, Any]:
    return {name: base64.b64encode(part).decode() for name, part in PARTS.items()}


def line(key: Any, address: Any = ADDRESS, **more: Any) -> str:
    return json.dumps({"address": address, "private_key": key, **more})


@pytest.mark.parametrize(
    "key",
    [
        hexadecimal(),
        hexadecimal(version="v2_seed"),
        in_base64(),
        json.dumps(hexadecimal()),
        json.dumps(in_base64() | {"version": "v2_seed"}),
    ],
    ids=["hexadecimal", "with its version", "base64", "as a text", "as a text in base64"],
)
def test_every_way_of_writing_it_is_read(key: Any) -> None:
    """The same wallet."""
    assert read_line(line(key)) == LegacyWallet(address=ADDRESS, **PARTS)


def test_a_long_nonce_is_read() -> None:
    """Node's default of earlier times."""
    assert read_line(line(hexadecimal(iv="00" * 16))).iv == bytes(16)


CLEAR: dict[str, Any] = {
    "base58": base58.encode(SECRET),
    "hexadecimal": SECRET.hex(),
    "a list": list(SECRET),
    "a list as a text": json.dumps(list(SECRET)),
    "an object with the key beside": hexadecimal(seed=SECRET[:32].hex()),
    "an object of the key alone": {"secret": base58.encode(SECRET)},
    "a bare seed": SECRET[:32].hex(),
}


@pytest.mark.parametrize("form", sorted(CLEAR))
def test_a_key_in_clear_is_refused_and_not_quoted(form: str) -> None:
    """Neither in the message nor in the details."""
    with pytest.raises(LegacyWalletUnfit) as refused:
        read_line(line(CLEAR[form]))

    assert refused.value.details["problem"] == "the key is not an encrypted object"
    told = f"{refused.value} {refused.value.details} {refused.value.__cause__} {refused.value.__context__}"
    written = (base58.encode(SECRET), SECRET.hex(), SECRET[:32].hex(), str(list(SECRET)))
    assert [one for one in written if one in told] == []


@pytest.mark.parametrize(
    "key",
    [
        hexadecimal(version="v1"),
        hexadecimal(encrypted="00" * 64),
        hexadecimal(encrypted="00" * 31),
        hexadecimal(tag="00" * 15),
        hexadecimal(iv="00" * 8),
        hexadecimal(aad="00" * 1_025),
        hexadecimal(tag="zz" * 16),
        hexadecimal(iv=12),
        hexadecimal(aad=None),
        {name: part for name, part in hexadecimal().items() if name != "tag"},
        None,
        7,
        "{",
    ],
    ids=lambda key: str(key)[:60],
)
def test_what_is_not_of_the_form_is_refused(key: Any) -> None:
    """Another version, length, encoding or type; a part that is missing."""
    with pytest.raises(LegacyWalletUnfit):
        read_line(line(key))


@pytest.mark.parametrize("text", ["", "[]", "null", "not JSON", line(hexadecimal(), address="0O"), "[" * 100_000])
def test_a_line_that_is_no_wallet_is_refused(text: str) -> None:
    """Whatever it is."""
    with pytest.raises(LegacyWalletUnfit):
        read_line(text)


def test_a_line_with_more_on_it_is_refused() -> None:
    """It may be a key."""
    with pytest.raises(LegacyWalletUnfit):
        read_line(line(hexadecimal(), seed=SECRET.hex()))
    with pytest.raises(LegacyWalletUnfit):
        read_line(line(hexadecimal(), address=base58.encode(bytes(31) + b"x" * 2)))


def test_a_wallet_shows_none_of_its_parts() -> None:
    """A repr holds the address alone."""
    assert repr(read_line(line(hexadecimal()))) == f"LegacyWallet(address='{ADDRESS}')"
