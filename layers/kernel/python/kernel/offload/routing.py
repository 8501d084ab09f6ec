"""Owns where a job is computed: in process or on a GPU elsewhere, by time, price and deadline (pure).

1. Estimate. In process: units / speed. On the GPU: its cold start, the bytes over its network, units / its speed; the
   price is that of the whole time, since a container is paid for while it starts and while it reads.
2. Rule out what cannot be: in process what takes longer than a function may run or more memory than it has; anywhere
   what costs more than the limit for one job; elsewhere while nobody there answers.
3. Prefer those that are in time for the deadline; if none is, the quickest.
4. Prefer those that have not lost an attempt of this job.
5. Then the cheapest, a second of waiting counted at its price; of equals the quicker, of equals in process.

Rounded up throughout: milliseconds and millionths of a dollar, in integers.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum


class Place(StrEnum):
    """Where a job can be computed."""

    IN_PROCESS = "in_process"
    MODAL = "modal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """How much a job is. The speeds are the function's own, in units a second; memory is what it takes in process."""

    units: int
    in_process_units_per_s: int
    gpu_units_per_s: int
    input_bytes: int = 0
    output_bytes: int = 0
    memory_bytes: int = 0

    def __post_init__(self) -> None:
        """Refuse what is no amount: ValueError."""
        if min(self.units, self.input_bytes, self.output_bytes, self.memory_bytes) < 0:
            raise ValueError(f"a job is no less than nothing: {self}")
        if min(self.in_process_units_per_s, self.gpu_units_per_s) < 1:
            raise ValueError(f"a function computes at least one unit a second: {self}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Prices and limits of the moment (`kernel.offload.rates` says what each is)."""

    in_process_microusd_per_s: int
    gpu_microusd_per_s: int
    waiting_microusd_per_s: int
    price_microusd_max: int
    cold_start_ms: int
    network_bytes_per_s: int
    in_process_ms_max: int
    in_process_bytes_max: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a place would take."""

    place: Place
    time_ms: int
    price_microusd: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where to compute, and whether it is in time for the deadline."""

    chosen: Estimate
    in_time: bool


@dataclass(frozen=True, slots=True)
class NoRoute:
    """Nowhere at the moment; `for_ever`: nor later."""

    reason: str
    for_ever: bool


def estimates(work: Work, rates: Rates) -> dict[Place, Estimate]:
    """What each place would take."""
    here_ms = _ceil(work.units * 1000, work.in_process_units_per_s)
    moved_ms = _ceil((work.input_bytes + work.output_bytes) * 1000, rates.network_bytes_per_s)
    there_ms = rates.cold_start_ms + moved_ms + _ceil(work.units * 1000, work.gpu_units_per_s)
    return {
        Place.IN_PROCESS: _priced(Place.IN_PROCESS, here_ms, rates.in_process_microusd_per_s),
        Place.MODAL: _priced(Place.MODAL, there_ms, rates.gpu_microusd_per_s),
    }


def route(
    work: Work, rates: Rates, *, usable: Collection[Place], lost: Collection[Place] = (), left_ms: int | None = None
) -> Route | NoRoute:
    """Where to compute a job now.

    usable: who would take it; lost: who lost an attempt of it; left_ms: until its deadline.
    """
    by_place = estimates(work, rates)
    fitting = [one for one in by_place.values() if _fits(one, work, rates)]
    if not fitting:
        return NoRoute(_unfit(by_place.values(), rates), for_ever=True)
    standing = [one for one in fitting if one.place in usable]
    if not standing:
        return NoRoute(f"{', '.join(one.place for one in fitting)} does not answer", for_ever=False)
    timely = [one for one in standing if left_ms is None or one.time_ms <= left_ms]
    if not timely:
        return Route(chosen=min(standing, key=lambda one: one.time_ms), in_time=False)

    def weight(one: Estimate) -> tuple[bool, int, int, bool]:
        waiting = _ceil(one.time_ms * rates.waiting_microusd_per_s, 1000)
        return one.place in lost, one.price_microusd + waiting, one.time_ms, one.place is not Place.IN_PROCESS

    return Route(chosen=min(timely, key=weight), in_time=True)


def _fits(one: Estimate, work: Work, rates: Rates) -> bool:
    if one.price_microusd > rates.price_microusd_max:
        return False
    if one.place is Place.MODAL:
        return True
    return one.time_ms <= rates.in_process_ms_max and work.memory_bytes <= rates.in_process_bytes_max


def _unfit(found: Collection[Estimate], rates: Rates) -> str:
    cheapest = min(one.price_microusd for one in found)
    if cheapest > rates.price_microusd_max:
        return f"it costs {cheapest} microusd, and the limit is {rates.price_microusd_max}"
    return "it is too large to be computed in process, and too dear elsewhere"


def _priced(place: Place, time_ms: int, microusd_per_s: int) -> Estimate:
    return Estimate(place=place, time_ms=time_ms, price_microusd=_ceil(time_ms * microusd_per_s, 1000))


def _ceil(numerator: int, denominator: int) -> int:
    return -(-numerator // denominator)
