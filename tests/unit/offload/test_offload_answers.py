"""What functions elsewhere may tell, and what a row can hold of it."""

from typing import Any

import pytest

from kernel.offload.jobs import Answer, Refusal, Stored, answer_of, unstorable

pytestmark = pytest.mark.unit
SHA = "ab" * 32


def test_an_answer_is_a_result_with_its_output_by_reference() -> None:
    """The output lies where this attempt was told to put it, whatever else is said."""
    told = {"result": {"n": 1}, "output": {"sha256": SHA, "size_bytes": 3}}

    assert answer_of({"result": {}, "output": None}, "key") == Answer({})
    assert answer_of(told, "key") == Answer({"n": 1}, Stored(key="key", sha256=bytes.fromhex(SHA), size_bytes=3))
    assert answer_of({"refused": "no" * 1_000}, "key") == Refusal(("no" * 1_000)[:1_000])


@pytest.mark.parametrize(
    "told",
    [
        None,
        "result",
        {},
        {"result": {}},
        {"result": [], "output": None},
        {"result": {}, "output": {}},
        {"result": {}, "output": {"sha256": SHA}},
        {"result": {}, "output": {"sha256": "ab", "size_bytes": 3}},
        {"result": {}, "output": {"sha256": SHA.upper(), "size_bytes": 3}},
        {"result": {}, "output": {"sha256": SHA, "size_bytes": -1}},
        {"result": {}, "output": {"sha256": SHA, "size_bytes": 2**40}},
        {"refused": 5},
    ],
)
def test_what_is_of_another_form_is_no_answer(told: Any) -> None:
    """Nothing of it is believed."""
    assert answer_of(told, "key") is None


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({"n": [1, "ä", None, {"m": True}]}, None),
        ({"n": "x" * 59_990}, None),
        ({"n": "x" * 60_000}, "is larger than 60000 bytes"),
        ({"n": float("nan")}, "is no JSON: ValueError"),
        ({"n": {1, 2}}, "is no JSON: TypeError"),
        ({"n": "\ud800"}, "is no JSON: UnicodeEncodeError"),
        ({"n": "a\x00b"}, "holds a NUL"),
        ({"n": "a\\u0000b"}, None),
    ],
)
def test_only_what_a_row_can_hold_is_stored(value: Any, problem: str | None) -> None:
    """Postgres has no NUL, no half surrogate pair; JSON no NaN."""
    assert unstorable(value) == problem
