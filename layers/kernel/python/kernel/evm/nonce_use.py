"""Owns the proof of who used a nonce: the transaction itself, found in a block.

Nodes have no index from (sender, nonce) to a transaction, but the transaction count of an account never falls from one
block to the next. So the block that used the nonce is found by bisection, and the transaction by reading that block.
Every reading is a quorum's, and never of fewer endpoints because some are away: a second payment hangs on it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from kernel.errors import Transient
from kernel.evm.blocks import address_told, block_id, octets, quantity
from kernel.evm.rpc import RpcPool
from kernel.jsonrpc.endpoint import RpcRefused

# Deeper than any reorganisation of the chains in use: bytes signed at block B cannot be mined at or below B - this.
REORGANISATION_DEPTH_MAX: Final = 128


class NonceHistoryUnavailable(Transient):
    """The chain's past cannot be read far enough to see who used a nonce."""

    cause = "Something used a leased nonce, and the endpoints refuse to tell what, or keep too little state to find it."
    remedy = "The entry is looked at again; add an archive endpoint to the chain's RPC URLs if this lasts."


@dataclass(frozen=True, slots=True)
class NonceUse:
    """Which transaction used a nonce; `transaction_hash` is None when it happened at or before the searched range."""

    transaction_hash: bytes | None
    block_number: int


def nonce_use(pool: RpcPool, signer: str, nonce: int, *, since_block: int, until_block: int) -> NonceUse | None:
    """Who used the nonce as of `until_block`, or None when nobody has.

    1. Count the signer's transactions at `until_block`: no more than the nonce means that it is free.
    2. Count them at `since_block`: more than the nonce means that it was used by then, unless the node ignores the
    block it is asked for: such a node counts as many at the genesis, where nobody had sent anything.
    3. Bisect for the first block with a higher count; the transaction with this sender and nonce stands in it.

    Raises NonceHistoryUnavailable when the endpoints do not keep that much state.
    """
    try:
        if pool.nonce_agreed(signer, until_block) <= nonce:
            return None
        if pool.nonce_agreed(signer, since_block) > nonce:
            _require_history(pool, signer, nonce)
            return NonceUse(None, since_block)
        block_number = _first_block_above(pool, signer, nonce, since_block, until_block)
        return NonceUse(_transaction_in(pool, signer, nonce, block_number), block_number)
    except RpcRefused as refused:
        raise NonceHistoryUnavailable(signer=signer, nonce=nonce, words=refused.words) from refused


def _require_history(pool: RpcPool, signer: str, nonce: int) -> None:
    """Raises NonceHistoryUnavailable for a node that tells the present count whatever block it is asked for.

    Believing it would lease a second nonce, and so pay twice, whenever our receipt is indexed later than the count.
    """
    try:
        at_genesis = pool.nonce_agreed(signer, 0)
    except RpcRefused:
        return  # A node that keeps no state of the genesis, and says so, heeds the block.
    if at_genesis > nonce:
        raise NonceHistoryUnavailable(signer=signer, nonce=nonce, words="the block is ignored")


def _first_block_above(pool: RpcPool, signer: str, nonce: int, below: int, above: int) -> int:
    """The first block whose count exceeds the nonce, given that `above` does and `below` does not."""
    while above - below > 1:
        middle = (below + above) // 2
        if pool.nonce_agreed(signer, middle) > nonce:
            above = middle
        else:
            below = middle
    return above


def _transaction_in(pool: RpcPool, signer: str, nonce: int, block_number: int) -> bytes:
    def found(block: Mapping[str, Any] | None) -> str | None:
        for transaction in (block or {"transactions": []})["transactions"]:
            if address_told(transaction["from"]) == signer and quantity(transaction["nonce"]) == nonce:
                return str(transaction["hash"])
        return None

    asked = [block_id(block_number), True]
    transaction_hash = found(pool.agreed("eth_getBlockByNumber", asked, by=found, quorum=pool.unreduced()))
    if transaction_hash is not None:
        return octets(transaction_hash)
    raise NonceHistoryUnavailable(signer=signer, nonce=nonce, block_number=block_number)
