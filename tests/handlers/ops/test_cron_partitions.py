"""Every hour: days are made ahead, and rows without a day are alarmed."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from functions.ops.cron_partitions import handler
from functions.ops.wiring import ROLE, Deps
from kernel.postgres import RowsInDefaultPartition
from kernel.testing.kernel import FakedKernel

pytestmark = pytest.mark.handlers
EVENT = json.loads(Path("events/ops/cron_partitions.json").read_text(encoding="utf-8"))
STORE = (
    "insert into oracle.prices (symbol, source, time, price, worker_id) "
    "values ('BTC/USD', 'kraken', %(time)s, 90000, 'w1') returning tableoid::regclass::text as place"
)


@pytest.fixture
def kernel(database_url: str) -> FakedKernel:
    return FakedKernel(database_url, role=ROLE)


def test_a_price_finds_its_day(kernel: FakedKernel) -> None:
    """After one run today and the week ahead exist."""
    answer = handler.bind(Deps(kernel))(EVENT, None)
    with kernel.postgres.transaction(role="counterpart_oracle") as tx:
        places = [tx.one(STORE, time=kernel.clock.now() + timedelta(days=days))["place"] for days in (0, 7)]

    assert answer == {"status": "done"}
    assert places == ["oracle.prices_20260101", "oracle.prices_20260108"]


def test_a_price_without_a_day_is_alarmed(kernel: FakedKernel) -> None:
    """The invocation fails, which Lambda counts; the row has moved to a day of its own."""
    with kernel.postgres.transaction(role="counterpart_oracle") as tx:
        assert tx.one(STORE, time=kernel.clock.now())["place"] == "oracle.prices_default"

    with pytest.raises(RowsInDefaultPartition):
        handler.bind(Deps(kernel))(EVENT, None)
    again = handler.bind(Deps(kernel))(EVENT, None)

    assert again == {"status": "done"}
