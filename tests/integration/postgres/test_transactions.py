"""Transactions on a real Postgres: all or nothing, limits, roles, and what happens after the commit."""

from typing import Any
from uuid import uuid4

import psycopg
import pytest

from kernel.errors import DeadlineExceeded, LeaseLost
from kernel.postgres import DatabaseContention, Fence, Postgres, UnexpectedRows
from kernel.postgres.failures import CommitRefused

pytestmark = pytest.mark.integration


@pytest.fixture
def database(route_url: str) -> Postgres:
    database = Postgres(route_url)
    with database.transaction() as tx:
        tx.execute("create table if not exists public.notes (id int primary key, body jsonb)")
        tx.execute("truncate public.notes")
        tx.execute("grant select, insert on public.notes to counterpart_oracle")
    return database


def bodies(database: Postgres) -> list[Any]:
    with database.transaction() as tx:
        return [row["body"] for row in tx.all("select body from public.notes order by id")]


def test_a_block_that_ends_well_is_committed(database: Postgres) -> None:
    """Mappings are stored as JSON, integers of any size included."""
    with database.transaction() as tx:
        touched = tx.execute("insert into public.notes values (%(id)s, %(body)s)", id=1, body={"amount": 2**200})

    assert touched == 1
    assert bodies(database) == [{"amount": 2**200}]


def test_a_block_that_raises_leaves_nothing(database: Postgres) -> None:
    """An error of the caller undoes the statements before it."""
    with pytest.raises(ZeroDivisionError), database.transaction() as tx:
        tx.execute("insert into public.notes values (1, null)")
        _ = 1 // 0

    assert bodies(database) == []


def test_many_rows_go_in_one_call(database: Postgres) -> None:
    """`many` runs the statement once for each row."""
    with database.transaction() as tx:
        tx.many("insert into public.notes values (%(id)s, %(body)s)", [{"id": i, "body": {"n": i}} for i in range(50)])

    assert bodies(database) == [{"n": i} for i in range(50)]


def test_one_insists_on_one_row(database: Postgres) -> None:
    """No row and two rows are both UnexpectedRows; maybe answers None."""
    with database.transaction() as tx:
        assert tx.maybe("select 1 from public.notes") is None
        with pytest.raises(UnexpectedRows):
            tx.one("select 1 from public.notes")
        with pytest.raises(UnexpectedRows):
            tx.one("select generate_series(1, 2)")


def test_callbacks_run_after_the_commit_only(database: Postgres) -> None:
    """Another transaction may be opened in them, one that fails stops nobody, and none runs after a rollback."""
    seen: list[str] = []

    def fail() -> None:
        seen.append("failed")
        raise RuntimeError("queue away")

    with database.transaction() as tx:
        tx.execute("insert into public.notes values (1, null)")
        tx.after_commit(fail)
        tx.after_commit(lambda: seen.append(f"committed {len(bodies(database))}"))
        assert seen == []
    with pytest.raises(ZeroDivisionError), database.transaction() as tx:
        tx.after_commit(lambda: seen.append("never"))
        _ = 1 // 0

    assert seen == ["failed", "committed 1"]


def test_a_deadline_that_rings_after_the_commit_is_heard(database: Postgres) -> None:
    """It rings once: swallowed with the other failures it would let the work run on until Lambda cuts it off."""

    def slow() -> None:
        raise DeadlineExceeded

    with pytest.raises(DeadlineExceeded), database.transaction() as tx:
        tx.execute("insert into public.notes values (1, '5')")
        tx.after_commit(slow)

    assert bodies(database) == [5]


def test_a_second_transaction_inside_the_first_is_refused(database: Postgres) -> None:
    """It would not see, and could wait for, what the first one did."""
    with database.transaction(), pytest.raises(RuntimeError, match="pass it on"), database.transaction():
        pass


def test_a_swallowed_error_cannot_pass_for_a_commit(database: Postgres) -> None:
    """Postgres answers ROLLBACK to the COMMIT of a failed transaction; that is an error here."""
    with pytest.raises(CommitRefused), database.transaction() as tx:
        tx.execute("insert into public.notes values (1, null)")
        with pytest.raises(psycopg.errors.UniqueViolation):
            tx.execute("insert into public.notes values (1, null)")

    assert bodies(database) == []


def test_a_long_statement_is_stopped(route_url: str) -> None:
    """The limit is set with each transaction, and the connection is usable after it struck."""
    database = Postgres(route_url, statement_timeout_s=0.2)

    with pytest.raises(DatabaseContention), database.transaction() as tx:
        tx.execute("select pg_sleep(5)")

    assert bodies_count(database) == 1


def bodies_count(database: Postgres) -> int:
    with database.transaction() as tx:
        return int(tx.one("select 1 as one")["one"])


