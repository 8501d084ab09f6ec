"""The tasks of an order's life: their kinds, payloads and keys."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from functions.bridge.adapters.origin import KIND as CHAIN_EVENTS
from functions.bridge.core.order import OrderKey
from kernel.correlation import current
from kernel.tasks import TaskSpec

SERVICE: Final = "bridge"
DECIDE: Final = "bridge.decide_order"
FILL: Final = "bridge.fill_order"
SUBMIT: Final = "bridge.submit_l1_transaction"
CLAIM: Final = "bridge.claim_orders"
CLOSE: Final = "bridge.close_order"
#: A step that cannot be taken now fails for reasons of the surroundings; the order itself counts its own failures.
ATTEMPTS_MAX: Final = 100
#: Who asks for claims has committed by then: a task that looks earlier sees nothing, and there is one for each slot.
COMMITTED_WITHIN_S: Final = 1

__all__ = [
    "CHAIN_EVENTS",
    "CLAIM",
    "CLOSE",
    "DECIDE",
    "FILL",
    "SERVICE",
    "SUBMIT",
    "ClaimSlot",
    "OrderStep",
    "claims",
    "step",
]


@dataclass(frozen=True, slots=True)
class OrderStep:
    """The payload of a step of one order. In a task's JSON the id is text: it may have 78 digits."""

    origin: str
    order_id: int
    generation: int

    @property
    def key(self) -> OrderKey:
        """The order's name."""
        return OrderKey(self.origin, self.order_id)


@dataclass(frozen=True, slots=True)
class ClaimSlot:
    """The payload of a claim of whatever is claimable of an origin."""

    origin: str


def step(kind: str, key: OrderKey, generation: int, *, number: int, wakes: int = 0, run_at: datetime) -> TaskSpec:
    """The task that takes an order's step, as "bridge:zksync:17:decide". It is one of its kind and number.

    number: of the round, or of the claim, from 1; it shows from the second on. wakes: above 0 it is asked for anew,
    because the task of this number has ended or is lost.
    """
    name = kind.removeprefix("bridge.").removesuffix("_order") + (f":{number}" if number > 1 else "")
    return TaskSpec(
        kind=kind,
        business_key=key.business_key(name + (f":again{wakes}" if wakes else ""), generation),
        payload={"origin": key.origin, "order_id": str(key.order_id), "generation": generation},
        run_at=run_at,
        attempts_max=ATTEMPTS_MAX,
        correlation_id=current(),
    )


def claims(origin: str, now: datetime, every_s: int) -> TaskSpec:
    """The task that claims what is claimable of an origin when the present slot ends: claims gather until then.

    Or the next one, where this one is about to end.
    """
    slot = (int(now.timestamp()) + COMMITTED_WITHIN_S) // every_s + 1
    epoch = datetime.fromtimestamp(0, tz=now.tzinfo)
    return TaskSpec(
        kind=CLAIM,
        business_key=f"bridge:{origin}:claims:{slot}",
        payload={"origin": origin},
        run_at=epoch + timedelta(seconds=slot * every_s),
        attempts_max=ATTEMPTS_MAX,
        correlation_id=current(),
    )
