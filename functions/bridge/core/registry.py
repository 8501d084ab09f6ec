"""Owns the bytes of both generations of the payment registry: keys, calls and events.

                 v1                                              v2
    chain        enumeration: Starknet 0, zkSync 1               chain id: zkSync 324, Starknet 0x534e5f4d41494e
    recipient    a word                                          an address
    key          keccak(id 32 | recipient 32 | value 32 | 1)     keccak(id 32 | recipient 20 | value 32 | chain 16)
    transfers    (dest, amount, isUsed, chain)                   bool

The value of a payment is part of its key, so two payments of one order with different amounts are two payments to the
registry. Nothing but us keeps them from happening.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final

from kernel.abi import WordMalformed, address_of_word, address_word, uint_word, uint_words
from kernel.hashes import keccak256

STARKNET_CHAIN_ID: Final = 0x534E5F4D41494E
ZKSYNC_CHAIN_ID: Final = 324
_SELECTOR_SIZE_BYTES: Final = 4


class Version(IntEnum):
    """The generation of a registry."""

    V1 = 1
    V2 = 2


class Family(StrEnum):
    """How an origin is told of a payment."""

    STARKNET = "starknet"
    ZKSYNC = "zksync"


_CHAINS: Final = {
    (Version.V1, Family.STARKNET): 0,
    (Version.V1, Family.ZKSYNC): 1,
    (Version.V2, Family.STARKNET): STARKNET_CHAIN_ID,
    (Version.V2, Family.ZKSYNC): ZKSYNC_CHAIN_ID,
}
_CHAIN_SIZE_BYTES: Final = {Version.V1: 1, Version.V2: 16}

TRANSFER_EVENT: Final = {
    Version.V1: keccak256(b"Transfer(uint256,address,(uint256,uint256,bool,uint8))"),
    Version.V2: keccak256(b"Transfer(uint256,address,address,uint256,uint128)"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """One payment through the registry: what its key is made of. `chain` is the registry's own name of the origin."""

    order_id: int
    recipient: str
    amount_wei: int
    chain: int


@dataclass(frozen=True, slots=True, kw_only=True)
class L2Gas:
    """What a call on zkSync may use, as the registry hands it on."""

    limit: int
    per_pubdata_byte: int


def chain_of(version: int, family: Family) -> int:
    """What a registry calls an origin of this family."""
    return _CHAINS[Version(version), family]


def transfer_key(version: int, order_id: int, recipient: str, amount_wei: int, chain: int) -> bytes:
    """The 32 bytes under which a registry remembers a payment. Raises OverflowError for numbers past their field."""
    version = Version(version)
    recipient_word = address_word(recipient)
    packed_recipient = recipient_word if version == Version.V1 else recipient_word[-20:]
    packed_chain = chain.to_bytes(_CHAIN_SIZE_BYTES[version], "big")
    return keccak256(uint_word(order_id) + packed_recipient + uint_word(amount_wei) + packed_chain)


def transfer_call(version: int, payment: Payment) -> bytes:
    """The calldata that pays; the transaction's value is the amount."""
    name = "transfer(uint256,uint256,uint8)" if version == Version.V1 else "transfer(uint256,address,uint128)"
    # A field that is too narrow for the chain is refused here, not by the node.
    payment.chain.to_bytes(_CHAIN_SIZE_BYTES[Version(version)], "big")
    return _call(name, uint_word(payment.order_id), address_word(payment.recipient), uint_word(payment.chain))


def transfers_call(key: bytes) -> bytes:
    """The calldata that asks for a payment by its key; both generations have it."""
    return _call("transfers(bytes32)", key)


def is_paid(version: int, answer: bytes) -> bool:
    """Whether the registry's answer says that there was such a payment. Raises WordMalformed."""
    if version == Version.V1:
        _, _, used, _ = uint_words(answer, 4)
    else:
        [used] = uint_words(answer, 1)
    return used != 0


def claim_call(version: int, family: Family, payments: Sequence[Payment], gas: L2Gas | None = None) -> bytes:
    """The calldata that has the origin's escrow repay these payments; several at once only with v2.

    gas: for zkSync. Raises ValueError where the registry has no such call.
    """
    if not payments or (family == Family.ZKSYNC) != (gas is not None) or (version == Version.V1 and len(payments) > 1):
        raise ValueError("the registry has no such claim")
    name = _CLAIM_NAMES[Version(version), family]
    limits = b"" if gas is None else uint_word(gas.limit) + uint_word(gas.per_pubdata_byte)
    if len(payments) > 1:
        return _batch_call(name, payments, limits, gas is not None)
    [payment] = payments
    recipient = "uint256" if version == Version.V1 else "address"
    types = f"uint256,{recipient},uint256" + (",uint256,uint256" if gas is not None else "")
    words = uint_word(payment.order_id) + address_word(payment.recipient) + uint_word(payment.amount_wei)
    return _call(f"{name}({types})", words, limits)


def decode_transfer(version: int, topics: Sequence[bytes], data: bytes) -> tuple[Payment, str]:
    """The payment in a Transfer event, and who made it. Raises WordMalformed for an event of something else."""
    if len(topics) != 2 or topics[0] != TRANSFER_EVENT[Version(version)]:
        raise WordMalformed("no Transfer event of this registry")
    order_id = int.from_bytes(topics[1], "big")
    if version == Version.V1:
        payer, recipient, amount_wei, _, chain = uint_words(data, 5)
    else:
        payer, recipient, amount_wei, chain = uint_words(data, 4)
    paid = Payment(order_id=order_id, recipient=address_of_word(recipient), amount_wei=amount_wei, chain=chain)
    return paid, address_of_word(payer)


_CLAIM_NAMES: Final = {
    (Version.V1, Family.STARKNET): "claimPayment",
    (Version.V1, Family.ZKSYNC): "claimPaymentZKSync",
    (Version.V2, Family.STARKNET): "claimPaymentStarknet",
    (Version.V2, Family.ZKSYNC): "claimPaymentZKSync",
}


def _batch_call(name: str, payments: Sequence[Payment], limits: bytes, with_gas: bool) -> bytes:
    name = name.replace("claimPayment", "claimPaymentBatch")
    types = "uint256[],address[],uint256[]" + (",uint256,uint256" if with_gas else "")
    lists = [
        b"".join([uint_word(len(payments)), *words])
        for words in (
            [uint_word(payment.order_id) for payment in payments],
            [address_word(payment.recipient) for payment in payments],
            [uint_word(payment.amount_wei) for payment in payments],
        )
    ]
    head_size = 3 * 32 + len(limits)
    offsets = [uint_word(head_size + sum(map(len, lists[:nth]))) for nth in range(3)]
    return _call(f"{name}({types})", *offsets, limits, *lists)


def _call(signature: str, *words: bytes) -> bytes:
    return keccak256(signature.encode())[:_SELECTOR_SIZE_BYTES] + b"".join(words)
