"""Owns signers outside of Counterpart: an operator's own or hardware wallet, whose key the server never holds.

An unsigned payload goes out as a request (`kernel.keys.requests`), a checked signature comes in by
`functions/ops/http_signatures`, and until then whoever needs it is told to wait. What was signed in the end may be an
earlier payload than the one asked for, at the fees of then: the signers say what it was.
"""

from kernel.errors import Broken
from kernel.evm.addresses import checksum
from kernel.evm.transactions import Signature, SignedTransaction, UnsignedTransaction, verify_signature
from kernel.keys import payloads_evm, payloads_solana
from kernel.keys.outside import Outside, SignatureAwaited
from kernel.keys.payloads_evm import EvmPayloads
from kernel.keys.payloads_solana import SolanaPayloads
from kernel.keys.requests import Asked, Payloads, SignatureRequest, SignatureRequests
from kernel.keys.solana import SignedMessage, checked_address, verify_message


class DigestsNotSigned(Broken):
    """An outside signer signs whole transactions, so that a person can read what they agree to."""

    cause = "Code asked an external signer for a signature over a bare digest."
    remedy = "Give that purpose a local, envelope or KMS signer."
    example = '{"address": "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23", "digest": "c0ffee"}'


class ExternalSigner(Outside):
    """An EVM address whose key is elsewhere."""

    __slots__ = ("_requests",)

    def __init__(self, requests: SignatureRequests, address: str) -> None:
        self._requests, self._address = requests, checksum(address)

    def sign_digest(self, digest: bytes) -> Signature:
        raise DigestsNotSigned(address=self._address, digest=digest.hex())

    def sign_transaction(self, payload: UnsignedTransaction) -> SignedTransaction:
        """What was signed for this nonce and is not stored by the outbox yet. Raises SignatureAwaited until then.

        It may carry other fees than `payload`, and another effect where that was signed before this one was wished
        for: look at the payload of what comes back.
        """
        request, stored = _answered(self._requests, payloads_evm.asked(payload, self._address), EVM)
        signed, signature = UnsignedTransaction.from_bytes(request.payload), payloads_evm.signature_of(stored)
        verify_signature(signed.digest(), signature, self._address)
        return signed.with_signature(signature)


class ExternalSolanaSigner(Outside):
    """A Solana address whose key is elsewhere; it signs messages that live by a durable nonce only."""

    __slots__ = ("_cluster", "_requests")

    def __init__(self, requests: SignatureRequests, address: str, *, cluster: str) -> None:
        self._requests, self._cluster = requests, cluster
        self._address = checked_address(address)

    def sign_message(self, message: bytes) -> bytes:
        """64 bytes over exactly this message. Raises SignatureAwaited while another one is signed."""
        signed = self.sign(message)
        if signed.message != message:
            raise SignatureAwaited("The outside signer signed an earlier message.", address=self._address)
        return signed.signature

    def sign(self, message: bytes) -> SignedMessage:
        """The message that was signed for this nonce, at the price of then. Raises SignatureAwaited until then."""
        request, signature = _answered(
            self._requests, payloads_solana.asked(message, self._address, self._cluster), SOLANA
        )
        verify_message(request.payload, signature, self._address)
        return SignedMessage(request.payload, signature)


EVM, SOLANA = EvmPayloads(), SolanaPayloads()


def payloads_of(chain: str) -> Payloads:
    """How payloads of this chain ("evm:1", "solana:mainnet") are answered."""
    return EVM if chain.startswith("evm:") else SOLANA


def _answered(requests: SignatureRequests, asked: Asked, payloads: Payloads) -> tuple[SignatureRequest, bytes]:
    request = requests.ask(asked, payloads)
    if request is None:
        raise SignatureAwaited(address=asked.address)
    if request.signature is None:
        raise SignatureAwaited(request_id=str(request.id), address=asked.address)
    return request, request.signature
