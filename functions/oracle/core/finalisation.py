"""Owns when and how we finalise a round on the Relay.

1. A round whose root the relay already keeps is finalised, whoever did it; that it differs from ours is said.
2. A round in which nobody revealed validly has no result that anybody could sign, so it is not waited for.
   While our own call is under way, or our result is not computed, there is nothing to do but to look again.
3. Within the grace period after the phase began, only the drawn finalisers go; then anyone.
4. The deposits that really sign our own message count, each with its signer's weight in the signing policy.
5. Above the threshold the call is made with the fewest signatures that suffice; below it, we look again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from functions.oracle.core.epochs import VotingEpoch
from functions.oracle.core.finalisers import draw_finalisers
from functions.oracle.core.message import decode_protocol_message, signing_digest
from functions.oracle.core.relay import encode_relay, enough_signatures
from functions.oracle.core.signature import Recover, SignaturePayload, recognise
from functions.oracle.core.signing_policy import SigningPolicy, required_threshold


@dataclass(frozen=True, slots=True)
class Finalised:
    """The relay keeps the round's root."""


@dataclass(frozen=True, slots=True)
class Contradicted:
    """The relay keeps a root for the round that is not what we computed."""


@dataclass(frozen=True, slots=True)
class Void:
    """The round has no result."""


@dataclass(frozen=True, slots=True)
class Relaying:
    """Make this call to the Relay."""

    calldata: bytes
    signature_count: int


@dataclass(frozen=True, slots=True)
class NotYet:
    """Look again in so many seconds, for this reason."""

    after_s: float
    reason: str


Decision = Finalised | Contradicted | Void | Relaying | NotYet


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalisationRules:
    """What a network fixes about finalising; times in seconds."""

    #: When the phase begins, since the start of the epoch after the round's.
    finalise_s: float = 65
    #: How long the drawn finalisers go first.
    grace_s: float = 20
    poll_s: float = 2
    #: Of the threshold, in basis points, when the newest policy is older than the round expects.
    threshold_increase_bips: int = 12_000


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalisationFacts:
    """A round that may be finalised, as it looks now."""

    voting_round: VotingEpoch
    now_s: float
    #: What the relay keeps for the round, if anything.
    root: bytes | None
    #: Whether our own relay transaction is recorded.
    under_way: bool
    #: Our result, encoded (38 bytes), once it is computed.
    message: bytes | None
    #: Whether we computed that there is no result.
    void: bool = False
    policy: SigningPolicy
    deposits: Sequence[SignaturePayload]
    #: Our signing-policy address, lower-case.
    ourselves: str


def decide_finalisation(facts: FinalisationFacts, rules: FinalisationRules, recover: Recover) -> Decision:
    """What to do about finalising a round now."""
    if facts.root is not None and facts.root != _our_root(facts):
        return Contradicted()
    if facts.root is not None:
        return Finalised()
    if facts.void:
        return Void()
    return _relay(facts, rules, recover)


def _relay(facts: FinalisationFacts, rules: FinalisationRules, recover: Recover) -> Decision:
    """What to do about a round that the relay does not keep yet."""
    if facts.under_way:
        return NotYet(rules.poll_s, "our relay transaction is on its way")
    if facts.message is None:
        return NotYet(rules.poll_s, "the result of the round is not computed yet")

    wait_s = facts.voting_round.next.start_s + rules.finalise_s + rules.grace_s - facts.now_s
    if wait_s > 0 and facts.ourselves not in draw_finalisers(facts.policy, facts.voting_round.number):
        return NotYet(wait_s, "the drawn finalisers go first")

    signatures = recognise(facts.deposits, signing_digest(facts.message), facts.policy.positions, recover)
    expected = facts.voting_round.network.expected_reward_epoch(facts.voting_round.number)
    threshold = required_threshold(facts.policy, expected, rules.threshold_increase_bips)
    chosen = enough_signatures(facts.policy, signatures, threshold)
    if chosen is None:
        return NotYet(rules.poll_s, "the signatures do not weigh enough yet")
    return Relaying(encode_relay(facts.policy, facts.message, chosen), len(chosen))


def _our_root(facts: FinalisationFacts) -> bytes | None:
    """What we computed, or what the relay keeps where we have not computed anything."""
    if facts.message is not None:
        return decode_protocol_message(facts.message).merkle_root
    return None if facts.void else facts.root
