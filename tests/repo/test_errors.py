"""Rules about errors: whatever can be raised is in the catalogue, with words that help."""

import importlib
import json
import re
from collections import Counter
from collections.abc import Iterator

import pytest

from kernel.errors import Broken, CounterpartError, Rejected, Transient, catalogue
from tests.repo.house import sources

pytestmark = pytest.mark.repo

CLASSES = {Rejected, Transient, Broken}


@pytest.fixture(scope="module", autouse=True)
def whole_bundle() -> None:
    """Errors are catalogued when their modules are imported, so import every module of the bundle."""
    for source in sources("functions", "layers"):
        name = source.name.removeprefix("layers/kernel/python/").removesuffix(".py").removesuffix("/__init__")
        importlib.import_module(name.replace("/", "."))


def descendants(error: type[CounterpartError]) -> Iterator[type[CounterpartError]]:
    """The errors of the bundle; tests define some of their own."""
    for child in error.__subclasses__():
        yield from descendants(child)
        if child.__module__.startswith(("kernel.", "functions.")):
            yield child


def test_every_code_is_one_error() -> None:
    """Two errors of one code could not be told apart, and one would hide the other."""
    codes = Counter(error.code for error in set(descendants(CounterpartError)))

    assert [code for code, count in codes.items() if count > 1] == []


def test_every_error_is_catalogued_with_cause_remedy_and_example() -> None:
    """Whoever meets a code finds why it happens, what to do, and what it looks like."""
    entries = {entry.code: entry for entry in catalogue()}
    bare = [
        error.code
        for error in set(descendants(CounterpartError)) - CLASSES
        if not (entries[error.code].cause and entries[error.code].remedy)
        or json.loads(entries[error.code].example)["error"]["code"] != error.code
    ]

    assert bare == []


def test_the_three_classes_are_not_raised_themselves() -> None:
    """They say whose fault it is; what happened is said by a subclass, which has a code."""
    raised = [
        f"{source.name}:{number}"
        for source in sources("functions", "layers")
        for number, line in enumerate(source.text.splitlines(), 1)
        if re.search(r"\braise (Rejected|Transient|Broken)\b", line)
    ]

    assert raised == []
