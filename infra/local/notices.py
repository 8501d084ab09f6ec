"""The deliveries of webhooks as they are on the wire: payload, headers, and a genuine signature.

Made from what a node tells: logs as eth_getLogs, receipts and transactions as JSON-RPC have them.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from gpu.carrier import announcement

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Letter:
    """One delivery, ready to be posted to /hooks/<provider>."""

    provider: str
    headers: Mapping[str, str]
    body: bytes

    def forged(self) -> "Letter":
        """The same with one octet of the body changed and the signature as it was (Helius: another secret)."""
        if self.provider == "helius":
            return replace(self, headers={**self.headers, "authorization": secrets.token_hex(8)})
        return replace(self, body=self.body[:-1] + b" " + self.body[-1:])


@dataclass(frozen=True, slots=True, kw_only=True)
class Alchemy:
    """A custom webhook (`block`) or one of address activity, with its signing key."""

    key: str
    network: str

    def block(self, number: int, block_hash: str, logs: Sequence[Json], *, removed: bool = False) -> Letter:
        """The logs of one block, in the form of the query in functions/ops/README.md."""
        told = [
            {
                "data": log["data"],
                "topics": log["topics"],
                "index": int(log["logIndex"], 16),
                "account": {"address": log["address"]},
                "transaction": {"hash": log["transactionHash"], "status": 1},
            }
            | ({"removed": True} if removed else {})
            for log in logs
        ]
        block = {"hash": block_hash, "number": number, "logs": told}
        return self._letter("GRAPHQL", {"data": {"block": block}, "sequenceNumber": f"{number:020d}"})

    def activity(self, logs: Sequence[Json]) -> Letter:
        """Transfers of tokens, each with its log, and one of the chain's own coin."""
        activity: list[Json] = [
            {
                "fromAddress": "0x" + "11" * 20,
                "toAddress": log["address"],
                "blockNum": log["blockNumber"],
                "hash": log["transactionHash"],
                "category": "token",
                "rawContract": {"rawValue": log["data"], "address": log["address"]},
                "log": {"removed": False, **log},
            }
            for log in logs
        ]
        own_coin = {"category": "external", "asset": "ETH", "value": 0.1, "hash": "0x" + "22" * 32}
        return self._letter("ADDRESS_ACTIVITY", {"activity": [*activity, own_coin]})

    def _letter(self, kind: str, event: Json) -> Letter:
        payload = {
            "webhookId": "wh_local0000000000",
            "id": f"whevt_{secrets.token_hex(8)}",
            "createdAt": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
            "type": kind,
            "event": {"network": self.network, **event},
        }
        body = _octets(payload)
        return Letter("alchemy", _headers({"x-alchemy-signature": _hmac(self.key, body)}), body)


@dataclass(frozen=True, slots=True, kw_only=True)
class QuickNode:
    """A stream that puts its metadata into the body, with its security token."""

    token: str
    network: str

    def stream(self, blocks: Sequence[Sequence[Json]], now_s: float, *, dataset: str = "receipts") -> Letter:
        """Receipts or logs, a list for each block of a batch."""
        metadata = {"network": self.network, "dataset": dataset, "stream_id": "local", "keep_distance_from_tip": 0}
        return self.signed({"data": blocks, "metadata": metadata}, now_s)

    def signed(self, payload: Any, now_s: float) -> Letter:
        """Any payload, signed at this time."""
        body, nonce, time = _octets(payload), secrets.token_hex(16), str(int(now_s))
        signature = _hmac(self.token, (nonce + time).encode() + body)
        signs = {"x-qn-nonce": nonce, "x-qn-timestamp": time, "x-qn-signature": signature}
        return Letter("quicknode", _headers(signs), body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Helius:
    """A raw webhook with its authHeader."""

    secret: str

    def raw(self, transactions: Sequence[Json]) -> Letter:
        """Transactions as getTransaction tells them, plus what Helius adds."""
        told = [{**transaction, "indexWithinBlock": index} for index, transaction in enumerate(transactions)]
        return Letter("helius", _headers({"authorization": self.secret}), _octets(told))


@dataclass(frozen=True, slots=True, kw_only=True)
class Modal:
    """Our functions on Modal, with the secret that they sign with."""

    secret: str

    def ended(self, job_id: UUID, attempt: int, now_s: float) -> Letter:
        """That an attempt of a job is over, as the function itself says it."""
        headers, body = announcement({"job_id": str(job_id), "attempt": attempt}, self.secret, int(now_s))
        return Letter("modal", headers, body)


def _octets(payload: Any) -> bytes:
    return json.dumps(payload, separators=(",", ":")).encode()


def _headers(signs: Mapping[str, str]) -> dict[str, str]:
    return {"content-type": "application/json", **signs}


def _hmac(key: str, message: bytes) -> str:
    return hmac.new(key.encode(), message, hashlib.sha256).hexdigest()
