"""What an owner signs so that a session key may trade for it: a Sign-In-with-Solana text whose last line says what."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from infra.local.netting.wallets import Wallet
from kernel import siws

DOMAIN: Final = "localhost"
CLUSTER: Final = "localnet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """What a wallet lets its session key do: the text that it signed, and what that text says."""

    wallet: Wallet
    text: str
    signature: bytes
    max_volume_lamports: int
    expires_at: int


def permit(
    wallet: Wallet,
    *,
    max_volume_lamports: int,
    expires_at: int,
    issued_at: datetime | None = None,
    nonce: str = "local0nonce",
) -> Permit:
    """The text and its owner's signature; `expires_at` in Unix seconds."""
    issued = issued_at or datetime.now(UTC)
    text = siws.render(
        siws.Message(
            domain=DOMAIN,
            address=wallet.address,
            statement="Let this key trade for me.",
            uri=f"https://{DOMAIN}",
            chain_id=CLUSTER,
            nonce=nonce,
            issued_at=f"{issued:%Y-%m-%dT%H:%M:%SZ}",
            resources=(f"counterpart:session:{wallet.session.address}:{max_volume_lamports}:{expires_at}",),
        )
    )
    return Permit(
        wallet=wallet,
        text=text,
        signature=wallet.signer.sign_message(text.encode()),
        max_volume_lamports=max_volume_lamports,
        expires_at=expires_at,
    )
