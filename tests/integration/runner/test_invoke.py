"""`make invoke`: one handler is called with one event, and a wrong name says which there are."""

from pathlib import Path

import pytest

from infra.local.invoke import invoke

pytestmark = pytest.mark.integration


def test_handler_is_called_and_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """Result, duration and log of a real handler, with a key that its fresh database knows."""
    status = invoke("ops/http_tasks", "events/ops/http_tasks.json")

    shown = capsys.readouterr().out
    assert status == 0
    assert '"statusCode": 200' in shown
    assert "[http_tasks] REPORT RequestId:" in shown
    assert "cold start" in shown


@pytest.mark.parametrize(
    ("handler", "event", "said"),
    [
        ("oracle/queue_comit", "", "oracle/queue_commit"),
        ("", "", "HANDLER is one of"),
        ("functions/ops/http_health.py", "events/ops/nothing.json", "events/ops/http_health.json"),
        ("http_health", "BROKEN", "is no JSON"),
    ],
)
def test_wrong_names_are_answered_with_right_ones(
    handler: str, event: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is started for a handler or an event that does not exist."""
    (tmp_path / "broken.json").write_text("{", encoding="utf-8")
    status = invoke(handler, event.replace("BROKEN", str(tmp_path / "broken.json")))

    assert status == 2
    assert said in capsys.readouterr().out
