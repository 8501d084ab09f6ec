"""What readers of the chain make of nodes that do not know everything, and of work that is cut off midway."""

from collections.abc import Sequence
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any, cast

import pytest

from functions.oracle.adapters.evidence import Evidence
from functions.oracle.adapters.flare import Flare
from functions.oracle.adapters.registry import Registry
from functions.oracle.adapters.round_history import RoundHistory
from functions.oracle.adapters.submission import BlockAbsent, Submissions
from functions.oracle.adapters.voters import Electorate, delegation_weights
from functions.oracle.adapters.weighing import WeightRegime, weighs_by_signing
from functions.oracle.core.epochs import FLARE, Network, VotingEpoch
from functions.oracle.core.signing_policy import SigningPolicy
from functions.oracle.core.submissions import Submission
from kernel.errors import Transient
from kernel.evm.blocks import Head
from kernel.evm.contracts import Contract
from tests.unit.oracle.electorate import FEEDS, ROUND

pytestmark = pytest.mark.unit

SUBMISSION = "0x" + "5c" * 20
POLICY = SigningPolicy(reward_epoch=1, start_voting_round=1, threshold=1, seed=1, voters=(), weights=())
HEAD = Head(number=9, hash=bytes(32), time_s=10**10, base_fee_wei=0)


class LaggingNode:
    """A node with ten blocks, a second apart; it answers null for what it does not have yet."""

    def __init__(self, blocks: int, *, receipts: bool = True) -> None:
        self._blocks, self._receipts = blocks, receipts

    def batch(self, calls: Sequence[tuple[str, list[Any]]]) -> list[Any]:
        return [self._answer(method, params[0]) for method, params in calls]

    def _answer(self, method: str, what: str) -> Any:
        if method == "eth_getTransactionReceipt":
            return {"status": "0x1"} if self._receipts else None
        number = int(what, 16)
        call = {
            "to": SUBMISSION,
            "from": SUBMISSION,
            "input": "0x",
            "transactionIndex": "0x0",
            "hash": "0x" + "aa" * 32,
        }
        return (
            {"timestamp": hex(number), "number": hex(number), "transactions": [call]} if number < self._blocks else None
        )


class CutOff(Exception):
    """The time of one container is over."""


class TiredChain:
    """A Flare of one voter, which can be asked for so many rounds' transactions before the time is over."""

    network: Network = FLARE
    first_round = ROUND.number - 100

    def __init__(self) -> None:
        self.patience = 0
        self.asked: list[int] = []

    def reward_epoch_of(self, _: int) -> int:
        return 1

    def feeds(self, _: int) -> Any:
        return FEEDS

    def electorate(self, _: int) -> Electorate:
        return Electorate(policy=POLICY, submit_addresses=(), submit_signatures_addresses=(), median_weights=())

    def submissions(self, voting_round: VotingEpoch, _: Head) -> list[Submission]:
        if self.patience == 0:
            raise CutOff
        self.patience -= 1
        self.asked.append(voting_round.number)
        return []


def submissions_of(node: LaggingNode) -> Submissions:
    return Submissions(cast("Contract", SimpleNamespace(pool=node, address=SUBMISSION)))


def test_a_node_that_has_all_blocks_is_read_whole() -> None:
    """The positive of what follows."""
    assert 4 == len(submissions_of(LaggingNode(10)).seen(3, 7, HEAD))


@pytest.mark.parametrize("node", [LaggingNode(9), LaggingNode(2), LaggingNode(10, receipts=False)])
def test_a_node_behind_the_head_that_another_named_costs_another_try(node: LaggingNode) -> None:
    """A missing block or receipt is neither an empty one nor a defect: nothing is computed from what is there."""
    with pytest.raises(BlockAbsent) as raised:
        submissions_of(node).seen(3, 100, HEAD)

    assert isinstance(raised.value, Transient)


def test_registrations_are_read_only_until_every_voter_is_found() -> None:
    """They lie close behind the vote power block; the rest of a reward epoch is a hundred times as long."""
    asked: list[tuple[int, int]] = []

    def events(*_: object, from_block: int, to_block: int, **__: object) -> list[Any]:
        asked.append((from_block, to_block))
        registered = {3_000: ("b", 7), 1_500: ("a", 5)}
        rows = [registered[block] for block in sorted(registered) if from_block <= block <= to_block]
        told = {"delegationAddress": "d", "delegationFeeBIPS": 0, "wNatWeight": 9, "nodeIds": (), "nodeWeights": ()}
        return [SimpleNamespace(arguments=told | {"voter": voter, "wNatCappedWeight": own}) for voter, own in rows]

    pool = SimpleNamespace(head=lambda: SimpleNamespace(number=300_000))
    manager = SimpleNamespace(pool=pool, call=lambda *_: 1_000)
    registry = SimpleNamespace(systems_manager=manager, calculator=SimpleNamespace(events=events))

    weights = delegation_weights(cast("Registry", registry), 1, ("a", "b"))

    assert (5, 7) == weights
    assert [(1_000, 2_999), (3_000, 4_999)] == asked


def test_a_newcomer_reads_the_rounds_before_over_several_attempts() -> None:
    """Twenty rounds take longer than one invocation has; what was read before the end of it is not read again."""
    chain = TiredChain()
    history = SimpleNamespace(offenders_between=lambda first, last: {})
    evidence = Evidence(cast("Flare", chain), cast("RoundHistory", history))
    for _ in range(3):
        chain.patience = 7
        with pytest.raises(CutOff) if len(chain.asked) < 14 else nullcontext():
            evidence.outcome(ROUND, HEAD)

    assert list(range(ROUND.number - 20, ROUND.number + 1)) == chain.asked


@pytest.mark.parametrize(
    ("regime", "chain_id", "reward_epoch", "expected"),
    [
        (WeightRegime.PUBLISHED, 14, 416, False),
        (WeightRegime.PUBLISHED, 14, 417, True),
        (WeightRegime.PUBLISHED, 19, 417, True),
        (WeightRegime.PUBLISHED, 114, 9_999, False),
        (WeightRegime.DELEGATION, 14, 417, False),
        (WeightRegime.SIGNING, 31_337, 1, True),
    ],
)
def test_the_median_weighs_as_the_network_has_published(
    regime: WeightRegime, chain_id: int, reward_epoch: int, expected: bool
) -> None:
    """Capped delegation before FIP-16, the signing weight from the reward epoch on that a network has switched in."""
    assert expected == weighs_by_signing(regime, chain_id, reward_epoch)
