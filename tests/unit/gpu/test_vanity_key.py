"""Searches for vanity addresses: what is found is as was asked, sealed to whoever asked, and proven unopened."""

import json
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from functions.contests.core.vanity import Pattern, Place
from gpu import catalogue
from gpu.refusals import InputRefused
from gpu.vanity import box, check, grind
from gpu.vanity.form import Search, base58, fitting, public_key_of, search_of
from kernel import base58 as kernel_base58
from kernel.keys.solana import LocalSolanaSigner

pytestmark = pytest.mark.unit

OPENING, RECIPIENT = box.new_opening()
SEARCH = Search(letters="Du", place="suffix", is_case_sensitive=False, recipient=RECIPIENT, tries_max=60_000)


def found(search: Search = SEARCH) -> dict[str, Any]:
    """A key of the search; one in 841 has it."""
    return grind.run(search.arguments(), None)[0]


@pytest.fixture(scope="module")
def find() -> dict[str, Any]:
    return found()


def problem(result: dict[str, Any], search: Search = SEARCH) -> str | None:
    return check.problem_of(search.arguments(), None, result, None)


def test_the_found_key_is_the_one_of_its_address(find: dict[str, Any]) -> None:
    """Opened by whoever asked, the seed is that of an address with the pattern."""
    public_key = public_key_of(find["address"])
    assert public_key is not None
    seed = box.opened(bytes.fromhex(find["box"]), OPENING, public_key)

    assert LocalSolanaSigner(seed).address == find["address"]
    assert find["address"].lower().endswith("du")
    assert problem(find) is None


def test_nothing_of_the_seed_is_in_the_result(find: dict[str, Any]) -> None:
    """Not in hexadecimal, base58 or base64, and not as the signing key that libsodium makes of it."""
    seed = box.opened(bytes.fromhex(find["box"]), OPENING, public_key_of(find["address"]) or b"")
    told = json.dumps(find)

    assert [form for form in (seed.hex(), kernel_base58.encode(seed), str(list(seed))) if form in told] == []


def test_only_whoever_asked_opens_the_box(find: dict[str, Any]) -> None:
    """Not another key, not for another address, and not where an octet is changed."""
    public_key = public_key_of(find["address"]) or b""
    sealed = bytes.fromhex(find["box"])
    others = (
        (sealed, box.new_opening()[0], public_key),
        (sealed, OPENING, bytes(32)),
        (sealed[:-1] + bytes([sealed[-1] ^ 1]), OPENING, public_key),
        (sealed[:40], OPENING, public_key),
    )
    for other in others:
        with pytest.raises(box.BoxUnreadable):
            box.opened(*other)


def swapped(find: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {**find, **fields}


FORGERIES: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "another box": lambda find: swapped(find, box=found()["box"]),
    "another address": lambda find: swapped(find, address=found()["address"]),
    "another proof": lambda find: swapped(find, proof=found()["proof"]),
    "no pattern": lambda find: swapped(find, address=kernel_base58.encode(bytes(range(32)))),
    "no address": lambda find: swapped(find, address="Du"),
    "a seed beside it": lambda find: swapped(find, seed="00" * 32),
    "a short box": lambda find: swapped(find, box=find["box"][:-2]),
    "no hexadecimal": lambda find: swapped(find, proof="z" * 128),
    "no tries": lambda find: swapped(find, tries=0),
    "more tries than asked": lambda find: swapped(find, tries=60_001),
    "gave up early": lambda find: {"tries": 59_999},
}


@pytest.mark.parametrize("forgery", sorted(FORGERIES))
def test_a_forged_result_does_not_stand_its_check(forgery: str, find: dict[str, Any]) -> None:
    """Whatever is changed, the key of the address has not signed it."""
    assert problem(FORGERIES[forgery](find)) is not None


def test_a_result_made_for_somebody_else_is_none_of_ours(find: dict[str, Any]) -> None:
    """The proof names the recipient."""
    other = Search(**{**{name: getattr(SEARCH, name) for name in Search.__slots__}, "recipient": bytes(32)})

    assert problem(find, other) == "the key of the address has not signed"


