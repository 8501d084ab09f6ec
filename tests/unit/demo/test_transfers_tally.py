"""What the transfers' scene takes for a kept promise."""

from dataclasses import replace

import pytest

from infra.local.demo.transfers_count import Tally, broken_promises

pytestmark = pytest.mark.unit

KEPT = Tally(
    name="EVM",
    unit="wei",
    asked=50,
    recorded=50,
    confirmed=50,
    orphaned=3,
    resent=2,
    resigned=1,
    duplicated=0,
    lost=0,
    opening=1_000,
    sent=600,
    fees=7,
    ledger=393,
    chain=393,
    verdict="balanced",
)


def test_a_kept_promise_is_said_by_silence() -> None:
    """Orphans, repeated broadcasts and further signatures are no breach: they are what was survived."""
    assert broken_promises(KEPT) == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"recorded": 51}, "EVM: 51 of 50 transfers were recorded"),
        ({"confirmed": 49}, "EVM: 49 of 50 transfers were confirmed"),
        ({"duplicated": 1}, "EVM: 1 recipients were paid too much"),
        ({"lost": 1}, "EVM: 1 recipients were paid too little"),
        ({"ledger": 392}, "EVM: the books say 392 wei, not 393"),
        ({"chain": 394}, "EVM: the chain says 394 wei, not 393"),
        ({"verdict": "pending"}, "EVM: the treasury's own check says pending"),
    ],
)
def test_what_breaks_a_promise_is_named(change: dict[str, int | str], sentence: str) -> None:
    """To the last wei: one unit is a breach."""
    assert broken_promises(replace(KEPT, **change)) == [sentence]  # type: ignore[arg-type]  # fields by name
