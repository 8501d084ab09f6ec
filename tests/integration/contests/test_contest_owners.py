"""Who may write what of contests: tried as every other role."""

from collections.abc import Iterator
from typing import Final

import pytest
from psycopg.errors import InsufficientPrivilege

from functions.contests.wiring import (
    ADMIN_ROLE,
    EVALUATION_ROLE,
    MARKET_ROLE,
    ROLE,
    VANITY_ROLE,
    WALLETS_ROLE,
    WHITELIST_ROLE,
)
from kernel.postgres import Postgres

pytestmark = pytest.mark.integration
ROLES: Final = (ROLE, WALLETS_ROLE, ADMIN_ROLE, VANITY_ROLE, MARKET_ROLE, EVALUATION_ROLE, WHITELIST_ROLE)
#: The one role that may write each, as the specification has it; the others may not even in the same schema.
OWNERS: Final = {
    "contests": ROLE,
    "entries": ROLE,
    "portfolios": ROLE,
    "trades": ROLE,
    "snapshots": ROLE,
    "templates": ROLE,
    "evaluations": EVALUATION_ROLE,
    "contest_results": EVALUATION_ROLE,
    "vanity_pool": VANITY_ROLE,
    "market_data": MARKET_ROLE,
    "token_whitelist": WHITELIST_ROLE,
}


@pytest.fixture
def postgres(database_url: str) -> Iterator[Postgres]:
    """The database, as nobody in particular."""
    postgres = Postgres(database_url)
    yield postgres
    postgres.close()


def writable(postgres: Postgres, role: str, verb: str) -> set[str]:
    """Tables of the slice that a role may write whole, by one verb."""
    asked = """select relname from pg_class where relnamespace = 'contests'::regnamespace
               and relkind in ('r', 'p') and has_table_privilege(%(role)s, oid, %(verb)s)"""
    with postgres.transaction() as tx:
        return {row["relname"] for row in tx.all(asked, role=role, verb=verb)}


@pytest.mark.parametrize("verb", ["insert", "update", "delete"])
def test_each_table_has_one_writer(postgres: Postgres, verb: str) -> None:
    """By the database's own word: nobody but its owner may change these tables."""
    may = {role: writable(postgres, role, verb) & set(OWNERS) for role in ROLES}

    assert {role: {table for table, owner in OWNERS.items() if owner == role} for role in ROLES} == may


@pytest.mark.parametrize("table", sorted(OWNERS))
def test_the_wrong_role_is_refused(postgres: Postgres, table: str) -> None:
    """Tried, as each of the others, with the very statement that the owner may run."""
    for role in ROLES:
        with postgres.transaction(role=role) as tx:
            tx.all(f"select * from contests.{table}")
        if role == OWNERS[table]:
            continue
        with pytest.raises(InsufficientPrivilege), postgres.transaction(role=role) as tx:
            tx.execute(f"insert into contests.{table} default values")


def test_others_move_a_contest_by_their_columns_alone(postgres: Postgres) -> None:
    """The evaluation its state, the wallets its wallet; neither its pool, nor whoever entered."""
    for role, column in ((EVALUATION_ROLE, "state"), (WALLETS_ROLE, "wallet")):
        with postgres.transaction(role=role) as tx:
            tx.execute(f"update contests.contests set {column} = null where false")
        for other in ("pool_lamports", "entrants", "fee_lamports"):
            with pytest.raises(InsufficientPrivilege), postgres.transaction(role=role) as tx:
                tx.execute(f"update contests.contests set {other} = 1 where false")
