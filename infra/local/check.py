"""The checks of `make check`, side by side; each one's words are shown when it fails."""

import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from infra.local import settings

BIN = Path(sys.executable).parent

# A name, and the command; each runs as a module or a program of .venv, never through PATH.
CHECKS: dict[str, list[str]] = {
    "types (mypy --strict)": [sys.executable, "-m", "mypy"],
    "imports (import-linter)": [sys.executable, str(BIN / "lint-imports")],
    "format (ruff format)": [sys.executable, "-m", "ruff", "format", "--check", "."],
    "lint (ruff check)": [sys.executable, "-m", "ruff", "check", "."],
}
REMEDIES = {"format (ruff format)": "make format", "lint (ruff check)": "make format, then what it leaves by hand"}


@dataclass
class Check:
    """One running check, its output kept apart from the others'."""

    name: str
    command: list[str]
    started: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.popen = subprocess.Popen(
            self.command,
            cwd=settings.ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=settings.whole_environment(),
        )

    def passed(self) -> bool:
        """Wait for its end and print its verdict."""
        output, _ = self.popen.communicate()
        ok = self.popen.returncode == 0
        print(f"{'ok    ' if ok else 'FAILED'} {self.name}  {time.monotonic() - self.started:.1f} s", flush=True)
        if not ok:
            print(output.rstrip(), flush=True)
            if self.name in REMEDIES:
                print(f"remedy: {REMEDIES[self.name]}", flush=True)
        return ok


def main() -> int:
    """0 when every check passes."""
    running = [Check(name, command) for name, command in CHECKS.items()]
    try:
        verdicts = [check.passed() for check in running]
        return 0 if all(verdicts) else 1
    finally:
        for check in running:
            if check.popen.poll() is None:
                check.popen.kill()


if __name__ == "__main__":
    sys.exit(main())
