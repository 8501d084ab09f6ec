"""What each function takes, warm, in containers of the runner that imported everything by themselves, as on Lambda.

1. Work that matters: voting rounds on a local Flare, transfers of the treasury on two chains, orders of the bridge,
   intents that are netted, exchanges of NFTs, duels. The log says what each invocation took, of time and of the
   processor; the stand-ins say how often they were asked.
2. Each function is called with its own event from events/ as well: for its memory, and for its time where that work did
   not call it often enough. Where the event names a task that does not exist, that is the price of looking.

The time of an event, which is the same each time, is what one call in ten is quicker than: on a machine with other
programs the rest is waiting for a processor. That of work, whose calls differ, is the median; so measure in quiet.
"""

import json
import os
import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from infra.local import settings
from infra.local.cloud import LocalCloud
from infra.local.costs import works
from infra.local.costs.works import Work
from infra.local.invoke import WARM, with_known_key
from infra.local.runner.bundle import Bundle, HttpTrigger
from infra.local.runner.runner import Runner
from infra.local.runner.samples import sample_bundle
from infra.local.runner.stack import Stack

#: Of one function, so that a quantile says something; and of its own event.
CALLS_MIN, SAMPLES = 8, 20
_LINE: Final = re.compile(r"\[(\w+)\] (.*)")
_REPORT: Final = re.compile(r"REPORT .* Duration: ([\d.]+) ms .* Processor: ([\d.]+) ms( Init)?")


@dataclass(frozen=True, slots=True)
class Taken:
    """What warm calls of one function took, and the octets that all its calls wrote into the log."""

    warm: list[tuple[float, float]] = field(default_factory=list)
    calls: int = 0
    log_bytes: int = 0


def measure(console: Console, services: Collection[str], known: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that infra/costs.json holds: of these services anew, of the others as it is known."""
    with ExitStack() as ends:
        cloud = ends.enter_context(LocalCloud(console=console))
        runner = ends.enter_context(
            Runner(cloud.environment(), folder=cloud.folder, children=cloud.children, warm=WARM)
        )
        done: dict[str, dict[str, int]] = {}
        functions: dict[str, dict[str, Any]] = {}
        opened: dict[str, Callable[[], Work]] = {
            "oracle": lambda: works.rounds(cloud, runner),
            "ops": lambda: works.transfers(cloud, runner),
            "bridge": lambda: works.orders(ends, cloud, runner),
            "netting": lambda: works.trades(cloud, runner),
            "barter": lambda: works.exchanges(ends, cloud, runner),
            "contests": lambda: works.duels(cloud, runner),
        }
        for service in services:
            work = opened[service]()
            with console.status(f"{service}: work"):
                done[service] = _worked(cloud, work)
            with console.status(f"{service}: events"):
                functions |= _functions(service, work)
    return {
        "measured_at": datetime.now(UTC).strftime("%Y-%m-%d"),
        "load_averages": {**known["load_averages"], **dict.fromkeys(services, round(os.getloadavg()[0], 1))},
        "bundle": _size(sample_bundle()),
        "works": {**known["works"], **done},
        "functions": {**known["functions"], **functions},
    }


def _size(bundle: Bundle) -> dict[str, int]:
    routes = [
        one for function in bundle.functions.values() for one in function.triggers if isinstance(one, HttpTrigger)
    ]
    return {"queues": len(bundle.queues), "routes": len(routes), "functions": len(bundle.functions)}


def _worked(cloud: LocalCloud, work: Work) -> dict[str, int]:
    """How often the stand-ins were asked, for how many pieces of work, and the calls of each function meanwhile."""
    before = _rpc_calls(work), _redis_commands(cloud)
    pieces = work.play()
    work.stack.stop()
    calls = {f"calls of {name}": one.calls for name, one in sorted(_taken(work.stack.log()).items()) if one.calls}
    rpc_calls, redis_commands = _rpc_calls(work) - before[0], _redis_commands(cloud) - before[1]
    return {"pieces": pieces, "rpc_calls": rpc_calls, "redis_commands": redis_commands, **calls}


def _rpc_calls(work: Work) -> int:
    return sum(one.calls().total() for proxy in work.proxies for one in proxy.identities)


def _functions(service: str, work: Work) -> dict[str, dict[str, Any]]:
    """service/name -> what it takes."""
    taken = _taken(work.stack.log())
    own = [one for one in sample_bundle().functions.values() if one.service == service]
    return {
        f"{service}/{one.name}": _facts(
            one.memory_mb,
            taken.get(one.name, Taken()),
            *_sampled(service, one.name, work.stack, work.database_url),
        )
        for one in sorted(own, key=lambda one: one.name)
    }


def _redis_commands(cloud: LocalCloud) -> int:
    """Those inside of scripts included."""
    told = str(cloud.redis.command("INFO", "commandstats"))
    return sum(int(count) for name, count in re.findall(r"cmdstat_(\w+)\S*:calls=(\d+)", told) if name != "info")


def _taken(log: str) -> dict[str, Taken]:
    """Function -> what its log tells."""
    warm: dict[str, list[tuple[float, float]]] = defaultdict(list)
    calls: Counter[str] = Counter()
    octets: Counter[str] = Counter()
    for name, line in _LINE.findall(log):
        octets[name] += len(line.encode()) + 1
        if found := _REPORT.match(line):
            calls[name] += 1
            if found[3] is None:
                warm[name].append((float(found[1]), float(found[2])))
    return {name: Taken(warm[name], calls[name], octets[name]) for name in octets}


def _sampled(service: str, name: str, stack: Stack, database_url: str) -> tuple[int, Taken]:
    """Memory of a container of its own, and what its warm calls took."""
    path = Path(settings.ROOT, "events", service, f"{name}.json")
    event = with_known_key(json.loads(path.read_text(encoding="utf-8")), database_url)
    stack.kill(name)
    before = _taken(stack.log()).get(name, Taken())
    done = [stack.invoke(name, event) for _ in range(SAMPLES + 1)]
    stack.kill(name)
    octets = _taken(stack.log())[name].log_bytes - before.log_bytes
    warm = [(one.duration_ms, one.cpu_ms) for one in done[1:]]
    return max(one.memory_mb for one in done), Taken(warm, len(done), octets)


def _facts(memory_mb: int, at_work: Taken, used_mb: int, sampled: Taken) -> dict[str, Any]:
    is_seen = len(at_work.warm) >= CALLS_MIN
    taken = at_work if is_seen else sampled
    typical = statistics.median if is_seen else _one_in_ten
    return {
        "memory_mb": memory_mb,
        "used_mb": used_mb,
        "duration_ms": round(typical([one for one, _ in taken.warm]), 1),
        "cpu_ms": round(typical([cpu for _, cpu in taken.warm]), 1),
        "calls": len(taken.warm),
        "by": "work" if is_seen else "event",
        "log_bytes": round(taken.log_bytes / taken.calls),
    }


def _one_in_ten(values: list[float]) -> float:
    return statistics.quantiles(values, n=10)[0]
