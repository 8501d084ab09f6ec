"""A scenario: what a process does that may die anywhere, and what must be true once another one has finished it."""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.local.settings import ROOT
from tests.crash.harness.world import World

PLACE, PLACE_OF_MISTAKES = "tests.crash.scenarios", "tests.crash.mistakes"
SCENARIOS: dict[str, "Scenario"] = {}

Act = Callable[[World], None]


@dataclass(slots=True)
class Scenario:
    """`play` is what every process of a run does, the victim, the survivor and the one that wakes again.

    Each part of it must therefore be safe to begin again: that is what is being tested.
    evm: options of infra.local.anvil.start; None starts no such chain. l2: the same, for a second EVM chain.
    solana: options of infra.local.solana.start; None starts no such chain. It is not restored between runs: take keys
    from `world.secret_of_run`.
    needs: "aws" (KMS, SQS, S3), "redis", "ipfs" (its control URL, then its doors). They are not restored between runs
    either.
    in_test: its named points are part of `make test`; `make crash` runs every scenario.
    shares: into how many tests its points are divided, so that each processor takes some.
    """

    name: str
    play: Act
    evm: Mapping[str, Any] | None = None
    l2: Mapping[str, Any] | None = None
    solana: Mapping[str, Any] | None = None
    needs: tuple[str, ...] = ()
    in_test: bool = False
    shares: int = 1
    check: Act = field(default=lambda _: None)
    before: Act = field(default=lambda _: None)
    begin: Act = field(default=lambda _: None)

    def verdict(self, check: Act) -> Act:
        """Decorates what must hold in the end: asserts about the database and the chains."""
        self.check = check
        return check

    def preparation(self, before: Act) -> Act:
        """Decorates what is done once, before anything can die, and restored for each run: funds and accounts."""
        self.before = before
        return before

    def beginning(self, begin: Act) -> Act:
        """Decorates what is done before each run on a chain that is not restored, for keys of the run's own."""
        self.begin = begin
        return begin


def scenario(
    name: str,
    *,
    evm: Mapping[str, Any] | None = None,
    l2: Mapping[str, Any] | None = None,
    solana: Mapping[str, Any] | None = None,
    needs: tuple[str, ...] = (),
    in_test: bool = False,
    shares: int = 1,
) -> Callable[[Act], Scenario]:
    """Registers the decorated play under a name; `tests/crash/README.md` shows a whole one."""

    def register(play: Act) -> Scenario:
        SCENARIOS[name] = Scenario(
            name, play, evm=evm, l2=l2, solana=solana, needs=needs, in_test=in_test, shares=shares
        )
        return SCENARIOS[name]

    return register


def all_scenarios() -> dict[str, Scenario]:
    """Every scenario of tests/crash/scenarios, by name."""
    return _found_in(PLACE)


def mistakes() -> dict[str, Scenario]:
    """The scenarios that the harness must find wanting, by name."""
    return _found_in(PLACE_OF_MISTAKES)


def _found_in(place: str) -> dict[str, Scenario]:
    for module in pkgutil.iter_modules([str(ROOT / place.replace(".", "/"))]):
        importlib.import_module(f"{place}.{module.name}")
    return {name: one for name, one in sorted(SCENARIOS.items()) if one.play.__module__.startswith(place)}
