"""Takes over wallets whose keys were kept in the earlier form: opened once, compared with their address, sealed anew.

Such a wallet is never given to a contest: somebody else may have its key.
"""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import SecretBytes

from functions.contests.adapters.wallets import KEY_PURPOSE, Q
from functions.contests.core.legacy_wallet import LegacyWallet
from kernel.clock import Clock
from kernel.errors import Rejected
from kernel.keys.vault import Vault
from kernel.postgres import Postgres


class LegacyWalletUnopened(Rejected):
    """A wallet's earlier ciphertext does not open as its key."""

    status = 422
    cause = "It was made under another key, was changed, or is the ciphertext of another wallet."
    remedy = "Compare the encryption key; take the wallet's row from a backup of the earlier database."
    example = '{"address": "4Nd1mBQtrMJVYVfKf2PJy9NZUZdTAsp7D4xWLs4gDB4T"}'


@dataclass(frozen=True, slots=True)
class TakenOver:
    """A wallet whose key is in the vault; `is_new` when it was not before."""

    address: str
    is_new: bool


class LegacyWallets:
    """The way from the earlier form into the vault."""

    def __init__(self, postgres: Postgres, vault: Vault, clock: Clock, *, key: SecretBytes, chain: str) -> None:
        """key: the 32 bytes under which all of them were encrypted."""
        self._postgres, self._vault, self._clock = postgres, vault, clock
        self._key, self._chain = key, chain

    def take_over(self, wallet: LegacyWallet, *, actor: str) -> TakenOver:
        """Seal a wallet's key under KMS and keep it; again changes nothing.

        Raises LegacyWalletUnopened, KeyUnavailable, KeyServiceUnavailable.
        """
        seed = self._opened(wallet)
        sealing = self._vault.seal(seed.get_secret_value(), purpose=KEY_PURPOSE, chain=self._chain)
        if sealing.address != wallet.address:
            raise LegacyWalletUnopened(address=wallet.address)
        with self._postgres.transaction() as tx:
            row = {"address": sealing.address, "origin": "legacy", "contest_id": None, "assigned_at": None}
            tx.execute(Q["add_wallet"], **row, now=self._clock.now())
            is_new = self._vault.store(tx, sealing, actor=actor)
        return TakenOver(wallet.address, is_new)

    def _opened(self, wallet: LegacyWallet) -> SecretBytes:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        cipher = AESGCM(self._key.get_secret_value())
        try:
            return SecretBytes(cipher.decrypt(wallet.iv, wallet.encrypted + wallet.tag, wallet.aad))
        except InvalidTag:
            raise LegacyWalletUnopened(address=wallet.address) from None
