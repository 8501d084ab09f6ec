"""A provider in other hands: it keeps the calls it was given, and answers what the test lets it answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kernel.errors import CounterpartError
from kernel.offload.jobs import Answer, Call
from kernel.offload.objects import Objects, put
from kernel.offload.providers import Accepted, Ending, NotMade, Pending


@dataclass
class Elsewhere:
    """Calls are Pending until `answers` has something for their id, or `finish` computes them."""

    objects: Objects
    calls: dict[str, Call] = field(default_factory=dict)
    answers: dict[str, Ending] = field(default_factory=dict)
    cancelled: list[str] = field(default_factory=list)
    refusing: CounterpartError | None = None  # the next call is certainly not made
    failing: Exception | None = None  # whatever is asked fails; a call is made all the same
    down: bool = False
    meanwhile: Callable[[], object] | None = None  # what happens while a call is made, once

    def usable(self) -> bool:
        return not self.down

    def start(self, call: Call) -> Accepted | Ending | NotMade:
        if self.refusing is not None:
            return NotMade(self.refusing)
        call_id = f"fc-{len(self.calls) + 1}"
        self.calls[call_id] = call
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            meanwhile()
        self._fail()
        return Accepted(call_id)

    def look(self, call_id: str, output_key: str) -> Pending | Ending:
        self._fail()
        assert self.calls[call_id].output_key == output_key
        return self.answers.get(call_id, Pending())

    def cancel(self, call_id: str) -> None:
        self._fail()
        self.cancelled.append(call_id)

    def finish(self, call_id: str, result: Mapping[str, Any], output: bytes | None = None) -> None:
        """The call has this result, and put this out."""
        stored = None if output is None else put(self.objects, self.calls[call_id].output_key, output)
        self.answers[call_id] = Answer(result, stored)

    def _fail(self) -> None:
        if self.failing is not None:
            raise self.failing


def double(arguments: Mapping[str, Any], content: bytes | None) -> tuple[dict[str, Any], bytes | None]:
    """The function of these tests: twice the number, and its input backwards."""
    if "number" not in arguments:
        raise ValueError("there is no number")
    return {"number": 2 * arguments["number"]}, None if content is None else content[::-1]
