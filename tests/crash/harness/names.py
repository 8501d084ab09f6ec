"""What a point is called: SQL by the name it has in its queries.sql, an RPC call by its endpoint and method.

Names say nothing that differs from run to run (no port, no id), so that a point of a trace is found again in the next
run and in the report of a failure.
"""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from infra.local.settings import ROOT
from kernel.postgres.queries import Queries

KERNEL = ROOT / "layers/kernel/python/kernel"
FUNCTIONS = ROOT / "functions"
WORDS_OF_UNNAMED = 6
#: What goes along with a statement that is a transaction of its own.
LIMITS = re.compile(r"^(set local [^;]*; )+")


def sql_name(statement: str) -> str:
    """ "outbox.evm.record_entry"; the first words of a statement that no queries.sql names."""
    statement = LIMITS.sub("", statement)
    return _named().get(statement) or " ".join(re.sub(r"[^\w*.]+", " ", statement).split()[:WORDS_OF_UNNAMED])


def rpc_name(body: Any) -> str:
    """The method of a JSON-RPC request, or the distinct methods of a batch in their order; "post" for anything else."""
    try:
        request = json.loads(body or b"")
    except (ValueError, TypeError):  # no JSON, or an upload that comes in pieces
        return "post"
    calls = request if isinstance(request, list) else [request]
    methods = [call["method"] for call in calls if isinstance(call, dict) and "method" in call]
    return "+".join(dict.fromkeys(methods)) or "post"


def redis_name(body: bytes | str | None) -> str:
    """The command of an Upstash request, or the commands of a pipeline."""
    try:
        request: Any = json.loads(body or b"")
    except ValueError:
        return "redis"
    commands = request if request and isinstance(request[0], list) else [request]
    return "redis " + "+".join(dict.fromkeys(str(command[0]).upper() for command in commands if command))


@cache
def _named() -> Mapping[str, str]:
    """The name of each statement of the product."""
    return {statement: name for room, queries in _rooms() for name, statement in _qualified(room, queries)}


def _qualified(room: str, queries: Queries) -> Iterator[tuple[str, str]]:
    for name, statement in queries.items():
        yield f"{room}.{name}", statement


def _rooms() -> Iterator[tuple[str, Queries]]:
    for root in (KERNEL, FUNCTIONS):
        for path in sorted(root.rglob("*.sql")):
            yield _room(path.relative_to(root)), Queries.load(path)


def _room(path: Path) -> str:
    """ "outbox.evm" of outbox/evm/queries.sql, "oracle" of oracle/adapters/queries.sql."""
    return ".".join(part for part in path.parent.parts if part != "adapters") or path.stem
