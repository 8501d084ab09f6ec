"""cron_observe: finished rounds become tasks, and what was seen becomes alarms."""

from typing import Any

import pytest

from functions.oracle.core.sighting import ROUNDS_AT_ONCE
from functions.oracle.cron_observe import handler
from functions.oracle.wiring import Deps
from kernel.postgres import Transaction
from tests.handlers.oracle.provider import Context, Provider, Stage, scheduled_event

pytestmark = pytest.mark.handlers


def watch(provider: Provider) -> None:
    handler.bind(provider.deps)(scheduled_event(provider.deps.clock.now()), Context())


def asked(provider: Provider) -> list[int]:
    """The rounds whose observation is asked for."""
    with provider.kernel.postgres.transaction() as tx:
        rows = tx.all("select payload from kernel.tasks where kind = 'oracle.observe' order by run_at")
    return [row["payload"]["voting_round"] for row in rows]


def observed(deps: Deps, number: int, *faults: str, low: bool = False, **more: Any) -> None:
    """Store a round as if it had been observed now, with what we did wrong in it."""
    columns = {"faulty_weight_bips": 0, "now": deps.clock.now(), "number": number} | more
    with deps.kernel.postgres.transaction() as tx:
        tx.execute(
            "insert into oracle.observed_rounds (voting_round, reward_epoch, faulty_weight_bips, our_deviations_ppm, "
            "read_at_block, observed_at) values (%(number)s, 1, %(faulty_weight_bips)s, '{}', 7, %(now)s)",
            **columns,
        )
        for fault in faults:
            tx.execute(
                "insert into oracle.faults (voting_round, submit_address, fault, is_ours, reward_epoch) "
                "values (%(number)s, '0xaa', %(fault)s, true, 1)",
                number=number,
                fault=fault,
            )
        _pay(tx, low=low)


def told_of(caplog: pytest.LogCaptureFixture, what: str) -> list[str]:
    """What the log's lines say under a word, in their order."""
    return [vars(record)[what] for record in caplog.records if what in vars(record)]


def _pay(tx: Transaction, *, low: bool) -> None:
    tx.execute(
        "insert into oracle.payers values ('0xaa', '0xaa', true, 5, %(low)s, 7) "
        "on conflict (address) do update set is_low = excluded.is_low",
        low=low,
    )


def test_a_new_deployment_begins_with_the_rounds_that_are_about_to_be_finished(stage: Stage) -> None:
    """Not with the past, and not before there were voters; asking twice asks once."""
    provider = stage.provider()
    first = stage.network.timing.first_round

    watch(provider)
    watch(provider)

    minutes_rounds = 120 // stage.network.timing.voting_epoch_s
    assert asked(provider) == list(range(first, first + minutes_rounds - 2))


def test_after_an_outage_it_goes_on_where_it_stood(stage: Stage) -> None:
    """No round between is left out, however long it was away, and no minute asks for more than it can."""
    provider = stage.provider()
    first = stage.network.timing.first_round
    watch(provider)
    stage.at(first + 100, 0)

    watch(provider)
    some = asked(provider)
    watch(provider)

    assert some == list(range(first, first + 13 + ROUNDS_AT_ONCE))
    assert asked(provider) == list(range(first, first + 100 + 13))


def test_alarms_begin_once_and_pass_when_their_reason_is_gone(
    stage: Stage, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """In the table, in the log, over the WebSocket, in /metrics and as the metric that wakes somebody."""
    provider = stage.provider()
    deps = provider.deps
    observed(deps, 300, "reveal_missing", low=True)
    caplog.set_level("INFO")

    watch(provider)
    watch(provider)

    first, logged = capsys.readouterr().out, told_of(caplog, "alarm")
    told = [body for topic, body in provider.kernel.news.published if topic == "admin"]
    with provider.kernel.postgres.transaction(role="counterpart_ops") as tx:
        raised = tx.all("select alarm from kernel.service_alarms order by alarm")
    assert [row["alarm"] for row in raised] == ["oracle.low_balance", "oracle.reveal_missing"]
    assert told == [
        {"event": "alarm_began", "alarm": "oracle.low_balance"},
        {"event": "alarm_began", "alarm": "oracle.reveal_missing"},
    ]
    assert (logged, first.count('"oracle_alarms":[2.0]')) == (["oracle.low_balance", "oracle.reveal_missing"], 2)

    for number in range(301, 311):
        observed(deps, number)
    watch(provider)

    last, passed = capsys.readouterr().out, told_of(caplog, "passed")
    alarms = provider.one("select count(*) as all, count(ended_at) as ended from oracle.alarms")
    assert alarms == {"all": 2, "ended": 2}
    assert (passed, last.count('"oracle_alarms":[0.0]')) == (["oracle.low_balance", "oracle.reveal_missing"], 1)


def test_it_tells_that_nothing_is_observed_while_the_chain_is_away(stage: Stage) -> None:
    """That is when it matters."""
    provider = stage.provider(rpc_urls="plain:http://127.0.0.1:9")
    observed(provider.deps, 300)
    stage.clock.advance(901)

    watch(provider)

    assert asked(provider) == []
    assert provider.one("select alarm from oracle.alarms") == {"alarm": "observation_stopped"}
