"""One step of orders at a time, for tests that look between them."""

from typing import Any

from tests.handlers.bridge.office import Office
from tests.integration.bridge.simulated_chain import Transaction

EVENTS, DECIDE, FILL = "bridge.chain_events", "bridge.decide_order", "bridge.fill_order"
SUBMIT, CLAIM, CLOSE = "bridge.submit_l1_transaction", "bridge.claim_orders", "bridge.close_order"
ROUNDS_MAX = 200


def take(office: Office, *kinds: str) -> int:
    """Deliver what is due of these kinds, as often as something is; how many."""
    done = 0
    for _ in range(ROUNDS_MAX):
        due = [task for task in office.due() if task["kind"] in kinds]
        if not due:
            return done
        for task in due:
            office.deliver(task)
            done += 1
    raise AssertionError(f"still due: {due}")


def known(office: Office, *, confirmations: int = 2) -> None:
    """The cursors read what users locked, once so many blocks lie on it."""
    office.stage.l2.mine(confirmations)
    office.minute()
    take(office, EVENTS)


def until(office: Office, *kinds: str, state: str, order_id: int = 0, rounds: int = 60) -> None:
    """Let these kinds of task be done, and both chains and the clock go on, until the order is in a state."""
    for _ in range(rounds):
        take(office, *kinds)
        if order(office, order_id)["state"] == state:
            return
        office.stage.l1.mine()
        office.stage.l2.mine()
        office.clock.advance(3)
    raise AssertionError(dict(order(office, order_id)))


def vanish(office: Office) -> list[Transaction]:
    """The origin is reorganised, and the deposit's transaction is mined nowhere; what may be mined again."""
    kept: list[Transaction] = []
    depth = office.stage.l2.head - office.stage.deposits()[0].block + 1
    office.stage.reorganise_l2(depth, lambda dropped: kept.extend(dropped) or [])  # type: ignore[func-returns-value]  # extend returns nothing
    return kept


def order(office: Office, order_id: int = 0, generation: int = 1) -> dict[str, Any]:
    """An order's row."""
    query = "select * from bridge.orders where order_id = %(order_id)s and generation = %(generation)s"
    [row] = office.rows(query, order_id=order_id, generation=generation)
    return row


def states(office: Office) -> list[str]:
    """Of all orders, by id and generation."""
    return [row["state"] for row in office.rows("select state from bridge.orders order by order_id, generation")]


def history(office: Office, order_id: int = 0, generation: int = 1) -> list[str]:
    """The events of an order's life."""
    query = "select event from bridge.order_history where order_id = %(id)s and generation = %(g)s order by id"
    return [row["event"] for row in office.rows(query, id=order_id, g=generation)]


def errors(office: Office) -> list[tuple[str, str]]:
    """In which state steps failed, and how."""
    return [(row["state"], row["code"]) for row in office.rows("select * from bridge.order_errors order by id")]


def outcomes(office: Office, kind: str) -> list[tuple[str, str | None]]:
    """How the tasks of a kind stand, and why."""
    query = "select state, error from kernel.tasks where kind = %(kind)s order by created_at, id"
    return [(row["state"], row["error"]) for row in office.rows(query, kind=kind)]


def balance(office: Office, account: str, chain: str) -> int:
    """What an account of the books holds in ether of a chain; 0 for one that was never needed."""
    query = "select balance from kernel.ledger_accounts where name = %(name)s and asset = %(asset)s"
    rows = office.rows(query, name=account, asset=f"{chain}:native")
    return int(rows[0]["balance"]) if rows else 0


def transfers(office: Office) -> list[tuple[str, str]]:
    """Our transactions, in the order in which they were recorded, and how they stand."""
    rows = office.rows("select key, state from kernel.treasury_transfers order by recorded_at, key")
    return [(row["key"], row["state"]) for row in rows]
