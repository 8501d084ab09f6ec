"""The id that one chain of work carries."""

import pytest

from kernel import correlation

pytestmark = pytest.mark.unit


def test_the_id_holds_for_its_block_and_gives_way_to_the_outer_one() -> None:
    """Work inside work has its own id; afterwards the outer one holds again, and outside there is none."""
    seen = [correlation.current()]
    with correlation.carried("outer"):
        with correlation.carried("inner"):
            seen.append(correlation.current())
        seen.append(correlation.current())

    assert [None, "inner", "outer", None] == [*seen, correlation.current()]


def test_a_failure_takes_its_id_along() -> None:
    """What is done after a failed block does not belong to it."""
    with pytest.raises(KeyError), correlation.carried("failing"):
        raise KeyError

    assert correlation.current() is None
