"""Owns how the chains are asked for what moves money: a quorum that nobody's absence reduces, and no lasting refusals.

What the chain itself refuses, a revert, is an answer. Whatever else all endpoints refuse passes: a limit, an outage
told in JSON, a block that a reorganisation has taken back since its number was read. It must park no order.
"""

from collections.abc import Callable, Hashable, Sequence
from typing import Any, Final

from kernel.errors import Transient
from kernel.evm.evidence import final_block
from kernel.evm.rpc import RpcPool
from kernel.jsonrpc.endpoint import REVERTED_CODE, Call, RpcRefused
from kernel.jsonrpc.quorum import NoQuorum

#: What nodes say when a call used all the gas there is, and no revert.
_OUT_OF_GAS: Final = ("out of gas", "outofgas", "gas required exceeds")


class QuestionRefused(Transient):
    """Every RPC endpoint refuses a question."""

    cause = "Limits of the providers' plans, an outage, or a block that the chain has taken back since it was named."
    remedy = "The work is tried again; read the endpoints' words in details if this lasts."
    retry_after_s = 5.0


class Reverted(Exception):
    """The call itself fails, whoever is asked."""


class Quorum:
    """The endpoints of one EVM chain. Everything raises NoQuorum, QuestionRefused, RpcUnavailable, WrongChain."""

    def __init__(self, pool: RpcPool) -> None:
        self.pool: Final = pool

    @property
    def needed(self) -> int:
        """How many must say the same, whoever is away."""
        return self.pool.unreduced()

    def agreed(self, method: str, params: Sequence[Any], *, by: Callable[[Any], Hashable], blames: bool = True) -> Any:
        """The answer that a quorum gave, compared by `by`. Raises Reverted.

        blames: whether who answers otherwise is distrusted. Not where two honest nodes may differ, because they are on
        two forks, or because a stranger's contract answers by what each kind of node makes up for a call.
        """
        return self.agreed_batch([(method, params)], by=lambda answers: by(answers[0]), blames=blames)[0]

    def agreed_batch(
        self, calls: Sequence[Call], *, by: Callable[[list[Any]], Hashable], blames: bool = True
    ) -> list[Any]:
        """The same for several calls in one round trip."""
        try:
            return self.pool.agreed_batch(calls, by=by, quorum=self.needed, blames=blames)
        except RpcRefused as refused:
            words = refused.words.lower()
            if refused.rpc_code == REVERTED_CODE or "revert" in words or any(one in words for one in _OUT_OF_GAS):
                raise Reverted(refused.words) from refused
            raise QuestionRefused(
                chain=self.pool.chain, method=calls[0][0], rpc_code=refused.rpc_code, words=refused.words
            ) from refused

    def floor(self, method: str, params: Sequence[Any], *, by: Callable[[Any], int]) -> int:
        """The highest number that a quorum reaches."""
        return self.pool.agreed_floor(method, params, by=by, quorum=self.needed)

    def newest_block(self) -> int:
        """The newest block that a quorum has come to."""
        return final_block(self.pool, 1, quorum=self.needed)

    def final_block(self, confirmations: int | None) -> int:
        """The highest block that a quorum calls final; negative while there is none."""
        return final_block(self.pool, confirmations, quorum=self.needed)

    def contradicted(self, method: str, answered: Sequence[object]) -> NoQuorum:
        """That answers which must be close to each other are not."""
        told = ", ".join(map(str, answered))
        return NoQuorum(chain=self.pool.chain, method=method, needed=self.needed, answered=told)
