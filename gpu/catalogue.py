"""Owns which functions can be offloaded: what each computes in process, how its results are checked, what they cost.

The names are those of the functions of the Modal app (gpu/app.py). A function's module is imported when it is needed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kernel.offload import Computed, Work

Run = Callable[[Mapping[str, Any], bytes | None], tuple[dict[str, Any], bytes | None]]


@dataclass(frozen=True, slots=True)
class Offered:
    """One function: it refuses its input by a ValueError; `problem_of` says what is wrong with a result, or None."""

    run: Run
    problem_of: Callable[[Computed], str | None]


def weighted_medians_work(columns: int, voters: int) -> Work:
    """How much the medians of so many columns are: a third of the speed that gpu/README.md tells, for a smaller CPU.

    Read, computed in parts and checked in parts: what it takes is the input, the output and some 60 MB for the parts.
    """
    votes, output_bytes = columns * voters, 12 * columns
    return Work(
        units=votes,
        in_process_units_per_s=15_000_000,
        gpu_units_per_s=200_000_000,
        input_bytes=4 * votes,
        output_bytes=output_bytes,
        memory_bytes=4 * votes + output_bytes + 60_000_000,
    )


def find(name: str) -> Run | None:
    """What a name stands for in process."""
    offered = _offered(name)
    return None if offered is None else offered.run


def problem_of(computed: Computed) -> str | None:
    """What is wrong with a result, by the check that comes with its function; or None."""
    offered = _offered(computed.function)
    return "nobody can check this function" if offered is None else offered.problem_of(computed)


def _offered(name: str) -> Offered | None:
    entries = {"weighted_medians": _weighted_medians}
    return entries[name]() if name in entries else None


def _weighted_medians() -> Offered:
    from gpu.reduce import check, medians

    def problem(computed: Computed) -> str | None:
        return check.problem_of(computed.arguments, computed.input(), computed.result, computed.output)

    return Offered(medians.run, problem)
