"""The desk of webhooks, and whoever they are for."""

from collections.abc import Iterator

import pytest

from tests.integration.webhooks.desk import Desk
from tests.integration.webhooks.receiver import Receiver, receiving


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    desk = Desk(database_url)
    yield desk
    desk.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver
