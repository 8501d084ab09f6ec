"""What became of the bridge scene's orders: counted in the database and on both chains, and judged."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx

from functions.bridge.core.registry import Version
from infra.local.bridge.stage import BridgeStage
from infra.local.bridge.world import World
from infra.local.demo.bridge_crowd import COMPLETED, Planned
from infra.local.demo.stage import SceneFailed
from infra.local.evm_reading import balance
from kernel.postgres import Postgres

#: An order that was forgotten because its deposit is gone is no order any more.
_STATES: Final = """
    select state || coalesce(': ' || case when state = 'dropped' then reason end, '') as outcome, count(*) as orders
    from bridge.orders where reason is distinct from 'reorganised' group by 1
"""
_OPEN: Final = "select count(*) as open from bridge.orders where state not in ('completed', 'dropped')"
_ORPHANED: Final = """
    select count(*) as orphaned from kernel.task_attempts a join kernel.tasks t on t.id = a.task_id
    where a.outcome = 'lost' and t.kind like 'bridge.%%'
"""
_HELD: Final = "select count(*) as held from kernel.tasks where kind like 'bridge.submit_%%' and state = 'leased'"
_TAKEN_BACK: Final = """
    select count(*) as events from kernel.tasks where kind = 'bridge.chain_events' and business_key like '%%:removed'
"""
ANSWER_WITHIN_S: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """The end of one generation's orders, money in wei.

    l1_wei, l2_wei: what the market maker has more, or less, than at first. earned_wei … profit_wei: as the books say.
    """

    version: Version
    wanted: Mapping[str, int]
    outcomes: Mapping[str, int]
    orphaned: int
    #: Deposits that the cursor had told and a reorganisation took back.
    taken_back: int
    duplicated: int
    lost: int
    l1_wei: int
    l2_wei: int
    earned_wei: int
    gas_wei: int
    messages_wei: int
    lost_wei: int
    profit_wei: int
    #: Of the treasury's own check, by chain.
    verdicts: Mapping[str, str]


def broken_promises(tally: Tally) -> list[str]:
    """What was not kept of what the scene promises, in sentences."""
    promises = {
        f"orders came to {dict(tally.outcomes)}, not {dict(tally.wanted)}": tally.outcomes == tally.wanted,
        f"{tally.duplicated} recipients were paid too much": tally.duplicated == 0,
        f"{tally.lost} recipients were paid too little": tally.lost == 0,
        f"the books say {tally.profit_wei} wei of profit, the chains {tally.l1_wei + tally.l2_wei}": (
            tally.profit_wei == tally.l1_wei + tally.l2_wei
        ),
        f"the treasury's own check says {dict(tally.verdicts)}": set(tally.verdicts.values()) == {"balanced"},
    }
    return [f"v{tally.version.value}: {sentence}" for sentence, holds in promises.items() if not holds]


class Counted:
    """One generation's deployment, and what its market maker had at first."""

    def __init__(self, world: World, stage: BridgeStage) -> None:
        self.stage, self._world = stage, world
        self._postgres = Postgres(stage.database_url)
        self._opening = self._held_wei()

    def close(self) -> None:
        """Leave the database."""
        self._postgres.close()

    @property
    def version(self) -> Version:
        """Of its registry."""
        return self.stage.target.version

    def outcomes(self) -> dict[str, int]:
        """How many orders came to which state, dropped ones by reason; without those whose deposit is gone."""
        with self._postgres.transaction() as tx:
            return {row["outcome"]: row["orders"] for row in tx.all(_STATES)}

    def is_over(self) -> bool:
        """Whether every order that the escrow knows has its end."""
        with self._postgres.transaction() as tx:
            if tx.one(_OPEN)["open"]:
                return False
        return sum(self.outcomes().values()) >= len(self._world.deposits(self.version))

    def held(self) -> int:
        """Transactions that are in a worker's hands."""
        with self._postgres.transaction() as tx:
            return int(tx.one(_HELD)["held"])

    def tally(self, planned: Iterable[Planned]) -> Tally:
        """The end; the books are asked over HTTP, as anybody asks them."""
        own = [one for one in planned if one.wish.version == self.version]
        l1_wei, l2_wei = (now - then for now, then in zip(self._held_wei(), self._opening, strict=True))
        paid = [self._difference(one) for one in own]
        with self._postgres.transaction() as tx:
            orphaned = tx.one(_ORPHANED)["orphaned"]
            taken_back = tx.one(_TAKEN_BACK)["events"]
        books = {name: int(wei) for name, wei in self._profit().items() if name.endswith("_wei")}
        return Tally(
            version=self.version,
            wanted=dict(Counter(one.outcome for one in own)),
            outcomes=self.outcomes(),
            orphaned=orphaned,
            taken_back=taken_back,
            duplicated=sum(difference > 0 for difference in paid),
            lost=sum(difference < 0 for difference in paid),
            l1_wei=l1_wei,
            l2_wei=l2_wei,
            verdicts=self.stage.books.verdicts(),
            **books,
        )

    def _difference(self, planned: Planned) -> int:
        """What a recipient holds more than it should; who cannot be paid has nothing."""
        wanted = planned.wish.amount_wei if planned.outcome == COMPLETED else 0
        return balance(self._world.l1, planned.wish.recipient) - wanted

    def _held_wei(self) -> tuple[int, int]:
        target = self.stage.target
        return balance(self._world.l1, target.signer), balance(self._world.l2, target.account)

    def _profit(self) -> dict[str, Any]:
        url = f"{self.stage.stack.gateway_url}/v1/bridge/pnl"
        answer = httpx.get(url, headers={"X-Api-Key": self.stage.admin_key}, timeout=ANSWER_WITHIN_S)
        if not answer.is_success:
            raise SceneFailed(f"GET {url} answered {answer.status_code}: {answer.text}")
        found: dict[str, Any] = answer.json()
        return found
