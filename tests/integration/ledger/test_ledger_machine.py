"""The ledger beside a naive model of it, in every order of opening, posting, repeating and attacking."""

import uuid
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from kernel.errors import CounterpartError
from kernel.ledger import Account, AccountNotOpen, Ledger, Overdrawn, Posting, PostingsChanged, Unbalanced
from kernel.postgres import Postgres
from tests.machines import run_machine

pytestmark = pytest.mark.integration

ASSETS = ("evm:31337:native", "solana:localnet:native")
NAMES = ("bridge:outside", "bridge:wallet", "bridge:fees", "bridge:unopened")
AMOUNTS = st.one_of(st.integers(1, 20), st.sampled_from((2**255, 10**18)))
KEYS = st.sampled_from([f"key-{number}" for number in range(6)])
RAW = (
    "update kernel.ledger_postings set amount = -amount",
    "delete from kernel.ledger_postings",
    "delete from kernel.ledger_transactions",
    "truncate kernel.ledger_accounts cascade",
    "update kernel.ledger_accounts set balance = 0",
    "insert into kernel.ledger_transactions values (gen_random_uuid(), 'raw', 'bridge', '', 2, now())",
    "select kernel.ledger_post(gen_random_uuid(), 'raw', 'bridge', '', now(), '[]')",
    "select kernel.ledger_post(gen_random_uuid(), 'raw', 'bridge', '', now(), "
    '\'[{"account": "bridge:outside", "asset": "evm:31337:native", "amount": "7"}]\')',
    "select kernel.ledger_post(gen_random_uuid(), 'raw', 'bridge', '', now(), "
    '\'[{"account": "bridge:outside", "asset": "evm:31337:native", "amount": "7"},'
    ' {"account": "bridge:outside", "asset": "evm:31337:native", "amount": "-6"}]\')',
)


class Books(RuleBasedStateMachine):
    """The naive model: a dictionary of balances and one of what was posted."""

    url: str

    @initialize()
    def begin(self) -> None:
        """Every run has keys, and so accounts, of its own, since one database serves all."""
        self.run = uuid.uuid4().hex[:12]
        self.postgres = Postgres(self.url, role="counterpart_bridge")
        self.ledger = Ledger()
        self.balances: dict[tuple[str, str], int] = {}
        self.kept: dict[str, list[Posting]] = {}
        self.lines: dict[tuple[str, str], int] = {}
        accounts = [
            Account(name=self.name(name), asset=asset, may_go_negative=name == NAMES[0])
            for name in NAMES[:3]
            for asset in ASSETS
        ]
        with self.postgres.transaction() as tx:
            self.ledger.open(tx, accounts)
        self.balances = {(one.name, one.asset): 0 for one in accounts}

    def name(self, name: str) -> str:
        return f"{name}-{self.run}"

    def refusal(self, key: str, postings: list[Posting]) -> type[CounterpartError] | None:
        """What the model says of a transaction."""
        if any(sum(one.amount for one in postings if one.asset == asset) for asset in ASSETS):
            return Unbalanced
        if key in self.kept:
            is_same = sorted(self.kept[key], key=repr) == sorted(postings, key=repr)
            return None if is_same else PostingsChanged
        after = dict(self.balances)
        for one in sorted(postings, key=lambda one: (one.account, one.asset)):
            if (one.account, one.asset) not in after:
                return AccountNotOpen
            after[one.account, one.asset] += one.amount
        short = [place for place, balance in after.items() if balance < 0 and NAMES[0] not in place[0]]
        return Overdrawn if short else None

    @rule(
        key=KEYS,
        moves=st.lists(
            st.tuples(*[st.sampled_from(NAMES)] * 2, st.sampled_from(ASSETS), AMOUNTS), min_size=1, max_size=3
        ),
        lost=st.sampled_from((0, 0, 0, 0, 1)),
    )
    def post(self, key: str, moves: list[tuple[str, str, str, int]], lost: int) -> None:
        """Post moves between accounts, sometimes with a unit lost on the way; the ledger rules as the model does."""
        postings = [
            posting
            for source, target, asset, amount in moves
            for posting in (
                Posting(self.name(source), asset, -amount),
                Posting(self.name(target), asset, amount + lost),
            )
        ]
        key, refusal = f"{self.run}-{key}", self.refusal(f"{self.run}-{key}", postings)
        told: type[Exception] | None = None
        try:
            with self.postgres.transaction() as tx:
                self.ledger.post(tx, business_key=key, service="bridge", postings=postings)
        except CounterpartError as refused:
            told = type(refused)
        if refusal in {AccountNotOpen, Overdrawn}:
            assert told in {AccountNotOpen, Overdrawn}
            return
        assert told == refusal
        if refusal is None and key not in self.kept:
            self.kept[key] = postings
            for one in postings:
                self.balances[one.account, one.asset] += one.amount
                self.lines[one.account, one.asset] = self.lines.get((one.account, one.asset), 0) + 1

    @rule(key=KEYS)
    def repeat(self, key: str) -> None:
        """Whoever died after the commit posts the same again."""
        if postings := self.kept.get(f"{self.run}-{key}"):
            with self.postgres.transaction() as tx:
                self.ledger.post(tx, business_key=f"{self.run}-{key}", service="bridge", postings=postings[::-1])

    @rule(statement=st.sampled_from(RAW))
    def attack(self, statement: str) -> None:
        """Raw SQL under the slice's role is refused, at once or at the commit."""
        with pytest.raises(psycopg.errors.Error) as refused, self.postgres.transaction() as tx:
            tx.execute(statement.replace("bridge:outside", self.name(NAMES[0])))

        assert isinstance(refused.value, psycopg.errors.InsufficientPrivilege | psycopg.errors.CheckViolation)

    @invariant()
    def kept_balances_are_the_models(self) -> None:
        """And every statement adds up."""
        if not self.balances:
            return
        with self.postgres.transaction() as tx:
            for (name, asset), balance in self.balances.items():
                statement = self.ledger.statement(tx, name, asset, limit=1_000)
                running = 0
                for line in statement.lines:
                    running += line.amount
                    assert line.balance == running

                assert statement.balance == balance == running
                assert len(statement.lines) == self.lines.get((name, asset), 0)

    def teardown(self) -> None:
        """Recompute everything from the postings once more."""
        with self.postgres.transaction() as tx:
            assert self.ledger.discrepancies(tx) == []
        self.postgres.close()


@pytest.mark.timeout(900)
def test_the_ledger_rules_as_the_model_does(database_url: str, volume: Callable[[int, int], int]) -> None:
    """Whatever is posted, repeated or tried by raw SQL, in whatever order."""
    machine: Any = type("BooksHere", (Books,), {"url": database_url})
    run_machine(machine, examples=volume(15, 400), steps=20)
