"""Tunables: defaults, changes by operators, the audit, and who may change what."""

import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import psycopg
import pytest

from kernel.errors import Conflict, Invalid, NotFound
from kernel.postgres import Postgres
from kernel.testing import FakeClock
from kernel.tunables import Change, OutOfBounds, Tunable, Tunables

pytestmark = pytest.mark.integration

SPREAD = Tunable(name="oracle.spread_bps_max", default=50, minimum=1, maximum=500, unit="bps", meaning="Wide is out.")
WEIGHT = Tunable(
    name="oracle.newest_weight",
    default=Decimal("0.5"),
    minimum=Decimal(0),
    maximum=Decimal(1),
    unit="share",
    meaning="Of the newest price.",
)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def tunables(route_url: str, clock: FakeClock) -> Tunables:
    return Tunables(Postgres(route_url, role="counterpart_ops"), [SPREAD, WEIGHT], clock)


def test_the_default_holds_until_somebody_changes_it(tunables: Tunables) -> None:
    """Then the change does, at once where it was made; each tunable keeps its type."""
    before = tunables.get(SPREAD), tunables.get(WEIGHT)
    tunables.set("oracle.spread_bps_max", 80, actor="ada", reason="thin market")
    tunables.set("oracle.newest_weight", Decimal("0.125"), actor="ada", reason="calm market")

    assert before == (50, Decimal("0.5"))
    assert (tunables.get(SPREAD), tunables.get(WEIGHT)) == (80, Decimal("0.125"))
    assert isinstance(tunables.get(SPREAD), int)


def test_other_containers_follow_within_the_cache(route_url: str, tunables: Tunables, clock: FakeClock) -> None:
    """A value is read once per 15 seconds, whatever the number of readers; a slice may read, not write."""
    other = Tunables(Postgres(route_url, role="counterpart_oracle"), [SPREAD], clock)
    assert other.get(SPREAD) == 50
    tunables.set("oracle.spread_bps_max", 80, actor="ada", reason="thin market")

    clock.advance(14.9)
    still = other.get(SPREAD)
    clock.advance(0.1)

    assert (still, other.get(SPREAD)) == (50, 80)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        other.set("oracle.spread_bps_max", 90, actor="eve", reason="why not")


def test_every_change_is_kept_with_who_when_why(tunables: Tunables, clock: FakeClock) -> None:
    """Old and new, newest first."""
    start = clock.now()
    tunables.set("oracle.spread_bps_max", 80, actor="ada", reason="thin market")
    clock.advance(60)
    tunables.set("oracle.spread_bps_max", 60, actor="bob", reason="better")

    first, second = (
        {"name": "oracle.spread_bps_max", "version": 1, "value": Decimal(80), "old_value": Decimal(50)},
        {"name": "oracle.spread_bps_max", "version": 2, "value": Decimal(60), "old_value": Decimal(80)},
    )
    assert tunables.history("oracle.spread_bps_max") == [
        Change(**second, changed_by="bob", changed_at=clock.now(), reason="better"),  # type: ignore[arg-type]  # fields by name
        Change(**first, changed_by="ada", changed_at=start, reason="thin market"),  # type: ignore[arg-type]  # fields by name
    ]


def test_nobody_rewrites_the_audit(route_url: str, tunables: Tunables) -> None:
    """Not even the role that may add to it."""
    tunables.set("oracle.spread_bps_max", 80, actor="ada", reason="thin market")
    for statement in ("update kernel.tunables set reason = 'none'", "delete from kernel.tunables"):
        with (
            pytest.raises(psycopg.errors.InsufficientPrivilege),
            Postgres(route_url, role="counterpart_ops").transaction() as tx,
        ):
            tx.execute(statement)


def test_what_is_refused_changes_nothing(tunables: Tunables) -> None:
    """Out of bounds, unknown, without a person or a reason."""
    for value in (0, 501, Decimal("7.5")):
        with pytest.raises(OutOfBounds):
            tunables.set("oracle.spread_bps_max", value, actor="ada", reason="thin market")
    with pytest.raises(NotFound):
        tunables.set("oracle.unknown", 1, actor="ada", reason="thin market")
    for actor, reason in (("", "thin market"), ("ada", " ")):
        with pytest.raises(Invalid):
            tunables.set("oracle.spread_bps_max", 80, actor=actor, reason=reason)

    assert tunables.history("oracle.spread_bps_max") == []
    assert tunables.get(SPREAD) == 50


def test_two_changes_at_once_are_one_change(route_url: str, tunables: Tunables) -> None:
    """The second waits for the first's version and learns that it decided on an old value."""
    with Postgres(route_url, role="counterpart_ops").transaction() as tx:
        # Bob's change, written and not yet committed.
        tx.execute(
            "insert into kernel.tunables (name, version, value, old_value, changed_by, changed_at, reason) "
            "values ('oracle.spread_bps_max', 1, 70, 50, 'bob', now(), 'faster')"
        )
        with ThreadPoolExecutor(1) as ada:
            change = ada.submit(tunables.set, "oracle.spread_bps_max", 80, actor="ada", reason="slower")
            wait_until_blocked(route_url)
            tx.execute("commit; begin")
            failure = change.exception(timeout=10)

    assert isinstance(failure, Conflict)
    assert [change.changed_by for change in tunables.history("oracle.spread_bps_max")] == ["bob"]


def test_a_third_change_follows_the_second(tunables: Tunables) -> None:
    """Each starts from the newest value, not from the first."""
    for value in (80, 60, 70):
        change = tunables.set("oracle.spread_bps_max", value, actor="ada", reason="tuning")

    assert (change.version, change.old_value, tunables.get(SPREAD)) == (3, Decimal(60), 70)


def wait_until_blocked(url: str) -> None:
    """Until some session of the database waits for another's lock."""
    deadline_s = time.monotonic() + 10
    with psycopg.connect(url, autocommit=True) as watcher:
        while time.monotonic() < deadline_s:
            waiting = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
            if watcher.execute(waiting).fetchone():
                return
            time.sleep(0.005)
    pytest.fail("nobody waits")


def test_a_name_is_declared_once(route_url: str) -> None:
    """Two declarations of one name would fight over its bounds."""
    with pytest.raises(ValueError, match="share a name"):
        Tunables(Postgres(route_url), [SPREAD, SPREAD])
