"""VoterRegistry and its calculator: who votes in a reward epoch, from which addresses, with which weights."""

from dataclasses import dataclass

from functions.oracle.adapters.registrations import registrations_of
from functions.oracle.adapters.registry import Registry
from functions.oracle.adapters.weighing import WeightRegime, weighs_by_signing
from functions.oracle.core.signing_policy import SigningPolicy, encode_signing_policy, signing_policy_hash
from kernel.errors import Broken


class PolicyMismatch(Broken):
    """The registry's voters do not hash to the signing policy that the relay keeps."""

    cause = "An RPC endpoint answered from another state, or the network changed how policies are built."
    remedy = "Compare the endpoints; signing with a wrong policy would be refused by the relay."


@dataclass(frozen=True, slots=True, kw_only=True)
class Electorate:
    """The voters of a reward epoch, all in the signing policy's order. Addresses are lower-case."""

    policy: SigningPolicy
    submit_addresses: tuple[str, ...]
    submit_signatures_addresses: tuple[str, ...]
    median_weights: tuple[int, ...]

    @property
    def weights(self) -> dict[str, int]:
        """submit address -> weight of its vote."""
        return dict(zip(self.submit_addresses, self.median_weights, strict=True))

    @property
    def registered_weight(self) -> int:
        return sum(self.median_weights)


def electorate_of(registry: Registry, reward_epoch: int, regime: WeightRegime) -> Electorate:
    """The voters of an initialised reward epoch. Raises PolicyMismatch."""
    voters, weights = registry.voter_registry.call("getRegisteredVotersAndNormalisedWeights", reward_epoch)
    policy = _policy(registry, reward_epoch, weights)
    return Electorate(
        policy=policy,
        submit_addresses=_addresses(registry, "getRegisteredSubmitAddresses", reward_epoch),
        submit_signatures_addresses=_addresses(registry, "getRegisteredSubmitSignaturesAddresses", reward_epoch),
        median_weights=(
            policy.weights
            if weighs_by_signing(regime, registry.relay.pool.chain_id, reward_epoch)
            else delegation_weights(registry, reward_epoch, voters)
        ),
    )


def _policy(registry: Registry, reward_epoch: int, weights: tuple[int, ...]) -> SigningPolicy:
    manager = registry.systems_manager
    policy = SigningPolicy(
        reward_epoch=reward_epoch,
        start_voting_round=manager.call("getStartVotingRoundId", reward_epoch),
        threshold=manager.call("getThreshold", reward_epoch),
        seed=manager.call("getSeed", reward_epoch),
        voters=_addresses(registry, "getRegisteredSigningPolicyAddresses", reward_epoch),
        weights=tuple(weights),
    )
    kept = registry.relay.call("toSigningPolicyHash", reward_epoch)
    if signing_policy_hash(encode_signing_policy(policy)) != kept:
        raise PolicyMismatch(reward_epoch=reward_epoch, relay=kept.hex())
    return policy


def _addresses(registry: Registry, function: str, reward_epoch: int) -> tuple[str, ...]:
    return tuple(address.lower() for address in registry.voter_registry.call(function, reward_epoch))


def delegation_weights(registry: Registry, reward_epoch: int, voters: tuple[str, ...]) -> tuple[int, ...]:
    """Capped delegation in wei, as announced at registration."""
    return tuple(one.capped_wei for one in registrations_of(registry, reward_epoch, voters))
