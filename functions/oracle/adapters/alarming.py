"""Tells what about our part in the network needs a person: an alarm is logged when it begins and when it passes."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import TYPE_CHECKING

from functions.oracle.adapters.observations import Q
from functions.oracle.core.alarms import ROUNDS_KEPT, Signs, alarms
from kernel.clock import Clock
from kernel.handler import count
from kernel.postgres import Postgres, Transaction

if TYPE_CHECKING:
    from kernel.realtime import Publisher

logger = logging.getLogger(__name__)
TOPIC = "admin"


class Alarming:
    """Looks at what was observed as time passes."""

    def __init__(self, postgres: Postgres, publisher: Publisher, clock: Clock) -> None:
        self._postgres, self._publisher, self._clock = postgres, publisher, clock

    def tell(self) -> tuple[str, ...]:
        """The alarms that stand now; nothing before the first observation."""
        now = self._clock.now()
        with self._postgres.transaction() as tx:
            before = {row["alarm"] for row in tx.all(Q["standing_alarms"])}
            signs = _signs(tx)
            standing = alarms(signs, now.timestamp()) if signs else ()
            for alarm in sorted({*standing} - before):
                tx.execute(Q["begin_alarm"], alarm=alarm, now=now)
                self._say(tx, alarm, now, "alarm_began")
            for alarm in sorted(before - {*standing}):
                tx.execute(Q["end_alarm"], alarm=alarm, now=now)
                self._say(tx, alarm, now, "alarm_passed")
        count("oracle_alarms", len(standing))
        return standing

    def _say(self, tx: Transaction, alarm: str, now: datetime, event: str) -> None:
        began = event == "alarm_began"
        words = "The oracle needs a person." if began else "An alarm of the oracle has passed."
        name = f"oracle.{alarm}"
        told = {"alarm" if began else "passed": name}
        tx.after_commit(lambda: logger.log(logging.ERROR if began else logging.INFO, words, extra=told))
        key = f"{name}:{event}:{now.isoformat()}"
        self._publisher.publish(TOPIC, {"event": event, "alarm": name}, after=tx, key=key)


def _signs(tx: Transaction) -> Signs | None:
    newest = tx.all(Q["newest_rounds"], rounds=ROUNDS_KEPT)
    if not newest:
        return None
    conduct = tx.maybe(Q["our_conduct"], reward_epoch=newest[0]["reward_epoch"])
    oldest = newest[-1]["voting_round"]
    return Signs(
        our_faults=[row["fault"] for row in tx.all(Q["our_faults_since"], voting_round=oldest)],
        low_payers=[row["address"] for row in tx.all(Q["our_low_payers"])],
        hits=conduct["hits"] if conduct else 0,
        possible=conduct["possible"] if conduct else 0,
        rounds=conduct["rounds"] if conduct else 0,
        faulty_weight_bips=newest[0]["faulty_weight_bips"],
        newest_observed_s=max(row["observed_at"] for row in newest).timestamp(),
    )
