"""infra/COSTS.md, made of what was measured and of what is stated; a test compares."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from infra.local import settings
from infra.local.costs import computing
from infra.local.costs.computing import SCALES, Bundle, Costs, billed, calls_of, costs
from infra.local.costs.loads import CALLS, LOADS, ROUNDS
from infra.local.costs.prices import MILLION, POSTGRES, POSTGRES_SOURCE, PRICES

FILE: Final = settings.ROOT / "infra/COSTS.md"
#: Gas of a provider's transactions in one round, and of a finalisation with 4 and with 100 voters (BENCHMARKS.md).
GAS: Final = {"commit": 30_330, "reveal": 34_385, "signatures": 30_853}
RELAY_GAS: Final = (107_041, 509_959)
#: Flare's base fee since its start, and what its coin is taken to be worth.
CENT, CENTS_MAX, FOUR_DIGITS = Decimal("0.01"), 100, 9_999
BASE_FEE_GWEI, FLR_USD = 25, Decimal("0.02")

HEAD: Final = f"""# What it costs

Written by `make costs` from [costs.json](costs.json), which was measured, and from what `infra/local/costs` states
(loads) and copies (prices). `make costs ARGS=--measure` measures anew, in five minutes.

Dollars a month by list prices of us-east-1, without free tiers, discounts, data transfer and people. An invocation is
billed for its processor time, stretched by the share of a processor that its memory buys, and for its waiting,
stretched {computing.FARTHER} times (what stands next door here is farther away in production), but for no more than its
questions take there. A function that reads a chain is taken to ask as often as its service does on average.
"""


def document(measured: Mapping[str, Any]) -> str:
    """The whole page."""
    bundle = Bundle(**measured["bundle"])
    told = {scale: costs(measured, bundle, scale) for scale in SCALES}
    parts = [
        HEAD,
        _table("## Dollars a month", ("", *(f"{_count(scale)}×" for scale in SCALES)), _services(told)),
        _table("## Loads", ("in a month", "at 1×", "at 10 000×"), _loads()),
        _table(
            "## Functions",
            (
                "function",
                "memory",
                "used",
                "takes",
                "of it processor",
                "is billed",
                "a million calls",
                "calls at 1×",
                "by",
            ),
            _functions(measured),
        ),
        f"Measured {measured['measured_at']} on two cores, at load averages of {_averages(measured)}. By `work`: the "
        "median while work of its service ran. By `event`: what one call in ten with its own event is quicker "
        "than; where that names a task that does not exist, it is the price of looking.\n",
        _flare(),
        _table("## Prices", ("price", "source", "read"), _prices()),
    ]
    return "\n".join(parts)


def _averages(measured: Mapping[str, Any]) -> str:
    return ", ".join(f"{average} ({service})" for service, average in measured["load_averages"].items())


def _services(told: Mapping[int, Mapping[str, Costs]]) -> Iterator[Sequence[str]]:
    first = told[SCALES[0]]
    for service, components in first.items():
        for component in components:
            usd = [told[scale][service][component] for scale in SCALES]
            if any(usd):
                yield (f"{service}: {component}", *(_dollars(one) for one in usd))
        sums = [sum(told[scale][service].values(), Decimal(0)) for scale in SCALES]
        yield (f"**{service}**", *(f"**{_dollars(one)}**" for one in sums))
    whole = [sum((sum(one.values(), Decimal(0)) for one in told[scale].values()), Decimal(0)) for scale in SCALES]
    yield ("**all**", *(f"**{_dollars(one)}**" for one in whole))


def _loads() -> Iterator[Sequence[str]]:
    for load in LOADS.values():
        most = load.count * (SCALES[-1] if load.scales else 1)
        yield load.meaning, _count(load.count), _count(most)


def _functions(measured: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    for name, facts in measured["functions"].items():
        if name not in CALLS:
            continue
        ms = billed(name, measured)
        usd = ms / 1000 * facts["memory_mb"] / 1024 * PRICES["lambda_gb_s"].usd + PRICES["lambda_call"].usd
        yield (
            f"`{name}`",
            f"{facts['memory_mb']} MB",
            f"{facts['used_mb']} MB",
            f"{facts['duration_ms']} ms",
            f"{facts['cpu_ms']} ms",
            f"{ms} ms",
            f"${_dollars(usd * MILLION)}",
            _count(int(calls_of(name, 1))),
            facts["by"],
        )


def _flare() -> str:
    gas = sum(GAS.values())
    flr = Decimal(gas * BASE_FEE_GWEI) / 10**9
    relays = [Decimal(one * BASE_FEE_GWEI) / 10**9 * FLR_USD for one in RELAY_GAS]
    each = ", ".join(
        f"{name} {_count(one)} gas, ${Decimal(one * BASE_FEE_GWEI) / 10**9 * FLR_USD:.6f}" for name, one in GAS.items()
    )
    return (
        "## Flare's submissions\n\n"
        f"At {BASE_FEE_GWEI} gwei a gas, which has been the base fee since the network's start, and with FLR at "
        f"${FLR_USD}: {each}. Together {_count(gas)} gas or {flr:.5f} FLR a round, ${flr * FLR_USD:.6f}; "
        f"${flr * FLR_USD * ROUNDS:.2f} a month of {_count(ROUNDS)} rounds, before the refund of a registered "
        f"address's first submission. A finalisation is paid by whoever relays: ${relays[0]:.6f} with 4 voters, "
        f"${relays[1]:.6f} with 100. None of it depends on load.\n"
    )


def _prices() -> Iterator[Sequence[str]]:
    for price in PRICES.values():
        yield price.unit, price.source, price.read or "not lately"
    source, read = POSTGRES_SOURCE
    for usd, tasks_s, size in POSTGRES:
        yield f"${_count(int(usd))} a month for Postgres of size {size}, up to {_count(tasks_s)} tasks/s", source, read


def _table(title: str, head: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    right = "|".join("---" if index == 0 else "---:" for index in range(len(head)))
    lines = [f"| {' | '.join(row)} |" for row in (head, *rows)]
    return "\n".join([title, "", lines[0], f"|{right}|", *lines[1:], ""])


def _dollars(usd: Decimal) -> str:
    """Cents where they say something."""
    if not usd:
        return "0"
    if usd < CENT:
        return "< 0.01"
    return f"{usd:.2f}" if usd < CENTS_MAX else _count(int(usd.to_integral_value()))


def _count(number: int) -> str:
    """1 234 567, as everywhere in these pages."""
    return f"{number:,}".replace(",", " ") if number > FOUR_DIGITS else str(number)
