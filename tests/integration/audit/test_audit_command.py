"""`make audit`: the operator's check of the chain, by code other than the database's."""

import psycopg
import pytest

from infra.local.audit import main
from kernel.audit import Audit
from kernel.postgres import Postgres

pytestmark = pytest.mark.integration


def test_a_whole_chain_is_told_with_its_head(database_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Which can be given back the next time."""
    postgres = Postgres(database_url, role="counterpart_ops")
    with postgres.transaction() as tx:
        Audit(postgres).record(tx, actor="shell", action="tests.act", subject="nothing")
    head = str(Audit(postgres).head())
    postgres.close()

    assert 0 == main(["--database-url", database_url])
    assert f"1 acts, every hash holds; head {head}" in capsys.readouterr().out
    assert 0 == main(["--database-url", database_url, "--head", head])
    assert 1 == main(["--database-url", database_url, "--head", f"7:{'00' * 32}"])


def test_a_changed_row_fails_the_command(database_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It says where, and what to do."""
    with psycopg.connect(database_url) as owner:
        owner.execute(
            "insert into kernel.audit_log (at, actor, action, subject, details) values (now(), 'a', 'a.b', 'c', '{}')"
        )
        owner.execute("set session_replication_role = replica")
        owner.execute("update kernel.audit_log set actor = 'nobody'")

    assert 1 == main(["--database-url", database_url])
    assert "does not hold at act 1" in capsys.readouterr().out
