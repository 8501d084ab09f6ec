"""What the bundle costs: the page is the computation, and the computation is plain arithmetic."""

import json
import re
from decimal import Decimal
from typing import Any

import pytest

from infra.local.costs import computing
from infra.local.costs.computing import SCALES, Bundle, billed_ms, calls_of, costs, postgres
from infra.local.costs.document import FILE, GAS, RELAY_GAS, document
from infra.local.costs.loads import CALLS, LOADS
from infra.local.costs.prices import PRICES
from infra.local.settings import ROOT

pytestmark = pytest.mark.unit

MEASURED: dict[str, Any] = json.loads((ROOT / "infra/costs.json").read_text(encoding="utf-8"))
BUNDLE = Bundle(queues=20, routes=60, functions=40)


def test_the_page_says_what_is_computed() -> None:
    """`make costs` writes it."""
    assert document(MEASURED) == FILE.read_text(encoding="utf-8")


def test_every_function_that_was_measured_has_a_load_and_the_other_way_round() -> None:
    """Whoever measures a new function says what it is called for (infra/local/costs/loads.py)."""
    assert set(CALLS) == set(MEASURED["functions"])


def test_every_load_calls_something() -> None:
    """And nothing is called for a load that nobody states."""
    assert {load for calls in CALLS.values() for load in calls} == set(LOADS)


@pytest.mark.parametrize(
    ("memory_mb", "cpu_ms", "duration_ms", "billed"),
    [
        (1_769, 10, 10, 10),  # a whole processor, and no waiting
        (1_769, 10, 15, 60),  # five milliseconds of waiting are fifty there
        (3_538, 10, 10, 10),  # a second processor helps nobody
        (256, 10, 10, 70),  # 10 * 1769 / 256 = 69.1
        (512, 4.2, 5, 23),  # 4.2 * 1769 / 512 + 0.8 * 10 = 22.5
        (512, 5, 4.9, 18),  # clocks that disagree wait for nothing
    ],
)
def test_a_small_function_gets_a_share_of_a_processor(
    memory_mb: int, cpu_ms: float, duration_ms: float, billed: int
) -> None:
    """Rounded up to the millisecond, as Lambda does."""
    facts = {"memory_mb": memory_mb, "cpu_ms": cpu_ms, "duration_ms": duration_ms}

    assert billed == billed_ms(facts, Decimal(1_000))


def test_nobody_pays_for_a_machine_with_other_programs() -> None:
    """What waits longer than its questions take waited for a processor: 10 ms of work, and 40 ms of questions."""
    facts = {"memory_mb": 1_769, "cpu_ms": 10, "duration_ms": 500}

    assert Decimal(50) == billed_ms(facts, Decimal(40))


@pytest.mark.parametrize(
    ("name", "calls"),
    [
        ("oracle/cron_collect", (43_800, 43_800, 43_800)),  # every minute, whoever reads
        ("oracle/queue_commit", (29_200, 29_200, 29_200)),  # every 90 s
        ("oracle/http_prices", (1_000_000, 100_000_000, 10_000_000_000)),
        ("ops/http_treasury", (8_000, 800_000, 80_000_000)),  # 2 * 3 000 transfers + 2 000 looks
    ],
)
def test_what_time_calls_is_called_alike_at_any_load(name: str, calls: tuple[int, ...]) -> None:
    """What people call grows with them."""
    assert calls == tuple(calls_of(name, scale) for scale in SCALES)


@pytest.mark.parametrize(
    ("tasks_s", "usd", "size"),
    [(0, 225, "XL"), (200, 225, "XL"), (201, 975, "4XL"), (3_200, 3_745, "16XL"), (3_201, 7_490, "2 of 16XL")],
)
def test_the_database_grows_in_steps(tasks_s: int, usd: int, size: str) -> None:
    """And by whole machines beyond the largest."""
    assert (Decimal(usd), size) == postgres(Decimal(tasks_s))


def measured(**facts: Any) -> dict[str, Any]:
    """One function, called once a minute, which asks Redis twice and no chain."""
    known = {"memory_mb": 1_024, "cpu_ms": 100, "duration_ms": 100, "log_bytes": 1_000} | facts
    works = {"ops": {"pieces": 1, "rpc_calls": 0, "redis_commands": 20, "calls of cron_sweep_tasks": 10}}
    return {"functions": {"ops/cron_sweep_tasks": known}, "works": works}


def test_a_schedule_costs_what_its_prices_say() -> None:
    """43 800 ticks of 173 ms (100 ms at 1 024 of 1 769 MB) and 1 GiB, each with two commands and a thousand octets."""
    told = costs(measured(), BUNDLE, 1)["ops"]
    expected = {
        "Lambda": Decimal("43800") * (Decimal("0.173") * PRICES["lambda_gb_s"].usd + PRICES["lambda_call"].usd),
        "EventBridge": Decimal("0.0438"),
        "CloudWatch logs": Decimal("0.0438") * Decimal("0.53"),
        "Upstash": Decimal("0.1752"),  # 87 600 commands
        "SQS": Decimal(0),
        "RPC": Decimal(0),
        "KMS": Decimal(0),
        "API Gateway, HTTP": Decimal(0),
    }

    assert expected == {part: told[part] for part in expected}


def test_idle_queues_are_paid_for() -> None:
    """Lambda asks each of them fifteen times a minute, whether or not there is anything."""
    shared = costs(measured(), BUNDLE, 1)[computing.SHARED]

    assert Decimal(20 * 15 * 43_800) * PRICES["sqs_request"].usd == shared["SQS"]


def test_the_gas_is_that_of_the_benchmarks() -> None:
    """Figures that a test of the contracts holds to two per cent."""
    text = re.sub(r"(?<=\d) (?=\d)", "", (ROOT / "BENCHMARKS.md").read_text(encoding="utf-8"))

    assert [] == [gas for gas in (*GAS.values(), *RELAY_GAS) if f"| {gas} |" not in text]
