"""The optimal mode on a real Postgres: off, reported, settled; and never believed."""

from collections.abc import Iterator

import pytest

from functions.netting.adapters.proposing import Proposed
from functions.netting.core.optimal import ONE, Proposal
from kernel.postgres import Fence
from kernel.tasks import TaskSpec
from tests.integration.netting.floor import Floor, key

pytestmark = pytest.mark.integration


@pytest.fixture
def floor(database_url: str) -> Iterator[Floor]:
    """A floor on which b buys before it sells: the rule accepts one of two, the optimum both."""
    with Floor.open(database_url) as floor:
        floor.own("a", "sword")
        floor.own("b", "shield")
        floor.fund(c=100)
        yield floor


def trades(floor: Floor) -> list[str]:
    """The purchase that b cannot pay yet, and the sale that would pay it."""
    return [floor.intent("sword", "a", "b", 100), floor.intent("shield", "b", "c", 100)]


def told(floor: Floor) -> tuple[int | None, ...]:
    """What the batch traded, what the rule comes to, what was found, and what nothing exceeds."""
    row = floor.batch()
    names = ("traded_lamports", "rule_lamports", "found_lamports", "optimal_lamports")
    return tuple(None if row[name] is None else int(row[name]) for name in names)


def test_it_is_off_until_somebody_wants_it(floor: Floor) -> None:
    """Nothing is computed, and nothing told."""
    ids = trades(floor)

    floor.net()

    assert (100, None, None, None) == told(floor)
    assert [("pending", "insufficient_funds"), "batched"] == floor.states(*ids)


def test_reported_it_changes_nothing(floor: Floor) -> None:
    """The rule's share is told: a half."""
    floor.tune(optimal=1)
    ids = trades(floor)

    floor.net()

    assert (100, 100, 200, 200) == told(floor)
    assert [("pending", "insufficient_funds"), "batched"] == floor.states(*ids)
    assert 5_000 == floor.deps.showing.statistics().share_bps


def test_settled_it_accepts_what_it_chose(floor: Floor) -> None:
    """And every wallet can pay what the whole batch takes from it."""
    floor.tune(optimal=2)
    ids = trades(floor)

    floor.net()

    assert (200, 100, 200, 200) == told(floor)
    assert ["batched", "batched"] == floor.states(*ids)
    assert {("item", "sword"): None, ("item", "shield"): None, ("wallet", key("c")): 100} == floor.reserved()


def test_a_large_batch_is_left_alone(floor: Floor) -> None:
    """The solver is asked for no more intents than operators allow."""
    floor.tune(optimal=2, optimal_most=1)
    trades(floor)

    floor.net()

    assert (100, None, None, None) == told(floor)


def test_what_is_proposed_is_checked_against_what_is_held_now(floor: Floor) -> None:
    """The funds that it counted on have left since: the rule's result is settled."""
    floor.tune(optimal=2)
    trades(floor)
    proposed = floor.deps.proposing.propose(floor.deps.sizes)
    floor.fund(c=99)

    floor.deps.planning.plan(floor.deps.sizes, proposed, fence=held(floor))

    assert (0, 0, 0) == told(floor)[:3]
    assert {} == floor.reserved()


def test_a_solver_that_lies_is_not_believed(floor: Floor) -> None:
    """It chooses what nobody can pay, and asks prices that prove too much."""
    ids = trades(floor)
    floor.own("x", "crown")
    lie = [*ids, floor.intent("crown", "x", "y", 10**9)]
    prices = {("funds", wallet, "paid"): -1_000 * ONE for wallet in map(key, "abcxy")}

    proposed = Proposed(Proposal(accepted=lie, prices=prices), is_settled=True)
    floor.deps.planning.plan(floor.deps.sizes, proposed, fence=held(floor))

    assert (100, 100, 100, 10**9 + 200) == told(floor)


def held(floor: Floor) -> Fence:
    """The token of a task that this worker has."""
    spec = TaskSpec(kind="netting.net_batch", business_key="held", payload={}, run_at=floor.clock.now())
    [task_id] = floor.deps.tasks.enqueue([spec])
    claimed = floor.deps.tasks.claim(task_id, "a test", 60)
    assert hasattr(claimed, "fence"), claimed
    return claimed.fence
