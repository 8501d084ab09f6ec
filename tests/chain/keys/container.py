"""A container of the ops slice that tells all it can: logs at DEBUG, failures with their variables, traces."""

import logging
import os
import socket
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from functions.ops.wiring import ROLE, Settings, SignerDeps
from infra.local.redis import RedisRest
from kernel.auth import Role, Tier
from kernel.clock import Clock
from kernel.handler import telemetry
from kernel.handler.telemetry import route_library_logs
from kernel.keys.kms import AwsKms, DataKey
from kernel.keys.vault import Vault
from kernel.testing import FakeClock, InMemoryQueue
from kernel.testing.kernel import FakedKernel, settings_for
from kernel.testing.secrets import InMemorySecrets
from kernel.wiring import Kernel
from tests.handlers.ops.purse import Purse

DEEPEST_CHAIN = 10


class RecordingKms(AwsKms):
    """KMS, and every plaintext data key that it ever told."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[bytes] = []

    def generate_data_key(self, key_id: str, context: Mapping[str, str]) -> DataKey:
        key = super().generate_data_key(key_id, context)
        self.told.append(key.plaintext)
        return key

    def decrypt(self, key_id: str, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        self.told.append(super().decrypt(key_id, wrapped, context))
        return self.told[-1]


class RealKernel(FakedKernel):
    """The kernel on a real Redis and KMS; only the queue is a fake, and is looked into like all else."""

    def __init__(self, database_url: str, redis: RedisRest, kms_key_id: str, clock: Clock) -> None:
        self.queue = InMemoryQueue(clock=clock)
        self.recording = RecordingKms()
        changes = {
            "redis_rest_url": redis.rest_url,
            "redis_rest_token": f"plain:{redis.token}",
            "kms_key_id": kms_key_id,
            "log_level": "DEBUG",
        }
        settings = settings_for(database_url).model_copy(update=changes)
        Kernel.__init__(
            self,
            settings,
            role=ROLE,
            clock=clock,
            secrets=InMemorySecrets(),
            sender=self.queue,
            kms=self.recording,
        )


@dataclass
class RealPurse(Purse):
    """The ops slice on such a kernel."""

    redis: RedisRest | None = None
    kms_key_id: str = ""
    clock: FakeClock = field(default_factory=FakeClock)

    def __post_init__(self) -> None:
        assert self.redis is not None
        self.real = RealKernel(self.database_url, self.redis, self.kms_key_id, self.clock)
        self.kernel = self.real
        self.settings = Settings(chains=self.chains)
        self.deps = SignerDeps(self.kernel, self.settings)
        self.vault = Vault(self.kernel.postgres, self.kernel.envelope, self.clock)
        self.keys = {role: self._api_key(role) for role in (Role.VIEWER, Role.OPERATOR, Role.ADMIN)}

    def _api_key(self, role: Role) -> str:
        # Of a tier whose requests are counted, so that Redis has something to hold.
        return self.kernel.api_keys.issue(tier=Tier.PAID, role=role, label="a test", actor="a test").key


TRACING = "aws_lambda_powertools.tracing"


class Daemon:
    """What X-Ray's daemon would receive."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self.address = f"127.0.0.1:{self.socket.getsockname()[1]}"

    def received(self) -> str:
        """All datagrams so far."""
        self.socket.setblocking(False)
        parts = []
        while True:
            try:
                parts.append(self.socket.recv(1 << 16).decode("latin-1"))
            except BlockingIOError:
                return "\n".join(parts)

    def close(self) -> None:
        self.socket.close()


@contextmanager
def talkative(daemon_address: str) -> Iterator[None]:
    """Every logger writes everything, X-Ray listens."""
    environment = {
        "AWS_XRAY_DAEMON_ADDRESS": daemon_address,
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "LAMBDA_TASK_ROOT": "/var/task",
        "_X_AMZN_TRACE_ID": "Root=1-6b003640-540ca00159f40ede9f56fd9e;Parent=540ca00159f40ede;Sampled=1",
    }
    with pytest.MonkeyPatch.context() as process:
        for name, value in environment.items():
            process.setenv(name, value)
        # Whether anybody listens is asked once in a process, and another test's handler may have asked before; so is,
        # at its import, the SDK.
        telemetry._tracer.cache_clear()
        for name in [name for name in sys.modules if name.startswith(("aws_xray_sdk", TRACING))]:
            process.delitem(sys.modules, name)
        route_library_logs()
        logging.basicConfig(level=logging.DEBUG, stream=sys.stdout, force=True)
        for name in ("", "kernel", "functions", "botocore", "boto3", "urllib3", "psycopg", "httpx", "httpcore"):
            logging.getLogger(name).setLevel(logging.DEBUG)
        yield


def tell(failing: Callable[[], object]) -> str:
    """Run what must fail; its failure with causes, contexts and the variables of every frame but this one's."""
    told: list[str] = []
    try:
        failing()
    except Exception as failure:
        link: BaseException | None = failure
        for _ in range(DEEPEST_CHAIN):
            if link is None:
                break
            lines = traceback.TracebackException.from_exception(link, capture_locals=True, compact=True).format()
            told += [*lines, repr(link), str(getattr(link, "details", ""))]
            link = link.__cause__ or link.__context__
        logging.getLogger("kernel").error("It failed.", exc_info=failure)
        logging.getLogger("kernel").exception("It failed.")
        return "\n".join(told)
    raise AssertionError("it did not fail")


def in_a_process(work: Callable[[], bytes], output: Path) -> bytes:
    """Run `work` in a forked process whose output goes to a file; what it returned. AssertionError if it failed."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(reader)
            with output.open("wb", buffering=0) as stream:
                os.dup2(stream.fileno(), 1)
                os.dup2(stream.fileno(), 2)
                sys.stdout = os.fdopen(1, "w", buffering=1, closefd=False)
                sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False)
                answer = work()
                with os.fdopen(writer, "wb") as pipe:
                    pipe.write(answer)
                status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        answer = pipe.read()
    _, status = os.waitpid(child, 0)
    assert status == 0, output.read_text(encoding="latin-1")[-8_000:]
    return answer
