"""What a fresh container imports before it can serve, from the packaged zips and nothing else."""

import json
from dataclasses import dataclass, field

import pytest

from tests.package.rooms import Rooms
from tests.package.stack import Function, Stack
from tests.repo.house import declared_functions

pytestmark = pytest.mark.integration

OURS = ("functions", "kernel", "gpu")
#: What every handler needs of others: the yardstick. On a quiet machine it takes 85 ms of processor time where all of
#: ours may take a tenth of a second (infra/README.md, "Cold starts").
YARDSTICK = ("psycopg", "pydantic", "pydantic_core", "pydantic_settings")
OWN_MAX = 1.2
#: A measurement that another program spoilt is taken again.
TRIES = 3
WEB, HEAVY = {"fastapi", "starlette", "mangum"}, {"ccxt", "web3", "boto3"}

#: Imports the yardstick, and then each handler in a fork of its own, as if nobody had imported another one. Prints the
#: processor time that each package's own statements took, and every module that was imported. Garbage is not collected
#: meanwhile: whose import triggers it is chance.
MEASURE = """
import gc, importlib, importlib.machinery as machinery, json, os, time
spent, inside = {{}}, []
def timed(loader):
    execute = loader.exec_module
    def exec_module(self, module):
        started = time.process_time()
        inside.append(0.0)
        try:
            execute(self, module)
        finally:
            whole, within = time.process_time() - started, inside.pop()
            root = module.__name__.split(".")[0]
            spent[root] = spent.get(root, 0.0) + whole - within
            if inside:
                inside[-1] += whole
    loader.exec_module = exec_module
timed(machinery.SourceFileLoader)
timed(machinery.ExtensionFileLoader)
gc.disable()
for name in {yardstick!r}:
    importlib.import_module(name)
for name in {names!r}:
    if not os.fork():
        handler = importlib.import_module("functions." + name.replace("/", ".")).handler
        told = {{"spent": spent, "modules": sorted(sys.modules), "is_callable": callable(handler)}}
        print(json.dumps([name, told]), flush=True)
        os._exit(0)
    os.wait()
"""


@dataclass(frozen=True)
class Start:
    """What an interpreter told that imported a handler."""

    spent: dict[str, float]
    modules: list[str]
    is_callable: bool

    @property
    def own(self) -> float:
        """The time of our own statements, in yardsticks of the same run."""
        return sum(self.spent[root] for root in OURS if root in self.spent) / sum(self.spent[one] for one in YARDSTICK)


def packages(function: Function) -> tuple[str, ...]:
    """What a function is given to import from."""
    return function.name.split("/")[0], *function.layers


@dataclass(frozen=True)
class Starts:
    """Handlers imported from their packages and nothing else, without a word of complaint.

    One interpreter does so for all that have the same packages: what it imports first takes most of the time.
    """

    stack: Stack
    rooms: Rooms
    told: dict[str, Start] = field(default_factory=dict)

    def of(self, name: str) -> Start:
        """Of a handler, measured with its neighbours."""
        if name not in self.told:
            place = packages(self.stack.functions[name])
            neighbours = [one.name for one in self.stack.functions.values() if packages(one) == place]
            self.told.update(self.measure(*neighbours))
        return self.told[name]

    def measure(self, *names: str) -> dict[str, Start]:
        """Of handlers that have the same packages, anew."""
        script = MEASURE.format(yardstick=YARDSTICK, names=names)
        ran = self.rooms.run(self.stack.functions[names[0]], script)

        assert ("", 0) == (ran.stderr, ran.returncode)
        return {name: Start(**told) for name, told in map(json.loads, ran.stdout.splitlines())}


@pytest.fixture(scope="module")
def starts(stack: Stack, rooms: Rooms) -> Starts:
    return Starts(stack, rooms)


@pytest.mark.parametrize("name", declared_functions())
def test_a_handler_starts_from_its_package_alone(name: str, starts: Starts) -> None:
    """Everything is there, our own share of the time is bounded, and only what serves HTTP imports FastAPI.

    Nobody imports the venues' clients at the start, and none but the collector could later: test_contents.
    """
    start = starts.of(name)
    for _ in range(TRIES - 1):
        if start.own > OWN_MAX:
            start = starts.measure(name)[name]

    assert start.is_callable
    assert set(start.modules) & (HEAVY | WEB) <= (WEB if "/http_" in name else set())
    assert start.own <= OWN_MAX
