"""What a trace tells of a job: who was asked, at which price, and how it ended; never what was computed from what."""

import pytest

from kernel.trace import Traces
from tests.integration.offload.conftest import LARGE, Desk

pytestmark = pytest.mark.integration


def test_a_job_is_told_from_its_request_to_its_end(desk: Desk) -> None:
    """Each attempt with its provider and price, between the request and the result, beside the poll task's moments."""
    desk.ask("vanity-1", work=LARGE, arguments={"number": 21, "canary": "singing"})
    desk.step("vanity-1")
    desk.modal.finish("fc-1", {"number": 42}, None)
    desk.wake("vanity-1")
    desk.clock.advance(1)
    desk.step("vanity-1")
    told = Traces(desk.postgres).of("vanity-1")
    steps = [(one.what, one.facts.get("provider")) for one in told.moments if one.room == "offload"]

    assert [
        ("asked for", None),
        ("attempt begun", "modal"),
        ("attempt announced as ended", "modal"),
        ("completed", None),
        ("attempt ended", "modal"),
    ] == steps
    assert {"enqueued", "claimed", "done"} <= {one.what for one in told.moments if one.room == "tasks"}
    assert "singing" not in str(told)


def test_a_failed_job_says_why(desk: Desk) -> None:
    """With what became of each attempt."""
    desk.problem = "the number is odd"
    desk.ask("vanity-1", attempts_max=1)
    desk.step("vanity-1")
    told = Traces(desk.postgres).of("vanity-1")
    [ended] = [one.facts for one in told.moments if one.what == "failed" and one.room == "offload"]
    [attempt] = [one.facts for one in told.moments if one.what == "attempt ended"]

    assert "the number is odd" in str(ended["reason"])
    assert ("unfit", "in_process") == (attempt["outcome"], attempt["provider"])
