"""Owns the pool of RPC endpoints of one Solana cluster: what `kernel.jsonrpc.pool` does, in the words of Solana.

A cluster is known by its genesis hash. Heads are compared by block height, which is also what a blockhash expires by,
and by the time of their block: a lead in height that is no lead in time is an invention.
The reads that move money are in `agreement`.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from kernel.clock import Clock
from kernel.jsonrpc import pool as jsonrpc
from kernel.jsonrpc.endpoint import Call, Endpoint, EndpointUnavailable, RpcRefused
from kernel.jsonrpc.roster import Health
from kernel.jsonrpc.standings import Sight
from kernel.solana.accounts import AccountState, NonceState, nonce_of, table_of
from kernel.solana.agreement import (
    STATUSES_MAX,
    AgreeingPool,
    Blockhash,
    account_asked,
    blockhash_asked,
    blockhash_told,
    chunks,
    statuses_asked,
    statuses_told,
)
from kernel.solana.history import ConfirmedTransaction, SignatureSeen
from kernel.solana.refusals import Refusal, meaning_of
from kernel.solana.statuses import Failure, SignatureStatus

__all__ = ["GENESIS_HASHES", "STATUSES_MAX", "Blockhash", "Delivery", "Prospect", "Simulation", "SolanaPool"]

GENESIS_HASHES: Final = {
    "mainnet": "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d",
    "devnet": "EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxPkrZBG",
    "testnet": "4uhcVJyU9pJkvQyS88uRDiswHXSCkY3zQawwpjk2NsNY",
}
LOCALNET: Final = "localnet"
# What the RPC takes in one call.
FEE_ACCOUNTS_MAX, SIGNATURES_MAX = 128, 1_000

Delivery = jsonrpc.Delivery[Refusal]


@dataclass(frozen=True, slots=True)
class Simulation:
    """What a run on the node's present state came to."""

    units: int
    error: Failure | None
    logs: tuple[str, ...]


NOT_SIMULATED: Final = Simulation(units=0, error=None, logs=())


@dataclass(frozen=True, slots=True)
class Prospect:
    """What a signature needs to know. Priority fees are of the last 150 blocks, in micro-lamports a unit."""

    blockhash: Blockhash
    recent_fees: tuple[int, ...]
    simulation: Simulation


