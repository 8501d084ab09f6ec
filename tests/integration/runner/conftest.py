"""One runner for a test file, over the bundle of trivial functions, and the lines that its queue function notes."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra.local.aws import Aws
from infra.local.children import Children
from infra.local.runner.chaos import CALM, Chaos
from infra.local.runner.runner import Runner
from infra.local.runner.stack import Stack

BUNDLE = Path(__file__).parent / "bundle/serverless.yml"
WARM = (("boto3",), ())


@dataclass(frozen=True)
class Probe:
    """A started stack, its queue, and what its queue function saw."""

    stack: Stack
    file: Path
    aws: Aws

    def send(self, *bodies: dict[str, Any], delay_s: int = 0) -> None:
        entries = [
            {"Id": str(index), "MessageBody": json.dumps(body), "DelaySeconds": delay_s}
            for index, body in enumerate(bodies)
        ]
        self.aws.client("sqs").send_message_batch(QueueUrl=self.stack.queues["EchoQueue"].url, Entries=entries)

    def seen(self) -> list[dict[str, Any]]:
        if not self.file.exists():
            return []
        return [json.loads(line) for line in self.file.read_text(encoding="utf-8").splitlines()]

    def names(self) -> list[str]:
        return [line["name"] for line in self.seen()]

    def wait(self, condition: Callable[[], bool], timeout_s: float = 20.0) -> bool:
        """Until the condition holds; whether it did in time."""
        deadline_s = time.monotonic() + timeout_s
        while not condition() and time.monotonic() < deadline_s:
            time.sleep(0.05)
        return condition()

    def is_settled(self) -> bool:
        """No message is left in the queue, waiting or in flight."""
        return sum(self.stack.depth("EchoQueue").values()) == 0


StartProbe = Callable[..., Probe]


@pytest.fixture(scope="module")
def runner(aws_server: Aws, children: Children, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    """A calm runner of this test file."""
    folder = tmp_path_factory.mktemp("runner")
    with Runner(aws_server.env, BUNDLE, folder=folder, children=children, warm=WARM) as runner:
        yield runner


@pytest.fixture
def start_probe(runner: Runner, aws_server: Aws, tmp_path: Path) -> Iterator[StartProbe]:
    """Start stacks that are closed after the test."""
    probes: list[Probe] = []

    def start(env: dict[str, str] | None = None, runner: Runner = runner) -> Probe:
        name = f"{tmp_path.name.replace('_', '-')}-{len(probes)}"[-40:]
        file = tmp_path / f"{name}.jsonl"
        stack = runner.stack(name, {"PROBE_FILE": str(file), **(env or {})}).start()
        probes.append(Probe(stack, file, aws_server))
        return probes[-1]

    yield start
    for probe in probes:
        probe.stack.close()


@pytest.fixture
def probe(start_probe: StartProbe) -> Probe:
    """One started stack."""
    return start_probe()


@pytest.fixture
def start_runner(aws_server: Aws, children: Children, tmp_path: Path) -> Iterator[Callable[[Chaos], Runner]]:
    """Start runners of one's own, with chaos."""
    runners: list[Runner] = []

    def start(chaos: Chaos = CALM) -> Runner:
        runners.append(Runner(aws_server.env, BUNDLE, chaos=chaos, folder=tmp_path, children=children, warm=WARM))
        return runners[-1]

    yield start
    for runner in runners:
        runner.close()
