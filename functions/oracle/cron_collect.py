"""Every minute: ask for the collections of the coming minute, and remember which feeds there are."""

from functions.oracle.adapters.collect_tasks import collections_of
from functions.oracle.wiring import Deps, build_deps
from kernel.handler import Tick, scheduled


@scheduled(build_deps)
def handler(tick: Tick, deps: Deps) -> None:
    """A source older than a minute is stale, so one collection a minute would not do."""
    reward_epoch = deps.flare.reward_epoch_of(deps.flare.network.voting_epoch_at(tick.time).number)
    feeds = deps.flare.feeds(reward_epoch)

    deps.repository.remember_feeds(reward_epoch, feeds)
    deps.tasks.enqueue(collections_of(tick.time, feeds, every_s=deps.settings.collect_every_s))
