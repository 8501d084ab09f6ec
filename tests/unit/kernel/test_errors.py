"""What failures mean: whose fault, which status, which words."""

import pytest

from kernel import errors
from kernel.errors import (
    Broken,
    CounterpartError,
    Invalid,
    KeyUnavailable,
    RateLimitUnavailable,
    Rejected,
    TooLarge,
    Transient,
    catalogue,
)

pytestmark = pytest.mark.unit


def test_a_docstring_is_the_message() -> None:
    """An error without words of its own speaks its docstring's first line."""
    assert Invalid().message == "The request does not have the documented form."


def test_given_words_and_details_are_kept() -> None:
    """A message may be more precise, with details beside it."""
    error = Invalid("The price is negative.", feed="BTC/USD")

    assert (error.message, error.details) == ("The price is negative.", {"feed": "BTC/USD"})


def test_a_failure_says_what_to_do() -> None:
    """str() ends with the remedy, so that a refused start tells it."""
    assert "COUNTERPART_KMS_KEY_ID" in str(KeyUnavailable())


def test_a_code_is_the_class_name_unless_given() -> None:
    """Snake case by default; three codes of the API have their own names."""
    assert RateLimitUnavailable.code == "rate_limit_unavailable"
    assert (Invalid.code, TooLarge.code) == ("invalid_request", "body_too_large")


def test_a_subclass_has_a_code_of_its_own() -> None:
    """A slice's error never hides behind its parent's code."""

    class StaleQuote(Invalid):
        """Something of a slice."""

    assert StaleQuote.code == "stale_quote"


@pytest.mark.parametrize(
    ("error", "status", "fault"),
    [(Rejected, 400, "caller"), (Transient, 503, "surroundings"), (Broken, 500, "ourselves")],
)
def test_the_class_says_who_is_at_fault(error: type[CounterpartError], status: int, fault: str) -> None:
    """Caller, surroundings or ourselves; the status follows."""
    assert (status, fault) == (error.status, error.fault)


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("Unauthorized", 401),
        ("Forbidden", 403),
        ("NotFound", 404),
        ("MethodNotAllowed", 405),
        ("Conflict", 409),
        ("TooLarge", 413),
        ("RateLimited", 429),
        ("Invalid", 400),
        ("DatabaseUnavailable", 503),
        ("LeaseLost", 503),
        ("PendingMigration", 500),
        ("WrongChain", 500),
    ],
)
def test_statuses(name: str, status: int) -> None:
    """Each error's place in HTTP."""
    assert status == getattr(errors, name).status


def test_a_status_and_a_fault_agree_in_the_whole_catalogue() -> None:
    """4xx is the caller's, 503 the surroundings', 500 ours."""
    by_fault = {"caller": range(400, 500), "surroundings": range(503, 504), "ourselves": range(500, 501)}

    assert [entry for entry in catalogue() if entry.status not in by_fault[entry.fault]] == []


def test_the_catalogue_is_sorted_and_unique_by_code() -> None:
    """Every code once."""
    codes = [entry.code for entry in catalogue()]

    assert sorted(set(codes)) == codes
    assert "rate_limited" in codes


def test_every_error_of_the_kernel_has_cause_and_remedy() -> None:
    """An operator finds what happened and what to do."""
    roots = {"rejected", "transient", "broken"}
    named = [
        error for error in vars(errors).values() if isinstance(error, type) and issubclass(error, CounterpartError)
    ]
    bare = [
        error.code
        for error in named
        if error.code not in {*roots, "internal_error"} and not (error.cause and error.remedy)
    ]

    assert bare == []
