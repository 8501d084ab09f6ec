"""Asks HiGHS (highs.dev) for the optimal clearing. What it says is a proposal, of which nothing is believed."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from functions.netting.core.netting import priority
from functions.netting.core.optimal import ONE, Problem, Proposal, problem_of
from functions.netting.core.plan import Fee, Market

if TYPE_CHECKING:
    from highspy import Highs, HighsLp

#: For the relaxed program, whose prices prove a bound, and for the choice itself; what is found by then is taken.
RELAXED_S: Final = 20.0
CHOICE_S: Final = 20.0
#: Amounts are told in parts of the largest, so that a solver's tolerances mean the same in every market.
LARGEST: Final = 1e4


def propose(market: Market, fee: Fee, start: Collection[str]) -> Proposal:
    """Intents to accept, and prices. Never fails: without time it proposes less.

    start: what the rule accepts, from which it looks for better.
    """
    problem = problem_of(market, fee)
    ordered = sorted(market.intents, key=priority)
    if not ordered:
        return Proposal(accepted=frozenset(), prices={})
    scale = max(problem.values) / LARGEST
    prices = _prices(problem, scale)
    taken = _choice(problem, scale, [one.id in start for one in ordered])
    return Proposal(
        accepted=frozenset(one.id for one, is_in in zip(ordered, taken, strict=True) if is_in), prices=prices
    )


def _prices(problem: Problem, scale: float) -> dict[tuple[str, str, str], int]:
    """The prices of the program without its integrality."""
    solver = _solver(RELAXED_S)
    solver.passModel(_model(problem, scale))
    solver.run()
    told = solver.getSolution().row_dual
    # It minimises, so prices have the other sign. Those of money have no unit, those of items are lamports.
    return {
        name: round(-price * (scale if name[0] == "item" else 1.0) * ONE)
        for name, price in zip(problem.rows, told, strict=False)
        if np.isfinite(price)
    }


def _choice(problem: Problem, scale: float, start: Sequence[bool]) -> Sequence[bool]:
    """Whether to accept each intent."""
    from highspy import HighsVarType

    model, intents = _model(problem, scale), len(start)
    model.integrality_ = [
        HighsVarType.kInteger if column < intents else HighsVarType.kContinuous for column in range(len(problem.values))
    ]
    solver = _solver(CHOICE_S)
    solver.passModel(model)
    solver.setSolution(intents, np.arange(intents, dtype=np.int32), np.array(start, dtype=np.float64))
    solver.run()
    told = solver.getSolution().col_value
    return [value > 0.5 for value in told[:intents]] if len(told) >= intents else start


def _solver(limit_s: float) -> "Highs":
    from highspy import Highs

    solver = Highs()  # type: ignore[no-untyped-call]  # its constructor has no annotations
    # One thread and one seed: the same market has the same proposal, as long as time suffices.
    for name, value in (("output_flag", False), ("threads", 1), ("random_seed", 1), ("mip_rel_gap", 0.0)):
        solver.setOptionValue(name, value)
    solver.setOptionValue("time_limit", limit_s)
    return solver


def _model(problem: Problem, scale: float) -> "HighsLp":
    from highspy import HighsLp, MatrixFormat, kHighsInf

    rows, columns = list(problem.rows.items()), len(problem.values)
    starts = np.cumsum([0, *(len(row.factors) for _, row in rows)])
    units = [1.0 if name[0] == "item" else scale for name, _ in rows]
    limits = np.array([row.limit / unit for (_, row), unit in zip(rows, units, strict=True)])
    model = HighsLp()
    model.num_col_, model.num_row_ = columns, len(rows)
    model.col_cost_ = -np.array(problem.values) / scale
    model.col_lower_, model.col_upper_ = np.zeros(columns), np.ones(columns)
    model.row_lower_ = np.where([row.is_exact for _, row in rows], limits, -kHighsInf)
    model.row_upper_ = limits
    model.a_matrix_.format_ = MatrixFormat.kRowwise
    model.a_matrix_.start_ = starts
    model.a_matrix_.index_ = np.array([column for _, row in rows for column in row.factors], dtype=np.int32)
    model.a_matrix_.value_ = np.array(
        [factor / unit for (_, row), unit in zip(rows, units, strict=True) for factor in row.factors.values()]
    )
    return model
