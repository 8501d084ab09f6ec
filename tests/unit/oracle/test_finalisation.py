"""When and how a round is finalised."""

from dataclasses import replace

import pytest

from functions.oracle.core.epochs import FLARE
from functions.oracle.core.finalisation import (
    Contradicted,
    FinalisationFacts,
    FinalisationRules,
    Finalised,
    NotYet,
    Relaying,
    Void,
    decide_finalisation,
)
from functions.oracle.core.finalisers import draw_finalisers
from functions.oracle.core.message import signing_digest
from functions.oracle.core.relay import encode_relay
from functions.oracle.core.signature import IndexedSignature, Signature, SignaturePayload
from functions.oracle.core.signing_policy import SigningPolicy

pytestmark = pytest.mark.unit

ROUND = FLARE.voting_epoch(812_576)
MESSAGE = b"\x64" + bytes(37)
VOTERS = tuple("0x" + bytes([n]).hex() * 20 for n in range(4))
POLICY = SigningPolicy(
    reward_epoch=FLARE.expected_reward_epoch(ROUND.number),
    start_voting_round=1,
    threshold=50,
    seed=3,
    voters=VOTERS,
    weights=(30, 30, 20, 20),
)
DRAWN = draw_finalisers(POLICY, ROUND.number)[0]
UNDRAWN = next(voter for voter in VOTERS if voter not in draw_finalisers(POLICY, ROUND.number))
RULES = FinalisationRules()
PHASE_S = ROUND.next.start_s + 65


def recover(digest: bytes, signature: Signature) -> str | None:
    """A signature here is the position of its voter, over our message only."""
    return VOTERS[signature.r] if digest == signing_digest(MESSAGE) and signature.r < len(VOTERS) else None


def deposit(position: int) -> SignaturePayload:
    return SignaturePayload(1, Signature(27, position, 0))


def facts(*positions: int) -> FinalisationFacts:
    """A round with these voters' deposits, at the beginning of the phase, for a drawn finaliser."""
    return FinalisationFacts(
        voting_round=ROUND,
        now_s=PHASE_S,
        root=None,
        under_way=False,
        message=MESSAGE,
        policy=POLICY,
        deposits=[deposit(position) for position in positions],
        ourselves=DRAWN,
    )


def relaying(*positions: int) -> Relaying:
    signatures = [IndexedSignature(position, Signature(27, position, 0)) for position in positions]
    return Relaying(encode_relay(POLICY, MESSAGE, signatures), len(signatures))


def test_with_enough_signatures_the_round_is_relayed() -> None:
    """30 + 30 is above 50: the two heaviest, and no more."""
    assert relaying(0, 1) == decide_finalisation(facts(3, 2, 1, 0), RULES, recover)


def test_a_round_that_the_relay_keeps_is_finalised_whoever_did_it() -> None:
    """Even while our own call is under way, or our result is not there."""
    kept = replace(facts(), root=bytes(32), under_way=True, message=None)

    assert Finalised() == decide_finalisation(kept, RULES, recover)


def test_a_root_that_is_not_ours_is_noticed() -> None:
    """The others agreed on something else than we computed, or on something where we found nothing."""
    other = replace(facts(), root=b"\x01" * 32)

    assert Contradicted() == decide_finalisation(other, RULES, recover)
    assert Contradicted() == decide_finalisation(replace(other, message=None, void=True), RULES, recover)


def test_a_round_without_a_result_is_not_waited_for() -> None:
    """Nobody revealed validly: there is nothing that anybody could sign."""
    decision = decide_finalisation(replace(facts(), message=None, void=True), RULES, recover)

    assert Void() == decision


def test_our_own_call_is_made_once() -> None:
    """While it is on its way we look again."""
    decision = decide_finalisation(replace(facts(0, 1), under_way=True), RULES, recover)

    assert NotYet(2, "our relay transaction is on its way") == decision


def test_without_our_result_nothing_is_relayed() -> None:
    """Others' word is not enough."""
    decision = decide_finalisation(replace(facts(0, 1), message=None), RULES, recover)

    assert NotYet(2, "the result of the round is not computed yet") == decision


def test_weight_at_the_threshold_is_not_enough() -> None:
    """30 + 20 = 50."""
    decision = decide_finalisation(facts(0, 2), RULES, recover)

    assert NotYet(2, "the signatures do not weigh enough yet") == decision


def test_a_deposit_that_signs_something_else_does_not_count() -> None:
    """It recovers to nobody in the policy."""
    assert isinstance(decide_finalisation(facts(0, 9), RULES, recover), NotYet)
    assert isinstance(decide_finalisation(facts(0, 0), RULES, recover), NotYet)


def test_within_the_grace_period_only_the_drawn_go() -> None:
    """Everybody else waits for its end, and not longer."""
    early = replace(facts(0, 1), ourselves=UNDRAWN, now_s=PHASE_S + 3)
    late = replace(early, now_s=PHASE_S + 20)

    assert NotYet(17, "the drawn finalisers go first") == decide_finalisation(early, RULES, recover)
    assert relaying(0, 1) == decide_finalisation(late, RULES, recover)


def test_an_older_policy_needs_more_weight() -> None:
    """60 is above 50, and not above 60."""
    old = replace(POLICY, reward_epoch=POLICY.reward_epoch - 1)
    two, three = (
        replace(facts(0, 1), policy=old, now_s=PHASE_S + 20),
        replace(facts(0, 1, 2), policy=old, now_s=PHASE_S + 20),
    )

    assert isinstance(decide_finalisation(two, RULES, recover), NotYet)
    assert 3 == getattr(decide_finalisation(three, RULES, recover), "signature_count", None)
