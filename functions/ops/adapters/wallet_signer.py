"""Owns who signs for an EVM wallet of the treasury: the vault where it keeps the key, else the person who holds it."""

from kernel.evm.transactions import Signature, SignedTransaction, UnsignedTransaction
from kernel.keys.evm import Signer
from kernel.keys.vault import KeyNotKept


class WalletSigner:
    """Asks the vault for each signature, so that a key sealed later is used from then on."""

    def __init__(self, kept: Signer, outside: Signer) -> None:
        self._kept, self._outside = kept, outside

    @property
    def address(self) -> str:
        return self._kept.address

    def sign_digest(self, digest: bytes) -> Signature:
        try:
            return self._kept.sign_digest(digest)
        except KeyNotKept:
            return self._outside.sign_digest(digest)

    def sign_transaction(self, payload: UnsignedTransaction) -> SignedTransaction:
        """Raises SignatureAwaited while the person has not signed in /v1/ops/signatures."""
        try:
            return self._kept.sign_transaction(payload)
        except KeyNotKept:
            return self._outside.sign_transaction(payload)
