"""Postings to the ledger: each task moves an amount once, in the commit that ends the task."""

from typing import Any

from kernel.ledger import Account, Ledger, Posting
from kernel.tasks import Done, Outcome, TaskSpec
from kernel.tasks.model import Task
from tests.crash.harness.scenario import scenario
from tests.crash.harness.site import START
from tests.crash.harness.world import World

KIND = "ops.post"
ASSET = "evm:31337:native"
AMOUNTS = {"rent": 5, "wage": 7, "tax": 11}
PURSE = Account(name="ops:purse", asset=ASSET, may_go_negative=True)
SPENT = Account(name="ops:spent", asset=ASSET)


class Books:
    """A purse from which each task spends its amount."""

    def __init__(self, world: World) -> None:
        self.world, self.ledger = world, Ledger(world.clock)

    def ask(self) -> None:
        """One task for each amount, in one commit."""
        with self.world.postgres.transaction() as tx:
            specs = [TaskSpec(kind=KIND, business_key=key, payload={}, run_at=START) for key in AMOUNTS]
            self.world.tasks.enqueue(specs, tx)

    def post(self, task: Task[dict[str, Any]]) -> Outcome:
        """The posting and the task's end commit together; the first key's accounts are opened with it."""
        key, amount = task.business_key, AMOUNTS[task.business_key]
        with self.world.postgres.transaction(holding=task.fence) as tx:
            self.ledger.open(tx, (PURSE, SPENT))
            postings = (Posting(PURSE.name, ASSET, -amount), Posting(SPENT.name, ASSET, amount))
            self.ledger.post(tx, business_key=key, service="ops", postings=postings)
            self.world.tasks.complete(tx, task.fence)
        return Done()


@scenario("ledger-posting", in_test=True)
def ledger_posting(world: World) -> None:
    """Three postings over the same two accounts."""
    books = Books(world)
    world.ask(books.ask)
    world.work({KIND: books.post})


@ledger_posting.verdict
def spent_once(world: World) -> None:
    """All was spent once, or nothing was ever asked for."""
    asked = world.rows("select business_key from kernel.tasks")
    balances = {
        row["name"]: int(row["balance"]) for row in world.rows("select name, balance from kernel.ledger_accounts")
    }
    spent = sum(AMOUNTS[row["business_key"]] for row in asked)
    assert asked or not world.caller_returns
    assert balances == ({PURSE.name: -spent, SPENT.name: spent} if asked else {}), balances
