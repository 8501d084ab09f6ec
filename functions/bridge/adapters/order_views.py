"""Owns the documents of orders. Amounts and ids are text; a network is an origin by its name in the settings."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from functions.bridge.adapters.reading import Row, Story
from functions.bridge.adapters.stored import StoredOrder
from functions.bridge.core.books import Profit, share
from functions.bridge.core.order import State
from kernel.abi import WordMalformed, address_of_word
from kernel.handler.http import Document
from kernel.trace import Moment

NETWORK: Final = r"^[a-z][a-z0-9-]{0,19}$"
ORDER_ID: Final = r"^(0|[1-9][0-9]{0,77})$"
CURSOR: Final = r"^[0-9]{1,17}\.[a-z][a-z0-9-]{0,19}\.[0-9]{1,78}\.[0-9]{1,9}$"
ADDRESS: Final = r"^0x[0-9a-fA-F]{40}$"
Reason = Annotated[str, Field(min_length=1, max_length=300, pattern=r"^[ -~]*[!-~][ -~]*$")]


class OnChain(Document):
    """A transaction that is final, and its block."""

    transaction_hash: str
    block_number: int


class OrderView(Document):
    """One order as it stands. `recipient` is a whole word where it is no address; `payment` is ours on Ethereum.

    `failed`: a step has failed and is tried again. `parked`: it waits for a person. `lost`: it was paid, and then its
    deposit was reorganised away.
    """

    network: str
    order_id: str
    generation: int
    state: State
    reason: str | None
    failed: bool
    parked: bool
    lost: bool
    recipient: str
    amount_wei: str
    fee_wei: str
    deposit: OnChain
    payment: OnChain | None
    repayment: OnChain | None
    seen_at: datetime
    moved_at: datetime
    next_attempt_at: datetime | None


class Orders(Document):
    """A page, newest first; `next_cursor` continues it."""

    orders: list[OrderView]
    next_cursor: str | None


class Step(Document):
    """One step of an order's life; `left` is null for its first."""

    event: str
    left: State | None
    state: State
    at: datetime


class Failure(Document):
    """A step that failed, by the code in /docs/errors.json, and in which state."""

    code: str
    state: State
    at: datetime


class OrderStory(OrderView):
    """An order and its whole history. `generations` counts the deposits that this id ever was."""

    generations: int
    history: list[Step]
    failures: list[Failure]


class Part(Document):
    """An order's part in one of our transactions; what that cost is shared by `parts` orders."""

    key: str
    purpose: Literal["fill", "claim"]
    parts: int
    state: str
    transaction_hash: str | None
    gas_wei: str | None
    message_wei: str


class ProfitView(Document):
    """What came of it: the fee that was earned, less gas, messages to the network, and losses.

    `messages_wei`: less what came back of them.
    """

    earned_wei: str
    gas_wei: str
    messages_wei: str
    lost_wei: str
    profit_wei: str


class StepFacts(Step):
    """The same with what is kept of it."""

    details: dict[str, Any]
    correlation_id: str | None


class FailureFacts(Failure):
    """The same with its words."""

    message: str
    correlation_id: str | None


class Happening(Document):
    """One moment of the time-line, as in /v1/trace."""

    key: str
    at: datetime
    room: str
    what: str
    facts: dict[str, str | int | bool | None]


class OrderTrace(OrderView):
    """Everything that is known of an order: the newest decision with its inputs, our transactions, every moment."""

    decision: dict[str, Any] | None
    decided_at: datetime | None
    attempts: int
    history: list[StepFacts]
    failures: list[FailureFacts]
    transactions: list[Part]
    profit: ProfitView
    keys: list[str]
    moments: list[Happening]


class Why(Document):
    """The reason for a privileged act."""

    reason: Reason


def order_view(order: StoredOrder) -> OrderView:
    """As anybody may see it."""
    return OrderView(**_order(order))


def story_view(story: Story) -> OrderStory:
    """The same with its history."""
    return OrderStory(
        **_order(story.order),
        generations=story.generations,
        history=[Step(**_step(row)) for row in story.history],
        failures=[Failure(**_failure(row)) for row in story.errors],
    )


