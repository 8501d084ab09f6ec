"""Published list prices in US dollars, without free tiers and discounts; of AWS those of us-east-1.

`read` is the day on which the figure was seen, there or in a copy of the page; None: as known from earlier, to be
looked up before anybody relies on it.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from kernel.offload.rates import DEFAULTS as OFFLOAD

MILLION: Final = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class Price:
    """What one of something costs."""

    usd: Decimal
    unit: str
    source: str
    read: str | None


def _price(usd: str, per: int, unit: str, source: str, read: str | None = None) -> Price:
    return Price(Decimal(usd) / per, f"${usd} {unit}", source, read)


LAMBDA, GATEWAY = "aws.amazon.com/lambda/pricing", "aws.amazon.com/api-gateway/pricing"
CLOUDWATCH = "aws.amazon.com/cloudwatch/pricing"
PRICES: Final[dict[str, Price]] = {
    "lambda_gb_s": _price("0.0000133334", 1, "a GB-second on arm64, below 7.5 billion a month", LAMBDA, "2026-11-21"),
    "lambda_call": _price("0.20", 1_000_000, "a million requests", LAMBDA, "2026-11-21"),
    "http_request": _price("1.00", 1_000_000, "a million requests of an HTTP API", GATEWAY, "2026-11-21"),
    "ws_message": _price("1.00", 1_000_000, "a million messages of 32 KB, in or out", GATEWAY, "2026-11-21"),
    "ws_minute": _price("0.25", 1_000_000, "a million minutes of connections", GATEWAY, "2026-11-21"),
    "sqs_request": _price("0.40", 1_000_000, "a million requests to standard queues", "aws.amazon.com/sqs/pricing"),
    "tick": _price("1.00", 1_000_000, "a million events", "aws.amazon.com/eventbridge/pricing", "2026-11-21"),
    "log_gb": _price("0.50", 1, "a GB of logs taken in", CLOUDWATCH, "2026-11-21"),
    "log_gb_month": _price("0.03", 1, "a GB of logs kept for a month", CLOUDWATCH),
    "metric": _price("0.30", 1, "a metric of one's own and month, below 10 000", CLOUDWATCH),
    "alarm": _price("0.10", 1, "a metric that an alarm looks at and month", CLOUDWATCH),
    "kms_key": _price("1.00", 1, "a key and month", "aws.amazon.com/kms/pricing"),
    "kms_call": _price("0.03", 10_000, "ten thousand requests", "aws.amazon.com/kms/pricing"),
    "secret": _price("0.40", 1, "a secret and month", "aws.amazon.com/secrets-manager/pricing"),
    "secret_call": _price("0.05", 10_000, "ten thousand requests", "aws.amazon.com/secrets-manager/pricing"),
    "redis_command": _price(
        "0.20", 100_000, "a hundred thousand commands, pay as you go", "upstash.com/pricing/redis", "2026-11-21"
    ),
    "rpc_unit": _price("0.45", 1_000_000, "a million compute units, pay as you go", "alchemy.com/pricing"),
    "gpu_s": Price(
        OFFLOAD.gpu_microusd_per_s / MILLION,
        f"${OFFLOAD.gpu_microusd_per_s / MILLION} a second of an L4 (kernel/offload/rates.py)",
        "modal.com/pricing",
        None,
    ),
}
#: Supabase's Pro plan with a computer of each size, less its credit of 10: dollars a month, and the tasks a second for
#: which one is taken. 530 records/s were measured on two cores (BENCHMARKS.md); a fifth of that leaves room. The
#: smallest is not smaller because its pooler must admit every container at once (custom.database in serverless.yml).
POSTGRES: Final = (
    (Decimal(25 + 210 - 10), 200, "XL"),
    (Decimal(25 + 960 - 10), 800, "4XL"),
    (Decimal(25 + 3_730 - 10), 3_200, "16XL"),
)
POSTGRES_SOURCE: Final = ("supabase.com/docs/guides/platform/manage-your-usage/compute", "2026-11-21")
#: Units of an eth_call, which is the usual one: a receipt is 15 to 20, logs 60 to 75, a sent transaction up to 250.
RPC_UNITS_A_CALL: Final = 26
