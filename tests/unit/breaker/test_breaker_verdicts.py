"""Whose fault the end of a call is, seen from the dependency."""

import psycopg
import pytest

from kernel.breaker import Verdict, verdict
from kernel.breaker.guarding import told
from kernel.errors import (
    CacheUnavailable,
    Conflict,
    DatabaseUnavailable,
    DeadlineExceeded,
    LeaseLost,
    Rejected,
    Transient,
)
from kernel.jsonrpc.endpoint import RpcUnavailable

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("error", [Transient(), RpcUnavailable(), TimeoutError(), ConnectionRefusedError()])
def test_silence_is_the_dependencys_failure(error: Exception) -> None:
    """Time-outs and whatever a client calls transient."""
    assert verdict(error) is Verdict.FAILED


@pytest.mark.parametrize("error", [Rejected(), Conflict()])
def test_a_refusal_is_an_answer(error: Exception) -> None:
    """It lives, and says no."""
    assert verdict(error) is Verdict.ANSWERED


@pytest.mark.parametrize(
    "error",
    [DatabaseUnavailable(), CacheUnavailable(), LeaseLost(), DeadlineExceeded(), ValueError(), KeyboardInterrupt()],
)
def test_what_broke_on_our_side_tells_nothing(error: BaseException) -> None:
    """Our stores, our time, our mistakes."""
    assert verdict(error) is Verdict.UNKNOWN


def test_words_that_are_kept_quote_nothing() -> None:
    """A code or a type; the text of a driver's error may carry a credential."""
    assert told(RpcUnavailable(endpoint="secret")) == "rpc_unavailable"
    assert told(psycopg.OperationalError("password=secret")) == "OperationalError"
