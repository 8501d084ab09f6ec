"""What we send about reward epochs, as intents for the outbox.

All of it is sent by the address that deposits, but for the claim of what the signing-policy address earned: its own.
"""

from collections.abc import Sequence
from typing import Any

from functions.oracle.adapters.intents import SERVICE
from functions.oracle.adapters.registry import Registry
from functions.oracle.core.reward_claims import Claim
from functions.oracle.core.signature import Signature
from kernel.abi import address_bytes
from kernel.evm.contracts import Contract
from kernel.outbox.evm import EvmIntent

# Limits, not costs: registration reads vote power and stakes of the network, which a local one has none of.
REGISTRATION_GAS_LIMIT = 3_000_000
SIGNING_GAS_LIMIT = 600_000
CLAIM_GAS_LIMIT = 300_000
CLAIM_GAS_PER_PROOF = 120_000


class RewardIntents:
    """Builds the intents of one provider."""

    def __init__(self, registry: Registry, *, network: str, sender: str, signer: str) -> None:
        self._registry, self._network, self._sender, self._signer = registry, network, sender, signer

    def claims_by(self, owner: str) -> str:
        """Which address of ours claims for an owner: itself, if it is one that sends."""
        return self._signer if owner.lower() == self._signer.lower() else self._sender

    def register(self, reward_epoch: int, voter: str, signature: Signature, attempt: int) -> EvmIntent:
        """registerVoter for the next reward epoch."""
        key = self.key("register", reward_epoch, "", attempt)
        data = self._registry.voter_registry.abi.encode_call("registerVoter", voter, _signature(signature))
        return self._intent(key, self._registry.voter_registry, data, REGISTRATION_GAS_LIMIT)

    def sign(
        self, reward_epoch: int, counts: Sequence[tuple[int, int]], root: bytes, signature: Signature, attempt: int
    ) -> EvmIntent:
        """signRewards of a reward epoch that has ended."""
        manager = self._registry.systems_manager
        data = manager.abi.encode_call("signRewards", reward_epoch, list(counts), root, _signature(signature))
        return self._intent(self.key("rewards", reward_epoch, "", attempt), manager, data, SIGNING_GAS_LIMIT)

    def claim(
        self, reward_epoch: int, owner: str, proven: Sequence[tuple[Claim, Sequence[bytes]]], attempt: int
    ) -> EvmIntent:
        """claim of everything that is due to one owner, to the owner itself."""
        proofs = [
            (list(proof), (reward_epoch, address_bytes(claim.beneficiary), claim.amount, int(claim.type)))
            for claim, proof in proven
        ]
        manager = self._registry.reward_manager
        data = manager.abi.encode_call("claim", owner, owner, reward_epoch, False, proofs)
        gas_limit = CLAIM_GAS_LIMIT + CLAIM_GAS_PER_PROOF * len(proofs)
        key = self.key("claim", reward_epoch, owner, attempt)
        return self._intent(key, manager, data, gas_limit, self.claims_by(owner))

    def key(self, what: str, reward_epoch: int, whose: str, attempt: int) -> str:
        """What makes a transaction unique: network, reward epoch, what it does, for whom, and which attempt it is."""
        whose = f":{whose.lower()}" if whose else ""
        return f"oracle:{self._network}:epoch-{reward_epoch}:{what}{whose}:{attempt}"

    def _intent(self, key: str, to: Contract, data: bytes, gas_limit: int, by: str | None = None) -> EvmIntent:
        return EvmIntent(
            business_key=key,
            service=SERVICE,
            chain_id=to.pool.chain_id,
            signer=by or self._sender,
            to=to.address,
            data=data,
            gas_limit=gas_limit,
        )


def _signature(signature: Signature) -> tuple[Any, ...]:
    return signature.v, signature.r.to_bytes(32, "big"), signature.s.to_bytes(32, "big")
