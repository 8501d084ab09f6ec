"""Owns the trial of a model: seeded attacks on windows that it was not trained with, and what it makes of each.

1. Every window is judged as it is: whoever is a suspect there is a false one.
2. Every window is attacked once: the kinds take turns, the seed says whom and how. The attacked source should be a
   suspect, and nobody else. An attack that changes no price is none, and neither is one on a window that cannot be
   judged.
3. precision = rightly suspected / all suspected, in both; recall = rightly suspected / attacked; in millionths, down.
4. Beside it, what comes of it in a decision: of the attacked, who does not count in the price in the end, vetoed or as
   an outlier; and how many of a million honest sources are vetoed in windows that nobody attacked.

A model passes that reaches both FLOORs and vetoes no more than so many honest sources. Integers; the same windows, seed
and model give the same trial.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from functions.oracle.core.anomaly import Model, judge
from functions.oracle.core.anomaly_attacks import Attack, attacked
from functions.oracle.core.anomaly_features import Portrait, portray
from functions.oracle.core.points import Point, Points
from functions.oracle.core.price import SOURCES_MIN, aggregate

_MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Floors:
    """What a model must reach, in millionths: seven of ten suspects are guilty, six of ten attackers suspects.

    And of honest sources, in windows without an attack, one of fifty at most is vetoed.
    """

    precision_ppm: int = 700_000
    recall_ppm: int = 600_000
    false_vetoes_ppm: int = 20_000
    #: Of fewer attacks nothing is concluded.
    attacks: int = 50


@dataclass(slots=True)
class Tally:
    """What became of one kind of attack."""

    tried: int = 0
    suspected: int = 0
    #: The source did not count: vetoed, or an outlier anyway.
    kept_out: int = 0


@dataclass(slots=True, kw_only=True)
class Trial:
    """What a model made of all windows."""

    attacks: dict[Attack, Tally] = field(default_factory=lambda: {attack: Tally() for attack in Attack})
    #: Suspects who had done nothing, in attacked windows and in others.
    falsely_suspected: int = 0
    #: In windows that nobody attacked.
    honest: int = 0
    honest_vetoed: int = 0

    @property
    def tried(self) -> int:
        """All attacks."""
        return sum(tally.tried for tally in self.attacks.values())

    @property
    def suspected(self) -> int:
        """Those that were seen."""
        return sum(tally.suspected for tally in self.attacks.values())

    @property
    def precision_ppm(self) -> int:
        """Of all suspects, the guilty; 0 where nobody is suspected."""
        return _ppm(self.suspected, self.suspected + self.falsely_suspected)

    @property
    def recall_ppm(self) -> int:
        """Of all attackers, the suspects."""
        return _ppm(self.suspected, self.tried)

    @property
    def false_vetoes_ppm(self) -> int:
        """Of honest sources in windows without an attack, the vetoed."""
        return _ppm(self.honest_vetoed, self.honest)

    def passes(self, floors: Floors) -> bool:
        """Whether the model may be put in force."""
        return (
            self.tried >= floors.attacks
            and self.precision_ppm >= floors.precision_ppm
            and self.recall_ppm >= floors.recall_ppm
            and self.false_vetoes_ppm <= floors.false_vetoes_ppm
        )

    def document(self) -> dict[str, Any]:
        """As it is stored and shown."""
        return {
            "attacks": {
                str(attack): [tally.tried, tally.suspected, tally.kept_out] for attack, tally in self.attacks.items()
            },
            "falsely_suspected": self.falsely_suspected,
            "honest": self.honest,
            "honest_vetoed": self.honest_vetoed,
        }


@dataclass(frozen=True, slots=True)
class _Case:
    """A window to be judged; `victim` is None where nobody attacked."""

    window: Points
    portrait: Portrait
    victim: str | None = None
    attack: Attack | None = None


def hold_trial(model: Model, windows: Iterable[tuple[Sequence[Point], int]], *, seed: int) -> Trial:
    """The trial of a model over windows, each with the moment in Unix microseconds at which it ends."""
    trial = Trial()
    cases: list[_Case] = []
    ends: list[int] = []
    for place, (points, now_us) in enumerate(windows):
        honest = Points.of(points)
        cases.append(_Case(honest, portray(honest, now_us)))
        cases.extend(_attacked(points, cases[-1], now_us, list(Attack)[place % len(Attack)], Random(f"{seed}:{place}")))
        ends += [now_us] * (len(cases) - len(ends))
    judged = judge([case.portrait for case in cases], model)
    for case, found, now_us in zip(cases, judged, ends, strict=True):
        counted = aggregate(case.window, now_us / 1_000_000).source_prices
        trial.falsely_suspected += len(set(found.suspects) - {case.victim})
        if case.attack is None:
            trial.honest += len(counted)
            trial.honest_vetoed += len(found.vetoes(counted))
        else:
            tally = trial.attacks[case.attack]
            tally.tried += 1
            tally.suspected += case.victim in found.suspects
            tally.kept_out += case.victim not in counted or case.victim in found.vetoes(counted)
    return trial


def _attacked(points: Sequence[Point], honest: _Case, now_us: int, attack: Attack, dice: Random) -> Iterator[_Case]:
    """The window after an attack, where there can be one: of three sources nobody is ever vetoed."""
    sources = honest.portrait.sources
    if len(sources) <= SOURCES_MIN:
        return
    victim = sources[dice.randrange(len(sources))]
    lied = attacked(points, victim, attack, now_us=now_us, seed=dice.randrange(2**32))
    if _prices(lied) != _prices(points):
        window = Points.of(lied)
        yield _Case(window, portray(window, now_us), victim, attack)


def _prices(points: Sequence[Point]) -> list[tuple[str, float]]:
    return sorted((point.source, float(point.price)) for point in points)


def _ppm(part: int, whole: int) -> int:
    return part * _MILLION // whole if whole else 0
