"""The life of a circuit in a real record and on a real board: thresholds, reset, probes, and every change a row."""

from decimal import Decimal

import psycopg
import pytest

from kernel.breaker import TUNABLES, BreakerPolicy, Change, CircuitOpen, Policies, State
from kernel.breaker.breakers import Breakers
from kernel.errors import Invalid, Rejected
from kernel.jsonrpc.endpoint import RpcUnavailable
from kernel.postgres import Postgres
from kernel.testing import FakeClock
from kernel.testing.kernel import FakedKernel
from kernel.tunables import Tunables
from tests.integration.breaker.conftest import Fleet

pytestmark = pytest.mark.integration
NAME = "modal"


def fail(breakers: Breakers, times: int, name: str = NAME) -> None:
    for _ in range(times):
        breakers.failed(name, "timeout")


def told(changes: list[Change]) -> list[tuple[str, str, str]]:
    return [(change.from_state, change.event, change.to_state) for change in changes]


def call(breakers: Breakers, error: Exception | None = None) -> None:
    with breakers.guard(NAME):
        if error is not None:
            raise error


def test_a_whole_life(fleet: Fleet, clock: FakeClock) -> None:
    """The first answer, five failures, a minute's rest, one probe, two minutes' good conduct: six rows."""
    breakers = fleet()
    breakers.succeeded(NAME)
    fail(breakers, 5)
    refused = breakers.usable(NAME)
    clock.advance(60)
    admitted = breakers.usable(NAME), breakers.usable(NAME)
    breakers.succeeded(NAME)
    clock.advance(120)
    breakers.succeeded(NAME)

    assert (refused, admitted) == (False, (True, False))
    assert breakers.condition(NAME).state is State.ACTIVE
    assert told(breakers.changes()) == [
        ("initializing", "confirm", "active"),
        ("active", "slip", "degraded"),
        ("degraded", "trip", "circuit_open"),
        ("circuit_open", "probe", "recovering"),
        ("recovering", "close", "degraded"),
        ("degraded", "heal", "active"),
    ]


def test_a_failed_probe_rests_again(fleet: Fleet, clock: FakeClock) -> None:
    """For a whole reset, from the relapse on."""
    breakers = fleet()
    fail(breakers, 5)
    clock.advance(60)
    assert breakers.usable(NAME)
    clock.advance(7)
    breakers.failed(NAME, "timeout")
    clock.advance(59)
    early = breakers.usable(NAME)
    clock.advance(1)

    assert (early, breakers.usable(NAME)) == (False, True)


def test_failures_of_an_earlier_window_do_not_count(fleet: Fleet, clock: FakeClock) -> None:
    """Four, five minutes' quiet, four: no reason to open."""
    breakers = fleet()
    fail(breakers, 4)
    clock.advance(300)
    fail(breakers, 4)

    assert breakers.condition(NAME).state is State.DEGRADED
    assert told(breakers.changes()) == [("initializing", "slip", "degraded")]


def test_a_guard_counts_what_is_the_dependencys_fault(fleet: Fleet) -> None:
    """Its silence counts; its refusals, and what broke in the caller, do not."""
    breakers = fleet()
    for error in (*[Rejected()] * 9, *[ValueError()] * 9, *[RpcUnavailable()] * 4):
        with pytest.raises(type(error)):
            call(breakers, error)

    assert (breakers.condition(NAME).state, breakers.condition(NAME).failures) == (State.DEGRADED, 4)


def test_an_open_circuit_says_when_to_come_back(fleet: Fleet, clock: FakeClock) -> None:
    """Without asking the dependency."""
    breakers = fleet()
    fail(breakers, 5)
    clock.advance(18)
    with pytest.raises(CircuitOpen) as refused:
        call(breakers, AssertionError("the dependency was asked"))

    assert refused.value.details == {"dependency": NAME, "state": "circuit_open"}
    assert refused.value.retry_after_s == pytest.approx(42, abs=0.01)


def test_a_probe_whose_caller_broke_is_given_back(fleet: Fleet, clock: FakeClock) -> None:
    """It told nothing about the dependency, so the next caller may try at once."""
    breakers, other = fleet(), fleet()
    fail(breakers, 5)
    clock.advance(60)
    with pytest.raises(ValueError, match="mine"):
        call(breakers, ValueError("mine"))
    clock.advance(2)

    call(other)
    assert told(breakers.changes())[-4:] == [
        ("circuit_open", "probe", "recovering"),
        ("recovering", "return", "circuit_open"),
        ("circuit_open", "probe", "recovering"),
        ("recovering", "close", "degraded"),
    ]