def test_a_deadlock_is_contention(database: Postgres, route_url: str) -> None:
    """A serialisation failure or a deadlock is Transient: the work is simply tried again."""
    with pytest.raises(DatabaseContention) as caught, database.transaction() as tx:
        tx.execute("do $$ begin raise exception 'deadlock detected' using errcode = '40P01'; end $$")

    assert "deadlock detected" in str(caught.value.details["reason"])


def test_a_role_holds_for_its_transaction_only(database: Postgres) -> None:
    """SET LOCAL ROLE leaves nothing behind on a connection that others will use."""
    with database.transaction(role="counterpart_oracle") as tx:
        within = tx.one("select current_user as name")["name"]
    with database.transaction() as tx:
        after = tx.one("select current_user as name, session_user as login")

    assert within == "counterpart_oracle"
    assert after["name"] == after["login"]


def test_a_slice_cannot_write_what_another_owns(database: Postgres) -> None:
    """The oracle may neither write the bridge's table nor rewrite an operator's tunable nor delete a task."""
    with database.transaction() as tx:
        tx.execute("create schema if not exists bridge authorization counterpart_bridge")
    with database.transaction(role="counterpart_bridge") as tx:
        tx.execute("create table if not exists bridge.orders (id int)")
    for statement in (
        "insert into bridge.orders values (1)",
        "select * from bridge.orders",
        "update kernel.tunables set value = 1",
        "delete from kernel.tasks",
        "insert into kernel.partitioned_tables values ('oracle.x', 1)",
        "create table public.mine (id int)",
    ):
        with (
            pytest.raises(psycopg.errors.InsufficientPrivilege),
            database.transaction(role="counterpart_oracle") as tx,
        ):
            tx.execute(statement)


@pytest.mark.parametrize("role", ["counterpart_oracle; drop schema kernel", "", "Robert'"])
def test_a_role_is_a_plain_name(database: Postgres, role: str) -> None:
    """Nothing but a role's name gets into the BEGIN."""
    if role:
        with pytest.raises(ValueError, match="no role"), database.transaction(role=role):
            pass
    else:
        with database.transaction(role=role) as tx:
            assert tx.one("select current_user = session_user as same")["same"]


def test_an_unknown_role_leaves_the_connection_usable(database: Postgres) -> None:
    """A BEGIN that is refused half-way is undone."""
    with pytest.raises(psycopg.Error), database.transaction(role="counterpart_nobody"):
        pass

    assert bodies(database) == []


def test_holding_a_task_that_is_not_held_is_refused(database: Postgres) -> None:
    """The first statement of the transaction checks the fence, before anything is written."""
    with (
        pytest.raises(LeaseLost),
        database.transaction(holding=Fence(uuid4(), 1)) as tx,
    ):
        tx.execute("insert into public.notes values (1, null)")

    assert bodies(database) == []


def test_a_glance_is_a_transaction_of_its_own(database: Postgres) -> None:
    """One statement under the slice's role and limits, with the values that it is given; nothing stays open."""
    glance = Postgres(database._url, role="counterpart_oracle").glance
    body = {"said": "it's; drop table public.notes -- 100%", "amount": 2**200}
    assert glance.execute("insert into public.notes values (%(id)s, %(body)s)", id=7, body=body) == 1

    assert glance.one("select body, current_user as name from public.notes") == {
        "body": body,
        "name": "counterpart_oracle",
    }
    assert glance.maybe("select 1 from public.notes where id = any(%(ids)s)", ids=[1, 2]) is None
    assert bodies(database) == [body]


def test_a_glance_that_fails_leaves_nothing(database: Postgres, route_url: str) -> None:
    """Statements that are sent together are undone together, and the connection works on."""
    with pytest.raises(psycopg.errors.UniqueViolation):
        database.glance.execute("insert into public.notes values (1, null); insert into public.notes values (1, null)")
    with pytest.raises(DatabaseContention):
        Postgres(route_url, statement_timeout_s=0.2).glance.one("select pg_sleep(5)")

    assert database.glance.all("select id from public.notes") == []


def test_no_glance_inside_a_transaction(database: Postgres) -> None:
    """It would not see what the transaction did, and end what it holds."""
    with database.transaction(), pytest.raises(RuntimeError, match="within"):
        database.glance.one("select 1 as one")


def test_a_statement_may_go_along_with_the_begin(database: Postgres) -> None:
    """Its rows are the transaction's; what it did is undone with the rest, and for a task that is not held."""
    first = ("insert into public.notes values (%(id)s, %(body)s) returning id", {"id": 3, "body": {"said": "50%"}})
    with pytest.raises(ZeroDivisionError), database.transaction(first=first) as tx:
        seen = [dict(row) for row in tx.opened]
        _ = 1 // 0
    assert (seen, bodies(database)) == ([{"id": 3}], [])

    with database.transaction(first=first):
        pass
    assert bodies(database) == [{"said": "50%"}]
    other = (first[0], {**first[1], "id": 4})
    with pytest.raises(LeaseLost), database.transaction(first=other, holding=Fence(uuid4(), 1)):
        pass
    assert len(bodies(database)) == 1
