"""One invocation in Lambda's real runtime client (awslambdaric), per trigger, beside a bare handler that gets the same.

Both are handed genuine events one after the other by the same server; the time is from the hand-out of the event to
its answer, so it has the client's own work and two hops over the loopback in it, as on Lambda.
"""

import json
import statistics
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from infra.local.children import Children
from tests.bench.runtime_api import RuntimeApi

pytestmark = pytest.mark.bench

WARM, CALLS = 50, 500
OURS = {
    "schedule": ("tests.bench.invoked_handlers.tick", "cron_sweep_tasks"),
    "task": ("tests.bench.invoked_handlers.task", "queue_take_deposit"),
    "queue": ("tests.bench.invoked_handlers.message", "queue_dead_letters"),
    "websocket": ("tests.bench.invoked_handlers.socket", "ws_default"),
    "http": ("functions.ops.http_health.handler", "http_health"),
}
BARE = "tests.bench.invoked_handlers.bare"
#: What /health reads; nobody is asked for any of it.
ENVIRONMENT = {
    "COUNTERPART_STAGE": "test",
    "COUNTERPART_DATABASE_URL": "plain:postgresql://127.0.0.1:1/none",
    "COUNTERPART_REDIS_REST_URL": "http://127.0.0.1:1",
    "COUNTERPART_REDIS_REST_TOKEN": "plain:none",
    "COUNTERPART_QUEUE_URL_PREFIX": "http://127.0.0.1:1/",
    "COUNTERPART_KMS_KEY_ID": "none",
    "COUNTERPART_JWT_SECRET": "plain:none",
    "AWS_LAMBDA_FUNCTION_NAME": "bench",
    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769",
    "AWS_LAMBDA_LOG_GROUP_NAME": "bench",
    "AWS_LAMBDA_LOG_STREAM_NAME": "bench",
    "AWS_REGION": "eu-central-1",
    "POWERTOOLS_TRACE_DISABLED": "true",
}


def quick_ms(children: Children, name: str, handler: str, event: Mapping[str, Any]) -> float:
    """Of many calls of one warm container, what one in ten is quicker than: on a busy machine the rest is waiting."""
    with RuntimeApi() as api:
        command = [sys.executable, "-m", "awslambdaric", handler]
        child = children.start(name, command, env={**ENVIRONMENT, "AWS_LAMBDA_RUNTIME_API": api.address})
        try:
            for _ in range(WARM):
                api.invoke(event)
            return statistics.quantiles([api.invoke(event)[1] for _ in range(CALLS)], n=10)[0] * 1000
        finally:
            children.forget(child)


@pytest.mark.parametrize("trigger", OURS)
def test_an_invocation_beside_a_bare_handler(trigger: str, children: Children, capsys: Any) -> None:
    """Parsing, correlation, logs, metrics and the policy of failures; for HTTP also FastAPI and Mangum."""
    handler, sample = OURS[trigger]
    event = json.loads(Path(f"events/ops/{sample}.json").read_text(encoding="utf-8"))
    ours = quick_ms(children, f"ours-{trigger}", handler, event)
    bare = quick_ms(children, f"bare-{trigger}", BARE, event)
    with capsys.disabled():
        sys.stdout.write(f"\n{trigger}: {ours:.2f} ms, bare {bare:.2f} ms, {ours / bare:.1f} times\n")
