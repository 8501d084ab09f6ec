"""Whom to ask first: the configured order, unless another is clearly faster for some time."""

import pytest

from kernel.jsonrpc.latencies import Latencies

pytestmark = pytest.mark.unit


def measured(**samples_s: list[float]) -> Latencies[str]:
    latencies: Latencies[str] = Latencies()
    for name, several in samples_s.items():
        for seconds in several:
            latencies.add(name, seconds)
    return latencies


@pytest.mark.parametrize(
    ("first_s", "second_s", "expected"),
    [
        (0.3, 0.1, "second"),
        (0.3, 0.16, "first"),  # not twice as fast
        (0.2, 0.1, "first"),  # exactly twice
        (0.08, 0.01, "second"),
        (0.05, 0.01, "first"),  # nobody would notice
        (0.1, 0.3, "first"),
    ],
)
def test_a_clearly_faster_endpoint_is_asked_first(first_s: float, second_s: float, expected: str) -> None:
    """Less than half the time, and fifty milliseconds less; the others keep the configured order."""
    latencies = measured(first=[first_s] * 4, second=[second_s] * 4)

    assert latencies.ordered(["first", "second"])[0] == expected


def test_a_few_samples_prove_nothing() -> None:
    """A cold connection is slow once."""
    assert measured(first=[0.9] * 3, second=[0.1] * 9).ordered(["first", "second"]) == ["first", "second"]
    assert measured(first=[0.9] * 9, second=[0.1] * 3).ordered(["first", "second"]) == ["first", "second"]


def test_two_of_nearly_the_same_speed_do_not_take_turns() -> None:
    """The favourite stays until somebody is clearly faster, or the first of the order is nearly as fast."""
    latencies = measured(first=[0.3] * 4, second=[0.1] * 4)
    assert latencies.ordered(["first", "second"])[0] == "second"
    for _ in range(20):
        latencies.add("first", 0.15)

    assert latencies.ordered(["first", "second"])[0] == "second"
    for _ in range(20):
        latencies.add("first", 0.11)
    assert latencies.ordered(["first", "second"])[0] == "first"


def test_who_is_not_believed_is_not_asked() -> None:
    """The favourite was left out: the configured order holds, and it is the favourite again when it is back."""
    latencies = measured(first=[0.3] * 4, second=[0.1] * 4, third=[0.3] * 4)
    assert latencies.ordered(["first", "second", "third"]) == ["second", "first", "third"]

    assert latencies.ordered(["first", "third"]) == ["first", "third"]
    assert latencies.ordered(["third"]) == ["third"]
    assert latencies.ordered([]) == []
    assert latencies.ordered(["first", "second", "third"]) == ["second", "first", "third"]


def test_one_slow_answer_does_not_dethrone() -> None:
    """Smoothed: a single pause of a provider is no change of its speed."""
    latencies = measured(first=[0.1] * 10, second=[0.1] * 10)
    latencies.add("first", 0.3)

    assert latencies.ordered(["first", "second"]) == ["first", "second"]


def test_a_clock_set_back_yields_no_sample() -> None:
    """Less than nothing is not fast."""
    latencies = measured(first=[0.1] * 4, second=[-9.0] * 9)

    assert latencies.ordered(["first", "second"]) == ["first", "second"]
