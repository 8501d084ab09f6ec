"""What a window says about each of its sources beside the others."""

from collections.abc import Sequence
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.oracle.core.anomaly_attacks import Attack, attacked
from functions.oracle.core.anomaly_features import CEILING, FEATURES, NOBODY, SOURCES_MAX, portray
from functions.oracle.core.points import Point, Points, microseconds
from infra.local.oracle_windows import AT, windows

pytestmark = pytest.mark.unit

NOW_US = microseconds(AT)
NOW_S = AT.timestamp()


def window(*prices: Sequence[float], volumes: Sequence[float | None] = ()) -> list[Point]:
    """Nine points a source, 20 s apart, the last one now; sources a, b, c and so on."""
    given = volumes or [1.0] * len(prices)
    return [
        Point(price, volume, NOW_S - 20 * (8 - place), chr(97 + number))
        for number, (row, volume) in enumerate(zip(prices, given, strict=True))
        for place, price in enumerate(row)
    ]


def seen(points: Sequence[Point], source: str) -> dict[str, float]:
    """The features of one source by name."""
    portrait = portray(Points.of(points), NOW_US)
    row = portrait.features[portrait.sources.index(source)]
    return dict(zip(FEATURES, row.tolist(), strict=True))


WALK = [100, 100.02, 100.01, 100.05, 100.04, 100.08, 100.1, 100.07, 100.09]
ROUGH = [price + step for price, step in zip(WALK, (0.02, 0, 0.01, 0, 0.02, 0.01, 0, 0.02, 0.01), strict=True)]
FINE = [price - step for price, step in zip(WALK, (0, 0.01, 0.02, 0.01, 0, 0.02, 0.01, 0, 0.02), strict=True)]


def test_who_is_ordinary_is_at_the_usual_distance() -> None:
    """Beside two like itself: a deviation of about one unit, no freeze, nothing copied to the digit."""
    found = seen(window(WALK, ROUGH, FINE), "b")

    assert 0.3 < found["deviation"] < 2
    assert (found["frozen"], found["share"], found["age"]) == (0, 0.5, 0)


def test_a_jump_of_the_last_price_is_seen_as_deviation_and_jump() -> None:
    """Twenty basis points where two are usual."""
    spiked = [*WALK[:-1], WALK[-1] + 0.2]
    before, after = seen(window(WALK, ROUGH, FINE), "a"), seen(window(spiked, ROUGH, FINE), "a")

    assert {name for name in ("deviation", "jump", "move") if after[name] > before[name] + 1} == {
        "deviation",
        "jump",
        "move",
    }


def test_a_straight_way_off_is_a_trend_and_a_wave_is_none() -> None:
    """Both end at the same distance."""
    straight = [price + 0.02 * place for place, price in enumerate(WALK)]
    wave = [price + (0.16 if place % 2 == 0 else 0.0) * (place > 0) for place, price in enumerate(WALK)]
    trend, waving = (seen(window(row, ROUGH, FINE, WALK), "a") for row in (straight, wave))

    assert trend["trend"] > 3 * waving["trend"]
    assert trend["deviation"] == pytest.approx(waving["deviation"], rel=0.2)


def test_a_price_that_stands_still_while_others_move_is_frozen() -> None:
    """For all eight steps, eight tenths of a part longer than the others; and they have gone nine basis points."""
    found = seen(window([100] * 9, ROUGH, FINE, WALK), "a")
    moving = seen(window([100] * 9, ROUGH, FINE, WALK), "d")

    assert (found["frozen"], found["volatility"], moving["frozen"]) == (1, 0, 0)
    assert found["left"] > 2 > moving["left"]


def test_when_all_stand_still_nobody_is_frozen() -> None:
    """On a quiet market or in coarse steps."""
    found = seen(window([100] * 9, [100.01] * 9, [99.99] * 9), "a")

    assert (found["frozen"], found["left"]) == (0, 0)


def test_who_repeats_another_is_nearer_to_it_than_anybody_to_anybody() -> None:
    """A step later; whom it repeats is not: it spoke first."""
    copy = [WALK[0] - 0.03, *WALK[:-1]]
    points = window(copy, ROUGH, FINE, WALK, [price + 0.03 for price in WALK])
    copying, copied = seen(points, "a"), seen(points, "d")

    assert copied["echo"] == 0
    assert copying["echo"] > 0.5
    assert copying["copied"] > 1.5 * copied["copied"]


