"""The warmed parent of victims and survivors: one thread, no connections, all imported; it forks in milliseconds.

It reads one order a line from a socket and answers each with what became of the process. It lives as long as the
socket does, and no process that it forked outlives it.
"""

import ctypes
import faulthandler
import gc
import importlib
import json
import os
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn

from tests.crash.harness.names import sql_name
from tests.crash.harness.points import Passing
from tests.crash.harness.scenario import Scenario, all_scenarios, mistakes
from tests.crash.harness.site import Site
from tests.crash.harness.world import World

PR_SET_PDEATHSIG = 1
SIGNALLED = {int(signal.SIGKILL): "killed", int(signal.SIGALRM): "hung"}
#: Generous: a whole run takes a tenth of a second. It bounds a victim that waits for a lock for ever.
LIFE_MAX_S = 90
#: Where a process leaves the names of the modules that it had to import.
IMPORTED = "imported"
# What the product imports only once it is needed; a victim that imports it takes ten times as long.
WARM = (
    "boto3",
    "coincurve",
    "cryptography.hazmat.primitives.asymmetric.ed25519",
    "cryptography.hazmat.primitives.ciphers.aead",
    "httpx",
    "kernel.wiring",
    "psycopg",
    "rlp",
    "sha3",
    "solders.transaction",
    "tests.crash.harness.verdicts",
    "urllib3",
)

Stop = Callable[[Passing], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a forked process is to do.

    at: the name, number and side of the point where it ends; or ("", n, "before") for the n-th point that it passes.
    frozen: there it is stopped instead of killed, and goes on when it is woken.
    """

    scenario: str
    site: str
    survives: bool = False
    prepare: bool = False
    play: bool = True
    judge: bool = False
    at: tuple[str, int, str] | None = None
    frozen: bool = False


class Reached:
    """Whether the point of an order is reached; counts all points for orders that give only a number."""

    def __init__(self, at: tuple[str, int, str]) -> None:
        self._name, self._nth, self._side = at
        self._passed = 0

    def __call__(self, passing: Passing) -> bool:
        self._passed += passing.side == self._side
        if not self._name:
            return self._passed == self._nth and passing.side == self._side
        return (passing.point.name, passing.point.nth, passing.side) == (self._name, self._nth, self._side)


def child(order: Order, scenarios: Mapping[str, Scenario]) -> NoReturn:
    """In the fork: play, judge, and end without a goodbye."""
    site = Site.from_json(order.site)
    role = "survivor" if order.survives else "victim"
    known, status = set(sys.modules), 1
    try:
        with site.path(f"{role}.stack").open("w") as stack:
            faulthandler.dump_traceback_later(LIFE_MAX_S - 5, file=stack)
            _live(order, scenarios[order.scenario], site)
        site.path(IMPORTED).write_text("\n".join(sys.modules.keys() - known))
        status = 0
    except BaseException:
        site.path(f"{role}.error").write_text(traceback.format_exc())
    finally:
        os._exit(status)


def _live(order: Order, scenario: Scenario, site: Site) -> None:
    trace = os.open(site.path("trace"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    reached = Reached(order.at) if order.at else None
    end = signal.SIGSTOP if order.frozen else signal.SIGKILL

    def witness(passing: Passing) -> None:
        if reached is None:
            line = {"name": passing.point.name, "nth": passing.point.nth, "side": passing.side, "held": passing.held}
            os.write(trace, json.dumps(line).encode() + b"\n")
        elif reached(passing):
            os.kill(os.getpid(), end)

    world = World(site, witness, survives=order.survives)
    if order.prepare:
        scenario.before(world)
        return
    if order.play and not order.survives:
        with world.points.unwatched():
            scenario.begin(world)
    if order.play:
        world.points.watch_vendors()
        scenario.play(world)
    if order.judge:
        world.points.end()
        judge(scenario, world)


def judge(scenario: Scenario, world: World) -> None:
    """What must hold of every scenario, then what this one promises."""
    from tests.crash.harness.verdicts import nothing_is_left

    nothing_is_left(world)
    scenario.check(world)


def serve(orders: socket.socket) -> None:
    """Fork, wait and answer until the other end is closed."""
    scenarios = all_scenarios() | mistakes()
    for module in WARM:
        importlib.import_module(module)
    sql_name("select")  # reads every queries.sql
    _warm_boto3()
    gc.collect()
    gc.freeze()
    stream = orders.makefile("rw", encoding="utf-8")
    for line in stream:
        asked = json.loads(line)
        if "wake" in asked:
            os.kill(asked["wake"], signal.SIGCONT)
            answer = _waited(asked["wake"])
        else:
            order = _order(asked)
            answer = _waited(_forked(order, scenarios, orders))
            if answer["end"] == "ended":
                _learn(Site.from_json(order.site).path(IMPORTED))
        stream.write(json.dumps(answer) + "\n")
        stream.flush()


def _learn(imported: Path) -> None:
    """Import what a process had to import for itself: the next one finds it there."""
    names = [name for name in imported.read_text().split() if name not in sys.modules]
    for name in sorted(names):
        with suppress(Exception):  # made by a program, or gone with its process
            importlib.import_module(name)
    if names:
        assert threading.active_count() == 1, "a module that starts threads when imported cannot be forked"
        gc.collect()
        gc.freeze()


def _warm_boto3() -> None:
    """boto3 reads its descriptions of a service when the first client is made, and keeps them."""
    import boto3

    for service in ("kms", "sqs"):
        boto3.client(service, region_name="eu-central-1", aws_access_key_id="local", aws_secret_access_key="local")


def _order(asked: dict[str, Any]) -> Order:
    return Order(**{**asked, "at": tuple(asked["at"]) if asked["at"] else None})


def to_line(order: Order) -> str:
    """An order as it is sent."""
    return json.dumps(asdict(order)) + "\n"


def _forked(order: Order, scenarios: Mapping[str, Scenario], orders: socket.socket) -> int:
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    signal.alarm(LIFE_MAX_S)
    orders.close()
    child(order, scenarios)


def _waited(pid: int) -> dict[str, Any]:
    """ended, failed, killed, stopped, or hung (its time ran out)."""
    _, status = os.waitpid(pid, os.WUNTRACED)
    if os.WIFSTOPPED(status):
        return {"pid": pid, "end": "stopped"}
    if os.WIFSIGNALED(status):
        return {"pid": pid, "end": SIGNALLED.get(os.WTERMSIG(status), "died")}
    return {"pid": pid, "end": "ended" if os.WEXITSTATUS(status) == 0 else "failed"}


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
    serve(socket.socket(fileno=int(sys.argv[1])))
