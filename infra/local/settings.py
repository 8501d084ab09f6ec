"""What the local cloud reads from its environment, and where it keeps its files; the only such file in infra/local."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCAL = ROOT / ".local"

# Only what a program needs to run at all is handed down: a proxy, an AWS profile or a database
# address of the developer must never reach a stand-in.
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "TERM", "USER")


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalSettings:
    """The developer's choices, all optional.

    database_url: an existing Postgres to use in place of the wheel's own (DATABASE_URL).
    kms_key: the wrapping key under which `make seal-key` seals (KMS_KEY).
    require_all: a skipped test fails (REQUIRE_ALL=1, set on the build machine).
    seed: `make up` keeps activity moving (SEED=1).
    soak: tests run their full volumes (SOAK=1, set by `make soak` and `make crash`).
    """

    database_url: str | None = None
    kms_key: str | None = None
    require_all: bool = False
    seed: bool = False
    soak: bool = False


def load(environment: Mapping[str, str] | None = None) -> LocalSettings:
    """Read the settings from `environment`, or from this process's own."""
    source = os.environ if environment is None else environment
    return LocalSettings(
        database_url=source.get("DATABASE_URL") or None,
        kms_key=source.get("KMS_KEY") or None,
        require_all=_switched_on(source, "REQUIRE_ALL"),
        seed=_switched_on(source, "SEED"),
        soak=_switched_on(source, "SOAK"),
    )


def with_prefix(prefix: str) -> dict[str, str]:
    """What this process's environment says under names that begin so."""
    return {name: value for name, value in os.environ.items() if name.startswith(prefix)}


def child_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a child: the few inherited names, this project's import roots, then `extra`."""
    kept = {name: os.environ[name] for name in INHERITED if name in os.environ}
    roots = os.pathsep.join((str(ROOT), str(ROOT / "layers/kernel/python")))
    return {**kept, "PYTHONPATH": roots, "PYTHONUNBUFFERED": "1", **(extra or {})}


def whole_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's own environment, then `extra`: for installers, which need the machine's proxies and indexes."""
    return {**os.environ, **(extra or {})}


def search_path() -> str:
    """Where programs are looked up."""
    return os.environ.get("PATH", os.defpath)


def _switched_on(source: Mapping[str, str], name: str) -> bool:
    return source.get(name, "") not in ("", "0")
