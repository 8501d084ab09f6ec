"""The ledger in Postgres: what is posted once, what is refused, what a statement shows."""

from collections.abc import Callable

import psycopg
import pytest

from kernel.ledger import (
    Account,
    AccountChanged,
    AccountNotOpen,
    Ledger,
    Overdrawn,
    Posting,
    PostingsChanged,
)
from kernel.postgres import Postgres, Transaction
from kernel.testing import FakeClock

pytestmark = pytest.mark.integration

WEI = "evm:31337:native"
WALLET, FEES, OUTSIDE = "bridge:wallet", "bridge:fees", "bridge:outside"
ACCOUNTS = [
    Account(name=WALLET, asset=WEI),
    Account(name=FEES, asset=WEI),
    Account(name=OUTSIDE, asset=WEI, may_go_negative=True),
]


@pytest.fixture
def postgres(route_url: str) -> Postgres:
    return Postgres(route_url, role="counterpart_bridge")


@pytest.fixture
def ledger(postgres: Postgres) -> Ledger:
    ledger = Ledger(FakeClock())
    with postgres.transaction() as tx:
        ledger.open(tx, ACCOUNTS)
    return ledger


def move(amount: int, source: str = OUTSIDE, target: str = WALLET) -> list[Posting]:
    return [Posting(source, WEI, -amount), Posting(target, WEI, amount)]


def post(ledger: Ledger, tx: Transaction, key: str, postings: list[Posting]) -> object:
    return ledger.post(tx, business_key=key, service="bridge", postings=postings)


def test_what_leaves_one_account_enters_another(postgres: Postgres, ledger: Ledger) -> None:
    """To the last of 2^256 units."""
    everything = 2**256 - 1
    with postgres.transaction() as tx:
        post(ledger, tx, "deposit", move(everything))
        post(ledger, tx, "fee", move(1, WALLET, FEES))

    with postgres.transaction() as tx:
        assert ledger.balance(tx, WALLET, WEI) == everything - 1
        assert ledger.balance(tx, FEES, WEI) == 1
        assert ledger.balance(tx, OUTSIDE, WEI) == -everything
        assert ledger.discrepancies(tx) == []


def test_an_event_is_posted_once(postgres: Postgres, ledger: Ledger) -> None:
    """The same again is the same transaction, whatever the order of its postings; anything else is refused."""
    with postgres.transaction() as tx:
        first = post(ledger, tx, "deposit", move(5))
    with postgres.transaction() as tx:
        second = post(ledger, tx, "deposit", move(5)[::-1])

        assert ledger.balance(tx, WALLET, WEI) == 5
        assert ledger.posted(tx, "deposit") == (Posting(OUTSIDE, WEI, -5), Posting(WALLET, WEI, 5))
        assert ledger.posted(tx, "another") is None
    assert first == second
    with pytest.raises(PostingsChanged), postgres.transaction() as tx:
        post(ledger, tx, "deposit", move(6))
    with pytest.raises(PostingsChanged), postgres.transaction() as tx:
        ledger.post(tx, business_key="deposit", service="oracle", postings=move(5))


def test_what_an_account_does_not_hold_cannot_leave_it(postgres: Postgres, ledger: Ledger) -> None:
    """The database says so, and the caller's whole transaction is undone; the last unit can."""
    with postgres.transaction() as tx:
        post(ledger, tx, "deposit", move(5))
    with pytest.raises(Overdrawn), postgres.transaction() as tx:
        post(ledger, tx, "other", move(1))
        post(ledger, tx, "fee", move(7, WALLET, FEES))
    with postgres.transaction() as tx:
        post(ledger, tx, "fee", move(5, WALLET, FEES))

        assert ledger.balance(tx, WALLET, WEI) == 0
        assert ledger.posted(tx, "other") is None


def test_what_comes_in_counts_before_what_goes_out(postgres: Postgres, ledger: Ledger) -> None:
    """One transaction may take from an account what it brings to it."""
    with postgres.transaction() as tx:
        post(ledger, tx, "through", [*move(5, WALLET, FEES), *move(5)])

        assert ledger.balance(tx, WALLET, WEI) == 0


