"""Settlements that stand still are told of every minute, until they move."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from functions.netting.adapters.standstill import LONGEST, MOST
from functions.netting.cron_plan_batches import handler
from tests.integration.netting.floor import Context, Floor

pytestmark = pytest.mark.handlers

LANE = """
    insert into netting.lane (last_chain_batch, batch, ordinal, moved_at)
    select 1, batch, ordinal, %(now)s from netting.settlements where ordinal = 0
    on conflict (id) do update set moved_at = excluded.moved_at
"""


@pytest.fixture
def alarms(capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Callable[[Floor], list[Any]]:
    """Ordinals and states that a tick tells of; its metric says how many."""

    def tick(floor: Floor) -> list[Any]:
        event = json.loads(Path("events/netting/cron_plan_batches.json").read_text(encoding="utf-8"))
        capsys.readouterr()
        caplog.clear()
        handler.bind(floor.deps)(event, Context())
        told = [vars(record) for record in caplog.records if vars(record).get("alarm") == "netting.standstill"]
        metrics = [json.loads(line) for line in capsys.readouterr().out.splitlines()]

        assert [[float(len(told))]] == [line["netting_alarms"] for line in metrics if "netting_alarms" in line]
        return [(one["ordinal"], one["state"]) for one in told]

    return tick


def netted(floor: Floor, settlements: int = 1) -> None:
    """A batch of sales that nothing joins, each a settlement of its own by its size."""
    floor.fund(buyer=10**9)
    floor.own("seller", "item")
    floor.intent("item", "seller", "buyer", 10**6)
    floor.net()
    for ordinal in range(1, settlements):
        floor.change(
            "insert into netting.settlements (batch, ordinal, content, entries, moved_at)"
            " select batch, %(ordinal)s, content, entries, moved_at from netting.settlements where ordinal = 0",
            ordinal=ordinal,
        )


def test_what_moves_is_nobodys_business(database_url: str, alarms: Callable[[Floor], list[Any]]) -> None:
    """A batch that was netted a moment ago, and none at all."""
    with Floor.open(database_url) as floor:
        assert [] == alarms(floor)
        netted(floor)
        floor.clock.advance(LONGEST.total_seconds())

        assert [] == alarms(floor)


def test_a_settlement_that_nobody_takes_is_told(database_url: str, alarms: Callable[[Floor], list[Any]]) -> None:
    """After five minutes, and again a minute later."""
    with Floor.open(database_url) as floor:
        netted(floor)
        floor.clock.advance(LONGEST.total_seconds() + 1)

        assert [(0, "waiting")] == alarms(floor)
        assert [(0, "waiting")] == alarms(floor)


@pytest.mark.parametrize("state", ["sent", "landed", "settled"])
def test_the_one_on_its_way_is_told_and_those_behind_it(
    database_url: str, alarms: Callable[[Floor], list[Any]], state: str
) -> None:
    """Whatever keeps it: the lane was given to nobody since."""
    with Floor.open(database_url) as floor:
        netted(floor, settlements=2)
        floor.change(f"update netting.settlements set state = '{state}', chain_batch = 1 where ordinal = 0")
        floor.change(LANE)
        floor.clock.advance(LONGEST.total_seconds() + 1)

        assert [(0, state), (1, "waiting")] == alarms(floor)


def test_whoever_waits_behind_a_lane_that_moves_waits_in_peace(
    database_url: str, alarms: Callable[[Floor], list[Any]]
) -> None:
    """Of a large batch the last comes late."""
    with Floor.open(database_url) as floor:
        netted(floor, settlements=2)
        floor.clock.advance(LONGEST.total_seconds() + 1)
        floor.change(LANE)

        assert [] == alarms(floor)


def test_many_are_told_of_by_the_first_of_them(database_url: str, alarms: Callable[[Floor], list[Any]]) -> None:
    """The rest waits for the same reason."""
    with Floor.open(database_url) as floor:
        netted(floor, settlements=MOST + 3)
        floor.clock.advance(LONGEST.total_seconds() + 1)

        assert [(ordinal, "waiting") for ordinal in range(MOST)] == alarms(floor)
