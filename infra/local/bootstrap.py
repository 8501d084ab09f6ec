"""Make a fresh machine ready: `python3 -m infra.local.bootstrap` installs what the locks name, and nothing else.

Standard library only, since it runs before anything is installed. Stamps make a second run take a blink.
"""

import contextlib
import fcntl
import hashlib
import shutil
import subprocess
import sys
import time
from pathlib import Path

from infra.local import programs, settings

ROOT = settings.ROOT
LOCAL = settings.LOCAL
UV_VERSION = "0.13.8"
LIMIT_S = 900.0
TICK_S = 5.0


class NotReady(Exception):
    """A step of the preparation failed; the message says what to do."""


class Step:
    """One installation that runs in the background, with its output in a log."""

    def __init__(self, title: str, remedy: str, command: list[str], environment: dict[str, str]) -> None:
        self.title = title
        self.remedy = remedy
        self.log = LOCAL / f"bootstrap-{title.split(maxsplit=1)[0].lower()}.log"
        with self.log.open("wb") as output:
            self.popen = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )
        self.started = time.monotonic()

    def wait(self) -> None:
        """Tell of the passing time until it ends; NotReady, with the log's end and the remedy, when it fails."""
        next_tick = TICK_S
        try:
            while self.popen.poll() is None:
                time.sleep(0.05)
                elapsed = time.monotonic() - self.started
                if elapsed > LIMIT_S:
                    raise NotReady(f"{self.title}: no end after {LIMIT_S:.0f} s. {self.remedy}")
                if elapsed > next_tick:
                    say(f"  {self.title} ... {elapsed:.0f} s")
                    next_tick += TICK_S
        finally:
            if self.popen.poll() is None:
                self.popen.kill()
        if self.popen.returncode != 0:
            lines = self.log.read_text(errors="replace").splitlines()[-15:]
            shown = "\n".join(f"  | {line}" for line in lines)
            raise NotReady(f"{self.title} failed; the end of {self.log}:\n{shown}\n{self.remedy}")
        say(f"  {self.title}: done in {time.monotonic() - self.started:.0f} s")


def main() -> int:
    """Install what is missing or out of date; 0 when all is ready."""
    try:
        if is_ready():
            return 0
        LOCAL.mkdir(exist_ok=True)
        with (LOCAL / "bootstrap.lock").open("w") as lock:
            if not _locked(lock.fileno()):
                say("another make prepares this folder; waiting for it ...")
                fcntl.flock(lock, fcntl.LOCK_EX)
            prepare()
    except NotReady as problem:
        say(f"\nNot ready: {problem}")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def is_ready() -> bool:
    """Whether both stamps fit the locks and the folders they speak of still work."""
    return _python_ready() and _node_ready()


def prepare() -> None:
    """uv, then the Python packages and, beside them where Node is at hand already, the npm packages."""
    if is_ready():
        return
    say("Preparing this folder (a first run downloads about 500 MB; later runs skip this).")
    python = None if _python_ready() else _sync_python(_uv())
    node_packages = None if _node_ready() or programs.node() is None else _install_node_packages()
    if python is not None:
        python.wait()
        _stamp("python", _python_digest())
    if not _node_ready():
        (node_packages or _install_node_packages()).wait()
        _stamp("node", _node_digest())
    say("Ready.")


def _sync_python(uv: Path) -> Step:
    return Step(
        "Python packages (uv sync)",
        "Check that this machine reaches the Python package index (a proxy is read from HTTPS_PROXY, an index from "
        "UV_DEFAULT_INDEX), then run the same command again: what is downloaded is kept.",
        [str(uv), "sync", "--frozen", "--python", _base_python(), "--no-progress"],
        settings.whole_environment({"UV_PYTHON_DOWNLOADS": "never", "UV_LINK_MODE": _link_mode()}),
    )


def _install_node_packages() -> Step:
    node = programs.node()
    if node is None:
        raise NotReady(
            f"no Node of version {programs.NODE_MAJOR_MIN} or later, neither on PATH nor from the wheel in .venv; "
            "install one (Debian: apt-get install -y nodejs npm), or remove .venv and run this again"
        )
    return Step(
        "npm packages (npm ci)",
        "Check that this machine reaches the npm registry (`npm config get registry`), then run this again.",
        [*node.npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
        settings.whole_environment({"PATH": f"{node.folder}:{settings.search_path()}"}),
    )


def _uv() -> Path:
    """uv from PATH, or installed into .local/uv: a venv where venv works, else by pip alone."""
    found = programs.uv()
    if found is not None:
        return found
    say("  uv is not on PATH; installing it into .local/uv")
    wanted = f"uv=={UV_VERSION}"
    folder = programs.OWN_UV
    # Neither way touches the system's Python, which Debian forbids (PEP 668).
    by_venv = _quiet([_base_python(), "-m", "venv", "--clear", str(folder)])
    if by_venv.returncode == 0:
        installed = _quiet([str(folder / "bin/python"), "-m", "pip", "install", "--quiet", wanted])
    else:
        shutil.rmtree(folder, ignore_errors=True)
        installed = _quiet([_base_python(), "-m", "pip", "install", "--quiet", "--target", str(folder), wanted])
    found = programs.uv()
    if found is not None:
        return found
    if "No module named pip" in installed.stderr:
        raise NotReady(
            "this Python has neither venv nor pip, so uv cannot be installed; "
            "get them with: apt-get install -y python3-venv python3-pip (or put uv on PATH)"
        )
    raise NotReady(f"uv could not be installed by pip; is the package index reachable?\n{installed.stderr.strip()}")


def _quiet(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env=settings.whole_environment({"PIP_DISABLE_PIP_VERSION_CHECK": "1"}),
    )


def _base_python() -> str:
    """The interpreter behind a virtual environment, if we run in one: ours must not depend on another's."""
    return str(getattr(sys, "_base_executable", None) or sys.executable)


def _link_mode() -> str:
    """uv shares its cache by hard links where it can; saying so for another disk silences a warning."""
    cache = Path.home() / ".cache"
    with contextlib.suppress(OSError):
        return "hardlink" if cache.stat().st_dev == ROOT.stat().st_dev else "copy"
    return "copy"


def _python_ready() -> bool:
    return programs.VENV_PYTHON.exists() and _stamped("python", _python_digest())


def _node_ready() -> bool:
    return (ROOT / "node_modules/.package-lock.json").exists() and _stamped("node", _node_digest())


def _python_digest() -> str:
    # The folder too: an environment that was copied elsewhere points at the place it came from.
    return _digest(ROOT / "uv.lock", ROOT / "pyproject.toml", extra=str(ROOT))


def _node_digest() -> str:
    return _digest(ROOT / "package-lock.json", ROOT / "package.json")


def _digest(*files: Path, extra: str = "") -> str:
    digest = hashlib.sha256(extra.encode())
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _stamped(name: str, digest: str) -> bool:
    stamp = LOCAL / f"{name}.stamp"
    return stamp.exists() and stamp.read_text() == digest


def _stamp(name: str, digest: str) -> None:
    (LOCAL / f"{name}.stamp").write_text(digest)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def say(line: str) -> None:
    """One line of progress, at once."""
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
