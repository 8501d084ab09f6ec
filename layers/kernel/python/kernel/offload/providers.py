"""Owns who computes: the protocol of a provider, and the one that is always there, this process."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from kernel.errors import Broken, CounterpartError
from kernel.offload.jobs import Answer, Call, Refusal
from kernel.offload.objects import ObjectAbsent, Objects, ObjectsUnavailable, ObjectsUnusable, put, read


class FunctionUnknown(Broken):
    """No function of this name can be offloaded."""

    cause = "The job names a function that gpu/catalogue.py of this version does not have."
    remedy = "Correct the name, or deploy the version that has the function, and replay the poll task."


@dataclass(frozen=True, slots=True)
class Accepted:
    """The call was made; its result can be asked for by this id."""

    call_id: str


@dataclass(frozen=True, slots=True)
class NotMade:
    """The call was certainly not made, because of this."""

    error: CounterpartError


@dataclass(frozen=True, slots=True)
class Pending:
    """There is no result yet."""


@dataclass(frozen=True, slots=True)
class Gone:
    """There will be no result of this call. outcome: as kernel.offload_attempts has it."""

    outcome: str
    reason: str


Ending = Answer | Refusal | Gone


class Provider(Protocol):
    """Somebody who computes."""

    def usable(self) -> bool:
        """Whether it would take a call now."""
        ...

    def start(self, call: Call) -> Accepted | Ending | NotMade:
        """Make the call. What it raises leaves open whether the call was made."""
        ...

    def look(self, call_id: str, output_key: str) -> Pending | Ending:
        """What became of a call. Raises Transient where the provider does not answer."""
        ...

    def cancel(self, call_id: str) -> None:
        """Its result is not wanted any more. Raises Transient where the provider does not answer."""
        ...


#: Arguments and input -> result and output. It refuses its input by a ValueError.
Function = Callable[[Mapping[str, Any], bytes | None], tuple[dict[str, Any], bytes | None]]


class InProcess:
    """This process: a call is over when it returns, so there is nothing to look for or to cancel."""

    def __init__(self, find: Callable[[str], Function | None], objects: Objects) -> None:
        """find: the function of a name."""
        self._find, self._objects = find, objects

    def usable(self) -> bool:
        """Always."""
        return True

    def start(self, call: Call) -> Accepted | Ending | NotMade:
        """Compute, and store what is put out."""
        try:
            return self._computed(call)
        except (FunctionUnknown, ObjectAbsent, ObjectsUnavailable, ObjectsUnusable) as error:
            return NotMade(error)

    def look(self, call_id: str, output_key: str) -> Pending | Ending:
        """No call of this process outlives it."""
        return Gone("lost", f"{call_id}, to {output_key}, is no call of this process")

    def cancel(self, call_id: str) -> None:
        """Nothing is under way."""

    def _computed(self, call: Call) -> Ending:
        function = self._find(call.function)
        if function is None:
            raise FunctionUnknown(function=call.function)
        content = None if call.input is None else read(self._objects, call.input)
        try:
            result, output = function(call.arguments, content)
        except ValueError as refusal:
            return Refusal(str(refusal)[:1000])
        return Answer(result, None if output is None else put(self._objects, call.output_key, output))
