"""The random number of a round, and benching."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.oracle.core.random_number import RoundRandom, benched_voters, combine

pytestmark = pytest.mark.unit


def test_randoms_add_up_modulo_2_to_the_256() -> None:
    """The sum wraps around."""
    assert RoundRandom(1, True) == combine({"a": 2**256 - 1, "b": 2}, [], set())


def test_one_reveal_is_not_secure() -> None:
    """A lone voter would choose the number."""
    assert RoundRandom(5, False) == combine({"a": 5}, [], set())


def test_two_reveals_are_secure() -> None:
    """Neither of the two can steer the sum."""
    assert RoundRandom(12, True) == combine({"a": 5, "b": 7}, [], set())


def test_a_benched_voters_random_does_not_count() -> None:
    """Not in the sum, and not among the two that make it secure."""
    assert RoundRandom(5, False) == combine({"a": 5, "b": 7}, [], {"b"})
    assert RoundRandom(8, True) == combine({"a": 5, "b": 7, "c": 3}, [], {"b"})


def test_an_offender_makes_the_number_insecure() -> None:
    """It saw the others' reveals before it kept its own back."""
    assert RoundRandom(12, False) == combine({"a": 5, "b": 7}, ["c"], set())


def test_a_benched_offender_does_not_make_the_number_insecure() -> None:
    """Its random would not have counted anyway."""
    assert RoundRandom(12, True) == combine({"a": 5, "b": 7}, ["c"], {"c"})


def test_without_reveals_that_count_the_number_is_zero_and_insecure() -> None:
    """Everybody who revealed is benched."""
    assert RoundRandom(0, False) == combine({"a": 5}, [], {"a"})


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 2**256 - 1)), st.randoms(use_true_random=False))
def test_the_order_of_reveals_does_not_matter(revealed: dict[str, int], source: object) -> None:
    """A sum has no order."""
    names = list(revealed)
    source.shuffle(names)  # type: ignore[attr-defined]  # hypothesis gives a Random

    assert combine(revealed, [], {"a"}) == combine({name: revealed[name] for name in names}, [], {"a"})


@pytest.mark.parametrize(
    ("offended_in", "is_benched"), [(79, False), (80, True), (99, True), (100, False), (101, False)]
)
def test_an_offender_is_benched_for_the_20_rounds_after(offended_in: int, *, is_benched: bool) -> None:
    """In round 100: offences of rounds 80 to 99 count."""
    assert is_benched == ("a" in benched_voters({offended_in: ["a"]}, 100))


def test_offenders_of_several_rounds_are_benched_together() -> None:
    """Each once."""
    assert {"a", "b", "c"} == benched_voters({98: ["a", "b"], 99: ["b", "c"]}, 100)
