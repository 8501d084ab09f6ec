"""`make invoke HANDLER=oracle/queue_commit EVENT=events/oracle/queue_commit.json`: call one handler as Lambda would.

Starts what the handler needs and nothing else: the cloud, for the oracle also a chain with Flare's contracts and the
exchanges, and one container. No trigger is on, so nothing happens but this call.
"""

import json
from pathlib import Path
from typing import Any

from rich.console import Console

from infra.local import settings
from infra.local.cloud import LocalCloud
from infra.local.runner.bundle import Bundle
from infra.local.runner.containers import Invocation
from infra.local.runner.runner import Runner
from infra.local.runner.samples import API_KEY, sample_bundle
from infra.local.runner.stack import Stack

# One container is started once: it imports what it needs by itself.
WARM = ((), ())


class CannotInvoke(Exception):
    """The handler or the event that was asked for is not there; the message says what is."""


def invoke(handler: str, event: str) -> int:
    """Call `handler` (service/name) with the event file; 0 when it returned, 1 when it failed, 2 when it cannot be."""
    console = Console()
    try:
        bundle = sample_bundle()
        name = _function(bundle, handler)
        body = _event(event or f"events/{bundle.functions[name].service}/{name}.json")
    except CannotInvoke as reason:
        console.print(str(reason), style="red", markup=False, soft_wrap=True)
        return 2
    with (
        LocalCloud(console=console) as cloud,
        Runner(cloud.environment(), folder=cloud.folder, children=cloud.children, warm=WARM) as runner,
    ):
        with console.status(f"preparing {name}"):
            stack, database_url = _stack(cloud, runner, bundle.functions[name].service)
            stack.create_queues()
        done = stack.invoke(name, with_known_key(body, database_url))
        _show(console, done, stack)
    return 0 if done.ok else 1


def _function(bundle: Bundle, handler: str) -> str:
    """The function's key: `functions/ops/http_health.py`, `ops/http_health` and `http_health` are all one."""
    wanted = handler.removesuffix(".handler").removesuffix(".py").removeprefix("functions/")
    known = {f"{function.service}/{function.name}": function.name for function in bundle.functions.values()}
    name = known.get(wanted) or (wanted if wanted in bundle.functions else None)
    if name is None:
        listed = "\n  ".join(sorted(known))
        raise CannotInvoke(f"There is no handler {handler!r}. HANDLER is one of:\n  {listed}")
    if name in bundle.missing_handlers():
        raise CannotInvoke(bundle.missing_handlers()[name])
    return name


def _event(name: str) -> Any:
    path = Path(name) if Path(name).is_absolute() else settings.ROOT / name
    if not path.is_file():
        folder = path.parent if path.parent.is_dir() else settings.ROOT / "events"
        listed = "\n  ".join(str(file.relative_to(settings.ROOT)) for file in sorted(folder.rglob("*.json")))
        raise CannotInvoke(f"There is no event file {name}. EVENT may be:\n  {listed}")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CannotInvoke(f"{name} is no JSON: {error}") from error


def _stack(cloud: LocalCloud, runner: Runner, service: str) -> tuple[Stack, str]:
    """A stopped stack with the settings of the service, and its database."""
    if service != "oracle":
        return runner.stack("invoke"), cloud.database_url
    from infra.local.oracle_market import open_market

    provider = open_market(cloud, runner).providers[0]
    return provider.stack, provider.database_url


def with_known_key(event: Any, database_url: str) -> Any:
    """The event with the sample's API key, which no database knows, replaced by an administrator's of this run."""
    headers = event.get("headers") if isinstance(event, dict) else None
    if not headers or headers.get("x-api-key") != API_KEY:
        return event
    from kernel.auth.api_keys import ApiKeys
    from kernel.auth.principal import Role, Tier
    from kernel.postgres import Postgres

    issued = ApiKeys(Postgres(database_url)).issue(tier=Tier.ADMIN, role=Role.ADMIN, label="make invoke", actor="shell")
    return event | {"headers": headers | {"x-api-key": issued.key}}


def _show(console: Console, done: Invocation, stack: Stack) -> None:
    console.rule(f"log of {done.function}")
    console.print(stack.log().strip() or "(nothing)", markup=False, highlight=False, soft_wrap=True)
    console.rule("result")
    if done.ok:
        console.print_json(json.dumps(_readable(done.result)))
    else:
        console.print(f"{done.error_type}: {done.error}", style="red", markup=False, soft_wrap=True)
    init = "" if done.init_ms is None else f", cold start {done.init_ms:.0f} ms"
    console.print(f"\n{done.duration_ms:.1f} ms{init}, {done.memory_mb} MB")


def _readable(result: Any) -> Any:
    """An HTTP answer with its JSON body as JSON."""
    if isinstance(result, dict) and isinstance(result.get("body"), str):
        try:
            return result | {"body": json.loads(result["body"])}
        except ValueError:
            return result
    return result
