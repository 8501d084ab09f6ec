"""What a fresh container imports before it can serve, from the packaged zips and nothing else."""

import json

import pytest

from tests.package.rooms import Rooms
from tests.package.stack import Stack
from tests.repo.house import declared_functions

pytestmark = pytest.mark.integration

OURS = ("functions", "kernel", "gpu")
#: Of the processor time of the vendors in the same run. Most handlers are at 0.2 to 0.3, which is less than a tenth of
#: a second; the two that submit transfers import an outbox and the books, and are at 0.5 to 0.8.
OWN_SHARE_MAX = 0.8

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


@pytest.mark.parametrize("name", declared_functions())
def test_a_handler_starts_from_its_package_alone(name: str, stack: Stack, rooms: Rooms) -> None:
    """Everything is there, nothing heavy comes along, and our own share of the time is bounded."""
    function = stack.functions[name]
    ran = rooms.run(function, MEASURE.format(module=f"functions.{name.replace('/', '.')}"))

    assert ("", 0) == (ran.stderr, ran.returncode)

    told = json.loads(ran.stdout)
    heavy = {"fastapi", "starlette", "mangum", "ccxt", "web3", "boto3"} & set(told["modules"])
    own_s = sum(spent for root, spent in told["spent"].items() if root in OURS)
    vendors_s = sum(told["spent"].values()) - own_s

    assert told["callable"]
    assert heavy <= ({"fastapi", "starlette", "mangum"} if "/http_" in name else set())
    assert own_s <= OWN_SHARE_MAX * vendors_s
