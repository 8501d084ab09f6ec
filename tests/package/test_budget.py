"""However many calls come, the database is never asked for more clients than it admits."""

import re

import pytest

from tests.package.stack import Function, Stack
from tests.repo.house import sources, yaml_file

pytestmark = pytest.mark.integration

#: A schedule's tick ends before the next begins (test_template), but EventBridge may deliver one twice.
TICKS_AT_ONCE = 2
BUDGET = yaml_file("serverless.yml")["custom"]["database"]


def opens_the_database(stack: Stack, function: Function) -> bool:
    """Whoever may not read its address cannot."""
    return any("/database-url-" in one.resource for one in stack.permissions(function.role))


def containers_at_once(stack: Stack) -> dict[str, int | None]:
    """Function -> how many containers of it may run; None is a function without a bound."""
    by_queue = {one.name: mapping["ScalingConfig"]["MaximumConcurrency"] for one, _, mapping in stack.sources()}
    ticked = {name for name, _ in stack.scheduled()}
    return {
        name: function.properties.get("ReservedConcurrentExecutions")
        or by_queue.get(name)
        or (TICKS_AT_ONCE if function.logical_id in ticked else None)
        for name, function in stack.functions.items()
    }


def test_every_function_that_opens_the_database_is_bounded(stack: Stack) -> None:
    """HTTP functions by reservedConcurrency, queue functions by maximumConcurrency, schedules by their time-out."""
    bounds = containers_at_once(stack)
    boundless = [
        one.name for one in stack.functions.values() if opens_the_database(stack, one) and not bounds[one.name]
    ]

    assert boundless == []


def test_all_containers_together_stay_within_the_databases_clients(stack: Stack) -> None:
    """With every function at its bound at the same moment."""
    bounds = containers_at_once(stack)
    containers = sum(bounds[one.name] or 0 for one in stack.functions.values() if opens_the_database(stack, one))

    assert containers * BUDGET["clients_a_container"] <= BUDGET["clients_max"]


def test_a_container_holds_no_more_connections_than_it_is_counted_for() -> None:
    """Each is made in the kernel's wiring, and nowhere else."""
    made = {
        source.name: len(re.findall(r"(?<![\w.])Postgres\(", source.text))
        for source in sources("functions", "layers")
        if source.path.name == "wiring.py"
    }

    assert sum(made.values()) == BUDGET["clients_a_container"]