def trace_view(story: Story, moments: Mapping[str, Iterable[Moment]]) -> OrderTrace:
    """The same with what only operators see. moments: of each business key."""
    told = [_happening(key, one) for key, some in moments.items() for one in some]
    return OrderTrace(
        **_order(story.order),
        **{name: getattr(story.order, name) for name in ("decision", "decided_at", "attempts")},
        history=[
            StepFacts(**_step(row), details=row["details"], correlation_id=row["correlation_id"])
            for row in story.history
        ],
        failures=[
            FailureFacts(**_failure(row), message=row["message"], correlation_id=row["correlation_id"])
            for row in story.errors
        ],
        transactions=[_part(row) for row in story.transfers],
        profit=profit_view(profit_of(story.order, story.transfers)),
        keys=sorted(moments),
        moments=sorted(told, key=lambda one: one.at),
    )


def profit_of(order: StoredOrder, transfers: Sequence[Row]) -> Profit:
    """What came of one order so far, in wei."""
    ended = [one for one in transfers if one["fee"] is not None]
    claims = [one for one in ended if one["purpose"] == "claim" and one["state"] == "confirmed"]
    return Profit(
        earned_wei=order.deposit.fee_wei if order.state == State.COMPLETED else 0,
        gas_wei=sum(_share(one, "fee") for one in ended),
        messages_wei=sum(_share(one, "amount") - _share(one, "refunded") for one in claims),
        lost_wei=order.deposit.amount_wei if order.is_lost else 0,
    )


def profit_view(profit: Profit) -> ProfitView:
    """As the API shows it."""
    names = ("earned_wei", "gas_wei", "messages_wei", "lost_wei", "profit_wei")
    return ProfitView(**{name: str(getattr(profit, name)) for name in names})


def recipient_text(word: int) -> str:
    """An address, or the whole word where it is none."""
    try:
        return address_of_word(word)
    except WordMalformed:
        return f"0x{word:064x}"


def _order(order: StoredOrder) -> dict[str, Any]:
    deposit = order.deposit
    names = ("generation", "state", "reason", "seen_at", "moved_at", "next_attempt_at")
    return {
        **{name: getattr(order, name) for name in names},
        **{name: getattr(order, f"is_{name}") for name in ("failed", "parked", "lost")},
        "network": deposit.key.origin,
        "order_id": str(deposit.key.order_id),
        "recipient": recipient_text(deposit.recipient),
        "amount_wei": str(deposit.amount_wei),
        "fee_wei": str(deposit.fee_wei),
        "deposit": _on_chain(deposit.transaction_hash, deposit.block_number),
        "payment": _on_chain(order.fill_hash, order.fill_block),
        "repayment": _on_chain(order.close_hash, order.close_block),
    }


def _on_chain(transaction_hash: bytes | None, block_number: int | None) -> OnChain | None:
    if transaction_hash is None or block_number is None:
        return None
    return OnChain(transaction_hash="0x" + transaction_hash.hex(), block_number=block_number)


def _step(row: Row) -> dict[str, Any]:
    return {"event": row["event"], "left": row["state_left"], "state": row["state"], "at": row["happened_at"]}


def _failure(row: Row) -> dict[str, Any]:
    return {"code": row["code"], "state": row["state"], "at": row["happened_at"]}


def _part(row: Row) -> Part:
    return Part(
        key=row["transfer"],
        purpose=row["purpose"],
        parts=row["parts"],
        state=row["state"],
        transaction_hash=row["transaction_id"],
        gas_wei=None if row["fee"] is None else str(_share(row, "fee")),
        message_wei=str(_share(row, "amount") if row["purpose"] == "claim" else 0),
    )


def _share(row: Row, column: str) -> int:
    return share(int(row[column]), row["ordinal"], row["parts"])


def _happening(key: str, moment: Moment) -> Happening:
    return Happening(key=key, at=moment.at, room=moment.room, what=moment.what, facts=dict(moment.facts))