def test_a_dead_probe_is_replaced_and_says_nothing_any_more(fleet: Fleet, clock: FakeClock) -> None:
    """Its holder slept for longer than its time; another one probes, and only that one's verdict counts."""
    sleeper, other = fleet(), fleet()
    fail(sleeper, 5)
    clock.advance(60)
    assert sleeper.usable(NAME)
    clock.advance(29)
    early = other.usable(NAME)
    clock.advance(2)
    replaced = other.usable(NAME)
    sleeper.succeeded(NAME)
    clock.advance(2)
    still = other.condition(NAME).state
    other.succeeded(NAME)

    assert (early, replaced, still) == (False, True, State.RECOVERING)
    assert [change.actor for change in other.changes() if change.event == "close"] == ["container-1"]


def test_a_call_under_way_when_it_opened_is_no_news(fleet: Fleet, clock: FakeClock) -> None:
    """Its failure comes after the circuit has closed again, and is older than that."""
    breakers = fleet()
    with pytest.raises(RpcUnavailable), breakers.guard(NAME):
        fail(breakers, 5)
        clock.advance(60)
        call(breakers)
        raise RpcUnavailable

    assert (breakers.condition(NAME).state, breakers.condition(NAME).failures) == (State.DEGRADED, 0)


def test_an_operator_begins_anew(fleet: Fleet) -> None:
    """With a name and a reason, which the history keeps."""
    breakers = fleet()
    fail(breakers, 5)
    with pytest.raises(Invalid):
        breakers.reset(NAME, " ", "moved")
    condition = breakers.reset(NAME, "ada", "the provider moved")
    newest = breakers.changes()[-1]

    assert (condition.state, breakers.usable(NAME)) == (State.INITIALIZING, True)
    assert (newest.actor, newest.reason, newest.event) == ("ada", "the provider moved", "reset")


def test_dependencies_do_not_share_their_fate(fleet: Fleet) -> None:
    """Each has its policy: three failures are enough for market data."""
    breakers = fleet()
    fail(breakers, 3, "market_data")
    fail(breakers, 3, "contest_evaluation")

    assert [breakers.usable(name) for name in ("market_data", "contest_evaluation")] == [False, True]
    assert [(one.dependency, one.state.value) for one in breakers.conditions()] == [
        ("contest_evaluation", "degraded"),
        ("market_data", "circuit_open"),
    ]


def test_operators_tune_thresholds(fleet: Fleet, database_url: str, clock: FakeClock) -> None:
    """In force for the next verdict of a container that has not read them yet."""
    tunables = Tunables(Postgres(database_url, role="counterpart_ops"), TUNABLES, clock)
    tunables.set("breaker.default_threshold", Decimal(2), actor="ada", reason="fragile these days")
    breakers = fleet(policies=Policies(Tunables(Postgres(database_url), TUNABLES, clock)))
    fail(breakers, 2)

    assert breakers.condition(NAME).state is State.CIRCUIT_OPEN


def test_readers_of_changes_miss_none(fleet: Fleet) -> None:
    """Each asks for what came after the last one it knows."""
    breakers = fleet(policies=Policies(fixed={"*": BreakerPolicy(threshold=2)}))
    seen: list[Change] = []
    for name in ("a", "b", "a", "b", "c"):
        breakers.failed(name, "timeout")
        seen += breakers.changes(seen[-1].id if seen else 0, limit=1)

    assert seen == breakers.changes()
    assert [change.dependency for change in seen] == ["a", "b", "a", "b", "c"]


def test_nobody_rewrites_the_history(fleet: Fleet, database_url: str) -> None:
    """Not even whoever writes it."""
    fail(fleet(), 1)
    for statement in ("update kernel.breaker_changes set reason = ''", "delete from kernel.breaker_changes"):
        with (
            pytest.raises(psycopg.errors.InsufficientPrivilege),
            Postgres(database_url, role="counterpart_ops").transaction() as tx,
        ):
            tx.execute(statement)


def test_a_verdict_is_told_also_while_a_transaction_is_open(database_url: str) -> None:
    """The breakers of a kernel have a connection of their own."""
    kernel = FakedKernel(database_url, role="counterpart_ops")
    with kernel.postgres.transaction():
        kernel.breakers.failed(NAME, "timeout")

    assert kernel.breakers.condition(NAME).failures == 1
    kernel.close()