def test_a_proven_key_without_the_pattern_is_none_of_ours() -> None:
    """Found for another search of the same asker."""
    other = Search(letters="z", place="prefix", is_case_sensitive=False, recipient=RECIPIENT, tries_max=60_000)
    result = found(other)

    assert problem(result, other) is None
    assert problem(result) == "the address has not the pattern"


def test_a_search_that_finds_nothing_says_how_many_it_tried() -> None:
    """The end of a search is no failure: the next is as good as going on."""
    search = Search(letters="zzzzzzzz", place="suffix", is_case_sensitive=True, recipient=RECIPIENT, tries_max=1_500)
    result = found(search)

    assert result == {"tries": 1_500}
    assert problem(result, search) is None


@pytest.mark.parametrize(
    ("letters", "place", "is_case_sensitive"),
    [
        ("D", "prefix", True),
        ("DU", "prefix", False),
        ("d", "prefix", False),
        ("J", "prefix", True),
        ("z", "prefix", True),
        ("L", "suffix", False),
        ("ab", "suffix", False),
        ("Du", "suffix", True),
    ],
)
def test_the_numbers_are_those_of_the_texts(letters: str, place: str, is_case_sensitive: bool) -> None:
    """Of random addresses the same ones fit by number, by text, and by the contests' own pattern."""
    search = Search(letters=letters, place=place, is_case_sensitive=is_case_sensitive, recipient=bytes(32), tries_max=1)
    pattern = Pattern(letters, Place(place), is_case_sensitive=is_case_sensitive)
    numbers, dice = fitting(search), Random(20_261_121)
    keys = [dice.randbytes(32) for _ in range(4_000)] + [bytes(2) + dice.randbytes(30) for _ in range(200)]
    expected = [key for key in keys if pattern.fits(kernel_base58.encode(key))]

    assert expected == [key for key in keys if int.from_bytes(key, "big") in numbers and search.fits(base58(key))]
    assert expected == [key for key in keys if search.fits(base58(key))]


def test_an_address_is_read_in_its_one_text() -> None:
    """Leading zeros are ones; what is too long or too great is none."""
    dice = Random(7)
    for key in [dice.randbytes(32) for _ in range(50)] + [bytes(3) + dice.randbytes(29), bytes(32)]:
        assert public_key_of(kernel_base58.encode(key)) == key
    for text in ("", "1", "z" * 44, "0" * 32, kernel_base58.encode(bytes(33)), None, 7):
        assert public_key_of(text) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"letters": ""},
        {"letters": "D0"},
        {"letters": "D" * 9},
        {"letters": 7},
        {"place": "middle"},
        {"is_case_sensitive": 1},
        {"recipient": "ab"},
        {"recipient": "AB" * 32},
        {"tries_max": 0},
        {"tries_max": True},
        {"seed": "00"},
    ],
    ids=str,
)
def test_what_cannot_be_looked_for_is_refused(changed: dict[str, Any]) -> None:
    """As it would be every time, so no second attempt is made."""
    with pytest.raises(InputRefused):
        search_of({**SEARCH.arguments(), **changed})


def test_a_prefix_that_no_address_has_is_refused() -> None:
    """Beyond 2^256 there is none: nothing of 44 letters begins with z, but some of 43 do; nothing begins with 1."""
    one = Search(letters="1", place="prefix", is_case_sensitive=True, recipient=RECIPIENT, tries_max=1)

    with pytest.raises(InputRefused):
        grind.run(one.arguments(), None)


def test_a_recipient_that_nothing_can_be_sealed_to_is_refused_before_a_key_is_drawn() -> None:
    """The point of order one, to which everything would be sealed alike."""
    search = Search(letters="z", place="suffix", is_case_sensitive=True, recipient=bytes(32), tries_max=10_000)

    with pytest.raises(InputRefused):
        grind.run(search.arguments(), None)


def test_it_is_in_the_catalogue() -> None:
    """By its name it is found, and its results are checked by it."""
    run = catalogue.find("vanity_key")
    assert run is not None
    result, output = run(SEARCH.arguments(), None)

    assert output is None
    assert problem(result) is None
