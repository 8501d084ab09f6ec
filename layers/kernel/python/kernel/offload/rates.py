"""Owns what operators tune about offloading: prices, speeds of the way there, and what a function may take on."""

from typing import Any, Final

from kernel.offload.routing import Rates
from kernel.tunables import Tunable, Tunables

_DECLARED: Final[dict[str, tuple[int, int, int, str, str]]] = {
    # Lambda on arm64, eu-central-1: 13.3334 microusd a GiB-second, for the 2 GiB of queue_poll_offload.
    "in_process_microusd_per_s": (27, 0, 100_000, "microusd/s", "What a second of the polling function costs."),
    # Modal's list price of an L4: 0.80 USD an hour.
    "gpu_microusd_per_s": (223, 0, 100_000, "microusd/s", "What a second of the GPU container costs."),
    "waiting_microusd_per_s": (10, 0, 1_000_000, "microusd/s", "What it is worth to have a result a second sooner."),
    "price_microusd_max": (2_000_000, 0, 1_000_000_000, "microusd", "No attempt may cost more than this."),
    "cold_start_ms": (20_000, 0, 600_000, "ms", "From a call to the first line of the function, on a cold GPU."),
    "network_bytes_per_s": (100_000_000, 1, 100_000_000_000, "bytes/s", "Between the GPU container and S3."),
    "in_process_ms_max": (120_000, 0, 840_000, "ms", "No attempt in process may take longer by its estimate."),
    "in_process_bytes_max": (1_400_000_000, 0, 10_000_000_000, "bytes", "The memory that a job may take in process."),
}
_TUNABLES: Final = {
    name: Tunable(name=f"offload.{name}", default=default, minimum=minimum, maximum=maximum, unit=unit, meaning=meaning)
    for name, (default, minimum, maximum, unit, meaning) in _DECLARED.items()
}
#: What operators can change, for the ops slice to declare.
TUNABLES: Final[tuple[Tunable[Any], ...]] = tuple(_TUNABLES.values())

#: As declared, before anybody tuned anything.
DEFAULTS: Final = Rates(**{name: tunable.default for name, tunable in _TUNABLES.items()})


def rates_of(tunables: Tunables) -> Rates:
    """The rates in force. Raises DatabaseUnavailable."""
    return Rates(**{name: tunables.get(tunable) for name, tunable in _TUNABLES.items()})
