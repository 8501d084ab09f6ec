"""Back-tests: rounds that a provider committed to are made again, from Postgres and from the bucket's files."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest

from functions.oracle.cron_plan_rounds import handler as plan
from functions.oracle.queue_commit import handler as commit
from functions.oracle.queue_export_points import handler as export
from infra.local.aws import Aws
from infra.local.back_test import BackTest, Report, main, no_model
from kernel.offload.objects import S3Objects
from kernel.postgres import Postgres
from kernel.tasks import TaskSpec
from tests.handlers.oracle.provider import Context, Provider, Stage, scheduled_event

pytestmark = pytest.mark.handlers

Stocked = Callable[[Provider], None]
BUCKET = "points-of-tests"
#: A point that is written while the provider decides, and committed after.
LATE = (
    "insert into oracle.prices (symbol, source, time, price, volume, worker_id) "
    "values ('BTC/USD', 'slow', %(at)s, 93490, 5, 'late')"
)


def committed(stage: Stage, stocked: Stocked) -> tuple[Provider, int]:
    """A provider that committed to two rounds; a point of each came to light only after the decision."""
    provider, first = stage.provider(points_bucket=BUCKET), stage.first_round
    for number in (first, first + 1):
        stage.at(number, 0)
        plan.bind(provider.deps)(scheduled_event(stage.clock.now()), Context())
        stage.at(number, 3)
        stocked(provider)
        feeds = provider.deps.flare.feeds(provider.deps.flare.reward_epoch_of(number))
        provider.deps.repository.remember_feeds(provider.deps.flare.reward_epoch_of(number), feeds)
        other = Postgres(provider.database_url, role="counterpart_oracle")
        with other.transaction() as tx:
            tx.execute(LATE, at=stage.clock.now() - timedelta(seconds=1))
            assert "done" == provider.run(commit, "oracle.commit", f"local:{number}").state
        other.close()
    return provider, first


def exported(provider: Provider) -> list[date]:
    """Export every day with points, then drop it; the days."""
    with provider.kernel.postgres.transaction() as tx:
        days = [
            row["day"] for row in tx.all("select distinct (time at time zone 'UTC')::date as day from oracle.prices")
        ]
    for day in days:
        with provider.kernel.postgres.transaction() as tx:
            tx.execute("select kernel.create_day_partition('oracle.prices', %(day)s)", day=day)
        spec = TaskSpec(
            kind="oracle.export_points",
            business_key=f"{day}:1",
            payload={"day": day.isoformat(), "generation": 1},
            run_at=provider.deps.clock.now(),
        )
        provider.deps.tasks.enqueue([spec])
        assert "done" == provider.run(export, "oracle.export_points", f"{day}:1").state
        with provider.kernel.postgres.transaction() as tx:
            tx.all("select kernel.drop_day_partitions('oracle.prices', %(before)s)", before=day + timedelta(days=1))
    return days


def replayed(provider: Provider, first: int) -> Report:
    back_test = BackTest(provider.kernel.postgres, S3Objects(BUCKET))
    report = back_test.run(first, first + 1, no_model)
    back_test.close()
    return report


def arguments(provider: Provider, first: int) -> list[str]:
    rounds = ["--from", str(first), "--to", str(first + 1)]
    return [*rounds, "--database-url", provider.database_url, "--bucket", BUCKET]


def test_committed_rounds_come_out_bit_for_bit_before_and_after_their_days_left_postgres(
    stage: Stage, stocked: Stocked, aws: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    """The point that was in flight is in the table, in the file, and in no replay."""
    aws.create_bucket(BUCKET)
    provider, first = committed(stage, stocked)

    before = replayed(provider, first)
    days = exported(provider)
    after = replayed(provider, first)

    assert (2, [], [], {"Postgres": len(days)}) == (before.rounds, before.differences, before.lost_inputs, before.days)
    assert (2, [], [], {"Parquet": len(days)}) == (after.rounds, after.differences, after.lost_inputs, after.days)
    assert {"BTC/USD": 2, "ETH/USD": 2, "XRP/USD": 2} == {name: one.rounds for name, one in after.feeds.items()}
    assert 0 == provider.one("select count(*) as n from oracle.prices")["n"]
    assert 0 == main(arguments(provider, first))
    assert "2 of 2 rounds bit for bit" in capsys.readouterr().out


def test_the_command_tells_what_came_out_otherwise(
    stage: Stage, stocked: Stocked, aws: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    """A row that somebody changed by its last digit, and a round whose points somebody touched."""
    aws.create_bucket(BUCKET)
    provider, first = committed(stage, stocked)
    with provider.kernel.postgres.transaction() as tx:
        tx.execute(
            "update oracle.aggregates set vwap = vwap * (1 + 2.3e-16) "
            "where voting_round = %(round)s and symbol = %(feed)s",
            round=first,
            feed="ETH/USD",
        )

    different = main(arguments(provider, first))
    words = capsys.readouterr().out
    with provider.kernel.postgres.transaction() as tx:
        tx.execute("update oracle.prices set price = price + 1 where source = 'okx' and symbol = 'BTC/USD'")
    lost = replayed(provider, first)

    assert 1 == different
    assert f"round {first} ETH/USD vwap" in words
    assert "1 of 2 rounds bit for bit" in words
    assert [first, first + 1] == lost.lost_inputs
    assert 2 == main(arguments(provider, first))


def test_rounds_are_found_by_when_they_were_decided(stage: Stage, stocked: Stocked, aws: Aws) -> None:
    """The end is not part of it; a time without rounds has none."""
    provider, first = committed(stage, stocked)
    back_test = BackTest(provider.kernel.postgres, S3Objects(BUCKET))
    row = provider.one("select decided_at from oracle.decisions where voting_round = %(round)s", round=first + 1)
    moment = row["decided_at"]

    found = [
        back_test.rounds_of((moment - timedelta(hours=1)).isoformat(), stop.isoformat())
        for stop in (moment, moment + timedelta(seconds=1))
    ]

    assert [(first, first), (first, first + 1)] == found
    assert back_test.rounds_of("2020-01-01", "2020-01-02") is None
    assert 2 == main(["--from", "2020-01-01", "--to", "2020-01-02", "--database-url", provider.database_url])
    back_test.close()


def test_a_round_from_before_inputs_were_noted_is_counted_and_not_compared(
    stage: Stage, stocked: Stocked, aws: Aws
) -> None:
    """It is no difference, and no success either."""
    provider, first = committed(stage, stocked)
    with provider.kernel.postgres.transaction() as tx:
        tx.execute("delete from oracle.decisions where voting_round = %(round)s", round=first)

    report = replayed(provider, first)

    assert (1, 1, []) == (report.without_inputs, report.rounds, report.differences)
