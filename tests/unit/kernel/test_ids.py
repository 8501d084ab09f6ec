"""Identifiers: ordered in time, unique, and correlation ids that cannot carry an attack into a log."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.ids import IdSequence, accepted_correlation_id, correlation_id, new_id, time_ordered_id

pytestmark = pytest.mark.unit

TIMES = st.integers(0, 2**48 - 1)
COUNTERS = st.integers(0, 2**12 - 1)
RANDOMNESS = st.integers(0, 2**62 - 1)


@given(TIMES, COUNTERS, RANDOMNESS)
def test_an_id_is_a_version_7_uuid_of_its_parts(time_ms: int, counter: int, randomness: int) -> None:
    """Version, variant and every part can be read back."""
    id_ = time_ordered_id(time_ms, counter, randomness)

    assert (id_.version, id_.variant) == (7, uuid.RFC_4122)
    assert (time_ms, counter, randomness) == (id_.int >> 80, id_.int >> 64 & 0xFFF, id_.int & (2**62 - 1))


@given(st.tuples(TIMES, COUNTERS, RANDOMNESS), st.tuples(TIMES, COUNTERS, RANDOMNESS))
def test_ids_sort_as_their_parts_do(one: tuple[int, int, int], other: tuple[int, int, int]) -> None:
    """Time first, then the counter, then the randomness, also as text."""
    assert (one < other) == (time_ordered_id(*one) < time_ordered_id(*other))
    assert (one < other) == (str(time_ordered_id(*one)) < str(time_ordered_id(*other)))


@pytest.mark.parametrize("parts", [(2**48, 0, 0), (0, 2**12, 0), (0, 0, 2**62), (-1, 0, 0)])
def test_a_part_that_does_not_fit_is_refused(parts: tuple[int, int, int]) -> None:
    """No part may run over into its neighbour."""
    with pytest.raises(ValueError, match="does not fit"):
        time_ordered_id(*parts)


@given(st.lists(st.integers(1_000, 1_010), min_size=2, max_size=50))
def test_a_sequence_rises_whatever_the_clock_does(times_ms: list[int]) -> None:
    """Ids of one container rise strictly, within a millisecond and when the clock steps back."""
    sequence = IdSequence()
    ids = [sequence.next(time_ms) for time_ms in times_ms]

    assert sorted(set(ids)) == ids


def test_a_full_millisecond_borrows_from_the_next() -> None:
    """The 4 097th id of a millisecond is one of the next, still in order."""
    sequence = IdSequence()
    ids = [sequence.next(5) for _ in range(4_097)]

    assert sorted(set(ids)) == ids
    assert (ids[4_095].int >> 80, ids[4_096].int >> 80) == (5, 6)


def test_new_ids_are_ordered_and_unique() -> None:
    """A thousand ids of this process."""
    ids = [new_id() for _ in range(1_000)]

    assert sorted(set(ids)) == ids


def test_a_fresh_correlation_id_is_acceptable() -> None:
    """What we hand out, we take back."""
    fresh = correlation_id()

    assert fresh == accepted_correlation_id(fresh)


@pytest.mark.parametrize("text", ["round-812576", "Root=1-5759e988-bd862e3fe1be46a994272793"])
def test_a_callers_plain_id_is_kept(text: str) -> None:
    """A plain id of 8 to 128 characters travels on."""
    assert text == accepted_correlation_id(text)


@pytest.mark.parametrize(
    "text", [None, "", "short", "-" * 20, "a" * 129, "line\nbreak-in-the-log", "${jndi:ldap://x}", "<script>x"]
)
def test_a_callers_odd_id_is_replaced(text: str | None) -> None:
    """Nothing that could break or fake a log line gets in."""
    assert text != accepted_correlation_id(text)
