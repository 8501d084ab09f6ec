"""Every minute: ask for a registration that is open, for the records of rounds that are over, for ended rewards."""

from datetime import timedelta

from functions.oracle.adapters.reward_tasks import reward_specs
from functions.oracle.core.reward_plan import plan_rewards
from functions.oracle.wiring import Deps, build_deps
from kernel.handler import Tick, scheduled

TWO_MINUTES = timedelta(minutes=2)


@scheduled(build_deps)
def handler(tick: Tick, deps: Deps) -> None:
    """Idempotent per (kind, round or reward epoch)."""
    calendar = deps.rewards.calendar()

    planned = plan_rewards(calendar, deps.clock.now(), tick.time + TWO_MINUTES)

    deps.tasks.enqueue(reward_specs(planned))
