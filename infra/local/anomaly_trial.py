"""Grow a model of anomalies from simulated markets and try it on others: `python -m infra.local.anomaly_trial --help`.

Prints, for each kind of seeded attack, how many were made, suspected and kept out of the price, and for the whole the
precision and the recall. Nothing is stored; the same seed prints the same figures.
"""

import argparse
import sys
from pathlib import Path
from typing import Final

import numpy as np
from rich.console import Console
from rich.table import Table

from functions.oracle.core.anomaly import ASPECTS, Model
from functions.oracle.core.anomaly_attacks import Attack
from functions.oracle.core.anomaly_features import FEATURES, portray
from functions.oracle.core.anomaly_trial import Floors, Trial, hold_trial
from functions.oracle.core.isolation_forest import read_forest
from functions.oracle.core.points import Points, microseconds
from gpu.forest import check, grow
from gpu.forest.form import Plan
from infra.local.failures import LocalFailure
from infra.local.oracle_windows import AT, windows

NOW_US: Final = microseconds(AT)


class ForestRefused(LocalFailure):
    """The forest that grew does not stand its check."""


def grown(seed: int, count: int, *, trees: int = 100, samples: int = 512, suspect_ppm: int = 2_500) -> Model:
    """A model of so many simulated windows. Raises ForestRefused."""
    content = np.concatenate([portray(Points.of(one), NOW_US).features for one in windows(seed, count)]).tobytes()
    plan = Plan(
        columns=len(FEATURES),
        aspects={name: tuple(FEATURES.index(one) for one in columns) for name, columns in ASPECTS.items()},
        trees=trees,
        samples=samples,
        seed=seed,
        suspect_ppm=suspect_ppm,
    )
    result, forest = grow.run(plan.arguments(), content)
    problem = check.problem_of(plan.arguments(), content, result, forest)
    if problem is not None:
        raise ForestRefused(problem)
    return Model(version=1, forest=read_forest(forest))


def tried(model: Model, seed: int, count: int) -> Trial:
    """Its trial on so many other windows."""
    return hold_trial(model, ((one, NOW_US) for one in windows(seed + 1_000_000, count)), seed=seed)


def table_of(trial: Trial) -> Table:
    """The figures, a row an attack."""
    table = Table(title="Attacks on windows that the model was not grown from")
    for head, side in (
        ("attack", "left"),
        ("made", "right"),
        ("suspected", "right"),
        ("kept out of the price", "right"),
    ):
        table.add_column(head, justify="left" if side == "left" else "right")
    for attack in Attack:
        one = trial.attacks[attack]
        table.add_row(attack.value, str(one.tried), _share(one.suspected, one.tried), _share(one.kept_out, one.tried))
    return table


def main(arguments: list[str]) -> int:
    """0 where the model passes, 1 where it does not."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.anomaly_trial", description=__doc__)
    parser.add_argument("--seed", type=int, default=20_261_121)
    parser.add_argument("--grown-from", type=int, default=2_500, metavar="WINDOWS")
    parser.add_argument("--tried-on", type=int, default=1_000, metavar="WINDOWS")
    parser.add_argument("--picture", type=Path, help="an SVG of the table")
    given = parser.parse_args(arguments)
    console = Console(record=given.picture is not None)
    trial = tried(grown(given.seed, given.grown_from), given.seed, given.tried_on)
    floors = Floors()
    passes = trial.passes(floors)
    console.print(table_of(trial))
    console.print(
        f"precision {trial.precision_ppm / 1e6:.3f} (floor {floors.precision_ppm / 1e6}), "
        f"recall {trial.recall_ppm / 1e6:.3f} (floor {floors.recall_ppm / 1e6}), "
        f"honest sources vetoed {trial.false_vetoes_ppm / 1e6:.4f} (at most {floors.false_vetoes_ppm / 1e6}): "
        + ("it may be put in force" if passes else "it may not be put in force")
    )
    if given.picture is not None:
        console.save_svg(str(given.picture), title="Model of anomalies")
    return 0 if passes else 1


def _share(part: int, whole: int) -> str:
    return f"{part} ({part / whole:.0%})" if whole else "0"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
