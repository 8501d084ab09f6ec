"""Owns what is measured of the bundle: the counts of every room, the breakers and the wallets, as Prometheus' families.

Dependencies stand as in /health/deep, by the breakers that every container goes by; wallets are told by service and
chain, so that no label grows with what happens.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from functions.ops.core.exposition import Family, Number, Sample
from kernel.breaker import Condition, State
from kernel.gauges import Gauges, Rows
from kernel.treasury.wallets import WalletRecord

#: Family -> the count that it shows, the column of its value, what it says. Other columns of text are its labels.
COUNTS: Final[Mapping[str, tuple[str, str, str]]] = {
    "tasks_open": ("open_tasks", "amount", "Tasks that are not done."),
    "tasks_overdue_seconds": ("open_tasks", "oldest_s", "How long the oldest open task has been due."),
    "tasks_parked": ("parked_tasks", "amount", "Tasks that wait for a person."),
    "tasks_parked_seconds": ("parked_tasks", "oldest_s", "How long the oldest parked task has waited."),
    "tasks_ended_5m": ("ended_tasks", "amount", "Tasks that ended within the last five minutes."),
    "dead_letters": ("dead_letters", "amount", "Messages that were given up and not replayed."),
    "dead_letters_seconds": ("dead_letters", "oldest_s", "How old the oldest of them is."),
    "outbox_open": ("outbox", "amount", "Obligations of chain transactions that are not final."),
    "outbox_open_seconds": ("outbox", "oldest_s", "How old the oldest of them is."),
    "alarms": ("alarms", "amount", "What needs a person."),
    "service_halted": ("services", "halted", "Whether a service is halted; those that were never are not told."),
    "webhook_endpoints": ("webhook_endpoints", "amount", "Receivers of webhooks."),
    "webhooks_pending": ("webhook_deliveries", "amount", "Webhooks on their way."),
    "webhooks_pending_seconds": ("webhook_deliveries", "oldest_s", "How old the oldest of them is."),
    "offload_open": ("offload", "amount", "Offloaded computations that have not ended."),
    "offload_open_seconds": ("offload", "oldest_s", "How old the oldest of them is."),
    "pins_lacking": ("pins", "amount", "Pinned contents that lack copies."),
    "pins_lacking_seconds": ("pins", "oldest_s", "How old the oldest of them is."),
    "work_open": ("work", "amount", "What a service has not finished: the bridge's orders, by network and state."),
    "work_open_seconds": ("work", "oldest_s", "Since when the oldest of it has not moved."),
    "prices": ("prices", "amount", "Feeds that have a price."),
    "prices_oldest_seconds": ("prices", "oldest_s", "How old the oldest of these prices is."),
    "prices_newest_seconds": ("prices", "newest_s", "How old the newest of these prices is."),
}


#: Gauges of services (kernel.service_gauges): what they say, by the service's name and theirs.
OF_SERVICES: Final[Mapping[str, str]] = {
    "oracle_price_age_seconds": "How old a feed's newest price is.",
    "oracle_price_sources": "How many sources agreed on it.",
    "oracle_price_width_bps": "Its confidence: the half-width of a 95 % interval, in ten-thousandths of it.",
    "oracle_rounds_1h": "Our voting rounds of the last hour, by the phases that were done.",
    "oracle_rounds_missed_1h": "Phases of voting rounds of the last hour that nobody did in their window.",
    "oracle_commit_age_seconds": "How long ago we committed last.",
    "oracle_venue_up": "Whether a venue answered at its newest collection.",
    "oracle_venue_answered_share_1h": "At how many of the collections of the last hour a venue answered.",
    "oracle_faults_1d": "What we did wrong in the last 960 rounds, as the chain shows it.",
}


def families(gauges: Gauges, conditions: Iterable[Condition], wallets: Iterable[WalletRecord]) -> list[Family]:
    """Everything that is measured."""
    counts = gauges.read()
    told = [Family(name, says, _samples(counts[count], column)) for name, (count, column, says) in COUNTS.items()]
    return [*told, *_of_services(counts["service_gauges"]), _dependencies(conditions), *_treasury(wallets)]


def _samples(rows: Rows, column: str) -> list[Sample]:
    return [
        Sample({name: value for name, value in row.items() if isinstance(value, str)}, +row[column]) for row in rows
    ]


def _of_services(rows: Rows) -> Iterator[Family]:
    """Every gauge of a service by its name; KeyError for one that nobody has explained."""
    samples: dict[str, list[Sample]] = {name: [] for name in OF_SERVICES}
    for row in rows:
        samples[f"{row['service']}_{row['gauge']}"].append(Sample(row["labels"], row["value"]))
    return (Family(name, says, samples[name]) for name, says in OF_SERVICES.items())


def _dependencies(conditions: Iterable[Condition]) -> Family:
    samples = [
        Sample({"dependency": one.dependency, "state": state.value}, int(one.state is state))
        for one in conditions
        for state in State
    ]
    return Family("dependency_state", "1 for the state in which a dependency is, 0 for the others.", samples)


def _treasury(wallets: Iterable[WalletRecord]) -> Iterator[Family]:
    """By service and chain. A wallet that was never read counts as one, and has no balance."""
    groups: dict[tuple[str, str], list[WalletRecord]] = defaultdict(list)
    for wallet in wallets:
        groups[wallet.service, wallet.chain].append(wallet)
    yield _grouped(groups, "treasury_wallets", "Wallets of the treasury.", len)
    yield _grouped(groups, "treasury_balance_base_units", "What they hold, at their last checks.", _balance)
    yield _grouped(groups, "treasury_floor_base_units", "What they should hold at least.", _floor)
    yield _grouped(groups, "treasury_headroom_ratio", "The least balance / floor of a wallet that has one.", _headroom)


def _grouped(groups: Mapping[tuple[str, str], Sequence[WalletRecord]], name: str, says: str, measure: Any) -> Family:
    measured = {group: measure(wallets) for group, wallets in groups.items()}
    samples = [
        Sample({"service": service, "chain": chain}, value)
        for (service, chain), value in sorted(measured.items())
        if value is not None
    ]
    return Family(name, says, samples)


def _balance(wallets: Sequence[WalletRecord]) -> Number:
    return sum(wallet.chain_balance or 0 for wallet in wallets)


def _floor(wallets: Sequence[WalletRecord]) -> Number:
    return sum(wallet.floor for wallet in wallets)


def _headroom(wallets: Sequence[WalletRecord]) -> Number | None:
    ratios = [
        wallet.chain_balance / wallet.floor for wallet in wallets if wallet.floor and wallet.chain_balance is not None
    ]
    return min(ratios, default=None)