def test_an_account_is_opened_once_under_one_rule(postgres: Postgres, ledger: Ledger) -> None:
    """Opening again changes nothing, another rule is refused, and nothing is posted to an account nobody opened."""
    with postgres.transaction() as tx:
        post(ledger, tx, "deposit", move(5))
        ledger.open(tx, ACCOUNTS)

        assert ledger.balance(tx, WALLET, WEI) == 5
    with pytest.raises(AccountChanged), postgres.transaction() as tx:
        ledger.open(tx, [Account(name=WALLET, asset=WEI, may_go_negative=True)])
    for asset in (WEI, "evm:1:native"):
        with pytest.raises(AccountNotOpen), postgres.transaction() as tx:
            ledger.balance(tx, "bridge:nobody", asset)
    with pytest.raises(AccountNotOpen), postgres.transaction() as tx:
        post(ledger, tx, "lost", move(1, OUTSIDE, "bridge:nobody"))


def test_a_statement_shows_every_line_with_its_balance(postgres: Postgres, ledger: Ledger) -> None:
    """Page by page, oldest first; what is posted meanwhile comes on a later page."""
    with postgres.transaction() as tx:
        for day in range(5):
            post(ledger, tx, f"day-{day}", move(10 + day))
    with postgres.transaction() as tx:
        first = ledger.statement(tx, WALLET, WEI, limit=3)
        post(ledger, tx, "fee", move(60, WALLET, FEES))
        second = ledger.statement(tx, WALLET, WEI, after=first.next_after, limit=3)
        third = ledger.statement(tx, WALLET, WEI, after=6)

    shown = [(line.sequence, line.business_key, line.amount, line.balance) for line in first.lines + second.lines]
    assert shown == [
        (1, "day-0", 10, 10),
        (2, "day-1", 11, 21),
        (3, "day-2", 12, 33),
        (4, "day-3", 13, 46),
        (5, "day-4", 14, 60),
        (6, "fee", -60, 0),
    ]
    assert (first.balance, first.next_after) == (60, 3)
    assert (second.balance, second.next_after) == (0, None)
    assert third.lines == ()


@pytest.mark.parametrize("limit", [0, 1_001])
def test_a_page_has_bounds(postgres: Postgres, ledger: Ledger, limit: int) -> None:
    """Nobody fetches the whole history by accident."""
    with pytest.raises(ValueError, match="lines"), postgres.transaction() as tx:
        ledger.statement(tx, WALLET, WEI, limit=limit)


POST = "select kernel.ledger_post(gen_random_uuid(), 'raw', 'bridge', '', now(), %(postings)s::jsonb)"
INSERT = """
with t as (insert into kernel.ledger_transactions (id, business_key, service, memo, postings, posted_at)
           values (gen_random_uuid(), 'raw', 'bridge', '', 2, now()) returning id)
insert into kernel.ledger_postings (transaction_id, ordinal, account, asset, amount)
select t.id, row_number() over (), 'bridge:outside', 'evm:31337:native', amount
from t, unnest(%(amounts)s::numeric[]) as amount
"""
ADD = """
insert into kernel.ledger_postings (transaction_id, ordinal, account, asset, amount)
select id, 2 + row_number() over (), 'bridge:outside', 'evm:31337:native', amount
from kernel.ledger_transactions, unnest(array[1, -1]) as amount
"""


def attempt(url: str, role: str | None, *statements: Callable[[Transaction], object]) -> None:
    with Postgres(url, role=role).transaction() as tx:
        for statement in statements:
            statement(tx)


@pytest.mark.parametrize(
    "postings",
    [
        '[{"account": "bridge:outside", "asset": "evm:31337:native", "amount": "1"}]',
        '[{"account": "bridge:outside", "asset": "evm:31337:native", "amount": "1"},'
        ' {"account": "bridge:wallet", "asset": "evm:31337:native", "amount": "1"}]',
        '[{"account": "bridge:outside", "asset": "evm:31337:native", "amount": "NaN"},'
        ' {"account": "bridge:wallet", "asset": "evm:31337:native", "amount": "NaN"}]',
        "[]",
    ],
    ids=["one-side", "unbalanced", "not-a-number", "none"],
)
def test_a_slice_that_bypasses_python_is_refused_at_its_commit(route_url: str, ledger: Ledger, postings: str) -> None:
    """Whatever it posts by raw SQL must balance and have two sides."""
    with pytest.raises(psycopg.errors.CheckViolation):
        attempt(route_url, "counterpart_bridge", lambda tx: tx.execute(POST, postings=postings))


