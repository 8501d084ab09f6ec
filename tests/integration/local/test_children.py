"""Children are named when they die, and none outlives its parent."""

import signal
import subprocess
import sys
import time
from pathlib import Path
from queue import SimpleQueue
from threading import Thread

import pytest

from infra.local import settings
from infra.local.children import Child, ChildDied, Children, ChildSlow

pytestmark = pytest.mark.integration

SLEEP = ["sleep", "600"]


@pytest.fixture
def family(tmp_path: Path) -> Children:
    return Children(tmp_path / "children")


def test_a_child_that_dies_is_named_with_its_last_words(family: Children) -> None:
    """The error names the child and how it ended, and shows the end of its log."""
    with family:
        child = family.start("talker", ["sh", "-c", "echo its last words; exit 7"])
        with pytest.raises(ChildDied) as died:
            child.wait_until(lambda: False)

        assert "talker" in str(died.value)
        assert "exit code 7" in str(died.value)
        assert "its last words" in str(died.value)


def test_a_watched_child_that_is_killed_is_told(family: Children) -> None:
    """The watcher hears of a death within a second, with the signal's name."""
    told: SimpleQueue[ChildDied] = SimpleQueue()
    with family:
        family.start("survivor", SLEEP)
        victim = family.start("victim", SLEEP)
        family.watch(told.put, every_s=0.05)
        victim.popen.send_signal(signal.SIGKILL)

        assert "victim" in str(death := told.get(timeout=5))
        assert "SIGKILL" in str(death)


def test_stopping_is_no_death(family: Children) -> None:
    """Whoever stops the children hears of no death."""
    told: SimpleQueue[ChildDied] = SimpleQueue()
    with family:
        family.start("sleeper", SLEEP)
        family.watch(told.put, every_s=0.01)
    time.sleep(0.05)

    assert told.empty()


def test_stop_ends_the_last_started_first_and_forgets_nothing(family: Children) -> None:
    """After stop, none runs; what was to follow the stop was called."""
    after: list[str] = []
    children = [family.start(f"sleeper-{number}", SLEEP) for number in range(3)]
    family.after_stop(lambda: after.append("swept"))
    family.stop()

    assert [child.returncode for child in children] == [-signal.SIGTERM] * 3
    assert after == ["swept"]


def test_a_child_that_ignores_the_signal_is_killed_with_its_own_children(family: Children) -> None:
    """The whole process group ends, also when its leader does not listen."""
    child = family.start("stubborn", ["sh", "-c", "trap '' TERM; sleep 601 & wait; sleep 602"])
    child.wait_until(lambda: len(group_of(child)) > 1)
    child.stop(grace_s=0.2)

    # A killed orphan is gone when the kernel next schedules it, which on a busy machine takes a moment.
    until = time.monotonic() + 10
    while group_of(child) and time.monotonic() < until:
        time.sleep(0.02)
    assert group_of(child) == []


def test_a_child_whose_end_is_what_was_awaited_did_not_die(family: Children) -> None:
    """An installer is ready when it has ended well, also when it ends between two looks at it."""
    with family:
        child = family.start("installer", ["true"])
        looks = iter([False])
        child.popen.wait()
        child.wait_until(lambda: next(looks, child.returncode == 0))

        assert child.returncode == 0


def test_a_child_that_is_never_ready_is_named(family: Children) -> None:
    """A slow start ends in words, not in waiting."""
    with family, pytest.raises(ChildSlow, match="sleeper"):
        family.start("sleeper", SLEEP).wait_until(lambda: False, limit_s=0.1)


def test_an_unknown_program_is_told(family: Children) -> None:
    """A program that cannot be started says so in its log."""
    with family, pytest.raises(ChildDied, match="cannot start no-such-program"):
        family.start("nobody", ["no-such-program"]).wait_until(lambda: False)


def test_a_child_outlives_the_thread_that_started_it(family: Children) -> None:
    """The death signal belongs to a lasting thread, not to the one that asked."""
    started: SimpleQueue[Child] = SimpleQueue()
    with family:
        thread = Thread(target=lambda: started.put(family.start("sleeper", SLEEP)))
        thread.start()
        child = started.get(timeout=5)
        thread.join()
        time.sleep(0.2)

        assert child.returncode is None


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_child_outlives_its_parent(tmp_path: Path, ending: signal.Signals) -> None:
    """However the parent ends, killed outright or asked to, its children end too."""
    program = (
        "import time; from pathlib import Path; from infra.local.children import Children\n"
        f"child = Children(Path({str(tmp_path)!r})).start('sleeper', ['sleep', '600'])\n"
        "print(child.pid, flush=True); time.sleep(600)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=settings.ROOT
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        # Only now has the child become the program it is meant to be.
        wait_for(lambda: "sleep" in command_of(pid))
        parent.send_signal(ending)
        parent.wait()

        wait_for(lambda: command_of(pid) == "")


def group_of(child: Child) -> list[int]:
    """The living members of the child's process group."""
    members = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, group = stat.read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(group) == child.pid and state != "Z":
            members.append(int(stat.parent.name))
    return members


def command_of(pid: int) -> str:
    """The command line of a process; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("infra/local/attach.py")[0]
    except OSError:
        return ""


def wait_for(condition: object, limit_s: float = 5.0) -> None:
    """Wait until `condition()` holds; AssertionError after `limit_s`."""
    assert callable(condition)
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)
