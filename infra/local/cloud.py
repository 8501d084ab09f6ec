"""The local cloud: the parts that were asked for, started side by side, stopped together.

with LocalCloud(console=Console()) as cloud:
    flare = cloud.anvil("flare", chain_id=114, block_time_s=1)
    environment = cloud.environment()   # what a function of the bundle is told
"""

import secrets
import shutil
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from os import getpid
from pathlib import Path
from typing import Any, Self

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from infra.local import anvil, aws, postgres, redis, settings, solana
from infra.local.anvil import AnvilNode
from infra.local.aws import Aws
from infra.local.children import Children
from infra.local.postgres import PostgresServer
from infra.local.redis import RedisRest
from infra.local.solana import SolanaNode

ALL_PARTS = ("postgres", "redis", "aws")
RUNS = settings.LOCAL / "run"


class PartNotStarted(Exception):
    """A part of the local cloud is used that was not asked for."""

    def __init__(self, part: str) -> None:
        super().__init__(f"the local cloud runs without {part}; name it in LocalCloud(parts=...)")


class LocalCloud:
    """Postgres, Redis and AWS as asked for, and chains on demand; a context manager."""

    def __init__(
        self,
        parts: Sequence[str] = ALL_PARTS,
        *,
        folder: Path | None = None,
        console: Console | None = None,
        database_url: str | None = None,
        ports: Mapping[str, int] | None = None,
    ) -> None:
        """folder: for logs (.local/run/<pid>); console: shows progress; database_url: a server to use, not ours;
        ports: numbers wished for, by part; free ones otherwise."""
        unknown = set(parts) - set(ALL_PARTS)
        if unknown:
            raise ValueError(f"no such part of the local cloud: {', '.join(sorted(unknown))}")
        self.folder = folder or RUNS / str(getpid())
        self._parts = parts
        self._console = console
        self._existing_url = database_url
        self._ports = ports or {}
        self._started: dict[str, Any] = {}
        self._environment: dict[str, str] = {}
        if folder is None:
            _sweep_runs()
        self.children = Children(self.folder)

    def __enter__(self) -> Self:
        try:
            self._start_parts()
        except BaseException:
            self.children.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.children.stop()

    @property
    def postgres(self) -> PostgresServer:
        """The server; `database_url` is the database of the bundle."""
        server: PostgresServer = self._part("postgres")
        return server

    @property
    def redis(self) -> RedisRest:
        """Redis behind the Upstash gateway."""
        rest: RedisRest = self._part("redis")
        return rest

    @property
    def aws(self) -> Aws:
        """SQS, KMS, Secrets Manager, SSM and S3."""
        server: Aws = self._part("aws")
        return server

    @property
    def database_url(self) -> str:
        """The migrated database of the bundle."""
        url: str = self._part("database")
        return url

    def anvil(self, name: str, *, chain_id: int, proxied: bool = True, **options: Any) -> AnvilNode:
        """Start a chain, by default under two RPC identities; options as of `infra.local.anvil.start`."""
        return anvil.start(self.children, name=name, chain_id=chain_id, proxied=proxied, **options)

    def solana(self, name: str = "solana", *, proxied: bool = True, **options: Any) -> SolanaNode:
        """Start a Solana chain, by default under two RPC identities; options as of `infra.local.solana.start`."""
        return solana.start(self.children, name=name, proxied=proxied, **options)

    def environment(self) -> Mapping[str, str]:
        """What every function of the bundle is told: boto3's variables and the kernel's settings.

        Secrets lie in Secrets Manager and are named by reference, as in production.
        """
        if not self._environment:
            self._environment = {**self.aws.env, **self._kernel_settings()}
        return self._environment

    def _kernel_settings(self) -> dict[str, str]:
        put = self.aws.put_secret
        return {
            "COUNTERPART_STAGE": "local",
            "COUNTERPART_DATABASE_URL": put("counterpart/local/database-url", self.database_url),
            "COUNTERPART_REDIS_REST_URL": self.redis.rest_url,
            "COUNTERPART_REDIS_REST_TOKEN": put("counterpart/local/redis-rest-token", self.redis.token),
            "COUNTERPART_QUEUE_URL_PREFIX": self.aws.queue_url_prefix,
            "COUNTERPART_KMS_KEY_ID": self.aws.create_kms_key(),
            "COUNTERPART_PINS_BUCKET": self.aws.create_bucket("counterpart-local-pins"),
            "COUNTERPART_OFFLOAD_BUCKET": self.aws.create_bucket("counterpart-local-offload"),
            "COUNTERPART_SIGN_IN_DOMAIN": "localhost",
            "COUNTERPART_SIGN_IN_CHAINS": "evm:1,evm:31337,solana:mainnet,solana:localnet",
            "COUNTERPART_JWT_SECRET": put("counterpart/local/jwt-secret", secrets.token_urlsafe(32)),
        }

    def _part(self, name: str) -> Any:
        if name not in self._started:
            raise PartNotStarted("postgres" if name == "database" else name)
        return self._started[name]

    def _start_parts(self) -> None:
        """All at once, since each mostly waits for its own child."""
        progress = self._progress()
        with progress or nullcontext(), ThreadPoolExecutor(max_workers=len(ALL_PARTS)) as pool:
            shown = {part: progress.add_task(part, total=1) for part in self._parts} if progress else {}
            running = [pool.submit(self._start_part, part, progress, shown) for part in self._parts]
            for one in running:
                one.result()

    def _start_part(self, part: str, progress: Progress | None, shown: Mapping[str, TaskID]) -> None:
        starters: Mapping[str, Callable[[], None]] = {
            "postgres": self._start_postgres,
            "redis": self._start_redis,
            "aws": self._start_aws,
        }
        starters[part]()
        if progress is not None:
            progress.update(shown[part], completed=1, description=f"{part} [green]ready")

    def _start_postgres(self) -> None:
        port = self._ports.get("postgres", 0)
        server = postgres.start(self.children, port=port, existing_url=self._existing_url)
        self._started["postgres"] = server
        self._started["database"] = server.create_migrated()

    def _start_redis(self) -> None:
        self._started["redis"] = redis.start(self.children, port=self._ports.get("redis", 0))

    def _start_aws(self) -> None:
        self._started["aws"] = aws.start(self.children, port=self._ports.get("aws", 0))

    def _progress(self) -> Progress | None:
        if self._console is None:
            return None
        columns = (SpinnerColumn(finished_text="[green]✓"), TextColumn("{task.description}"), TimeElapsedColumn())
        return Progress(*columns, console=self._console)


def _sweep_runs() -> None:
    """Remove the folders of runs whose process is gone."""
    for folder in RUNS.glob("*"):
        if folder.name.isdigit() and not Path("/proc", folder.name).exists():
            shutil.rmtree(folder, ignore_errors=True)
