"""A campaign against one scenario: the points are enumerated from an unkilled run, then somebody dies at each of them.

1. An unkilled run is traced. It must pass the verdict itself, and no point of it may be missing from step 2.
2. For each point and side: a place that is as new, a victim that ends exactly there, a survivor that plays on until
   nothing is left to do, and the verdict.
3. The campaign fails when a verdict did, and when a point was not reached before and after: a promise that was not
   tested is not shown.
"""

import json
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.crash.harness.nursery import Order
from tests.crash.harness.points import Passing, Point, Side
from tests.crash.harness.scenario import Scenario
from tests.crash.harness.site import Site, Variation
from tests.crash.harness.stage import Stage

#: A busy machine may hold back an answer so long that the product goes another way: such a run is made again.
TRIES = 4
FAILURES_MAX = 5
EXACTLY_ONCE = "exactly once"

VARIATIONS = (
    Variation(),
    Variation(name="a second death", deaths=2),
    Variation(name="the caller never returns", caller_gone=True),
    Variation(name="every message twice", twice=True),
    Variation(name="an RPC identity down", rpc_down=True),
    Variation(name="the survivor's clock 5 s ahead", skew_s=5.0),
    Variation(name="the survivor's clock 5 s behind", skew_s=-5.0),
    Variation(name="the holder wakes again", wakes=True),
)


def variations_of(scenario: Scenario) -> tuple[Variation, ...]:
    """Those that make a difference: where no chain is, no RPC can be down."""
    has_chain = scenario.evm is not None or scenario.solana is not None
    return tuple(variation for variation in VARIATIONS if has_chain or not variation.rpc_down)


@dataclass(slots=True)
class Tally:
    """What a campaign came to. `points`: distinct (name, count) pairs of the unkilled run."""

    scenario: str
    variation: str
    points: int = 0
    kills: int = 0
    stalls: int = 0
    seconds: float = 0.0
    unreached: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        """In one word or two."""
        if self.failures:
            return f"{len(self.failures)} FAILED"
        return f"{len(self.unreached)} NOT KILLED" if self.unreached else EXACTLY_ONCE


class Campaign:
    """One scenario under one variation."""

    def __init__(self, stage: Stage, variation: Variation) -> None:
        self._stage, self._variation = stage, variation
        self._dice = random.Random(f"{stage.seed}/{stage.scenario.name}/{variation.name}")
        self.tally = Tally(stage.scenario.name, variation.name)

    def run(
        self, *, named_only: bool, failures_max: int = FAILURES_MAX, about: str = "", share: tuple[int, int] = (0, 1)
    ) -> Tally:
        """Kill at every point, or at each name's first point only, until so many runs have failed.

        about: only at points with this in their names. share: only the i-th of every n of them, i counted from 0.
        """
        began = time.monotonic()
        trace = self.trace()
        self.tally.points = len({passing.point for passing in trace})
        targets = [passing for passing in self._targets(trace, named_only=named_only) if about in passing.point.name]
        for passing in targets[share[0] :: share[1]]:
            if not self._reached(passing, len(trace)):
                self.tally.unreached.append(f"{passing.side} {passing.point}")
            if len(self.tally.failures) >= failures_max:
                break
        self.tally.seconds = time.monotonic() - began
        return self.tally

    def trace(self) -> list[Passing]:
        """The points of an unkilled run, in order; the run itself must pass the verdict."""
        with self._stage.site(self._variation) as site:
            answer = self._stage.nursery.fork(self._order(site, judge=True))
            assert answer["end"] == "ended", f"the unkilled run {answer['end']}:\n{self._stage.failure('victim')}"
            lines = site.path("trace").read_text().splitlines()
        return [
            Passing(Point(line["name"], line["nth"]), Side(line["side"]), line["held"])
            for line in map(json.loads, lines)
        ]

    def _targets(self, trace: Sequence[Passing], *, named_only: bool) -> Iterator[Passing]:
        for passing in trace:
            # A process that is frozen inside a transaction keeps its locks until Postgres ends its session (20 s).
            if not (self._variation.wakes and passing.held) and not (named_only and passing.point.nth > 1):
                yield passing

    def _reached(self, passing: Passing, length: int) -> bool:
        for _ in range(TRIES):
            with self._stage.site(self._variation) as site:
                at = (passing.point.name, passing.point.nth, str(passing.side))
                answer = self._stage.nursery.fork(self._order(site, at=at, frozen=self._variation.wakes))
                if answer["end"] == "ended":
                    continue
                if failure := self._aftermath(site, answer, length):
                    self.tally.failures.append(self._told(passing, failure))
                return True
        return False

    def _aftermath(self, site: Site, victim: dict[str, Any], length: int) -> str | None:
        """What went wrong after the victim's end, or None."""
        if victim["end"] != ("stopped" if self._variation.wakes else "killed"):
            return f"the victim {victim['end']}:\n{self._stage.failure('victim')}"
        self.tally.stalls += self._variation.wakes
        self.tally.kills += not self._variation.wakes
        for _ in range(self._variation.deaths - 1):
            at = ("", self._dice.randint(1, length // 2), str(Side.BEFORE))
            second = self._stage.nursery.fork(self._order(site, survives=True, at=at))
            self.tally.kills += second["end"] == "killed"
            if second["end"] not in ("killed", "ended"):
                return f"the second victim {second['end']}:\n{self._stage.failure('survivor')}"
        survivor = self._stage.nursery.fork(self._order(site, survives=True, judge=True))
        failed = (
            None
            if survivor["end"] == "ended"
            else f"the survivor {survivor['end']}:\n{self._stage.failure('survivor')}"
        )
        # Also after a failure: nobody may stay frozen.
        woken = self._awakening(site, victim) if self._variation.wakes else None
        return failed or woken

    def _awakening(self, site: Site, victim: dict[str, Any]) -> str | None:
        woken = self._stage.nursery.wake(victim["pid"])
        if woken["end"] != "ended":
            return f"the woken holder {woken['end']}:\n{self._stage.failure('victim')}"
        judged = self._stage.nursery.fork(self._order(site, survives=True, play=False, judge=True))
        return None if judged["end"] == "ended" else f"after it woke:\n{self._stage.failure('survivor')}"

    def _order(
        self,
        site: Site,
        *,
        survives: bool = False,
        play: bool = True,
        judge: bool = False,
        at: tuple[str, int, str] | None = None,
        frozen: bool = False,
    ) -> Order:
        return Order(
            scenario=self._stage.scenario.name,
            site=site.to_json(),
            survives=survives,
            play=play,
            judge=judge,
            at=at,
            frozen=frozen,
        )

    def _told(self, passing: Passing, failure: str) -> str:
        where = f"{self.tally.scenario}, {self.tally.variation}, seed {self._stage.seed}"
        return f"{where}: ended {passing.side} {passing.point}\n{failure}"
