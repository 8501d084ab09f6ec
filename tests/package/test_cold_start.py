"""What a fresh container imports before it can serve, from the packaged zips and nothing else."""

import json
from dataclasses import dataclass

import pytest

from tests.package.rooms import Rooms
from tests.package.stack import Stack
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

#: Prints the processor time that each package's own statements took, and every module that was imported. Garbage is
#: not collected meanwhile: whose import triggers it is chance.
MEASURE = """
import gc, importlib, importlib.machinery as machinery, json, time
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
handler = importlib.import_module({module!r}).handler
print(json.dumps({{"spent": spent, "modules": sorted(sys.modules), "callable": callable(handler)}}))
"""


@dataclass(frozen=True)
class Start:
    """What a fresh interpreter told."""

    spent: dict[str, float]
    modules: frozenset[str]
    is_callable: bool

    @property
    def own(self) -> float:
        """The time of our own statements, in yardsticks of the same run."""
        return sum(self.spent[root] for root in OURS if root in self.spent) / sum(self.spent[one] for one in YARDSTICK)


def started(name: str, stack: Stack, rooms: Rooms) -> Start:
    """A handler imported in a fresh interpreter, from its package and nothing else, without a word of complaint."""
    ran = rooms.run(stack.functions[name], MEASURE.format(module=f"functions.{name.replace('/', '.')}"))

    assert ("", 0) == (ran.stderr, ran.returncode)

    told = json.loads(ran.stdout)
    return Start(told["spent"], frozenset(told["modules"]), told["callable"])


@pytest.mark.parametrize("name", declared_functions())
def test_a_handler_starts_from_its_package_alone(name: str, stack: Stack, rooms: Rooms) -> None:
    """Everything is there, our own share of the time is bounded, and only what serves HTTP imports FastAPI.

    Nobody imports the venues' clients at the start, and none but the collector could later: test_contents.
    """
    start = started(name, stack, rooms)
    for _ in range(TRIES - 1):
        if start.own > OWN_MAX:
            start = started(name, stack, rooms)

    assert start.is_callable
    assert start.modules & (HEAVY | WEB) <= (WEB if "/http_" in name else set())
    assert start.own <= OWN_MAX
