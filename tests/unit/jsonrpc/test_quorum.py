"""What several endpoints' answers come to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.jsonrpc.quorum import Agreement, agreement

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("votes", "needed", "expected"),
    [
        ({}, 1, None),
        ({"a": 1}, 1, Agreement(("a",), (), ())),
        ({"a": 1}, 2, None),
        ({"a": 1, "b": 1}, 2, Agreement(("a", "b"), (), ())),
        ({"a": 1, "b": 2}, 2, None),
        ({"a": 1, "b": 2}, 1, None),  # one voice is enough, but it must not be contradicted
        ({"a": 2, "b": 1, "c": 1}, 2, Agreement(("b", "c"), (), ("a",))),
        # "Nothing" is an answer, and may be a block's delay on either side.
        ({"a": None, "b": None}, 2, Agreement(("a", "b"), (), ())),
        ({"a": None, "b": 1, "c": 1}, 2, Agreement(("b", "c"), ("a",), ())),
        ({"a": 1, "b": None, "c": None}, 2, Agreement(("b", "c"), ("a",), ())),
        # A tie is none, however many they are.
        ({"a": 1, "b": 1, "c": 2, "d": 2}, 2, None),
        ({"a": 1, "b": 1, "c": 2, "d": 2, "e": 2}, 2, Agreement(("c", "d", "e"), (), ("a", "b"))),
    ],
)
def test_agreements(votes: dict[str, int | None], needed: int, expected: Agreement[str] | None) -> None:
    """Who agrees, who is in doubt, who lies."""
    assert expected == agreement(votes, needed)


@given(
    honest=st.integers(2, 5),
    lies=st.lists(st.one_of(st.none(), st.integers(1, 3)), max_size=1),
)
def test_one_liar_never_decides(honest: int, lies: list[int | None]) -> None:
    """Two or more that say the same outvote one, whatever it says."""
    votes: dict[str, int | None] = {f"honest-{number}": 0 for number in range(honest)}
    votes |= {f"liar-{number}": lie for number, lie in enumerate(lies)}
    result = agreement(votes, 2)

    assert result is not None
    assert set(result.agreeing) == {name for name in votes if name.startswith("honest")}
    assert len(result.agreeing) + len(result.doubtful) + len(result.lying) == len(votes)
