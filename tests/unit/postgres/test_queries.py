"""Named SQL: how a file becomes statements."""

from pathlib import Path

import pytest

from kernel.postgres import Queries
from kernel.postgres.queries import parse

pytestmark = pytest.mark.unit

GOOD = """
-- name: first
-- What it is for,
-- in two lines.
select 1;

-- name: second
-- Another.
select %(a)s
-- a note inside stays out
from t;
"""


def test_statements_are_found_by_name(tmp_path: Path) -> None:
    """Without comments, without the final semicolon."""
    file = tmp_path / "queries.sql"
    file.write_text(GOOD, encoding="utf-8")
    queries = Queries.load(file)

    assert dict(queries) == {"first": "select 1", "second": "select %(a)s\nfrom t"}
    assert len(queries) == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("select 1;", "before the first name"),
        ("-- name: a\nselect 1;", "no description"),
        ("-- name: a\n-- Why.\n", "no statement"),
        ("-- name: a\n-- Why.\nselect 1;\n-- name: a\n-- Why.\nselect 2;", "twice"),
    ],
)
def test_a_sloppy_file_is_refused(text: str, words: str) -> None:
    """A query without name, description or body, or with a name that is taken."""
    with pytest.raises(ValueError, match=words):
        parse(text)


def test_every_query_file_of_the_kernel_is_read() -> None:
    """The files in the tree keep the form."""
    files = sorted(Path("layers/kernel/python/kernel").rglob("*.sql"))

    assert len(files) >= 3
    for file in files:
        assert Queries.load(file)
