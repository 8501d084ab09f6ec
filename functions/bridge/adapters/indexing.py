"""Takes what cursors and webhooks tell of an escrow. It is a hint: the chain is read again, by a quorum.

1. An event of something else than a SetOrder of the origin's escrow is nothing.
2. The deposit is on the chain: it is indexed, once, whoever tells it how often.
3. It is not, and a retraction was told: the order is forgotten, or what was paid for it is lost. The chain may change
   its mind once more, and nobody tell: it is looked at until it is final about that block.
4. What was told and what the quorum says differ: look again, until the origin has had the time to become final twice.
   While the origin has not come so far, or is not final about what is there, much longer: nobody tells it again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, assert_never

from functions.bridge.adapters.orders import Indexed, Orders
from functions.bridge.adapters.origin import Origin
from functions.bridge.adapters.posting import Posts
from functions.bridge.adapters.reorganised import returned, vanished
from functions.bridge.core.finality import Depth
from functions.bridge.core.order import COMMITTED, Deposit
from functions.bridge.core.starknet import FeltsMalformed
from kernel.abi import WordMalformed
from kernel.chain_events import ToldEvent
from kernel.errors import Transient
from kernel.postgres import Fence, Transaction
from kernel.tasks import Done, Outcome, Retry, Skipped, Tasks

AWAY_S: Final = 5.0
#: The longest pause between two looks at what was told.
PAUSE_MAX_S: Final = 60
#: How long a block is waited for that the chain has not come to, as after an outage.
OPEN_S: Final = 7 * 86_400


@dataclass(frozen=True, slots=True)
class ToldDeposit(ToldEvent):
    """The payload: an event of an escrow; its watch is "bridge.<origin>.<which>"."""

    @property
    def origin(self) -> str:
        """Whose event it is, by the name of the watch."""
        return self.watch.split(".")[1] if self.watch.count(".") == 2 else ""

    @property
    def is_retraction(self) -> bool:
        """Whether it tells that a deposit is gone."""
        return bool(self.event["removed"])


@dataclass(frozen=True, slots=True)
class Seen:
    """The deposit, and where a quorum finds it; None for nowhere."""

    deposit: Deposit
    depth: Depth | None


@dataclass(frozen=True, slots=True)
class Foreign:
    """It is no deposit of ours."""

    reason: str


@dataclass(frozen=True, slots=True)
class Away:
    """The chain cannot be read now."""

    code: str


Found = Seen | Foreign | Away


class Indexing:
    """From events to orders."""

    def __init__(self, tasks: Tasks, orders: Orders, posts: Posts, origins: Mapping[str, Origin]) -> None:
        self._tasks, self._orders, self._posts, self._origins = tasks, orders, posts, origins

    def look(self, told: ToldDeposit) -> Found:
        """What the chain says of the event, as a quorum has it."""
        origin = self._origins.get(told.origin)
        if origin is None:
            return Foreign("no origin is configured under this name")
        try:
            deposit = origin.deposit(origin.reread(told.delivery.event))
            return Seen(deposit, origin.depth(deposit))
        except (WordMalformed, FeltsMalformed) as malformed:
            return Foreign(str(malformed))
        except Transient as away:
            return Away(away.code)

    def take(self, told: ToldDeposit, found: Found, *, fence: Fence) -> Outcome:
        """Index or forget the deposit, in a commit that ends the task, too; or look again later."""
        match found:
            case Foreign(reason):
                return Skipped(reason)
            case Away(code):
                return Retry(max(AWAY_S, _pause_s(fence)), f"the chain cannot be read: {code}")
            case Seen(deposit, depth):
                if depth is not None and (depth.finalized or (depth.confirmations > 0 and not told.is_retraction)):
                    return self._index(deposit, fence)
                if depth is None and told.is_retraction:
                    self._forget(deposit, fence)
                return self._wait(told, depth, fence)
        assert_never(found)

    def _wait(self, told: ToldDeposit, depth: Depth | None, fence: Fence) -> Outcome:
        """Every claim of the task is a look, and each was waited for: so much was waited at least."""
        pause_s = _pause_s(fence)
        waited_s = pause_s * (pause_s - 1) / 2 + (fence.token - pause_s) * PAUSE_MAX_S
        if depth is None and waited_s > 2 * self._origins[told.origin].finality_s + PAUSE_MAX_S:
            return Skipped("it was taken back" if told.is_retraction else "the chain does not have it")
        if waited_s > OPEN_S:
            return Skipped("the chain did not come so far")
        return Retry(pause_s, "the chain does not say yet what was told")

    def _index(self, deposit: Deposit, fence: Fence) -> Outcome:
        with self._tasks.postgres.transaction(holding=fence) as tx:
            order, found = self._orders.index(tx, deposit)
            if found == Indexed.NEXT_GENERATION:
                self._lose_earlier(tx, deposit)
            elif found == Indexed.MOVED and order.state in COMMITTED:
                returned(tx, self._orders, self._posts, order)
            result = {"order": order.business_key("index"), "found": str(found)}
            self._tasks.complete(tx, fence, result)
        return Done(result)

    def _lose_earlier(self, tx: Transaction, deposit: Deposit) -> None:
        """The id belongs to another deposit now: those that it belonged to before are gone."""
        for order in self._orders.generations(tx, deposit.key)[:-1]:
            vanished(tx, self._orders, self._posts, order)

    def _forget(self, deposit: Deposit, fence: Fence) -> None:
        """Once for each time that it goes: what is forgotten, or lost, is not so again."""
        with self._tasks.postgres.transaction(holding=fence) as tx:
            for order in self._orders.generations(tx, deposit.key):
                if order.deposit == deposit:
                    vanished(tx, self._orders, self._posts, order)


def _pause_s(fence: Fence) -> int:
    """Growing by a second with each look, up to a minute."""
    return min(fence.token, PAUSE_MAX_S)
