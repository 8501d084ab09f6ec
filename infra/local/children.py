"""The child programs of the local cloud: they die with their parent, log to files, and are named when they die.

Each child leads its own process group, so Ctrl-C in the terminal reaches only the parent, which then stops the
children in the reverse order of their start. A parent that is killed outright cannot do that; the kernel does, by
the signal that `attach.py` arranges.
"""

import atexit
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from infra.local import settings
from infra.local.failures import LocalFailure

ATTACH = Path(__file__).with_name("attach.py")
POLL_S = 0.01
LOG_LINES = 12


class ChildDied(LocalFailure):
    """A program of the local cloud ended by itself."""

    def __init__(self, child: "Child") -> None:
        super().__init__(
            f"{child.name} (pid {child.pid}) ended with {_ending(child.returncode)}; "
            f"the last lines of {child.log}:\n{child.last_lines()}"
        )
        self.name = child.name


class ChildSlow(LocalFailure):
    """A program of the local cloud was not ready in time."""

    def __init__(self, child: "Child", waited_s: float) -> None:
        super().__init__(
            f"{child.name} (pid {child.pid}) was not ready after {waited_s:.0f} s; "
            f"the last lines of {child.log}:\n{child.last_lines()}"
        )


@dataclass(frozen=True, slots=True, eq=False)
class Child:
    """One running child program."""

    name: str
    log: Path
    stop_signal: signal.Signals
    popen: subprocess.Popen[bytes] = field(repr=False)

    @property
    def pid(self) -> int:
        """Its process id, which is also the id of its process group."""
        return self.popen.pid

    @property
    def returncode(self) -> int | None:
        """None while it runs; negative when a signal ended it."""
        return self.popen.poll()

    def last_lines(self, count: int = LOG_LINES) -> str:
        """The end of its log."""
        with contextlib.suppress(FileNotFoundError):
            lines = self.log.read_bytes()[-16_384:].decode(errors="replace").splitlines()
            return "\n".join(f"  | {line}" for line in lines[-count:]) or "  | (empty)"
        return "  | (no log)"

    def wait_until(self, ready: Callable[[], bool], limit_s: float = 30.0) -> None:
        """Return once `ready()` holds; ChildDied or ChildSlow, each with the log's end, when it never does."""
        started = time.monotonic()
        while not ready():
            # Asked again: it may have become ready and ended, both, since the question above.
            if self.returncode is not None and not ready():
                raise ChildDied(self)
            if time.monotonic() - started > limit_s:
                raise ChildSlow(self, limit_s)
            time.sleep(POLL_S)

    def stop(self, grace_s: float = 5.0) -> None:
        """Ask it to end, wait, then kill its whole process group; harmless when it already ended."""
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.popen.send_signal(self.stop_signal)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.popen.wait(grace_s)
        self.kill()

    def kill(self) -> None:
        """SIGKILL for it and everything it started in its process group."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self.popen.wait()


class Children:
    """The children of one owner; `stop()` ends them all, last started first.

    Usable as a context manager. Whatever the owner forgets is stopped at the interpreter's exit.
    """

    def __init__(self, folder: Path) -> None:
        """Logs go to `folder`/<name>.log."""
        self.folder = folder
        self._children: list[Child] = []
        self._after_stop: list[Callable[[], None]] = []
        self._stopping = False
        self._lock = threading.Lock()
        self._owner_pid = os.getpid()
        folder.mkdir(parents=True, exist_ok=True)
        atexit.register(self.stop)

    def __enter__(self) -> "Children":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __iter__(self) -> Iterator[Child]:
        return iter(list(self._children))

    def start(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        death_signal: signal.Signals = signal.SIGKILL,
        user_id: int | None = None,
        pass_fds: Sequence[int] = (),
    ) -> Child:
        """Start `command`; `env` is added to the few inherited names, never to the whole environment.

        stop_signal asks it to end, death_signal reaches it when this process dies; user_id: run as that user.
        """
        log = self.folder / f"{name}.log"
        attach = [sys.executable, "-I", "-S", str(ATTACH)]
        attach += [str(os.getpid()), str(int(death_signal)), str(-1 if user_id is None else user_id), "--"]

        def spawn() -> subprocess.Popen[bytes]:
            with log.open("ab") as output:
                return subprocess.Popen(
                    [*attach, *map(str, command)],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env=settings.child_environment(env),
                    cwd=cwd or self.folder,
                    start_new_session=True,
                    pass_fds=pass_fds,
                )

        child = Child(name, log, stop_signal, _spawner().submit(spawn).result())
        with self._lock:
            self._children.append(child)
        return child

    def start_python(
        self,
        name: str,
        module: str,
        *arguments: str | Path,
        env: Mapping[str, str] | None = None,
        pass_fds: Sequence[int] = (),
    ) -> Child:
        """Start `python -m module arguments...` with this interpreter."""
        return self.start(name, [sys.executable, "-m", module, *arguments], env=env, pass_fds=pass_fds)

    def dead(self) -> list[Child]:
        """Those that ended although nobody stopped them."""
        return [] if self._stopping else [child for child in self._children if child.returncode is not None]

    def check(self) -> None:
        """ChildDied, naming the first child that ended by itself and showing its last log lines."""
        for child in self.dead():
            raise ChildDied(child)

    def watch(self, on_death: Callable[[ChildDied], None], *, every_s: float = 0.2) -> Callable[[], None]:
        """Call `on_death` from a background thread for each child that dies by itself; returns what ends the watch."""
        ended = threading.Event()
        told: set[int] = set()

        def look() -> None:
            while not self._stopping and not ended.wait(every_s):
                for child in self.dead():
                    if child.pid not in told and not ended.is_set():
                        told.add(child.pid)
                        on_death(ChildDied(child))

        threading.Thread(target=look, name="children-watch", daemon=True).start()
        return ended.set

    def after_stop(self, callback: Callable[[], None]) -> None:
        """Call `callback` once every child has ended."""
        self._after_stop.append(callback)

    def forget(self, child: Child) -> None:
        """Stop one child and no longer watch it."""
        with self._lock:
            self._children = [other for other in self._children if other is not child]
        child.stop()

    def stop(self) -> None:
        """End every child, last started first, by its pid; safe to call twice, and a no-op in a forked copy."""
        if os.getpid() != self._owner_pid:
            return
        self._stopping = True
        with self._lock:
            children, self._children = self._children, []
        for child in reversed(children):
            child.stop()
        while self._after_stop:
            self._after_stop.pop()()
        atexit.unregister(self.stop)


def _ending(returncode: int | None) -> str:
    """How a process ended, in words."""
    if returncode is not None and returncode < 0:
        return signal.Signals(-returncode).name
    return f"exit code {returncode}"


_spawners: dict[int, ThreadPoolExecutor] = {}
_spawners_lock = threading.Lock()


def _spawner() -> ThreadPoolExecutor:
    """The one thread of this process that starts children.

    Linux ties the death signal to the parent's *thread*, so a child started from a short-lived one would be killed
    when that thread ends. A forked copy of this process has no such thread, and gets its own.
    """
    with _spawners_lock:
        if os.getpid() not in _spawners:
            _spawners[os.getpid()] = ThreadPoolExecutor(max_workers=1, thread_name_prefix="children")
        return _spawners[os.getpid()]
