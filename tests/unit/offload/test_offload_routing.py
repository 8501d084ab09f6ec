"""Where a job is computed: by time, price, deadline, and who answers."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu.catalogue import weighted_medians_work
from kernel.offload.rates import DEFAULTS, TUNABLES
from kernel.offload.routing import Estimate, NoRoute, Place, Rates, Route, Work, estimates, route

pytestmark = pytest.mark.unit
HERE, THERE = Place.IN_PROCESS, Place.MODAL
#: A second in process costs 10 here and 100 there, where nothing begins before two seconds are over.
RATES = Rates(
    in_process_microusd_per_s=10,
    gpu_microusd_per_s=100,
    waiting_microusd_per_s=0,
    price_microusd_max=10_000,
    cold_start_ms=2_000,
    network_bytes_per_s=1_000,
    in_process_ms_max=60_000,
    in_process_bytes_max=1_000_000,
)
#: Sixty times faster there.
WORK = Work(units=6_000, in_process_units_per_s=1_000, gpu_units_per_s=60_000)


def choice(work: Work = WORK, rates: Rates = RATES, **facts: object) -> tuple[Place, bool]:
    found = route(work, rates, **{"usable": list(Place), **facts})  # type: ignore[arg-type]  # facts by name
    assert isinstance(found, Route)
    return found.chosen.place, found.in_time


def test_estimates_count_the_cold_start_the_way_and_the_work() -> None:
    """In process 6 000 / 1 000 = 6 s for 60; there 2 s, 500 bytes at 1 000 a second, 6 000 / 60 000: 2.6 s for 260."""
    found = estimates(replace(WORK, input_bytes=400, output_bytes=100), RATES)

    assert found == {
        HERE: Estimate(place=HERE, time_ms=6_000, price_microusd=60),
        THERE: Estimate(place=THERE, time_ms=2_600, price_microusd=260),
    }


def test_estimates_are_rounded_up() -> None:
    """A unit is never free: 1 / 1 000 s is a millisecond, and its hundredth of a microusd is one."""
    tiny = estimates(replace(WORK, units=1, in_process_units_per_s=999), RATES)[HERE]

    assert (tiny.time_ms, tiny.price_microusd) == (2, 1)


def test_the_cheaper_place_is_chosen_while_nobody_waits() -> None:
    """60 against 210."""
    assert choice() == (HERE, True)


def test_waiting_has_its_price() -> None:
    """At 50 a second: 60 + 300 in process, 210 + 105 there."""
    assert choice(rates=replace(RATES, waiting_microusd_per_s=50)) == (THERE, True)


def test_a_deadline_outweighs_the_price() -> None:
    """Six seconds are too long for five; 2.1 s are not."""
    assert choice(left_ms=5_999) == (THERE, True)
    assert choice(left_ms=6_000) == (HERE, True)


def test_where_nobody_is_in_time_the_quickest_is_taken() -> None:
    """The estimates may be wrong, and the deadline itself ends what is too late."""
    assert choice(left_ms=1) == (THERE, False)


def test_what_is_too_long_or_too_large_for_this_process_goes_elsewhere() -> None:
    """61 s of work where 60 may be; a megabyte and a byte."""
    dear = replace(RATES, gpu_microusd_per_s=1_000)
    assert choice(replace(WORK, units=60_001), dear) == (THERE, True)
    assert choice(replace(WORK, units=60_000), dear) == (HERE, True)
    assert choice(replace(WORK, memory_bytes=1_000_001), dear) == (THERE, True)
    assert choice(replace(WORK, memory_bytes=1_000_000), dear) == (HERE, True)


def test_where_nobody_answers_elsewhere_the_work_stays_here_or_waits() -> None:
    """What this process cannot do waits for whoever can, and is not given up."""
    impatient = replace(RATES, waiting_microusd_per_s=50)
    assert choice(rates=impatient, usable=[HERE]) == (HERE, True)
    assert route(replace(WORK, units=60_001), RATES, usable=[HERE]) == NoRoute("modal does not answer", for_ever=False)


def test_what_nobody_may_compute_is_given_up() -> None:
    """Too dear everywhere, or too large here and too dear there."""
    cheap = replace(RATES, price_microusd_max=59)
    large = replace(WORK, memory_bytes=2_000_000)

    assert route(WORK, cheap, usable=list(Place)) == NoRoute("it costs 60 microusd, and the limit is 59", for_ever=True)
    assert route(large, replace(RATES, price_microusd_max=209), usable=list(Place)) == NoRoute(
        "it is too large to be computed in process, and too dear elsewhere", for_ever=True
    )
    assert choice(large, replace(RATES, price_microusd_max=210)) == (THERE, True)


def test_who_lost_an_attempt_is_asked_last() -> None:
    """Unless everybody did."""
    assert choice(lost=[HERE]) == (THERE, True)
    assert choice(lost=[HERE, THERE]) == (HERE, True)
    assert choice(lost=[HERE], usable=[HERE]) == (HERE, True)


def test_of_equals_this_process() -> None:
    """The same price and the same time: nothing need be sent."""
    same = replace(RATES, cold_start_ms=0, gpu_microusd_per_s=10)
    assert choice(replace(WORK, gpu_units_per_s=1_000), same) == (HERE, True)


@pytest.mark.parametrize("columns", [1, 63, 63 * 3_360, 10**6, 3 * 10**6])
def test_medians_stay_here_below_a_hundred_million_votes(columns: int) -> None:
    """As the figures are (gpu/README.md): a round, a reward epoch, a million columns of a hundred votes."""
    found = route(weighted_medians_work(columns, 100), DEFAULTS, usable=list(Place))

    assert isinstance(found, Route)
    assert found.chosen.place is HERE


def test_medians_beyond_this_process_memory_go_elsewhere() -> None:
    """Four bytes a vote: 340 million of them are 1.4 GB."""
    found = route(weighted_medians_work(3_500_000, 100), DEFAULTS, usable=list(Place))

    assert isinstance(found, Route)
    assert found.chosen.place is THERE


def test_a_search_of_a_billion_keys_goes_elsewhere() -> None:
    """Nothing to send, and a GPU ten thousand times faster: minutes here would be hours."""
    search = Work(units=10**9, in_process_units_per_s=38_000, gpu_units_per_s=350_000_000)
    found = route(search, DEFAULTS, usable=list(Place))

    assert isinstance(found, Route)
    assert (found.chosen.place, found.chosen.time_ms) == (THERE, 22_858)


AMOUNT = st.integers(0, 10**12)
SPEED = st.integers(1, 10**9)
WORKS = st.builds(
    Work,
    units=AMOUNT,
    in_process_units_per_s=SPEED,
    gpu_units_per_s=SPEED,
    input_bytes=AMOUNT,
    output_bytes=AMOUNT,
    memory_bytes=AMOUNT,
)
PLACES = st.sets(st.sampled_from(list(Place)))
LEFT = st.none() | st.integers(0, 10**9)


@given(WORKS, PLACES, PLACES, LEFT, st.integers(0, 10**9))
def test_no_route_breaks_a_limit(
    work: Work, usable: set[Place], lost: set[Place], left_ms: int | None, price_max: int
) -> None:
    """Whatever is chosen answers, is paid for, and fits; in time is said only of what is."""
    rates = replace(DEFAULTS, price_microusd_max=price_max)
    found = route(work, rates, usable=usable, lost=lost, left_ms=left_ms)
    if isinstance(found, NoRoute):
        return

    assert found.chosen.place in usable
    assert found.chosen.price_microusd <= price_max
    assert found.in_time == (left_ms is None or found.chosen.time_ms <= left_ms)
    if found.chosen.place is HERE:
        assert found.chosen.time_ms <= rates.in_process_ms_max
        assert work.memory_bytes <= rates.in_process_bytes_max


@given(WORKS, st.integers(1, 10**9))
def test_a_tighter_deadline_never_makes_it_slower(work: Work, left_ms: int) -> None:
    """Of the routes for two deadlines the tighter one's takes no longer, where it is in time at all."""
    routes = [route(work, DEFAULTS, usable=list(Place), left_ms=one) for one in (left_ms, 2 * left_ms)]
    tight, loose = routes
    if isinstance(tight, Route) and isinstance(loose, Route):
        assert tight.chosen.time_ms <= loose.chosen.time_ms or not tight.in_time


@pytest.mark.parametrize("field", ["units", "input_bytes", "output_bytes", "memory_bytes"])
def test_no_amount_is_below_nothing(field: str) -> None:
    """Nor is a function slower than one unit a second."""
    with pytest.raises(ValueError, match="no less than nothing"):
        replace(WORK, **{field: -1})
    with pytest.raises(ValueError, match="at least one unit"):
        replace(WORK, gpu_units_per_s=0)


def test_every_rate_can_be_tuned() -> None:
    """Under the name of its field; the defaults are those of the declarations."""
    names = [tunable.name for tunable in TUNABLES]

    assert names == [f"offload.{field}" for field in DEFAULTS.__slots__]
    assert [tunable.default for tunable in TUNABLES] == [getattr(DEFAULTS, field) for field in DEFAULTS.__slots__]
