"""What the faucet answers over HTTP."""

from datetime import datetime
from uuid import UUID

from functions.contests.adapters.faucet import FaucetTransfer
from functions.contests.adapters.forms import Address
from kernel.handler.http import Document


class FaucetRequest(Document):
    """Who should get test lamports."""

    address: Address


class FaucetGrant(Document):
    """What an address was granted; the state is its transaction's, from recorded to confirmed, failed or cancelled."""

    id: UUID
    address: str
    amount_lamports: str
    state: str
    signature: str | None
    asked_at: datetime
    settled_at: datetime | None


def grant_view(transfer: FaucetTransfer) -> FaucetGrant:
    """A grant as it is told."""
    return FaucetGrant(
        id=transfer.id,
        address=transfer.address,
        amount_lamports=str(transfer.lamports),
        state=transfer.state,
        signature=transfer.signature,
        asked_at=transfer.asked_at,
        settled_at=transfer.settled_at,
    )
