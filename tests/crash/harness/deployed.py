"""Queues and the schedule as AWS runs them: what the dead held comes again late, and the sweep once a minute.

The other plays let a message come again at once and sweep whenever nothing else is due, for it does not matter to them
when an obligation is met. Where an effect has a window of seconds, whoever comes next has to come by himself.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from tests.crash.harness.site import START

if TYPE_CHECKING:
    from tests.crash.harness.world import Handler, Work, World

#: Six times a time-out of 20 s, as infra/resources/queues.yml has it.
INVISIBLE_S = 120.0
MINUTE = timedelta(minutes=1)


class Deployed:
    """The work of one world, as it comes in production; `World.work` without its leniency."""

    def __init__(self, world: "World", meanwhile: Callable[[], object]) -> None:
        """meanwhile: what the world does whenever time has passed; it makes blocks."""
        self._world, self._meanwhile = world, meanwhile

    def work(self, kinds: "Mapping[str, Work | Handler]") -> None:
        """Until no task is open."""
        world = self._world
        while self._is_open():
            message = world.queue.due()
            if message is not None:
                world.queue.hide(message, world.clock.now() + timedelta(seconds=INVISIBLE_S))
                world.deliver(message, kinds)
            elif not self._minute():
                self._wait()

    def _is_open(self) -> bool:
        rows = self._world.rows("select 1 from kernel.tasks where state in ('ready', 'leased') limit 1")
        return bool(rows)

    def _minute(self) -> bool:
        """The sweep of the minute that has begun last, unless it was made; who dies in it makes no other."""
        event = f"sweep of minute {self._minutes()}"
        if self._world.has_happened(event):
            return False
        self._world.once(event, lambda: None)
        self._world.tasks.sweep()
        return True

    def _wait(self) -> None:
        """Let time pass until a message is due, or the next minute begins."""
        clock, message = self._world.clock, self._world.queue.first()
        moments: list[datetime] = [START + (self._minutes() + 1) * MINUTE]
        moments += [message.at] if message is not None else []
        clock.advance(max((min(moments) - clock.now()).total_seconds(), 0.001))
        with self._world.points.unwatched():
            self._meanwhile()

    def _minutes(self) -> int:
        return (self._world.clock.now() - START) // MINUTE
