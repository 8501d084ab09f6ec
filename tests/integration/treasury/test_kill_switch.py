"""The kill switch: who turns it, what it holds up, and that nothing is owed after a halt has returned."""

import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from kernel.errors import Conflict, Invalid
from kernel.postgres import Postgres
from kernel.testing import FakeClock
from kernel.treasury import Halt, KillSwitch, ServiceHalted

pytestmark = pytest.mark.integration


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def switch(route_url: str, clock: FakeClock) -> KillSwitch:
    return KillSwitch(Postgres(route_url, role="counterpart_ops"), clock)


def test_a_halted_service_may_not_owe_anything_new(route_url: str, switch: KillSwitch, clock: FakeClock) -> None:
    """Other services go on; resumed, it goes on, too."""
    slice_ = Postgres(route_url, role="counterpart_bridge")
    with slice_.transaction() as tx:
        switch.require_running(tx, "bridge")
    halt = switch.halt("bridge", "ada", "prices look wrong")

    with slice_.transaction() as tx, pytest.raises(ServiceHalted):
        switch.require_running(tx, "bridge")
    with slice_.transaction() as tx:
        switch.require_running(tx, "oracle")

        assert switch.standing(tx, "bridge") == halt
        assert switch.standing(tx, "oracle") is None
    switch.resume("bridge", "bob", "they were right")
    with slice_.transaction() as tx:
        switch.require_running(tx, "bridge")

        assert switch.standing(tx, "bridge") is None


def test_every_turn_is_kept_with_who_when_why(switch: KillSwitch, clock: FakeClock) -> None:
    """Newest first; a second halt is kept with its reason."""
    start = clock.now()
    switch.halt("bridge", "ada", "one")
    clock.advance(60)
    switch.halt("bridge", "bob", "two")
    switch.resume("bridge", "bob", "three")

    def turn(version: int, halted: bool, actor: str, reason: str, at_s: float) -> Halt:
        changed_at = start if at_s == 0 else clock.now()
        kept = {"version": version, "halted": halted, "actor": actor, "reason": reason, "changed_at": changed_at}
        return Halt(service="bridge", **kept)  # type: ignore[arg-type]  # fields by name

    assert switch.history("bridge") == [
        turn(3, False, "bob", "three", 60),
        turn(2, True, "bob", "two", 60),
        turn(1, True, "ada", "one", 0),
    ]
    assert switch.halted() == []


def test_what_runs_cannot_be_resumed(switch: KillSwitch) -> None:
    """Nobody believes to have changed what was so already."""
    with pytest.raises(Conflict):
        switch.resume("bridge", "ada", "why not")


@pytest.mark.parametrize(("actor", "reason"), [("", "why"), ("ada", " ")])
def test_a_turn_says_who_and_why(switch: KillSwitch, actor: str, reason: str) -> None:
    """An unsigned halt is refused."""
    with pytest.raises(Invalid):
        switch.halt("bridge", actor, reason)


def test_a_slice_cannot_turn_a_switch_or_rewrite_its_history(route_url: str, switch: KillSwitch) -> None:
    """Only the ops slice's role adds a row, and nobody changes one."""
    switch.halt("bridge", "ada", "prices look wrong")
    slice_ = KillSwitch(Postgres(route_url, role="counterpart_bridge"))

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        slice_.resume("bridge", "eve", "money")
    for statement in ("update kernel.service_switches set halted = false", "delete from kernel.service_switches"):
        with (
            pytest.raises(psycopg.errors.InsufficientPrivilege),
            Postgres(route_url, role="counterpart_ops").transaction() as tx,
        ):
            tx.execute(statement)


def test_a_halt_returns_after_whatever_was_recording(route_url: str, switch: KillSwitch) -> None:
    """A transaction that was let through commits before the halt does; the next one is refused."""
    recording = Postgres(route_url, role="counterpart_bridge")
    halted = threading.Event()

    def halt() -> None:
        switch.halt("bridge", "ada", "prices look wrong")
        halted.set()

    with ThreadPoolExecutor(1) as pool:
        with recording.transaction() as tx:
            switch.require_running(tx, "bridge")
            turning = pool.submit(halt)
            returned_early = halted.wait(0.3)
        turning.result(timeout=30)

    assert (returned_early, halted.is_set()) == (False, True)
    with recording.transaction() as tx, pytest.raises(ServiceHalted):
        switch.require_running(tx, "bridge")
