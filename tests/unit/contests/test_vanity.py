"""Patterns in addresses, and how many keys they take."""

from fractions import Fraction
from random import Random

import pytest

from functions.contests.core.vanity import Pattern, PatternUnfit, Place
from kernel import base58

pytestmark = pytest.mark.unit

ADDRESSES = 20_000


@pytest.fixture(scope="module")
def addresses() -> list[str]:
    """Those of random 32 bytes."""
    dice = Random(20_261_121)
    return [base58.encode(dice.randbytes(32)) for _ in range(ADDRESSES)]


@pytest.mark.parametrize(
    "pattern",
    [
        Pattern("D", Place.PREFIX),
        Pattern("J", Place.PREFIX),
        Pattern("d", Place.PREFIX, is_case_sensitive=False),
        Pattern("z", Place.PREFIX),
        Pattern("DU", Place.PREFIX, is_case_sensitive=False),
        Pattern("z", Place.SUFFIX),
        Pattern("ab", Place.SUFFIX, is_case_sensitive=False),
        Pattern("L", Place.SUFFIX, is_case_sensitive=False),
    ],
    ids=str,
)
def test_the_chance_is_that_of_random_addresses(pattern: Pattern, addresses: list[str]) -> None:
    """Within five standard deviations."""
    found = sum(map(pattern.fits, addresses))
    expected = float(pattern.chance) * ADDRESSES

    assert abs(found - expected) <= 5 * max(expected, 1) ** 0.5


def test_the_chances_of_all_first_letters_are_all_there_is() -> None:
    """But for the addresses that begin with 1: those whose first byte is zero."""
    chances = [Pattern(letter, Place.PREFIX).chance for letter in base58.ALPHABET[1:]]

    assert sum(chances) == 1 - Fraction(1, 2**8)


def test_the_pools_patterns_are_found_in_reasonable_time() -> None:
    """DUEL and DEGEN, as they are ground for."""
    duel = Pattern("DUEL", Place.PREFIX)
    degen = Pattern("degen", Place.SUFFIX, is_case_sensitive=False)

    assert duel.fits("DUELxyz") and not duel.fits("DuELxyz") and not duel.fits("xDUEL")
    assert degen.fits("xyzDeGeN") and not degen.fits("DeGeNx")
    assert duel.tries < 58**4 < 8 * duel.tries
    assert (duel.tries - 1) * duel.chance < 1 <= duel.tries * duel.chance
    assert degen.tries == -(-(58**5) // 2**5)


def test_a_letter_without_a_twin_has_one_way() -> None:
    """L has no small l in base58, and i no capital."""
    assert Pattern("L", Place.SUFFIX, is_case_sensitive=False).chance == Fraction(1, 58)
    assert Pattern("A", Place.SUFFIX, is_case_sensitive=False).chance == Fraction(2, 58)


@pytest.mark.parametrize(
    ("letters", "place"),
    [("", Place.SUFFIX), ("0", Place.SUFFIX), ("DUE1", Place.SUFFIX), ("1D", Place.PREFIX), ("x" * 9, Place.SUFFIX)],
)
def test_what_no_address_has_is_refused(letters: str, place: Place) -> None:
    """Before a GPU looks for it."""
    with pytest.raises(PatternUnfit):
        Pattern(letters.replace("DUE1", "DUEl"), place)
