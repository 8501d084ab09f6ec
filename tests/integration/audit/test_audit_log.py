"""The audit log in Postgres: added with the act, hashed by the database, verified by other code, never changed."""

import threading
from collections.abc import Iterator

import psycopg
import pytest

from kernel.audit import Audit, ChainBroken, Head
from kernel.postgres import Postgres
from kernel.testing import FakeClock

pytestmark = pytest.mark.integration


@pytest.fixture
def postgres(database_url: str) -> Iterator[Postgres]:
    postgres = Postgres(database_url, role="counterpart_ops")
    yield postgres
    postgres.close()


@pytest.fixture
def audit(postgres: Postgres) -> Audit:
    return Audit(postgres, FakeClock())


def act(audit: Audit, postgres: Postgres, subject: str = "service:bridge") -> int:
    with postgres.transaction() as tx:
        return audit.record(tx, actor="key:ada", action="treasury.halt", subject=subject, details={"reason": "drüll"})


def as_owner(database_url: str, statement: str) -> None:
    """What somebody with the owner's rights could do, who also knows to switch the triggers off."""
    with psycopg.connect(database_url) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute(statement)


def test_acts_are_numbered_and_chained(audit: Audit, postgres: Postgres) -> None:
    """The database's hashes are those that Python computes."""
    numbers = [act(audit, postgres, f"service:{name}") for name in ("a", "b", "c")]

    assert [1, 2, 3] == numbers
    assert audit.verify() == audit.head()
    assert ["service:c", "service:b"] == [link.subject for link in audit.newest(limit=2)]
    assert ["service:a"] == [link.subject for link in audit.newest(subject="service:a")]
    assert [1] == [link.seq for link in audit.newest(below=2)]


def test_an_act_that_is_rolled_back_leaves_no_gap(audit: Audit, postgres: Postgres) -> None:
    """Its number goes to the next."""
    with pytest.raises(ZeroDivisionError), postgres.transaction() as tx:
        audit.record(tx, actor="key:ada", action="treasury.halt", subject="service:x")
        raise ZeroDivisionError

    assert 1 == act(audit, postgres)
    assert 1 == audit.verify().seq


def test_many_writers_make_one_chain(database_url: str, audit: Audit) -> None:
    """Eight at once, each on a connection of its own: no fork, no gap."""

    def write() -> None:
        postgres = Postgres(database_url, role="counterpart_bridge")
        for _ in range(10):
            act(Audit(postgres), postgres)
        postgres.close()

    writers = [threading.Thread(target=write) for _ in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert 80 == audit.verify().seq


@pytest.mark.parametrize(
    "statement",
    [
        "update kernel.audit_log set actor = 'nobody'",
        "delete from kernel.audit_log",
        "truncate kernel.audit_log",
        "update kernel.audit_head set seq = 0",
        "insert into kernel.audit_log (seq, at, actor, action, subject, details, previous_hash, hash) "
        "values (9, now(), 'a', 'a.b', 'c', '{}', decode(repeat('00', 32), 'hex'), decode(repeat('11', 32), 'hex'))",
    ],
    ids=["update", "delete", "truncate", "head", "forged hash"],
)
def test_a_slice_can_only_add(audit: Audit, postgres: Postgres, statement: str) -> None:
    """Neither rows nor the head can be changed, and nobody gives a hash of their own."""
    act(audit, postgres)

    with pytest.raises(psycopg.errors.InsufficientPrivilege), postgres.transaction() as tx:
        tx.execute(statement)
    assert 1 == audit.verify().seq


def test_even_the_owner_is_refused(database_url: str, audit: Audit, postgres: Postgres) -> None:
    """As long as the trigger is on."""
    act(audit, postgres)

    with psycopg.connect(database_url) as owner, pytest.raises(psycopg.errors.RaiseException, match="only ever added"):
        owner.execute("update kernel.audit_log set actor = 'nobody'")


@pytest.mark.parametrize(
    ("statement", "broken_at"),
    [
        ("update kernel.audit_log set details = '{}' where seq = 2", 2),
        ("update kernel.audit_log set at = at + interval '1 microsecond' where seq = 3", 3),
        ("delete from kernel.audit_log where seq = 2", 2),
        ("delete from kernel.audit_log where seq = 3", 3),
        ("update kernel.audit_head set hash = decode(repeat('22', 32), 'hex')", 3),
    ],
)
def test_what_was_done_behind_the_triggers_shows(
    database_url: str, audit: Audit, postgres: Postgres, statement: str, broken_at: int
) -> None:
    """With the number from which on nothing is to be trusted."""
    for _ in range(3):
        act(audit, postgres)
    as_owner(database_url, statement)

    with pytest.raises(ChainBroken) as broken:
        audit.verify()
    assert broken_at == broken.value.details["seq"]


def test_a_cut_chain_shows_to_whoever_remembers_its_head(database_url: str, audit: Audit, postgres: Postgres) -> None:
    """Rows and head set back together are a whole chain by themselves; a head told elsewhere proves otherwise."""
    act(audit, postgres)
    shorter = audit.head()
    act(audit, postgres)
    remembered = audit.head()
    as_owner(database_url, "delete from kernel.audit_log where seq = 2")
    as_owner(database_url, f"update kernel.audit_head set seq = 1, hash = decode('{shorter.hash.hex()}', 'hex')")

    assert shorter == audit.verify()
    with pytest.raises(ChainBroken):
        audit.verify(remembered)
    with pytest.raises(ChainBroken):
        audit.verify(Head(seq=1, hash=remembered.hash))
