"""Owns the text in which Prometheus reads metrics, version 0.0.4. Pure.

# HELP counterpart_tasks_open Work that is not done.
# TYPE counterpart_tasks_open gauge
counterpart_tasks_open{kind="ops.check_wallet",state="ready"} 3
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf, isnan
from typing import Final

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_LABEL: Final = re.compile(r"[a-z][a-z0-9_]*(?<!__)")

Number = int | float


@dataclass(frozen=True, slots=True)
class Sample:
    """One value, and what tells it from the others of its family."""

    labels: Mapping[str, str]
    value: Number


@dataclass(frozen=True, slots=True)
class Family:
    """One gauge: its name without the house's prefix, what it says, and its values."""

    name: str
    says: str
    samples: Sequence[Sample]

    def __post_init__(self) -> None:
        """A name that no reader takes is a mistake of ours: ValueError."""
        names = [label for sample in self.samples for label in sample.labels]
        if not _NAME.fullmatch(self.name) or not all(_LABEL.fullmatch(label) for label in names):
            raise ValueError(f"{self.name} {names}: names are small letters, digits and underscores")


def rendered(families: Iterable[Family]) -> str:
    """The whole text; a family without values is told with its help only, so that a reader knows of it."""
    return "".join(line + "\n" for family in families for line in _lines(family))


def _lines(family: Family) -> list[str]:
    name = f"counterpart_{family.name}"
    head = [f"# HELP {name} {_escaped(family.says)}", f"# TYPE {name} gauge"]
    return [*head, *(f"{name}{_labels(sample.labels)} {_number(sample.value)}" for sample in family.samples)]


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    quoted = (f'{name}="{_escaped(value).replace(chr(34), chr(92) + chr(34))}"' for name, value in labels.items())
    return "{" + ",".join(quoted) + "}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _number(value: Number) -> str:
    if isinstance(value, float) and (isnan(value) or value in {inf, -inf}):
        return "NaN" if isnan(value) else "+Inf" if value > 0 else "-Inf"
    return repr(value)
