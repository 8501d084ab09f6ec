"""Owns the documents of thresholds, for the slices that show and tune theirs over HTTP."""

from typing import Any

from pydantic import Field

from kernel.handler.http import Document
from kernel.tunables.store import Tunables
from kernel.tunables.tunable import Tunable


class Threshold(Document):
    """A number that operators tune, as it is in force."""

    name: str
    value: str
    default: str
    minimum: str
    maximum: str
    unit: str
    meaning: str


class Thresholds(Document):
    """Every such number of a slice."""

    thresholds: list[Threshold]


class Tuned(Document):
    """A new value, within its bounds, and why; kept for good."""

    value: str = Field(pattern="^-?[0-9]{1,18}([.][0-9]{1,9})?$")
    reason: str = Field(min_length=1, max_length=500, pattern="[^ ]")


def threshold_view(tunables: Tunables, tunable: Tunable[Any]) -> Threshold:
    """As the API shows it."""
    told = {name: str(getattr(tunable, name)) for name in ("default", "minimum", "maximum", "unit", "meaning")}
    return Threshold(name=tunable.name, value=str(tunables.get(tunable)), **told)
