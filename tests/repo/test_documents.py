"""What /docs serves is what the code is."""

import pytest

from infra.local.documents import documents

pytestmark = pytest.mark.repo


def test_the_documents_are_those_of_the_code() -> None:
    """`make documents` writes them."""
    stale = [path.name for path, text in documents().items() if path.read_text(encoding="utf-8") != text]

    assert stale == []
