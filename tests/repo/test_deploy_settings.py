"""Every setting is explained where operators look."""

import re

import pytest

from infra.local.deployment.settings_table import document

pytestmark = pytest.mark.repo


def test_every_setting_and_parameter_has_a_meaning() -> None:
    """A `#:` comment in front of the field, or a comment above the parameter, says it."""
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| (.*?) \|", document(), re.MULTILINE)

    assert len(rows) > 40
    assert [name for name, meaning in rows if not meaning] == []
