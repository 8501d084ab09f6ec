"""queue_collect_vanity: what was found is opened, derived anew and kept; what does not stand is not."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from functions.contests.wiring import VANITY_ROLE
from gpu.vanity import box
from gpu.vanity.form import public_key_of
from kernel.keys.solana import LocalSolanaSigner, verify_message
from tests.handlers.contests.custody import Custody

pytestmark = pytest.mark.handlers
ONE = '[{"letters": "z", "place": "suffix", "is_case_sensitive": true, "target": 1}]'


@pytest.fixture
def custody(database_url: str) -> Iterator[Custody]:
    """One address is wanted."""
    with Custody.open(database_url, vanity_patterns=ONE) as (custody, _):
        yield custody


def job(custody: Custody) -> dict[str, Any]:
    [row] = custody.rows("select state, reason, opening, address, tries from contests.vanity_jobs")
    return row


def found(custody: Custody) -> dict[str, Any]:
    """A search whose computation is over."""
    custody.top_up()
    custody.grind()
    [row] = custody.rows("select result from kernel.offload_jobs")
    result: dict[str, Any] = row["result"]
    return result


def replace(custody: Custody, **fields: Any) -> None:
    """What a checked result says, after the check."""
    custody.change("update kernel.offload_jobs set result = result || %(f)s::jsonb", f=json.dumps(fields))


def test_what_was_found_is_in_the_pool_and_signs(custody: Custody) -> None:
    """Its key is sealed for its address; the opening is erased, so the box in the job's row opens for nobody."""
    result = found(custody)
    states = custody.collect()

    [row] = custody.rows("select address, contest_id, letters from contests.vanity_pool")
    assert (states, row) == (["done"], {"address": result["address"], "contest_id": None, "letters": "z"})
    ended = job(custody)
    assert (ended["state"], ended["opening"], ended["address"]) == ("completed", None, result["address"])
    signer = custody.deps(VANITY_ROLE).signer_of(result["address"])
    verify_message(b"a message", signer.sign_message(b"a message"), result["address"])


def test_a_search_without_a_find_is_followed_by_another(custody: Custody) -> None:
    """It is completed with its tries, and the pool is as empty as before."""
    found(custody)
    custody.change("""update kernel.offload_jobs set result = '{"tries": 2000000}'""")
    custody.collect()
    custody.top_up()

    rows = custody.rows("select state, tries, address from contests.vanity_jobs order by asked_at, id")
    assert [tuple(row.values()) for row in rows] == [("completed", 2_000_000, None), ("processing", None, None)]
    assert custody.rows("select address from contests.vanity_pool") == []


def test_a_box_with_the_key_of_another_address_is_not_kept(custody: Custody, caplog: pytest.LogCaptureFixture) -> None:
    """Even where everything else fits: whoever computes elsewhere is not believed."""
    result = found(custody)
    [row] = custody.rows("select recipient from contests.vanity_jobs")
    public_key = public_key_of(result["address"]) or b""
    replace(custody, box=box.sealed(bytes(range(32)), bytes(row["recipient"]), public_key).hex())
    custody.collect()

    assert job(custody)["reason"] == "what was found is not the key of its address"
    assert custody.rows("select address from contests.vanity_pool") == []
    kept = {row["address"] for row in custody.rows("select address from kernel.sealed_keys")}
    assert kept == {custody.faucet}
    assert "contests.vanity_forged" in [getattr(record, "alarm", None) for record in caplog.records]


@pytest.mark.parametrize(
    "fields",
    [
        {"address": LocalSolanaSigner(bytes(32)).address},
        {"address": "z"},
        {"box": "00" * 80},
        {"box": "00" * 10},
    ],
    ids=str,
)
def test_what_does_not_open_or_fit_is_not_kept(fields: dict[str, str], custody: Custody) -> None:
    """Another address, a box of nothing."""
    found(custody)
    replace(custody, **fields)
    custody.collect()

    assert (job(custody)["state"], job(custody)["opening"]) == ("failed", None)
    assert custody.rows("select address from contests.vanity_pool") == []


def test_a_computation_that_failed_fails_its_search(custody: Custody) -> None:
    """It says why."""
    custody.top_up()
    custody.clock.advance(1_800)
    custody.grind()
    custody.collect()

    assert (job(custody)["state"], job(custody)["reason"]) == ("failed", "expired")


def test_what_comes_after_its_search_was_given_up_is_dropped_unopened(custody: Custody) -> None:
    """Nobody could open it any more; the message ends."""
    found(custody)
    custody.change(
        "update contests.vanity_jobs set state = 'failed', reason = 'nobody told of its end', opening = null"
    )

    assert custody.collect() == ["done"]
    assert custody.rows("select address from contests.vanity_pool") == []


def test_a_message_that_comes_again_keeps_one(custody: Custody) -> None:
    """The second finds the search over."""
    found(custody)
    custody.collect()
    custody.again("contests.collect_vanity")

    assert custody.collect() == ["done"]
    assert len(custody.rows("select address from contests.vanity_pool")) == 1
