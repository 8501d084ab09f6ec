"""Every hour: tell the audit chain's head to the log, out of reach of whoever could cut the chain in the database."""

from functions.ops.wiring import Deps, build_deps
from kernel.handler import Tick, logger, scheduled


@scheduled(build_deps)
def handler(_tick: Tick, deps: Deps) -> None:
    head = deps.audit.head()

    logger.info("The audit chain's head.", extra={"audit_head": str(head)})
