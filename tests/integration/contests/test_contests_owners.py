"""Who writes what of contests: each role tries every table, and only the owner of its data succeeds."""

import re
from collections import defaultdict
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import errors, sql

from infra.local.postgres import PostgresServer

pytestmark = pytest.mark.integration

SLICE = "counterpart_contests"
PARTS = ("wallets", "admin", "vanity", "market", "evaluation", "whitelist")
ROLES = (SLICE, *(f"{SLICE}_{part}" for part in PARTS), "counterpart_netting", "counterpart_ops")
#: Whose rows they are. What is not named is the slice's own.
OWNERS = {
    "contest_wallets": "wallets",
    "test_wallets": "wallets",
    "faucet": "wallets",
    "faucet_recipients": "wallets",
    "faucet_transfers": "wallets",
    "admin_transfers": "admin",
    "key_exports": "admin",
    "export_approvals": "admin",
    "vanity_pool": "vanity",
    "vanity_jobs": "vanity",
    "tokens": "market",
    "market_data": "market",
    "market_visits": "market",
    "evaluations": "evaluation",
    "contest_results": "evaluation",
    "token_whitelist": "whitelist",
}
#: Who else may do something to a row, and what.
SHARED = {
    ("contests", "evaluation"): {"update"},  # its state
    ("contests", "wallets"): {"update"},  # its wallet
    ("contests", "admin"): {"update"},  # its moment, so that it can be held
    ("contest_wallets", "admin"): {"insert", "update"},
    ("obligations", "evaluation"): {"insert"},
    ("obligations", "admin"): {"update"},
}


@pytest.fixture(scope="module")
def database(postgres_server: PostgresServer) -> Iterator[psycopg.Connection]:
    """One database, in which nothing is ever committed."""
    url = postgres_server.create_migrated()
    with psycopg.connect(url) as connection:
        yield connection
    postgres_server.drop_database(url)


def tables(database: psycopg.Connection) -> list[str]:
    found = database.execute("select tablename, tableowner from pg_tables where schemaname = 'contests' order by 1")
    return [str(name) for name, _ in found.fetchall()]


def may(database: psycopg.Connection, role: str, statement: sql.SQL | sql.Composed) -> bool:
    """Whether a role gets past the database's refusal; what else is wrong with the row is another matter."""
    try:
        with database.transaction(force_rollback=True):
            database.execute(sql.SQL("set local role {}").format(sql.Identifier(role)))
            database.execute(statement)
    except errors.InsufficientPrivilege:
        return False
    except psycopg.Error:
        return True
    return True


def column(database: psycopg.Connection, role: str, table: str) -> str:
    """One that an update may name: of those that the role was granted, if any."""
    asked = """select column_name from information_schema.columns
               where table_schema = 'contests' and table_name = %s and is_identity = 'NO' and is_generated = 'NEVER'
               order by has_column_privilege(%s, format('contests.%%I', table_name), column_name, 'update') desc"""
    row = database.execute(asked, [table, role]).fetchone()
    assert row is not None
    return str(row[0])


def writes(database: psycopg.Connection, role: str, table: str) -> set[str]:
    """What a role may do to a table's rows."""
    name, some = sql.Identifier("contests", table), sql.Identifier(column(database, role, table))
    acts = {
        "update": sql.SQL("update {0} set {1} = {1} where false").format(name, some),
        "insert": sql.SQL("insert into {} default values").format(name),
        "delete": sql.SQL("delete from {} where false").format(name),
    }
    return {act for act, statement in acts.items() if may(database, role, statement)}


def test_only_its_owner_writes_a_table(database: psycopg.Connection) -> None:
    """Every role tries every table: what nobody granted is refused, whatever the code meant."""
    wrong: defaultdict[str, dict[str, list[str]]] = defaultdict(dict)
    for table in tables(database):
        part = OWNERS.get(re.sub(r"^(market_data|market_visits)_\w+$", r"\1", table))  # a partition is its table's
        owner = SLICE if part is None else f"{SLICE}_{part}"
        for role in ROLES:
            found = writes(database, role, table)
            shared = SHARED.get((table, role.removeprefix(f"{SLICE}_")), set())
            if role == owner:
                unexpected = set() if "insert" in found or table == "faucet" else {"its owner cannot write"}
            else:
                unexpected = found ^ shared
            if unexpected:
                wrong[table][role] = sorted(unexpected)

    assert dict(wrong) == {}
    assert set(OWNERS) <= set(tables(database))


def test_everybody_of_the_slice_reads_everything(database: psycopg.Connection) -> None:
    """And nobody else does."""
    for table in tables(database):
        look = sql.SQL("select 1 from {} limit 1").format(sql.Identifier("contests", table))
        readers = {role for role in ROLES if may(database, role, look)}

        assert readers == set(ROLES) - {"counterpart_netting", "counterpart_ops"}, table


def test_only_who_assigns_wallets_claims_a_vanity_address(database: psycopg.Connection) -> None:
    """It takes what is next, and nothing else of the pool."""
    claim = sql.SQL("select contests.claim_vanity(gen_random_uuid(), now())")
    steal = sql.SQL("update contests.vanity_pool set contest_id = null, assigned_at = null where false")

    assert {role for role in ROLES if may(database, role, claim)} == {
        f"{SLICE}_wallets",
        f"{SLICE}_vanity",
    }
    assert not may(database, f"{SLICE}_wallets", steal)


@pytest.mark.parametrize(
    ("table", "part"),
    [("contests", "state"), ("contests", "pool_lamports"), ("contest_wallets", "address")],
)
def test_a_part_of_a_row_is_not_the_whole_of_it(table: str, part: str, database: psycopg.Connection) -> None:
    """Who may give a contest its wallet may not change its state; an administrator changes no wallet's contest."""
    role = f"{SLICE}_admin" if table == "contest_wallets" else f"{SLICE}_wallets"
    change = sql.SQL("update {0} set {1} = {1} where false").format(
        sql.Identifier("contests", table), sql.Identifier(part)
    )

    assert not may(database, role, change)


def test_what_was_told_is_not_untold(database: psycopg.Connection) -> None:
    """Not by its owner either: grants of the faucet and sealed keys are only ever added."""
    wallets = f"{SLICE}_wallets"
    faucet = writes(database, wallets, "faucet_transfers")
    keys = [
        sql.SQL("update kernel.sealed_keys set blob = blob where false"),
        sql.SQL("delete from kernel.sealed_keys where false"),
    ]

    assert faucet == {"insert"}
    assert [may(database, role, act) for role in (wallets, f"{SLICE}_vanity") for act in keys] == [False] * 4
    add = sql.SQL("insert into kernel.sealed_keys default values")
    assert {role for role in ROLES if may(database, role, add)} == {wallets, f"{SLICE}_vanity", "counterpart_ops"}
