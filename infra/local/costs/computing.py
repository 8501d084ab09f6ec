"""The sum: measured functions x stated loads x published prices, in dollars a month. Pure.

1. A function is billed for its processor time, stretched by the share of a processor that its memory buys (1 769 MB buy
   one), and for what it waits, stretched by how much farther away Postgres, Redis and the chains are in production; but
   for no more than its questions take there, since on a machine with other programs it also waits for a processor.
2. A queue's message is three requests (send, receive, delete), and each queue is asked for messages all day.
3. What all services share (database, keys, secrets, alarms, metrics of routes) is a service of its own, `shared`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Any, Final

from infra.local.costs.loads import CALLS, CONNECTION_MINUTES, GPU_S, HOURS, LOADS, MINUTES, READERS
from infra.local.costs.prices import POSTGRES, PRICES, RPC_UNITS_A_CALL

SCALES: Final = (1, 100, 10_000)
SHARED: Final = "shared"
#: Memory that buys one processor, below which a function gets its share of one.
WHOLE_PROCESSOR_MB: Final = 1_769
#: Local neighbours answer in 0.2 ms (Postgres, Redis) and 3 ms (chains); in a region it is 2 ms and 30 ms. A
#: collection waits for the slowest of its venues, here as there for a second or so.
FARTHER: Final = 10
#: Two endpoints are asked at the same time; a transaction of Postgres is four round trips, an invocation two of them.
RPC_MS, REDIS_MS, POSTGRES_MS = 30, 2, 24
AS_FAR: Final = frozenset({"oracle/queue_collect", "contests/queue_refresh_market", "contests/queue_sync_token_list"})
#: Lambda asks each queue by five connections, each for 20 s (AWS, "Using Lambda with Amazon SQS").
IDLE_RECEIVES: Final = 5 * 3 * MINUTES
#: Names of metrics that a function writes: invocations, how they ended, and one or two of its own.
METRICS_A_FUNCTION, METRICS_A_ROUTE = 4, 6
#: A container reads its references again every five minutes (kernel.secrets).
READS_AN_HOUR, REFERENCES = 12, 3
SECRETS, KMS_KEYS = 10, 2
#: What infra/resources/alarms.yml looks at: of each function errors, invocations, throttles and failures of ours; of
#: each queue the oldest message; and three of the HTTP API and the dead letters.
ALARMED_A_FUNCTION, ALARMED_ONCE = 4, 3
#: Functions by what is in their names: those that open a key in each call, and those that ask a chain.
OPENS_KEYS: Final = (
    *("submit", "queue_commit", "queue_reveal", "queue_sign", "deliver_webhook"),
    *("generate_wallets", "collect_vanity"),
)
READS_CHAINS: Final = (
    *("submit", "queue_commit", "queue_reveal", "queue_sign", "finalise", "plan_rounds"),
    *("check_wallet", "follow_inlets", "take_deposit", "index_orders", "accepted_orders", "chain_events"),
    *("decide_order", "fill_order", "claim_orders", "close_order", "rebalance"),
    *("poll_program", "settle_batch", "netting_events", "index_batch", "close_withdrawal"),
    *("http_custody", "http_session_keys"),
    *("follow_watches", "exchange_events", "advance_phase", "queue_prove", "post_trades"),
    *("http_contests", "http_whitelist", "pay_prizes", "refund_entries", "cron_rake", "cron_faucet"),
)
SECONDS: Final = Decimal(HOURS * 3_600)
GB: Final = Decimal(10**9)

Measured = Mapping[str, Any]
#: Component -> dollars a month.
Costs = dict[str, Decimal]


@dataclass(frozen=True, slots=True)
class Bundle:
    """What is counted in the template: queues, HTTP routes, functions."""

    queues: int
    routes: int
    functions: int


def costs(measured: Measured, bundle: Bundle, scale: int) -> dict[str, Costs]:
    """Service -> component -> dollars a month at ``scale`` times the stated loads."""
    known = {name: facts for name, facts in measured["functions"].items() if name in CALLS}
    services = sorted({name.split("/")[0] for name in known})
    told = {
        service: _service(
            [(name, facts) for name, facts in known.items() if name.startswith(f"{service}/")], measured, scale
        )
        for service in services
    }
    told["ops"] |= _realtime(scale) | {"Modal": _times("gpu_s", _load("job", scale) * GPU_S)}
    return {**told, SHARED: _shared(measured, known, bundle, scale)}


def calls_of(name: str, scale: int) -> Decimal:
    """Invocations of a function in a month."""
    return sum((_load(load, scale) * times for load, times in CALLS[name].items()), Decimal(0))


def billed_ms(facts: Measured, waits_ms_max: Decimal) -> Decimal:
    """What Lambda bills for one invocation, whose questions take so long at most."""
    cpu_ms = Decimal(str(facts["cpu_ms"]))
    waits_ms = max(Decimal(str(facts["duration_ms"])) - cpu_ms, Decimal(0))
    share = max(Decimal(WHOLE_PROCESSOR_MB) / int(facts["memory_mb"]), Decimal(1))
    return (cpu_ms * share + min(waits_ms * FARTHER, waits_ms_max)).to_integral_value(ROUND_CEILING)


def billed(name: str, measured: Measured) -> Decimal:
    """The same for a function that was measured."""
    return billed_ms(measured["functions"][name], questions_ms(name, measured))


def questions_ms(name: str, measured: Measured) -> Decimal:
    """How long a function's questions take in production, by how many its service asks in one invocation."""
    if name in AS_FAR:
        facts = measured["functions"][name]
        return Decimal(str(facts["duration_ms"]))
    work = name.partition("/")[0]
    chains = rate(measured, work, "rpc_calls") * RPC_MS / 2 if _is_one_of(name, READS_CHAINS) else Decimal(0)
    return chains + rate(measured, work, "redis_commands") * REDIS_MS + POSTGRES_MS