def test_a_push_is_a_deviation_without_volume() -> None:
    """The same deviation with much volume is less of one."""
    off = [price + 0.1 for price in WALK]
    thin, thick = (seen(window(off, ROUGH, FINE, volumes=(own, 1, 1)), "a") for own in (0.01, 100))

    assert thin["deviation"] == thick["deviation"]
    assert thin["push"] > 3 * thick["push"]
    assert thin["share"] == pytest.approx(0.01 / 1.01)


def test_without_volumes_all_have_the_same_share() -> None:
    """What is not known speaks for and against nobody."""
    assert [0.5, 0.5, 0.5] == [seen(window(WALK, ROUGH, FINE, volumes=(None,) * 3), one)["share"] for one in "abc"]


def test_a_stale_source_is_not_portrayed_and_of_two_nobody_is() -> None:
    """As price.py leaves them out; and among two there is no telling who is odd."""
    points = [*window(WALK, ROUGH, FINE), Point(100, 1, NOW_S - 61, "stale"), Point(100, 1, NOW_S + 1, "ahead")]
    many = [Point(100, 1, NOW_S, f"s{number}") for number in range(SOURCES_MAX + 1)]

    assert ("a", "b", "c") == portray(Points.of(points), NOW_US).sources
    assert [NOBODY] * 3 == [portray(Points.of(one), NOW_US) for one in ([], window(WALK, ROUGH), many)]


def test_an_early_price_holds_backwards_and_each_holds_until_the_next() -> None:
    """A source with one point says what one with nine equal points says, but for its volume."""
    points = [*window([100] * 9, ROUGH, FINE, WALK), Point(100, 9, NOW_S, "once")]
    nine, once = seen(points, "a"), seen(points, "once")

    assert {name: nine[name] for name in FEATURES if name not in ("share", "push")} == {
        name: once[name] for name in FEATURES if name not in ("share", "push")
    }


@pytest.mark.parametrize("attack", Attack)
def test_each_attack_makes_its_source_the_oddest_as_a_rule(attack: Attack) -> None:
    """In the feature that is made for it, in most of forty windows."""
    feature = {
        Attack.SPIKE: "jump",
        Attack.DRIFT: "trend",
        Attack.FREEZE: "frozen",
        Attack.COPY_CAT: "echo",
        Attack.THIN_PUSH: "push",
    }[attack]
    oddest = 0
    for seed, points in enumerate(windows(7, 40)):
        portrait = portray(Points.of(attacked(points, "s01", attack, now_us=NOW_US, seed=seed)), NOW_US)
        column = portrait.features[:, FEATURES.index(feature)]
        oddest += portrait.sources[int(column.argmax())] == "s01"

    assert oddest >= 24


amounts = st.floats(min_value=1e-300, max_value=1e300)
points_of_any_kind = st.lists(
    st.tuples(
        amounts,
        st.none() | st.floats(min_value=0, max_value=1e300),
        st.integers(-200, 5),
        st.sampled_from("abcdef"),
    ).map(lambda one: Point(one[0], one[1], NOW_S + one[2], one[3])),
    max_size=40,
)


@given(points_of_any_kind, st.randoms(use_true_random=False))
@settings(max_examples=100)
def test_any_points_give_finite_features_in_any_order(points: list[Point], dice: Random) -> None:
    """No price stops a round; and the order in which points were read changes no bit."""
    shuffled = list(points)
    dice.shuffle(shuffled)
    one, other = portray(Points.of(points), NOW_US), portray(Points.of(shuffled), NOW_US)

    assert np.isfinite(one.features).all()
    assert (one.sources, one.features.tobytes()) == (other.sources, other.features.tobytes())
    assert (one.features >= 0).all() and (one.features <= CEILING).all()


def test_features_have_no_unit() -> None:
    """Prices times 1 024 and volumes times 4 are the same market, to the bit."""
    for points in windows(3, 20):
        scaled = [
            one._replace(price=float(one.price) * 1024, volume=None if one.volume is None else float(one.volume) * 4)
            for one in points
        ]
        here, there = portray(Points.of(points), NOW_US), portray(Points.of(scaled), NOW_US)

        assert here.features.tobytes() == there.features.tobytes()
