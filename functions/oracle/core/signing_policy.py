"""Owns the signing policy of a reward epoch: who may sign its rounds, and with which weight.

    size 2 B | reward epoch 3 B | start round 4 B | threshold 2 B | seed 32 B | { address 20 B | weight 2 B }*

Its hash, which the Relay contract keeps, chains keccak256 over zero-padded 32-byte chunks:
h = keccak256(chunk 0 | chunk 1), then h = keccak256(h | chunk) for each further one.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from kernel.abi import ADDRESS_SIZE_BYTES, WORD_SIZE_BYTES, address_bytes, padded
from kernel.amounts import ONE_BPS
from kernel.errors import Invalid
from kernel.hashes import keccak256

_HEAD_SIZE_BYTES: Final = 43
_VOTER_SIZE_BYTES: Final = 22
_TOTAL_WEIGHT_MAX: Final = 0xFFFF


class SigningPolicyMalformed(Invalid):
    """The bytes are no signing policy."""

    cause = "The length does not match the number of voters, or the weights sum past 16 bits."
    remedy = "Take the policy from the SigningPolicyInitialized event."


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningPolicy:
    """The voters of a reward epoch (lower-case signing-policy addresses) and their normalised weights, in order."""

    reward_epoch: int
    start_voting_round: int
    threshold: int
    seed: int
    voters: tuple[str, ...]
    weights: tuple[int, ...]

    @property
    def total_weight(self) -> int:
        return sum(self.weights)

    @property
    def positions(self) -> dict[str, int]:
        """Each address to its first position."""
        return {voter: position for position, voter in reversed(list(enumerate(self.voters)))}

    def weight_of(self, positions: Iterable[int]) -> int:
        """The weight of the voters at these positions together."""
        return sum(self.weights[position] for position in positions)


def encode_signing_policy(policy: SigningPolicy) -> bytes:
    """The policy's bytes.

    Raises AddressInvalid, SigningPolicyMalformed, and OverflowError for numbers past their field.
    """
    if len(policy.voters) != len(policy.weights) or policy.total_weight > _TOTAL_WEIGHT_MAX:
        raise SigningPolicyMalformed(voters=len(policy.voters), weights=len(policy.weights))
    head = (
        len(policy.voters).to_bytes(2, "big")
        + policy.reward_epoch.to_bytes(3, "big")
        + policy.start_voting_round.to_bytes(4, "big")
        + policy.threshold.to_bytes(2, "big")
        + policy.seed.to_bytes(32, "big")
    )
    return head + b"".join(
        address_bytes(voter) + weight.to_bytes(2, "big")
        for voter, weight in zip(policy.voters, policy.weights, strict=True)
    )


def decode_signing_policy(data: bytes) -> SigningPolicy:
    """The policy in exactly these bytes. Raises SigningPolicyMalformed."""
    if len(data) < _HEAD_SIZE_BYTES or len(data) != encoded_size_bytes(data):
        raise SigningPolicyMalformed(length=len(data))
    rows = [data[at : at + _VOTER_SIZE_BYTES] for at in range(_HEAD_SIZE_BYTES, len(data), _VOTER_SIZE_BYTES)]
    policy = SigningPolicy(
        reward_epoch=int.from_bytes(data[2:5], "big"),
        start_voting_round=int.from_bytes(data[5:9], "big"),
        threshold=int.from_bytes(data[9:11], "big"),
        seed=int.from_bytes(data[11:43], "big"),
        voters=tuple("0x" + row[:ADDRESS_SIZE_BYTES].hex() for row in rows),
        weights=tuple(int.from_bytes(row[ADDRESS_SIZE_BYTES:], "big") for row in rows),
    )
    if policy.total_weight > _TOTAL_WEIGHT_MAX:
        raise SigningPolicyMalformed(total_weight=policy.total_weight)
    return policy


def encoded_size_bytes(data: bytes) -> int:
    """How long a policy that begins with these bytes is; more may follow it, as in a relay call."""
    return _HEAD_SIZE_BYTES + _VOTER_SIZE_BYTES * int.from_bytes(data[:2], "big")


def signing_policy_hash(policy: bytes) -> bytes:
    """32 bytes for an encoded policy. Raises SigningPolicyMalformed when there are not two chunks to begin with."""
    if len(policy) <= WORD_SIZE_BYTES:
        raise SigningPolicyMalformed(length=len(policy))
    chunks = padded(policy)
    digest = keccak256(chunks[: 2 * WORD_SIZE_BYTES])
    for at in range(2 * WORD_SIZE_BYTES, len(chunks), WORD_SIZE_BYTES):
        digest = keccak256(digest + chunks[at : at + WORD_SIZE_BYTES])
    return digest


def required_threshold(policy: SigningPolicy, expected_reward_epoch: int, increase_bips: int) -> int:
    """What the signing weight must exceed: more when the newest policy is older than the round's calendar expects."""
    if policy.reward_epoch >= expected_reward_epoch:
        return policy.threshold
    return policy.threshold * increase_bips // ONE_BPS