def rate(measured: Measured, work: str, asked: str) -> Decimal:
    """How often something was asked for while work was done, for one of its invocations."""
    facts: Mapping[str, int] = measured["works"][work]
    calls = sum(count for name, count in facts.items() if name.startswith("calls of "))
    return (Decimal(facts[asked]) / calls).quantize(Decimal("0.1"))


def _service(functions: Iterable[tuple[str, Measured]], measured: Measured, scale: int) -> Costs:
    found: Costs = {}
    for name, facts in functions:
        work, kind, calls = name.split("/")[0], name.split("/")[1].split("_")[0], calls_of(name, scale)
        gb_s = calls * billed(name, measured) / 1000 * facts["memory_mb"] / 1024
        taken_in = calls * facts["log_bytes"] / GB
        parts = {
            "Lambda": _times("lambda_gb_s", gb_s) + _times("lambda_call", calls),
            "API Gateway, HTTP": _times("http_request", calls if kind == "http" else Decimal(0)),
            "SQS": _times("sqs_request", calls * 3 if kind == "queue" else Decimal(0)),
            "EventBridge": _times("tick", calls if kind == "cron" else Decimal(0)),
            "CloudWatch logs": _times("log_gb", taken_in) + _times("log_gb_month", taken_in),
            "KMS": _times("kms_call", calls if _is_one_of(name, OPENS_KEYS) else Decimal(0)),
            "Upstash": _times("redis_command", calls * rate(measured, work, "redis_commands")),
            "RPC": _times("rpc_unit", _rpc_calls(name, calls, rate(measured, work, "rpc_calls"))),
        }
        for part, usd in parts.items():
            found[part] = found.get(part, Decimal(0)) + usd
    return found


def _rpc_calls(name: str, calls: Decimal, a_call: Decimal) -> Decimal:
    """Compute units; what reads no chain is left out."""
    return calls * a_call * RPC_UNITS_A_CALL if _is_one_of(name, READS_CHAINS) else Decimal(0)


def _realtime(scale: int) -> Costs:
    minutes = _load("connection", scale) * CONNECTION_MINUTES
    messages = _load("news", scale) * READERS + _load("word", scale) * 2 + _load("connection", scale)
    return {"API Gateway, WebSocket": _times("ws_message", messages) + _times("ws_minute", minutes)}


def _shared(measured: Measured, known: Mapping[str, Measured], bundle: Bundle, scale: int) -> Costs:
    busy_s = sum((calls_of(name, scale) * billed(name, measured) / 1000 for name in known), Decimal(0))
    containers = len(known) + (busy_s / SECONDS).to_integral_value(ROUND_CEILING)
    reads = containers * REFERENCES * READS_AN_HOUR * HOURS
    tasks_s = sum((calls_of(name, scale) for name in known if "/queue_" in name), Decimal(0)) / SECONDS
    return {
        "Postgres": postgres(tasks_s)[0],
        "SQS": _times("sqs_request", Decimal(bundle.queues * IDLE_RECEIVES)),
        "Secrets Manager": _times("secret", Decimal(SECRETS)) + _times("secret_call", reads),
        "KMS": _times("kms_key", Decimal(KMS_KEYS)),
        "CloudWatch metrics": _times("metric", Decimal(bundle.functions * METRICS_A_FUNCTION)),
        "CloudWatch metrics of routes": _times("metric", Decimal(bundle.routes * METRICS_A_ROUTE)),
        "CloudWatch alarms": _times(
            "alarm", Decimal(ALARMED_A_FUNCTION * bundle.functions + bundle.queues + ALARMED_ONCE)
        ),
    }


def postgres(tasks_s: Decimal) -> tuple[Decimal, str]:
    """Dollars a month and the size, for so many tasks a second; several of the largest where one is not enough."""
    for usd, tasks_s_max, size in POSTGRES:
        if tasks_s <= tasks_s_max:
            return usd, size
    usd, tasks_s_max, size = POSTGRES[-1]
    count = (tasks_s / tasks_s_max).to_integral_value(ROUND_CEILING)
    return usd * count, f"{count} of {size}"


def _load(name: str, scale: int) -> Decimal:
    load = LOADS[name]
    return Decimal(load.count * (scale if load.scales else 1))


def _times(price: str, amount: Decimal | int) -> Decimal:
    return PRICES[price].usd * amount


def _is_one_of(name: str, words: Iterable[str]) -> bool:
    return any(word in name for word in words)
