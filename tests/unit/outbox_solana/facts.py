"""Entries, payloads and sightings that the tests of the Solana decision change by a field or two."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from kernel.outbox.solana.decision import Sighting, SolanaPolicy
from kernel.outbox.solana.entries import Purpose, SignedPayload, SolanaEntry
from kernel.outbox.solana.lifecycle import State
from kernel.solana.fees import SolanaFeePolicy
from kernel.solana.statuses import Confirmation, SignatureStatus
from kernel.solana.transactions import system_transfer

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
PRICE_CAP = 1_000_000
POLICY = SolanaPolicy(fees=SolanaFeePolicy(price_floor=100, price_cap=PRICE_CAP))
PAYER = "4Nd1mBQtrMJVYVfKf2PJy9NZUZdTAsp7D4xWLs4gDB4T"
RECEIVER = "8pM1DN3RiT8vbom5u1sNryaNT1nyL8CTTW3b5PwWXRBH"
NONCE = "7Np41oeYqPefeNQEHSv1UDhYrehxin3NStELsSKCT4K2"
LAST_VALID = 1_000


def payload(ordinal: int = 1, **changes: Any) -> SignedPayload:
    base = SignedPayload(
        ordinal=ordinal,
        purpose=Purpose.EFFECT,
        raw=bytes([ordinal]),
        signature=f"signature-{ordinal}",
        blockhash=f"hash-{ordinal}",
        last_valid_block_height=LAST_VALID,
        durable_nonce=None,
        outlived_at_height=None,
        unit_limit=1_000,
        unit_price=200,
        signed_at_slot=860,
        signed_at=NOW,
        sent_at=NOW,
        accepted_at=NOW,
        refusal=None,
    )
    return replace(base, **changes)


def durable(ordinal: int = 1, **changes: Any) -> SignedPayload:
    """A payload over the durable nonce, whose value is "hash-1" unless told otherwise."""
    return payload(
        ordinal, **{"blockhash": "hash-1", "last_valid_block_height": None, "durable_nonce": NONCE, **changes}
    )


def entry(*payloads: SignedPayload, **changes: Any) -> SolanaEntry:
    base = SolanaEntry(
        id=UUID(int=1),
        business_key="pay-1",
        service="netting",
        cluster="localnet",
        payer=PAYER,
        signers=(),
        instructions=(system_transfer(PAYER, RECEIVER, 7),),
        lookup_tables=(),
        compute_unit_limit=None,
        durable_nonce=payloads[0].durable_nonce if payloads else None,
        valid_until=None,
        state=State.BROADCAST if payloads else State.RECORDED,
        reason=None,
        signature=None,
        slot=None,
        fee_lamports=None,
        spent_lamports=None,
        error=None,
        alarm=None,
        recorded_at=NOW,
        settled_at=None,
        payloads=payloads,
    )
    return replace(base, **changes)


def sighting(**changes: Any) -> Sighting:
    return replace(Sighting(now=NOW, finalized_height=900), **changes)


def status(confirmation: str, error: Any = None) -> SignatureStatus:
    return SignatureStatus(slot=950, confirmation=Confirmation(confirmation), error=error)
