"""How the demo prints a trace: a line a moment, with the seconds since the first."""

import pytest

from infra.local.demo.edges import time_line

pytestmark = pytest.mark.unit
MOMENTS = [
    {"at": "2026-11-21T07:00:00+00:00", "room": "tasks", "what": "enqueued", "facts": {"kind": "ops.take_deposit"}},
    {
        "at": "2026-11-21T07:00:01.250000+00:00",
        "room": "outbox",
        "what": "signed",
        "facts": {"transaction_hash": "0x" + "ab" * 32, "nonce": 0},
    },
    {"at": "2026-11-21T07:00:02+00:00", "room": "keys", "what": "signature asked for", "facts": {}},
]


def test_a_trace_is_a_line_a_moment() -> None:
    """Long facts by their beginning; a room that says nothing more is told all the same."""
    title, *lines = time_line("evm:1:a:b:0", MOMENTS)

    assert "GET /v1/trace/treasury/evm:1:a:b:0" in title
    assert [line.split() for line in lines] == [
        ["0.00", "s", "tasks", "enqueued", "ops.take_deposit"],
        ["1.25", "s", "outbox", "signed", "0x" + "ab" * 14 + "…"],
        ["2.00", "s", "keys", "signature", "asked", "for"],
    ]