class SolanaPool(AgreeingPool):
    """The endpoints of one cluster, in order of preference."""

    def __init__(
        self,
        urls: Sequence[str],
        cluster: str,
        clock: Clock | None = None,
        *,
        genesis_hash: str | None = None,
        timeout_s: float = 3.0,
        lag_blocks_max: int = 40,
        lag_s_max: float = 60.0,
        survey_ttl_s: float = 5.0,
        grace_s: float = 0.5,
        quorum: int | None = None,
        health: Health | None = None,
    ) -> None:
        """genesis_hash: of `localnet`, where it is known; None takes any cluster there that is not a public one."""
        if cluster != LOCALNET and cluster not in GENESIS_HASHES:
            raise ValueError(f"no such cluster: {cluster}")
        super().__init__(
            urls,
            clock,
            chain=f"solana:{cluster}",
            lag_max=lag_blocks_max,
            lag_s_max=lag_s_max,
            timeout_s=timeout_s,
            survey_ttl_s=survey_ttl_s,
            grace_s=grace_s,
            quorum=quorum,
            health=health,
        )
        self.cluster: Final = cluster
        self._genesis_hash = genesis_hash or GENESIS_HASHES.get(cluster)

    # What any one endpoint may tell.

    def height(self, commitment: str = "finalized") -> int:
        """The block height, which counts blocks and leaves out skipped slots."""
        return self.told_one("getBlockHeight", [{"commitment": commitment}], int)

    def slot(self, commitment: str = "finalized") -> int:
        """The newest slot of that commitment."""
        return self.told_one("getSlot", [{"commitment": commitment}], int)

    def block_time_s(self, slot: int) -> int | None:
        """The Unix time at which the cluster made a block, by its own estimate."""
        return self.told_one("getBlockTime", [slot], lambda found: None if found is None else int(found))

    def statuses(self, signatures: Sequence[str], *, search_history: bool = True) -> list[SignatureStatus | None]:
        """What one endpoint knows of each signature; None where it knows nothing, which proves nothing."""
        found: list[SignatureStatus | None] = []
        for asked in chunks(signatures, STATUSES_MAX):
            question = statuses_asked(asked, search_history=search_history)
            found += self.told_one("getSignatureStatuses", question, partial(statuses_told, count=len(asked)))
        return found

    def prospect(
        self, writable_accounts: Sequence[str], raw: bytes | None = None, *, replace_blockhash: bool = True
    ) -> Prospect:
        """What a signature needs to know: of one node in one round trip, and then of all heads (`bounded`).

        raw: a transaction, signed or not, to be run on the node's state without being sent. Raises NoQuorum.
        """
        accounts = list(dict.fromkeys(writable_accounts))[:FEE_ACCOUNTS_MAX]
        calls: list[Call] = [blockhash_asked("confirmed"), ("getRecentPrioritizationFees", [accounts])]
        if raw is not None:
            options = {
                "encoding": "base64",
                "sigVerify": False,
                "replaceRecentBlockhash": replace_blockhash,
                "commitment": "confirmed",
            }
            calls.append(("simulateTransaction", [_base64(raw), options]))
        found = self.told(calls, _prospect)
        return replace(found, blockhash=self.bounded(found.blockhash))

    def balance_lamports(self, address: str, commitment: str = "finalized") -> int:
        """The balance of an account; 0 when there is none."""
        return self.told_one("getBalance", [address, {"commitment": commitment}], lambda found: int(found["value"]))

    def account(self, address: str, commitment: str = "confirmed") -> AccountState | None:
        """The account, or None when there is none."""
        return self.told_one("getAccountInfo", account_asked(address, commitment), AccountState.from_rpc)

    def lookup_table(self, address: str) -> tuple[str, ...]:
        """The addresses in a lookup table that a transaction may use now. Raises AccountUnfit."""
        return table_of(address, self.account(address))

    def nonce_account(self, address: str, commitment: str = "confirmed") -> NonceState:
        """What a nonce account holds. Raises AccountUnfit."""
        return nonce_of(address, self.account(address, commitment))

    def signatures_for(
        self,
        address: str,
        *,
        until: str | None = None,
        before: str | None = None,
        limit: int = SIGNATURES_MAX,
        commitment: str = "finalized",
    ) -> list[SignatureSeen]:
        """The address's transactions, newest first: older than `before`, newer than `until`."""
        wanted = {"limit": limit, "commitment": commitment, "until": until, "before": before}
        options = {name: value for name, value in wanted.items() if value is not None}
        return self.told_one(
            "getSignaturesForAddress", [address, options], lambda found: [SignatureSeen.from_rpc(one) for one in found]
        )

    def transaction(self, signature: str, commitment: str = "confirmed") -> ConfirmedTransaction | None:
        """What a transaction did; None while one endpoint knows no such transaction of that commitment."""
        options = {"encoding": "json", "commitment": commitment, "maxSupportedTransactionVersion": 0}
        return self.told_one(
            "getTransaction",
            [signature, options],
            lambda found: None if found is None else ConfirmedTransaction.from_rpc(found),
        )

    # What goes to all of them.

    def broadcast(self, raw: bytes, *, max_retries: int = 0, skip_preflight: bool = True) -> list[Delivery]:
        """Send signed bytes to every endpoint of the right cluster, and collect the answers that come in time.

        max_retries: how often an endpoint repeats them by itself; sending again is our business. Raises only
        WrongChain, and RpcUnavailable when no endpoint has ever proved to be of the right cluster.
        """
        options = {
            "encoding": "base64",
            "skipPreflight": skip_preflight,
            "preflightCommitment": "confirmed",  # the blockhash's own: a finalized bank does not know it yet
            "maxRetries": max_retries,
        }
        return self.deliver(lambda endpoint: _delivery(endpoint, [_base64(raw), options]))

    def _is_the_chain(self, endpoint: Endpoint) -> bool:
        named = endpoint.call("getGenesisHash", [])
        if self._genesis_hash is None:
            return isinstance(named, str) and named not in GENESIS_HASHES.values()
        return bool(named == self._genesis_hash)

    def _sight(self, endpoint: Endpoint) -> Sight:
        slot = int(endpoint.call("getSlot", [{"commitment": "confirmed"}]))
        height = int(endpoint.call("getBlockHeight", [{"commitment": "confirmed"}]))
        return Sight(height, _time_s(endpoint, slot))

    def _whose(self) -> dict[str, Any]:
        return {"cluster": self.cluster}


def _prospect(answers: Sequence[Any]) -> Prospect:
    blockhash, fees, *run = answers
    return Prospect(
        blockhash=blockhash_told(blockhash),
        recent_fees=tuple(int(one["prioritizationFee"]) for one in fees),
        simulation=_simulation(run[0]["value"]) if run else NOT_SIMULATED,
    )


def _simulation(found: Any) -> Simulation:
    return Simulation(
        units=int(found.get("unitsConsumed") or 0), error=found["err"], logs=tuple(found.get("logs") or ())
    )


def _time_s(endpoint: Endpoint, slot: int) -> float | None:
    """When the block of a slot was made; None for a skipped slot, which has no time."""
    try:
        told = endpoint.call("getBlockTime", [slot])
    except RpcRefused:
        return None
    return None if told is None else float(told)


def _delivery(endpoint: Endpoint, params: Sequence[Any]) -> Delivery | None:
    try:
        endpoint.call("sendTransaction", params)
    except RpcRefused as refused:
        meaning = meaning_of(refused.words, refused.rpc_code)
        return Delivery(
            endpoint=endpoint.name, accepted=meaning == Refusal.KNOWN, refusal=meaning, words=refused.words[:512]
        )
    except EndpointUnavailable:
        return None
    return Delivery(endpoint=endpoint.name, accepted=True)


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
