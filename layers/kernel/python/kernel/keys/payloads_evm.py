"""Owns what an outside signer is shown of an EVM transaction, and how the answer is checked."""

from typing import Any, Final

from kernel.evm.transactions import Signature, SignatureMismatch, UnsignedTransaction, verify_signature
from kernel.hashes import keccak256
from kernel.keys.requests import Answer, Asked, SignatureRefused, SignatureRequest

SIGNATURE_SIZE_BYTES: Final = 65
_SELECTOR_SIZE_BYTES: Final = 4
_V: Final = {0: 27, 1: 28, 27: 27, 28: 28}


def asked(payload: UnsignedTransaction, address: str) -> Asked:
    """The request for a transaction; its slot is the nonce."""
    encoded = payload.to_bytes()
    return Asked(
        chain=f"evm:{payload.chain_id}",
        address=address,
        slot=f"nonce:{payload.nonce}",
        payload=encoded,
        digest=keccak256(encoded),
        summary=summary(payload),
        chain_id=payload.chain_id,
        nonce=payload.nonce,
    )


def summary(payload: UnsignedTransaction) -> dict[str, Any]:
    """The transaction in words and numbers, for a person to compare with what the wallet shows. Amounts in wei."""
    fee_max_wei = payload.gas_limit * payload.fees.max_fee_wei
    selector = "0x" + payload.data[:_SELECTOR_SIZE_BYTES].hex() if payload.data else None
    act = f"call {selector} of" if selector else "send to"
    return {
        "sentence": f"On chain {payload.chain_id}, as number {payload.nonce}: {act} {payload.to} with "
        f"{payload.value_wei} wei, for at most {fee_max_wei} wei of fees.",
        "chain_id": payload.chain_id,
        "nonce": payload.nonce,
        "to": payload.to,
        "value_wei": str(payload.value_wei),
        "selector": selector,
        "data": "0x" + payload.data.hex(),
        "gas_limit": payload.gas_limit,
        "max_fee_per_gas_wei": str(payload.fees.max_fee_wei),
        "tip_per_gas_wei": str(payload.fees.tip_wei),
        "fee_max_wei": str(fee_max_wei),
    }


class EvmPayloads:
    """EVM transactions as outside signers answer them."""

    #: What is signed may be mined by whoever holds it, so an unknown signed transaction comes before any other wish.
    binds_slot = True

    def answer(self, request: SignatureRequest, signature: str) -> Answer:
        """r || s || v in hexadecimal, v as 0, 1, 27 or 28. Raises SignatureRefused."""
        payload = UnsignedTransaction.from_bytes(request.payload)
        given = _signature(signature, request)
        try:
            verify_signature(payload.digest(), given, request.address)
        except SignatureMismatch:
            raise SignatureRefused(id=str(request.id), address=request.address) from None
        return Answer(signature=given.to_bytes(), signed_hash=payload.with_signature(given).hash)

    def same_wish(self, one: bytes, other: bytes) -> bool:
        """The same effect, whatever it may cost."""
        first, second = UnsignedTransaction.from_bytes(one), UnsignedTransaction.from_bytes(other)
        return (first.to, first.value_wei, first.data) == (second.to, second.value_wei, second.data)


def signature_of(stored: bytes) -> Signature:
    """A stored answer as numbers."""
    return Signature(stored[64], int.from_bytes(stored[:32], "big"), int.from_bytes(stored[32:64], "big"))


def _signature(text: str, request: SignatureRequest) -> Signature:
    try:
        plain = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        plain = b""
    if len(plain) != SIGNATURE_SIZE_BYTES or plain[64] not in _V:
        raise SignatureRefused("A signature is r, s and v: 65 bytes in hexadecimal.", id=str(request.id))
    return signature_of(plain[:64] + bytes([_V[plain[64]]]))
