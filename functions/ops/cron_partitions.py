"""Every hour: make the days ahead of the partitioned tables, drop what is no longer kept, alarm rows without a day."""

from functions.ops.wiring import Deps, build_deps
from kernel.handler import Tick, count, scheduled


@scheduled(build_deps)
def handler(_tick: Tick, deps: Deps) -> None:
    report = deps.partitions.maintain()

    count("partitions_made", sum(len(table.made) for table in report))
    count("partitions_dropped", sum(len(table.dropped) for table in report))
