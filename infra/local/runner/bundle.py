"""What a resolved serverless.yml says, as values: functions with their triggers, and queues."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class HttpTrigger:
    """One route of the HTTP API: a method (or ``*``) and a path with ``{parameters}``."""

    method: str
    path: str

    @property
    def route_key(self) -> str:
        """The route as API Gateway names it in every event, e.g. ``GET /oracle/rounds/{id}``."""
        return "$default" if self.path == "*" else f"{'ANY' if self.method == '*' else self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class WebSocketTrigger:
    """One route of the WebSocket API: ``$connect``, ``$disconnect``, ``$default`` or an action's name."""

    route: str
    answers: bool


@dataclass(frozen=True, slots=True)
class ScheduleTrigger:
    """One ``rate(...)`` or ``cron(...)`` expression, with what EventBridge may do when the call fails."""

    expression: str
    retries_max: int | None
    age_max_s: int | None


@dataclass(frozen=True, slots=True)
class QueueTrigger:
    """An event source mapping: which queue, how many messages at once, how many batches side by side."""

    queue: str
    batch_size: int
    concurrency_max: int | None
    reports_failures: bool


Trigger = HttpTrigger | WebSocketTrigger | ScheduleTrigger | QueueTrigger


@dataclass(frozen=True, slots=True)
class Function:
    """One Lambda function. ``service`` is the folder its module lies in, ``declared_in`` the file that lists it."""

    name: str
    service: str
    handler: str
    declared_in: str
    memory_mb: int
    timeout_s: float
    reserved_concurrency: int | None
    environment: Mapping[str, str]
    triggers: tuple[Trigger, ...]

    @property
    def module(self) -> str:
        """The handler's module as Python imports it."""
        return self.handler.rpartition(".")[0].replace("/", ".")

    @property
    def attribute(self) -> str:
        """The callable's name inside the module."""
        return self.handler.rpartition(".")[2]

    @property
    def source(self) -> str:
        """The handler's file, relative to the bundle's folder."""
        return self.handler.rpartition(".")[0] + ".py"


@dataclass(frozen=True, slots=True)
class Redrive:
    """After ``receives_max`` receives a message moves to the queue with the logical id ``target``."""

    target: str
    receives_max: int


@dataclass(frozen=True, slots=True)
class Queue:
    """An ``AWS::SQS::Queue`` of the CloudFormation resources; attributes as SQS's CreateQueue takes them."""

    logical_id: str
    name: str
    attributes: Mapping[str, str]
    redrive: Redrive | None


@dataclass(frozen=True, slots=True)
class Bundle:
    """One deployment's functions and queues, every variable resolved; ``root`` is where the modules are."""

    service: str
    stage: str
    root: Path
    functions: Mapping[str, Function]
    queues: Mapping[str, Queue]

    def missing_handlers(self) -> dict[str, str]:
        """Functions whose module file does not exist, each with a sentence that names the file and its declaration."""
        return {
            function.name: f"{function.source} does not exist, but {function.declared_in} declares {function.name}."
            for function in self.functions.values()
            if not (self.root / function.source).is_file()
        }
