"""Owns which functions can be offloaded: what each computes in process, how its results are checked, what they cost.

The names are those of the functions of the Modal app (gpu/app.py). A function's module is imported when it is needed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from kernel.offload import Computed, Work

if TYPE_CHECKING:
    from gpu.forest.form import Plan

Run = Callable[[Mapping[str, Any], bytes | None], tuple[dict[str, Any], bytes | None]]


@dataclass(frozen=True, slots=True)
class Offered:
    """One function: it refuses its input by a ValueError; `problem_of` says what is wrong with a result, or None."""

    run: Run
    problem_of: Callable[[Computed], str | None]
    #: What it cannot do without, where not every container has it.
    needs: str | None = None


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


def isolation_forest_work(plan: "Plan", input_bytes: int) -> Work:
    """How much the forest of a plan is: what takes time is to ask every tree about every row, here and at the check.

    A Lambda of one processor asks 0.7 million a second; scikit-learn, when it grows, takes 200 MB.
    """
    trees = plan.trees * len(plan.aspects)
    output_bytes = trees * 2 * plan.samples * 7
    return Work(
        units=trees * (input_bytes // (4 * plan.columns)),
        in_process_units_per_s=700_000,
        gpu_units_per_s=1_500_000,
        input_bytes=input_bytes,
        output_bytes=output_bytes,
        memory_bytes=10 * input_bytes + 4 * output_bytes + 200_000_000,
    )


def vanity_key_work(tries: int) -> Work:
    """How much it is to try so many keys; Modal has a faster processor and no faster way, so the clock decides."""
    return Work(
        units=tries,
        in_process_units_per_s=25_000,
        gpu_units_per_s=40_000,
        output_bytes=1_000,
        memory_bytes=20_000_000,
    )


def exchange_proof_work(size: int, list_max: int = 16, *, with_key: bool = True) -> Work:
    """How much a proof for a circuit of this size is, in constraints (gpu.exchange.count has them; this is a bound).

    with_key: the proving key comes as the job's input. A key that is used for the first time takes longer to be read
    (0.4 ms a constraint) than the proof takes; this counts both.
    """
    constraints = 850 + size * (50 + list_max * (size.bit_length() * 5 // 2 + 5))
    key_bytes = 1_000 * constraints
    return Work(
        units=constraints,
        in_process_units_per_s=1_500,
        gpu_units_per_s=2_500,
        input_bytes=key_bytes if with_key else 0,
        memory_bytes=100_000_000 + 8 * key_bytes,
    )


def find(name: str) -> Run | None:
    """What a name stands for in process; None also where this process lacks what the function needs."""
    offered = _offered(name)
    if offered is None or (offered.needs and find_spec(offered.needs) is None):
        return None
    return offered.run


def problem_of(computed: Computed) -> str | None:
    """What is wrong with a result, by the check that comes with its function; or None."""
    offered = _offered(computed.function)
    return "nobody can check this function" if offered is None else offered.problem_of(computed)


def _offered(name: str) -> Offered | None:
    entries = {
        "weighted_medians": _weighted_medians,
        "isolation_forest": _isolation_forest,
        "vanity_key": _vanity_key,
        "exchange_proof": _exchange_proof,
    }
    return entries[name]() if name in entries else None


def _weighted_medians() -> Offered:
    from gpu.reduce import check, medians

    def problem(computed: Computed) -> str | None:
        return check.problem_of(computed.arguments, computed.input(), computed.result, computed.output)

    return Offered(medians.run, problem)


def _isolation_forest() -> Offered:
    from gpu.forest import check, grow

    def problem(computed: Computed) -> str | None:
        return check.problem_of(computed.arguments, computed.input(), computed.result, computed.output)

    return Offered(grow.run, problem, needs="sklearn")


def _vanity_key() -> Offered:
    from gpu.vanity import check, grind

    def problem(computed: Computed) -> str | None:
        return check.problem_of(computed.arguments, computed.input(), computed.result, computed.output)

    return Offered(grind.run, problem, needs="nacl")


def _exchange_proof() -> Offered:
    from gpu.exchange import check, prove

    def problem(computed: Computed) -> str | None:
        return check.problem_of(computed.arguments, computed.result, computed.output)

    return Offered(prove.run, problem, needs="zksnake")
