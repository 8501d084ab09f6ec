"""What the demo takes for a round's result."""

import pytest

from infra.local.demo.oracle import agreed_result
from infra.local.demo.stage import SceneFailed

pytestmark = pytest.mark.unit

ONE, OTHER, NONE = {"merkle_root": "0x01"}, {"merkle_root": "0x02"}, {"merkle_root": None}


def test_a_victim_without_a_result_does_not_spoil_the_round() -> None:
    """It died while it signed the round before; the others agree."""
    assert agreed_result({"victim": NONE, "a": ONE, "b": ONE}, {"a", "b"}) == ONE


@pytest.mark.parametrize(
    ("results", "signers"),
    [({"a": ONE, "b": OTHER}, {"a", "b"}), ({"a": NONE, "b": NONE}, set()), ({"a": ONE, "b": NONE}, {"a", "b"})],
    ids=["two roots", "no root", "a signature without a result"],
)
def test_what_breaks_the_promise_fails_the_scene(results: dict[str, dict[str, str | None]], signers: set[str]) -> None:
    """Different roots, none at all, or a signature under something that its signer did not compute."""
    with pytest.raises(SceneFailed):
        agreed_result(results, signers)
