"""Owns which sources a model keeps out of a feed's price: it can veto a source, never the round.

1. Portray the sources of every feed's window (anomaly_features.py) and ask the forest how deep each lies in each
   aspect: price, volume, life, origin. Below an aspect's limit a source is a suspect.
2. Where half of a window's sources or more are suspects, there is no norm to be odd by: nobody is vetoed.
3. Of the others the oddest are vetoed, a third of the sources that take part at most, and never so many that fewer than
   three are left. Odder is who lies further below a limit, as a share of it; of equals, the first by name.
4. A veto after which fewer than three sources take part, because those that stay become outliers of each other, is
   taken back whole (decision.py does that).

Without a model the portraits are made all the same: they are what the next one is trained with. Everything is
integers and exact comparisons after the portraits, so a stored portrait and its model's version give the same vetoes.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from functions.oracle.core.anomaly_features import FEATURES, NOBODY, Portrait
from functions.oracle.core.isolation_forest import Depths, Forest
from functions.oracle.core.price import SOURCES_MIN

#: What a model looks at, each apart: an attack shows in one of them, and would drown in all.
ASPECTS: Final[Mapping[str, tuple[str, ...]]] = {
    "price": ("deviation", "move", "trend", "jump"),
    "volume": ("deviation", "push", "share"),
    "life": ("volatility", "frozen", "left", "age"),
    "origin": ("copied", "echo"),
}
#: Of the sources that take part, one in so many can be vetoed.
ONE_IN: Final = 3
_MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Model:
    """A forest under the version by which decisions name it."""

    version: int
    forest: Forest

    @property
    def fits(self) -> bool:
        """Whether it was trained for what is portrayed here."""
        return self.forest.columns == len(FEATURES)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Judgement:
    """What a model says of one window's sources. Without a model `version` is None and nobody is a suspect."""

    portrait: Portrait
    version: int | None = None
    #: A row a source, a column an aspect.
    depths: Depths
    #: Source -> by how much of a limit it is too odd, in millionths, and the aspects, for each suspect.
    suspects: Mapping[str, tuple[int, tuple[str, ...]]]

    def vetoes(self, taking_part: Collection[str]) -> tuple[str, ...]:
        """Who is kept out, by name, ascending; `taking_part` are the sources whose prices would count."""
        suspects = [source for source in self.suspects if source in taking_part]
        if 2 * len(suspects) >= len(taking_part):
            return ()
        oddest = sorted(suspects, key=lambda source: (-self.suspects[source][0], source))
        return tuple(sorted(oddest[: max(0, min(len(taking_part) // ONE_IN, len(taking_part) - SOURCES_MIN))]))


UNJUDGED: Final = Judgement(portrait=NOBODY, depths=np.empty((0, 0), dtype=np.int64), suspects={})


def judge(portraits: Sequence[Portrait], model: Model | None) -> list[Judgement]:
    """One judgement a portrait; all are asked at once, which takes a fraction of the time of one by one."""
    if model is None:
        nothing = np.empty((0, 0), dtype=np.int64)
        return [Judgement(portrait=portrait, depths=nothing, suspects={}) for portrait in portraits]
    rows = np.concatenate([portrait.features for portrait in portraits] or [NOBODY.features])
    depths, first, judged = model.forest.depths(rows), 0, []
    for portrait in portraits:
        own = depths[first : first + len(portrait.sources)]
        first += len(portrait.sources)
        suspects = _suspects(portrait.sources, own, model.forest)
        judged.append(Judgement(portrait=portrait, version=model.version, depths=own, suspects=suspects))
    return judged


def _suspects(sources: Sequence[str], depths: Depths, forest: Forest) -> dict[str, tuple[int, tuple[str, ...]]]:
    found = {}
    for source, own in zip(sources, depths.tolist(), strict=True):
        short = {
            name: (limit - depth) * _MILLION // limit
            for name, limit, depth in zip(forest.names, forest.limits, own, strict=True)
            if depth < limit
        }
        if short:
            found[source] = max(short.values()), tuple(short)
    return found
