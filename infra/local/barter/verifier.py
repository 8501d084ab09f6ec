"""The verifier of proofs, on a node.

Terms(agents_max=16, verifier=deploy_verifier(node, key, agents=16, list_max=16).address)
"""

from gpu.exchange.formats import VerificationKey
from infra.local.anvil import AnvilNode
from infra.local.barter.world import deploy
from infra.local.flare.contracts import Contract


def deploy_verifier(node: AnvilNode, key: VerificationKey, *, agents: int, list_max: int) -> Contract:
    """Deploy the verifier for a key. Raises TransactionReverted where the key is unfit."""
    return deploy(node, "Groth16Verifier", key.words(), agents, list_max)
