"""What is written about failures: types, codes and lines of code, never a text that might quote a secret."""

import json
import logging

import psycopg
import pytest

from kernel.errors import DatabaseUnavailable
from kernel.handler.telemetry import described, logger, route_library_logs, safe_facts

pytestmark = pytest.mark.unit

CANARY = "canary-7f3a9c"


def failure(error: BaseException) -> BaseException:
    try:
        raise error
    except type(error) as raised:
        return raised


def test_an_unknown_error_is_told_by_type_and_lines() -> None:
    """Where it was raised, with the source line; not its text."""
    told = "\n".join(described(failure(ValueError(CANARY))))

    assert "builtins.ValueError" in told
    assert "in failure: raise error" in told
    assert CANARY not in told


def test_an_error_of_ours_is_told_with_its_message() -> None:
    """Our messages are safe by rule."""
    assert "[database_unavailable] The database does not answer." in described(DatabaseUnavailable())[0]


def test_the_chain_of_causes_is_told_unless_it_was_cut() -> None:
    """`from` and implicit contexts; `from None` ends it."""
    cause, context = ValueError("a"), KeyError("b")
    linked, implicit, cut = RuntimeError(), RuntimeError(), RuntimeError()
    linked.__cause__, implicit.__context__, cut.__context__ = cause, context, context
    cut.__suppress_context__ = True

    assert [
        len([line for line in described(error) if not line.startswith(" ")]) for error in (linked, implicit, cut)
    ] == [2, 2, 1]


def test_a_loop_of_causes_ends() -> None:
    """However exceptions were linked."""
    one, other = ValueError(), KeyError()
    one.__cause__, other.__cause__ = other, one

    assert len(described(one)) == 5


def test_the_databases_refusal_is_told_without_values() -> None:
    """The server's first line names the constraint; its DETAIL would quote the row."""

    class Refused(psycopg.Error):
        @property
        def diag(self) -> object:  # type: ignore[override]  # it fails on purpose
            return type("Diagnostic", (), {"message_primary": "duplicate key", "message_detail": CANARY})()

    assert (
        safe_facts(Refused(CANARY))["error"]
        == "test_the_databases_refusal_is_told_without_values.<locals>.Refused [duplicate key]"
    )


def test_library_logs_go_through_the_same_formatter(capsys: pytest.CaptureFixture[str]) -> None:
    """A vendor's logger.exception is as safe as ours, and written once."""
    route_library_logs()
    route_library_logs()
    try:
        raise ValueError(CANARY)
    except ValueError:
        logging.getLogger("kernel.somewhere").exception("It went wrong.")
        logger.exception("It went wrong here.")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    assert [line["message"] for line in lines] == ["It went wrong.", "It went wrong here."]
    assert CANARY not in json.dumps(lines)
    assert "ValueError" in lines[0]["exception"]
