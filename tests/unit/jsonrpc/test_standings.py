"""Who is fresh, who lags and who invents, from heads alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.jsonrpc.standings import Place, Sight, places

pytestmark = pytest.mark.unit

F, B, A, S = Place.FRESH, Place.BEHIND, Place.AHEAD, Place.SILENT


def judged(*heads: tuple[int, float | None] | int | None) -> list[Place]:
    """Each head's place; a bare height has a time of one block a second."""
    sights = {
        number: None if head is None else Sight(*head) if isinstance(head, tuple) else Sight(head, float(head))
        for number, head in enumerate(heads)
    }
    return list(places(sights, lag_max=5, lag_s_max=60).values())


@pytest.mark.parametrize(
    ("heads", "expected"),
    [
        ([100], [F]),
        ([None], [S]),
        ([100, 105], [F, F]),
        ([100, 106], [B, F]),
        ([100, 106, None], [B, F, S]),
        ([(100, 0.0), (100, 60.0)], [F, F]),
        ([(100, 0.0), (101, 60.1)], [B, F]),
        ([(100, None), (106, None)], [B, F]),
        # One far ahead of two that agree invents; its lead may be in blocks or in time alone.
        ([100, 101, 1_000], [F, F, A]),
        ([1_000_000, 100, 101], [A, F, F]),
        ([(100, 100.0), (100, 100.0), (101, 9_999.0)], [F, F, A]),
        # Two that are far ahead of a third agree, so the third stands still.
        ([1_000, 1_001, 100], [F, F, B]),
        # Four voices, two pairs: the higher pair is right.
        ([100, 101, 200, 201], [B, B, F, F]),
        # The reference is the highest head with a second voice near it, and both sides of it are judged.
        ([50, 100, 100, 900], [B, F, F, A]),
        # No two agree: the highest is believed.
        ([10, 100, 1_000], [B, B, F]),
    ],
)
def test_places(heads: list[tuple[int, float | None] | int | None], expected: list[Place]) -> None:
    """Each endpoint's place."""
    assert expected == judged(*heads)


def test_of_two_voices_the_one_that_leads_faster_than_any_chain_invents() -> None:
    """A lead of so many blocks in no time is nobody's standstill; a hundred blocks a second would be."""
    assert judged((100, 50.0), (1_000, 50.0)) == [F, A]
    assert judged((100, 50.0), (200, 50.0)) == [B, F]
    assert judged((100, 50.0), (201, 50.0)) == [F, A]
    assert judged((100, 50.0), (400, 52.0)) == [B, F]
    assert judged((100, 50.0), (1_000, 20.0)) == [F, A]


@given(
    honest=st.lists(st.integers(100, 105), min_size=2, max_size=5),
    lie=st.integers(0, 10**9),
    lie_s=st.floats(0, 1e9),
)
def test_one_liar_never_costs_the_others_their_standing(honest: list[int], lie: int, lie_s: float) -> None:
    """Whatever one endpoint claims, two or more that are within the tolerance of each other stay fresh."""
    heads = [*((height, float(height)) for height in honest), (lie, lie_s)]

    assert judged(*heads)[:-1].count(F) >= 2 or judged(*heads)[-1] == F


@given(
    honest=st.lists(st.just(100), min_size=2, max_size=5),
    lie=st.integers(0, 10**9),
    lie_s=st.floats(0, 1e9),
)
def test_honest_endpoints_that_agree_are_fresh_whatever_another_claims(
    honest: list[int], lie: int, lie_s: float
) -> None:
    """The same height and time: nothing a liar says makes them stale."""
    assert judged(*((height, 100.0) for height in honest), (lie, lie_s))[:-1] == [F] * len(honest)
