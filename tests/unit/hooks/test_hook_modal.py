"""The word of a GPU function: a job and an attempt, and nothing else."""

from typing import Any

import pytest

from functions.ops.core.hooks.fields import DeliveryUnfit
from functions.ops.core.hooks.modal import OffloadNotice, notice_of
from kernel.ids import new_id

pytestmark = pytest.mark.unit
JOB = new_id()


@pytest.mark.parametrize("attempt", [0, 1, 2, 2**31 - 1])
def test_a_word_names_a_job_and_an_attempt(attempt: int) -> None:
    """Whatever else it says is not read."""
    told = {"job_id": str(JOB), "attempt": attempt, "result": {"n": 1}}

    assert notice_of(told) == OffloadNotice(JOB, attempt)


@pytest.mark.parametrize(
    ("told", "field"),
    [
        ([], "body"),
        ({}, "job_id"),
        ({"job_id": 5, "attempt": 1}, "job_id"),
        ({"job_id": "not one", "attempt": 1}, "job_id"),
        ({"job_id": str(JOB)}, "attempt"),
        ({"job_id": str(JOB), "attempt": -1}, "attempt"),
        ({"job_id": str(JOB), "attempt": True}, "attempt"),
        ({"job_id": str(JOB), "attempt": 2**31}, "attempt"),
    ],
)
def test_what_is_of_another_form_is_named(told: Any, field: str) -> None:
    """So that whoever deployed the app sees what is wrong with it."""
    with pytest.raises(DeliveryUnfit) as unfit:
        notice_of(told)

    assert unfit.value.details["field"] == field
