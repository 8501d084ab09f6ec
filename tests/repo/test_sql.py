"""Rules about the database: documented tables, dated migrations, named queries that are used."""

import re

import pytest

from kernel.postgres.schema_version import REQUIRED_MIGRATION
from tests.repo.house import ROOT, sources

pytestmark = pytest.mark.repo

MIGRATIONS = sorted((ROOT / "infra/sql/migrations").glob("*.sql"))


def test_the_code_requires_the_newest_migration() -> None:
    """A deployed function refuses a database that lags behind its code."""
    newest = MIGRATIONS[-1].name.split("_")[0]

    assert newest == REQUIRED_MIGRATION


def test_migrations_are_dated_and_reversible() -> None:
    """Each file is <14 digits>_<words>.sql with a way up and a way down."""
    wrong = [
        path.name
        for path in MIGRATIONS
        if not re.fullmatch(r"\d{14}_[a-z0-9_]+\.sql", path.name)
        or "-- migrate:up" not in path.read_text(encoding="utf-8")
        or "-- migrate:down" not in path.read_text(encoding="utf-8")
    ]

    assert wrong == []


def test_every_table_is_explained() -> None:
    """infra/sql/README.md has a line for each table."""
    readme = (ROOT / "infra/sql/README.md").read_text(encoding="utf-8")
    tables = {
        match.group(1)
        for path in MIGRATIONS
        for match in re.finditer(
            r"create table (?:if not exists )?([a-z_.]+) *\(",
            path.read_text(encoding="utf-8").split("-- migrate:down")[0],
            re.I,
        )
    }

    assert sorted(table for table in tables if f"`{table}`" not in readme) == []


def test_every_named_query_is_used() -> None:
    """A query nobody asks for is deleted."""
    unused = []
    for path in [*ROOT.glob("functions/*/adapters/*.sql"), *ROOT.glob("layers/kernel/python/kernel/**/*.sql")]:
        room = path.parent.parent if path.parent.name == "adapters" else path.parent
        code = "".join(source.text for source in sources("functions", "layers") if room in source.path.parents)
        names = re.findall(r"^-- name: (\w+)", path.read_text(encoding="utf-8"), re.M)
        unused += [f"{path.relative_to(ROOT)}: {name}" for name in names if f'"{name}"' not in code]

    assert unused == []
