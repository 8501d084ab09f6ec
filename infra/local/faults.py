"""What an RPC provider may do wrong, as a value that travels as JSON."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, Self

# http_500 and http_429: a status without a JSON-RPC body. rpc_error: status 200 and a JSON-RPC error.
# reset: the connection is cut before the answer. timeout: no answer, ever.
Failure = Literal["http_500", "http_429", "rpc_error", "reset", "timeout"]

# For the sending of transactions alone. error: the node takes the transaction, the client hears an error.
# lost: the node takes it, the answer is lost. swallowed: the client hears a hash, the node never sees the transaction.
SendFailure = Literal["error", "lost", "swallowed"]

# For Solana. forgotten: no signature has a status or a transaction. invented: an unknown signature is called final.
SignatureFailure = Literal["forgotten", "invented"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """The faults of one RPC identity; the default is a healthy one.

    latency_s, jitter_s: every answer waits latency_s plus up to jitter_s.
    failure: what befalls `failure_rate` (0 to 1) of the calls to `methods` (empty: all), drawn from `seed`.
    methods: also those that `height_offset` changes.
    rpc_code, rpc_words: the JSON-RPC error of the failure rpc_error.
    send: what befalls each eth_sendRawTransaction or sendTransaction.
    stale_head: the height at which its view of the chain stands still.
    chain_id: the wrong chain it claims to be.
    logs_range_max: the widest range of blocks, in blocks, that it lets eth_getLogs ask for.
    logs_left_out: how many logs, the last ones, are missing from each of its answers to eth_getLogs.
    logs_forged: its logs say something else, in its receipts, too. logs_pruned: it has kept no logs and no receipts.
    l1_fee_wei: no fault, but what receipts of an OP-stack chain tell of the fee for the chain below.
    stale_slot, height_offset, signatures, genesis_hash: Solana's; the slot at which its view stands still, what it
    adds to block heights, what it says of signatures, the wrong cluster it claims to be.
    outage: every connection is cut, open ones too.
    """

    latency_s: float = 0.0
    jitter_s: float = 0.0
    failure: Failure | None = None
    failure_rate: float = 1.0
    methods: tuple[str, ...] = ()
    send: SendFailure | None = None
    stale_head: int | None = None
    chain_id: int | None = None
    logs_range_max: int | None = None
    logs_left_out: int = 0
    logs_forged: bool = False
    logs_pruned: bool = False
    l1_fee_wei: int = 0
    rpc_code: int = -32000
    rpc_words: str = "the provider failed (injected)"
    stale_slot: int | None = None
    height_offset: int = 0
    signatures: SignatureFailure | None = None
    genesis_hash: str | None = None
    outage: bool = False
    seed: int = 0

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """From a JSON object; TypeError when it names a fault that does not exist."""
        unknown = set(values) - {field.name for field in fields(cls)}
        if unknown:
            raise TypeError(f"no such fault: {', '.join(sorted(unknown))}")
        return cls(**{**values, "methods": tuple(values.get("methods", ()))})

    def befall(self, method: str) -> bool:
        """Whether `failure` is meant for calls to `method`."""
        return self.failure is not None and self.means(method)

    def means(self, method: str) -> bool:
        """Whether `methods` names it, or nothing."""
        return not self.methods or method in self.methods


HEALTHY = Faults()
