"""Owns the EIP-1559 transaction: the unsigned payload, its digest, and the signed bytes with their hash.

The encoding is spelled out over `rlp` rather than left to `eth_account`, because the digest must exist on its own:
a KMS or a hardware wallet signs digests and never hands out a key. (It also keeps 0.4 s of cold start away; the tests
compare every byte with eth_account.)

    digest = keccak256(0x02 ‖ rlp([chain id, nonce, tip, max fee, gas, to, value, data, access list]))
    signed =           0x02 ‖ rlp([… the same nine …, y parity, r, s])          hash = keccak256(signed)
"""

from dataclasses import dataclass
from typing import Final, NamedTuple, Self

from kernel.errors import Broken
from kernel.evm.addresses import AddressInvalid, address_bytes, address_of, checksum
from kernel.evm.fees import Fees
from kernel.hashes import keccak256

DYNAMIC_FEE_TYPE: Final = b"\x02"
TRANSFER_GAS: Final = 21_000
SECP256K1_ORDER: Final = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141


class SignatureMismatch(Broken):
    """A signature does not belong to the signer that gave it."""

    cause = "The address recovered from the signature differs from the signer's own, or s is in the upper half."
    remedy = "Check which key the signer really holds; nothing was sent."


class Signature(NamedTuple):
    """A secp256k1 signature as contracts take it: v is 27 or 28, s in the lower half of the order (EIP-2)."""

    v: int
    r: int
    s: int

    @property
    def y_parity(self) -> int:
        """The recovery id: 0 or 1."""
        return self.v - 27

    def to_bytes(self) -> bytes:
        """r ‖ s ‖ v, 65 bytes, the order of eth_sign and ecrecover wrappers."""
        return self.r.to_bytes(32, "big") + self.s.to_bytes(32, "big") + bytes([self.v])


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsignedTransaction:
    """What the signer agrees to. Amounts in wei, fees in wei per gas; `to` in any accepted form."""

    chain_id: int
    nonce: int
    to: str
    value_wei: int
    data: bytes
    gas_limit: int
    fees: Fees

    def __post_init__(self) -> None:
        if self.chain_id <= 0 or self.nonce < 0 or self.value_wei < 0 or self.gas_limit < TRANSFER_GAS:
            raise ValueError(f"no node would take this transaction: {self}")

    @classmethod
    def from_bytes(cls, encoded: bytes) -> Self:
        """The transaction that `to_bytes` wrote. Raises ValueError for anything else."""
        import rlp  # type: ignore[import-untyped]  # the library has no annotations

        try:
            fields = rlp.decode(encoded.removeprefix(DYNAMIC_FEE_TYPE))
            chain_id, nonce, tip, max_fee, gas = (int.from_bytes(field, "big") for field in fields[:5])
            transaction = cls(
                chain_id=chain_id,
                nonce=nonce,
                to=checksum("0x" + fields[5].hex()),
                value_wei=int.from_bytes(fields[6], "big"),
                data=fields[7],
                gas_limit=gas,
                fees=Fees(max_fee_wei=max_fee, tip_wei=tip),
            )
        except (rlp.DecodingError, AddressInvalid, IndexError, TypeError, AttributeError) as malformed:
            raise ValueError("these bytes are no unsigned transaction") from malformed
        if transaction.to_bytes() != encoded:
            raise ValueError("these bytes are no unsigned transaction as we write it")
        return transaction

    def to_bytes(self) -> bytes:
        """What is hashed and signed, whole: what an outside signer is shown."""
        import rlp

        return DYNAMIC_FEE_TYPE + bytes(rlp.encode(self._fields()))

    def digest(self) -> bytes:
        """The 32 bytes to sign."""
        return keccak256(self.to_bytes())

    def with_signature(self, signature: Signature) -> "SignedTransaction":
        """The bytes to send and the hash they will be known by."""
        import rlp

        fields = [*self._fields(), signature.y_parity, signature.r, signature.s]
        raw = DYNAMIC_FEE_TYPE + bytes(rlp.encode(fields))
        return SignedTransaction(raw=raw, hash=keccak256(raw), payload=self)

    def _fields(self) -> list[object]:
        return [
            self.chain_id,
            self.nonce,
            self.fees.tip_wei,
            self.fees.max_fee_wei,
            self.gas_limit,
            address_bytes(self.to),
            self.value_wei,
            self.data,
            [],  # No access list: it pays only for contracts that read many foreign slots.
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedTransaction:
    """Bytes that any node accepts, their 32-byte hash, and what was really signed.

    `payload` may carry other fees than were asked for: somebody who signs by hand answers an earlier request.
    """

    raw: bytes
    hash: bytes
    payload: UnsignedTransaction


def recovered_address(digest: bytes, signature: Signature) -> str:
    """Whose signature this is. Raises SignatureMismatch when it is nobody's."""
    import coincurve

    compact = signature.r.to_bytes(32, "big") + signature.s.to_bytes(32, "big") + bytes([signature.y_parity])
    try:
        key = coincurve.PublicKey.from_signature_and_message(compact, digest, hasher=None)
    except ValueError as unrecoverable:
        raise SignatureMismatch from unrecoverable
    return address_of(key.format(compressed=False))


def verify_signature(digest: bytes, signature: Signature, address: str) -> None:
    """Raises SignatureMismatch unless `address` gave this signature, in its low-s form."""
    if signature.v not in {27, 28} or not 0 < signature.s <= SECP256K1_ORDER // 2:
        raise SignatureMismatch(address=address, v=signature.v)
    recovered = recovered_address(digest, signature)
    if recovered != address:
        raise SignatureMismatch(address=address, recovered=recovered)
