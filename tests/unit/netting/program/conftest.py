"""Markets: one that a file's tests share, and one for each test that changes it."""

import pytest

from tests.unit.netting.program.market import Market


@pytest.fixture(scope="module")
def shared() -> Market:
    """Tests that only try what is refused share one."""
    return Market()


@pytest.fixture
def market() -> Market:
    return Market()
