"""The users of the bridge's scene: what each wants, and how they send again what a reorganisation has dropped."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from functions.bridge.core.registry import Version
from infra.local.bridge.world import Wish, World
from infra.local.flare.accounts import ETHER, dev_account
from infra.local.flare.node import Node

AMOUNT_WEI: Final = ETHER // 20
LARGE_WEI: Final = ETHER // 2
FEE_WEI: Final = ETHER // 500
COMPLETED: Final = "completed"
#: Of a hundred orders these are of no use to us: nobody earns by them, or nobody can be paid.
EVERY: Final = 100
CHEAP: Final = frozenset((11, 61))
TOO_LARGE: Final = frozenset((23, 73))
REFUSING: Final = frozenset((37, 87))
LARGE: Final = frozenset((5, 45, 85))


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One order of the scene. outcome: the state that it must come to, with the reason where it is dropped."""

    number: int
    wish: Wish
    outcome: str


def plan(world: World, orders: int) -> list[Planned]:
    """So many orders of the world's users, by turns of either generation; each with a recipient of its own."""
    return [_planned(world, number) for number in range(orders)]


def _planned(world: World, number: int) -> Planned:
    kind = number % EVERY
    users = len(world.users)
    amount, fee, outcome = AMOUNT_WEI, FEE_WEI, COMPLETED
    recipient = dev_account("bridge", f"recipient {number}").address
    if kind in LARGE:
        amount = LARGE_WEI
    elif kind in CHEAP:
        fee, outcome = 1, "dropped: fee_below_cost"
    elif kind in TOO_LARGE:
        amount, outcome = 2 * ETHER, "dropped: amount_above_limit"
    elif kind in REFUSING:
        recipient, outcome = refusing(world), "dropped: recipient_refuses"
    wish = Wish(
        user=world.users[number % users],
        version=Version.V1 if (number + number // users) % 2 else Version.V2,
        recipient=recipient,
        amount_wei=amount + number,
        fee_wei=fee + number,
    )
    return Planned(number=number, wish=wish, outcome=outcome)


def refusing(world: World) -> str:
    """A contract on L1 that takes no payment; the same one every time."""
    address = dev_account("bridge", "who refuses").address
    # Code that reverts whatever comes: PUSH1 0, PUSH1 0, REVERT.
    world.l1.rpc("anvil_setCode", address, "0x60006000fd")
    return address


class Crowd:
    """Locks the planned orders, and looks after what was sent."""

    def __init__(self, world: World, planned: Sequence[Planned]) -> None:
        self.planned = {one.number: one for one in planned}
        self._world = world
        self._signed: dict[int, str] = {}
        self._hashes: dict[int, str] = {}

    def lock(self, numbers: Sequence[int]) -> None:
        """Send what locks these orders."""
        signed = self._world.signed([self.planned[number].wish for number in numbers])
        self._signed.update(zip(numbers, signed, strict=True))
        self._hashes.update(zip(numbers, self._world.broadcast(signed), strict=True))

    def are_under(self, numbers: Sequence[int], blocks: int) -> bool:
        """Whether the L2 has these orders, and so many blocks on the first of them."""
        found = [self._world.locked(self._hashes[number]) for number in numbers]
        deposits = [deposit.block_number for deposit in found if deposit is not None]
        return len(deposits) == len(numbers) and self._world.l2.block_number() >= min(deposits) + blocks

    def forgotten(self) -> list[int]:
        """The orders whose transactions the L2 knows no more."""
        with Node(self._world.l2.url) as node:
            found = node.batch([("eth_getTransactionByHash", [sent]) for sent in self._hashes.values()])
        return [number for number, known in zip(self._hashes, found, strict=True) if known is None]

    def lock_again(self, numbers: Sequence[int]) -> None:
        """Send the same transactions once more, the last first, so that the escrow counts them in another order."""
        self._world.broadcast([self._signed[number] for number in sorted(numbers, reverse=True)])

    def change_mind(self, number: int) -> None:
        """Send something else under the nonce of an order that the L2 knows no more: it will never come again."""
        user = self.planned.pop(number).wish.user.address
        del self._hashes[number]
        l2 = self._world.l2
        l2.rpc("anvil_impersonateAccount", user)
        l2.rpc("eth_sendTransaction", {"from": user, "to": user, "gas": hex(21_000)})
        l2.rpc("anvil_stopImpersonatingAccount", user)