@pytest.mark.parametrize(
    "statement",
    [
        INSERT.replace("%(amounts)s", "array[5, -5]"),
        "update kernel.ledger_postings set amount = amount * 2",
        "delete from kernel.ledger_postings",
        "truncate kernel.ledger_postings",
        "update kernel.ledger_accounts set balance = balance + 1",
        "update kernel.ledger_transactions set memo = 'x'",
        "insert into kernel.ledger_accounts (name, asset, may_go_negative, opened_at, balance)"
        " values ('bridge:rich', 'evm:31337:native', false, now(), 1000)",
    ],
)
def test_a_slice_writes_only_through_the_one_way_in(route_url: str, ledger: Ledger, statement: str) -> None:
    """Its role has no right to insert, update, delete or truncate, nor to say what a balance is."""
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        attempt(route_url, "counterpart_bridge", lambda tx: tx.execute(statement))


@pytest.mark.parametrize(
    ("statement", "refusal"),
    [
        (INSERT.replace("%(amounts)s", "array[5, -4]"), psycopg.errors.CheckViolation),
        (INSERT.replace("%(amounts)s", "array[5]"), psycopg.errors.CheckViolation),
        (INSERT.replace("%(amounts)s", "array[5, -5, 2, -2]"), psycopg.errors.CheckViolation),
        (ADD, psycopg.errors.CheckViolation),
        ("update kernel.ledger_postings set amount = amount * 2", psycopg.errors.RestrictViolation),
        ("update kernel.ledger_transactions set memo = 'x'", psycopg.errors.RestrictViolation),
        ("delete from kernel.ledger_postings", psycopg.errors.RestrictViolation),
        ("truncate kernel.ledger_postings", psycopg.errors.RestrictViolation),
        ("truncate kernel.ledger_accounts cascade", psycopg.errors.RestrictViolation),
        ("update kernel.ledger_accounts set balance = -1 where name = 'bridge:fees'", psycopg.errors.CheckViolation),
    ],
)
def test_even_the_tables_owner_cannot_unbalance_them(
    postgres: Postgres, route_url: str, ledger: Ledger, statement: str, refusal: type[Exception]
) -> None:
    """Nothing unbalanced is stored, nothing posted is changed or added to."""
    with postgres.transaction() as tx:
        post(ledger, tx, "deposit", move(5))

    with pytest.raises(refusal):
        attempt(route_url, None, lambda tx: tx.execute(statement))


def test_checking_early_does_not_let_a_later_posting_through(route_url: str, ledger: Ledger) -> None:
    """A transaction that was in balance when it was checked, and is not at its commit, is refused."""
    with pytest.raises(psycopg.errors.CheckViolation):
        attempt(
            route_url,
            None,
            lambda tx: tx.execute(INSERT.replace("%(amounts)s", "array[5, -5]")),
            lambda tx: tx.execute("set constraints all immediate"),
            lambda tx: tx.execute("set constraints all deferred"),
            lambda tx: tx.execute(ADD.replace("array[1, -1]", "array[1]")),
        )


def test_a_discrepancy_is_found(postgres: Postgres, route_url: str, ledger: Ledger) -> None:
    """Should anything ever touch a balance past the ledger, the recomputation from the postings shows where."""
    with postgres.transaction() as tx:
        post(ledger, tx, "deposit", move(5))
    attempt(
        route_url,
        None,
        lambda tx: tx.execute("update kernel.ledger_accounts set balance = 6 where name = 'bridge:wallet'"),
    )

    with postgres.transaction() as tx:
        [found] = ledger.discrepancies(tx)
    assert (found.kind, found.subject, found.kept, found.computed) == ("balance", f"{WALLET} {WEI}", 6, 5)
